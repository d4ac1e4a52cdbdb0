/* hostile.c - cases that must be refused: see hostile.h. */
#include "hostile.h"

#include "../test.h"
#include "model/manifest.h"
#include "model/text.h"
#include "model/weights.h"

#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES ((size_t)64 << 20)

/* Sanitizers cost address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Of the processor, for one case: catches what does not end in the time a user waits, on a slow
 * or emulated processor too. The slowest case takes milliseconds; the last line prints it. */
static const double max_seconds = 10.0;

/* ---- bytes ----------------------------------------------------------------------------------- */

void put(Bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->room) {
        bytes->room = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->room);
        if (!bytes->data)
            exit(99);
    }
    if (size)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void put_text(Bytes *bytes, const char *text)
{
    put(bytes, text, strlen(text));
}

void put_fill(Bytes *bytes, char c, size_t count)
{
    while (count--)
        put(bytes, &c, 1);
}

void put_number(Bytes *bytes, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put(bytes, &(uint8_t){(uint8_t)(i < 8 ? value >> 8 * i : 0)}, 1);
}

void put_repeated(Bytes *bytes, const char *text, size_t count)
{
    while (count--)
        put_text(bytes, text);
}

void set_number(Bytes *bytes, size_t at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bytes->data[at + i] = (uint8_t)(value >> 8 * i);
}

uint64_t get_number(const Bytes *bytes, size_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes->data[at + i] << 8 * i;
    return value;
}

void clear(Bytes *bytes)
{
    free(bytes->data);
    *bytes = (Bytes){0};
}

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[200];

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status, (void)flag, (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    if (!*folder) {
        const char *place = getenv("TMPDIR");

        snprintf(folder, sizeof folder, "%s/codesrc-test-XXXXXX", place ? place : "/tmp");
        if (!mkdtemp(folder)) {
            perror(folder);
            exit(99);
        }
        atexit(remove_folder);
    }
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void write_file(const char *name, const void *data, size_t size)
{
    FILE *file;

    unlink(scratch(name)); /* a new file needs no flush */
    file = fopen(scratch(name), "wb");
    if (!file || (size && fwrite(data, 1, size, file) != size) || fclose(file)) {
        perror(name);
        exit(99);
    }
}

/* ---- time and memory ------------------------------------------------------------------------- */

static struct {
    unsigned cases, files;
    double slowest;
    size_t most;
    char slowest_name[120], most_name[120];
} figures;

static double processor_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A figure of /proc/self/status in bytes, or 0. */
static size_t status_figure(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    unsigned long long kilobytes = 0;
    char line[200];

    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, key, strlen(key)))
            sscanf(line + strlen(key), ": %llu", &kilobytes);
    }
    if (file)
        fclose(file);
    return (size_t)kilobytes << 10;
}

/* Resets the peak of memory; false if the system cannot. */
static bool reset_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    bool ok = file >= 0 && write(file, "5", 1) == 1;

    if (file >= 0)
        close(file);
    return ok;
}

/* Allocations beyond the bound fail, and the reader then reports CODESRC_NO_MEMORY, which no case
 * expects. */
static void bound_memory(bool on)
{
    struct rlimit limit;

    if (SANITIZED)
        return;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = on ? status_figure("VmSize") + MAX_BYTES : limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3;
    return hash;
}

static bool is_weight(const char *type)
{
    return *type == 'F' ? strncmp(type, "F8", 2) : !strcmp(type, "BF16");
}

static bool read_weights(const char *path, Outcome *outcome)
{
    CodeWeights *weights = code_weights_open(path, CODE_ROLE_VAR, &outcome->error);
    bool ok = weights != NULL;

    for (size_t i = 0; ok && i < code_weights_count(weights); i++) {
        const CodesrcTensorInfo *info = code_weights_at(weights, i);
        float *values = NULL;

        outcome->digest = mix(outcome->digest, info->name, strlen(info->name));
        outcome->values = mix(outcome->values, info->type, strlen(info->type));
        outcome->values = mix(outcome->values, info->dims, info->rank * sizeof *info->dims);
        if (!is_weight(info->type))
            continue;
        if (info->elements > ((size_t)1 << 26))
            break;
        values = malloc((size_t)info->elements * sizeof *values + 1);
        ok = values && code_weights_read(weights, info->name, info->rank, info->dims, values,
                                         &outcome->error);
        if (ok)
            outcome->values = mix(outcome->values, values, (size_t)info->elements * sizeof *values);
        free(values);
    }
    ok = ok && code_weights_unchanged(weights, &outcome->error);
    outcome->digest = mix(outcome->digest, &outcome->values, sizeof outcome->values);
    code_weights_close(weights);
    return ok;
}

static bool read_manifest(const char *path, Outcome *outcome)
{
    CodeManifest *manifest = code_manifest_read(path, &outcome->error);

    if (!manifest)
        return false;
    outcome->digest = mix(outcome->digest, manifest->name, strlen(manifest->name));
    outcome->digest = mix(outcome->digest, manifest->patch_nums, sizeof manifest->patch_nums);
    code_manifest_free(manifest);
    return true;
}

static bool read_model(const char *path, Outcome *outcome)
{
    CodesrcModelOptions options;
    CodesrcModel *model;

    codesrc_model_options_init(&options);
    options.device = "reference";
    options.headers_only = true;
    model = codesrc_model_open(path, &options, &outcome->error);
    codesrc_model_unref(model);
    return model != NULL;
}

/* One line, about this file, not empty and not cut. */
static void check_error(const char *path, const CodesrcError *error)
{
    const char *slash = strrchr(path, '/');
    size_t length = strlen(error->text);

    CHECK(error->status != CODESRC_OK, "%s: no status", path);
    CHECK(length && length < sizeof error->text - 1, "%s: '%s'", path, error->text);
    CHECK(code_text_plain(error->text, length), "%s: '%s' is no line of text", path, error->text);
    CHECK(strlen(path) > 150 || strstr(error->text, slash ? slash + 1 : path),
          "'%s' does not name the file %s", error->text, path);
}

Outcome read_case(CaseKind kind, const char *path)
{
    Outcome outcome = {.error = {.status = CODESRC_OK}};

    outcome.accepted = kind == CASE_WEIGHTS    ? read_weights(path, &outcome)
                       : kind == CASE_MANIFEST ? read_manifest(path, &outcome)
                                               : read_model(path, &outcome);
    return outcome;
}

Outcome try_file(CaseKind kind, const char *path)
{
    Outcome outcome;
    bool peak;
    size_t before, after;
    double begin;

    if (figures.files++ % 64 == 0)
        malloc_trim(0);
    peak = reset_peak();
    before = status_figure("VmRSS");
    bound_memory(true);
    begin = processor_time();
    outcome = read_case(kind, path);
    outcome.seconds = processor_time() - begin;
    bound_memory(false);
    after = status_figure("VmHWM");
    outcome.bytes = peak && after > before ? after - before : 0;
    if (!outcome.accepted)
        check_error(path, &outcome.error);
    CHECK(outcome.seconds < max_seconds, "%s: took %.3f s", path, outcome.seconds);
    CHECK(SANITIZED || outcome.bytes < MAX_BYTES, "%s: took %zu bytes", path, outcome.bytes);
    return outcome;
}

Outcome try_bytes(CaseKind kind, const char *name, const void *data, size_t size)
{
    write_file(name, data, size);
    return try_file(kind, scratch(name));
}

static void note_figures(const char *label, const Outcome *outcome)
{
    if (outcome->seconds > figures.slowest) {
        figures.slowest = outcome->seconds;
        snprintf(figures.slowest_name, sizeof figures.slowest_name, "%s", label);
    }
    if (outcome->bytes > figures.most) {
        figures.most = outcome->bytes;
        snprintf(figures.most_name, sizeof figures.most_name, "%s", label);
    }
}

/* ---- cases ----------------------------------------------------------------------------------- */

void expect_refused(CaseKind kind, const char *label, const char *name, CodesrcStatus status,
                    const char *text)
{
    Outcome outcome = try_file(kind, strchr(name, '/') ? name : scratch(name));
    const char *shown = outcome.accepted ? "accepted" : outcome.error.text;

    if (*folder && !strncmp(shown, folder, strlen(folder)))
        shown += strlen(folder) + 1;
    figures.cases++;
    note_figures(label, &outcome);
    printf("%-44s %s\n", label, shown);
    CHECK(!outcome.accepted, "%s: accepted", label);
    CHECK(outcome.accepted || outcome.error.status == status, "%s: status %d, expected %d", label,
          outcome.error.status, status);
    CHECK(outcome.accepted || strstr(outcome.error.text, text), "%s: expected '%s'", label, text);
}

void expect_accepted(CaseKind kind, const char *label, const char *name)
{
    Outcome outcome = try_file(kind, strchr(name, '/') ? name : scratch(name));

    figures.cases++;
    note_figures(label, &outcome);
    printf("%-44s %s\n", label, outcome.accepted ? "accepted" : outcome.error.text);
    CHECK(outcome.accepted, "%s: refused", label);
}

void refuse(CaseKind kind, const char *label, const char *name, Bytes *bytes, CodesrcStatus status,
            const char *text)
{
    write_file(name, bytes->data, bytes->size);
    clear(bytes);
    expect_refused(kind, label, name, status, text);
}

void allow(CaseKind kind, const char *label, const char *name, Bytes *bytes)
{
    write_file(name, bytes->data, bytes->size);
    clear(bytes);
    expect_accepted(kind, label, name);
}

void cut_everywhere(CaseKind kind, const char *label, const char *name, const Bytes *whole)
{
    unsigned accepted = 0;

    for (size_t size = 0; size < whole->size; size++) {
        Outcome outcome = try_bytes(kind, name, whole->data, size);

        note_figures(label, &outcome);
        accepted += outcome.accepted;
    }
    figures.cases++;
    printf("%-44s %zu lengths, %u accepted\n", label, whole->size, accepted);
    CHECK(kind == CASE_MANIFEST || !accepted, "%s: %u accepted", label, accepted);
}

void flip_everywhere(CaseKind kind, const char *label, const char *name, const Bytes *whole,
                     size_t from, size_t to, bool renamed)
{
    Outcome original = try_bytes(kind, name, whole->data, whole->size);
    unsigned refused = 0, same = 0, others = 0, wrong = 0;

    CHECK(original.accepted, "%s: %s", label, original.error.text);
    for (size_t bit = 8 * from; bit < 8 * to; bit++) {
        Outcome outcome;

        whole->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        outcome = try_bytes(kind, name, whole->data, whole->size);
        whole->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        note_figures(label, &outcome);
        if (!outcome.accepted) {
            refused++;
        } else if (outcome.digest == original.digest) {
            same++;
        } else if (renamed && outcome.values == original.values) {
            others++;
        } else {
            wrong++;
            if (kind == CASE_WEIGHTS)
                printf("bit %zu of byte %zu changes the values\n", bit % 8, bit / 8);
        }
    }
    figures.cases++;
    printf("%-44s %zu bits: %u refused, %u mean the same, %u rename a tensor, %u other\n", label,
           8 * (to - from), refused, same, others, wrong);
    CHECK(kind == CASE_MANIFEST || !wrong, "%s: %u flips change the values", label, wrong);
}

int cases_end(void)
{
    printf("%u cases, %u files; slowest %.2f ms (%s); most memory %.1f MiB (%s)\n", figures.cases,
           figures.files, figures.slowest * 1e3, figures.slowest_name,
           (double)figures.most / (1 << 20), figures.most_name);
    return test_failures != 0;
}
