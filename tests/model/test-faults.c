/* test-faults.c - memory that runs out and reads that fail, at the first, second, third ... time,
 * once and from then on: each gives one error and leaks nothing. malloc, calloc, realloc and pread
 * are replaced by the linker. Arguments: the folder of the checkpoints. */
#include "../test.h"
#include "hostile.h"
#include "model/manifest.h"
#include "model/weights.h"

#include <errno.h>
#include <sys/types.h>

typedef enum Fault { NONE, NO_MEMORY, READ_ERROR, READ_END, READ_SHORT } Fault;

static struct {
    Fault fault;
    unsigned calls, at; /* counted since arm() */
    bool for_ever, hit;
} plan;

static bool strikes(Fault kind)
{
    bool now;

    if (plan.fault != kind)
        return false;
    plan.calls++;
    now = plan.for_ever ? plan.calls >= plan.at : plan.calls == plan.at;
    plan.hit = plan.hit || now;
    return now;
}

static void arm(Fault fault, unsigned at, bool for_ever)
{
    plan.fault = fault;
    plan.calls = 0;
    plan.at = at;
    plan.for_ever = for_ever;
    plan.hit = false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
ssize_t __real_pread(int file, void *to, size_t size, off_t at);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
ssize_t __wrap_pread(int file, void *to, size_t size, off_t at);
ssize_t __wrap_pread64(int file, void *to, size_t size, off_t at);

void *__wrap_malloc(size_t size)
{
    return strikes(NO_MEMORY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return strikes(NO_MEMORY) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return strikes(NO_MEMORY) ? NULL : __real_realloc(memory, size);
}

/* Short reads and interrupted ones are no faults: the reader must go on. */
ssize_t __wrap_pread(int file, void *to, size_t size, off_t at)
{
    if (strikes(READ_ERROR)) {
        errno = EIO;
        return -1;
    }
    if (strikes(READ_END))
        return 0;
    if (plan.fault == READ_SHORT) {
        if (++plan.calls % 3 == 0) {
            errno = EINTR;
            return -1;
        }
        size = size > 7 ? size / 2 + 1 : size;
    }
    return __real_pread(file, to, size, at);
}

/* pread's name if files may be large. */
ssize_t __wrap_pread64(int file, void *to, size_t size, off_t at)
{
    return __wrap_pread(file, to, size, at);
}

/* ---- what is done under faults --------------------------------------------------------------- */

typedef bool (*Task)(const char *path, CodesrcError *error);

static bool read_weights(const char *path, CodesrcError *error)
{
    return codesrc_weights_inspect(path, true, NULL, NULL, error);
}

static bool read_manifest(const char *path, CodesrcError *error)
{
    CodeManifest *manifest = code_manifest_read(path, error);
    bool ok = manifest != NULL;

    code_manifest_free(manifest);
    return ok;
}

static void test_fault(const char *label, Task task, const char *path, Fault fault,
                       CodesrcStatus status)
{
    unsigned faults = 0;

    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (unsigned at = 1;; at++) {
            CodesrcError error = {.status = CODESRC_OK, .text = ""};
            bool ok;

            arm(fault, at, for_ever);
            ok = task(path, &error);
            plan.fault = NONE;
            if (!plan.hit) {
                CHECK(ok, "%s: %s", label, error.text);
                break;
            }
            CHECK(!ok && error.status == status && *error.text, "%s, fault %u: status %d, '%s'",
                  label, at, error.status, error.text);
            faults++;
        }
    }
    CHECK(faults, "%s: no fault struck", label);
    printf("%-44s %u faults\n", label, faults);
}

static void test_short_reads(const char *label, Task task, const char *path)
{
    CodesrcError error = {.text = ""};
    bool ok;

    arm(READ_SHORT, 0, true);
    ok = task(path, &error);
    CHECK(ok && plan.calls > 2, "%s: %s (%u reads)", label, error.text, plan.calls);
    printf("%-44s %u reads\n", label, plan.calls);
    plan.fault = NONE;
}

static void test_all(const char *name, Task task, const char *path)
{
    char label[100];

    snprintf(label, sizeof label, "%s: no memory", name);
    test_fault(label, task, path, NO_MEMORY, CODESRC_NO_MEMORY);
    snprintf(label, sizeof label, "%s: input errors", name);
    test_fault(label, task, path, READ_ERROR, CODESRC_TRUNCATED);
    snprintf(label, sizeof label, "%s: early end", name);
    test_fault(label, task, path, READ_END, CODESRC_TRUNCATED);
    snprintf(label, sizeof label, "%s: short and interrupted reads", name);
    test_short_reads(label, task, path);
}

int main(int argc, char **argv)
{
    static const char manifest[] =
        "name: m\npatch_nums: [1, 2]\nclass_names: [a, b]\nvae: {file: v}\n"
        "pairs: [{steps: 1, drafter: {file: d}, refiner: {file: r}}, {steps: 2, drafter: {file: "
        "e}}]\n";
    static const char *const names[] = {"micro-drafter.safetensors", "micro-drafter-views.pth",
                                        "micro-trainer.pth"};
    char path[500];

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER-OF-CHECKPOINTS\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]);
        test_all(names[i], read_weights, path);
    }
    write_file("case.yaml", manifest, sizeof manifest - 1);
    snprintf(path, sizeof path, "%s", scratch("case.yaml"));
    test_all("manifest", read_manifest, path);
    return test_end();
}
