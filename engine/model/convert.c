/* convert.c - writes a model to a new folder: a .safetensors file for each part, in the types
 * that a device keeps, and a manifest. */
#include "model/binder.h"

#include "error.h"
#include "line/line.h"
#include "model/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_NAME ".part-??????" /* behind the target's name, while it is being filled */

enum { PIECE = 1 << 20 }; /* floats at a time, or a row if that is longer */

static const char *const part_files[] = {CODE_VAE_FILE, CODE_DRAFTER_FILE, CODE_REFINER_FILE};

typedef struct Converter {
    const CodesrcModel *model;
    const CodesrcModelOptions *options;
    CodeSources sources;
    CodeInventory inventory;
    bool half;     /* write 16 bits for weights that a 16-bit device keeps in 16 bits */
    char *folder;  /* being filled; renamed once complete */
    int lock;      /* its descriptor, locked as long as this process lives; -1: none */
    float *values; /* one piece */
    size_t values_size;
    uint8_t *staging;
    uint64_t done, all; /* values */
    CodesrcError *error;
} Converter;

static uint64_t elements(const CodeListed *tensor)
{
    uint64_t count = 1;

    for (unsigned i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i];
    return count;
}

static unsigned element_size(const Converter *converter, const CodeListed *tensor)
{
    return converter->half && tensor->half ? 2 : 4;
}

/* Path of a file of the new model, for the caller to free; NULL without memory. */
static char *path_of(Converter *converter, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", converter->folder, name) >= 0)
        return path;
    code_fail(converter->error, CODESRC_NO_MEMORY, "no memory for a path");
    return NULL;
}

static bool fail_write(Converter *converter, const char *name)
{
    CodeReason reason;

    return code_fail(converter->error, CODESRC_FAILED, "%.*s/%s: cannot be written: %s",
                     CODE_CUT(converter->folder, 200), name, code_reason(&reason, errno));
}

/* ---- one file -------------------------------------------------------------------------------- */

static void write_entry(FILE *out, const CodeListed *tensor, const char *type, uint64_t begin,
                        uint64_t end)
{
    fprintf(out, "\"%s\":{\"dtype\":\"%s\",\"shape\":[", tensor->name, type);
    for (unsigned i = 0; i < tensor->rank; i++)
        fprintf(out, "%s%" PRIu64, i ? "," : "", tensor->dims[i]);
    fprintf(out, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin, end);
}

/* Length and header, padded so that values are aligned. Names of a model's tensors need no
 * escaping. */
static bool write_header(Converter *converter, FILE *out, unsigned part)
{
    char *header = NULL, length[8];
    size_t size = 0, padding;
    FILE *text = open_memstream(&header, &size);
    uint64_t at = 0;
    bool good;

    if (!text)
        return code_fail(converter->error, CODESRC_NO_MEMORY, "no memory for a header");
    for (size_t i = 0; i < converter->inventory.count; i++) {
        const CodeListed *tensor = &converter->inventory.all[i];
        unsigned bytes = element_size(converter, tensor);
        uint64_t end = at + bytes * elements(tensor);

        if (tensor->part != part)
            continue;
        putc(at ? ',' : '{', text);
        write_entry(text, tensor, bytes == 2 ? "BF16" : "F32", at, end);
        at = end;
    }
    putc('}', text);
    good = !ferror(text);
    if (fclose(text) || !good) {
        free(header);
        return code_fail(converter->error, CODESRC_NO_MEMORY, "no memory for a header");
    }
    padding = (64 - (size + 8) % 64) % 64;
    for (int i = 0; i < 8; i++)
        length[i] = (char)((uint64_t)(size + padding) >> 8 * i);
    good = fwrite(length, 1, sizeof length, out) == sizeof length &&
           fwrite(header, 1, size, out) == size;
    for (size_t i = 0; good && i < padding; i++)
        good = putc(' ', out) != EOF;
    if (!good)
        fail_write(converter, part_files[part]);
    free(header);
    return good;
}

/* Rounds to nearest, ties to even, in place. False if a value becomes infinite. */
static bool round_to_half(void *values, size_t count)
{
    uint16_t *to = values;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, (const char *)values + 4 * i, sizeof bits);
        bits += 0x7fff + (bits >> 16 & 1);
        if ((bits & 0x7F800000) == 0x7F800000)
            return false;
        memcpy(&to[i], (const uint16_t[]){(uint16_t)(bits >> 16)}, sizeof *to);
    }
    return true;
}

static bool report(Converter *converter, uint64_t count)
{
    converter->done += count;
    return !converter->options->progress ||
           converter->options->progress(converter->options->progress_user,
                                        (double)converter->done / (double)converter->all) ||
           code_fail(converter->error, CODESRC_CANCELLED, "converting was cancelled");
}

/* Writes values in little-endian order, the only one that the formats know. */
static bool write_tensor(Converter *converter, CodeWeights *weights, const CodeListed *tensor,
                         FILE *out)
{
    uint64_t row = elements(tensor) / tensor->dims[0], rows;
    unsigned bytes = element_size(converter, tensor);

    for (uint64_t first = 0; first < tensor->dims[0]; first += rows) {
        CodeRows piece = {tensor->name, tensor->rank, tensor->dims, first, 0};
        size_t count;

        rows = row < PIECE ? PIECE / row : 1;
        rows = rows < tensor->dims[0] - first ? rows : tensor->dims[0] - first;
        count = (size_t)(rows * row);
        piece.count = rows;
        if (!code_binder_grow(&converter->values, &converter->values_size, count,
                              converter->error) ||
            !code_weights_read_rows(weights, &piece, converter->staging, converter->values,
                                    converter->error))
            return false;
        if (bytes == 2 && !round_to_half(converter->values, count))
            return code_fail(converter->error, CODESRC_MISMATCH,
                             "%s: tensor '%s': found a value that is too large for bfloat16",
                             code_weights_name(weights), tensor->name);
        if (fwrite(converter->values, bytes, count, out) != count)
            return fail_write(converter, part_files[tensor->part]);
        if (!report(converter, count))
            return false;
    }
    return true;
}

static bool write_values(Converter *converter, CodeWeights *weights, FILE *out, unsigned part)
{
    if (!write_header(converter, out, part))
        return false;
    for (size_t i = 0; i < converter->inventory.count; i++)
        if (converter->inventory.all[i].part == part &&
            !write_tensor(converter, weights, &converter->inventory.all[i], out))
            return false;
    if (!code_weights_unchanged(weights, converter->error))
        return false;
    return (!fflush(out) && !fsync(fileno(out))) || fail_write(converter, part_files[part]);
}

static bool write_part(Converter *converter, CodeWeights *weights, unsigned part)
{
    char *path = path_of(converter, part_files[part]);
    FILE *out = path ? fopen(path, "wxe") : NULL;
    bool good = out ? write_values(converter, weights, out, part)
                    : path && fail_write(converter, part_files[part]);

    if (out && fclose(out) && good)
        good = fail_write(converter, part_files[part]);
    free(path);
    return good;
}

/* ---- the folder ------------------------------------------------------------------------------ */

static bool write_parts(Converter *converter)
{
    CodeWeights *weights[] = {converter->sources.vae, converter->sources.drafter,
                              converter->sources.refiner};

    for (size_t i = 0; i < converter->inventory.count; i++)
        converter->all += elements(&converter->inventory.all[i]);
    converter->staging = malloc(CODE_WEIGHTS_STAGING);
    if (!converter->staging)
        return code_fail(converter->error, CODESRC_NO_MEMORY, "no memory to read");
    for (unsigned part = 0; part < 3 && weights[part]; part++)
        if (!write_part(converter, weights[part], part))
            return false;
    return true;
}

static bool write_manifest(Converter *converter, const CodeManifestPair *pair, unsigned steps)
{
    const CodeShape *shape = &converter->model->shape;
    const CodeManifest *manifest = converter->model->manifest;
    char *path = path_of(converter, CODE_MANIFEST_FILE);
    char *names = manifest->names_apart ? path_of(converter, CODE_CLASSES_FILE) : NULL;
    CodesrcModelOptions options = {.device = "reference", .headers_only = true};
    CodesrcModel *again;
    bool good = path &&
                code_manifest_write(manifest, pair, shape->classes, shape->vae.groups, steps, path,
                                    converter->error) &&
                (!manifest->names_apart ||
                 (names && code_manifest_write_names(manifest, names, converter->error)));

    /* Read the new model back, so that no other reader finds a mistake first. */
    again = good ? codesrc_model_open(path, &options, converter->error) : NULL;
    good = again != NULL;
    codesrc_model_unref(again);
    free(names);
    free(path);
    return good;
}

/* `descriptor` is the folder's: nothing has to be opened. */
static void remove_folder(int descriptor, const char *folder)
{
    static const char *const files[] = {CODE_VAE_FILE, CODE_DRAFTER_FILE, CODE_REFINER_FILE,
                                        CODE_MANIFEST_FILE, CODE_CLASSES_FILE};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlinkat(descriptor, files[i], 0);
    rmdir(folder);
}

/* A folder as mkdtemp makes it, and of this user: nobody else's is removed for its name. */
static bool is_abandoned(int descriptor)
{
    struct stat status;

    return descriptor >= 0 && !fstat(descriptor, &status) && status.st_uid == geteuid() &&
           (status.st_mode & 0777) == 0700 && !flock(descriptor, LOCK_EX | LOCK_NB);
}

/* Removes what killed runs for the same folder left behind: nobody holds its lock any more. */
static void remove_abandoned(const char *folder)
{
    char *pattern = NULL;
    glob_t found = {0};

    if (asprintf(&pattern, "%s" PART_NAME, folder) < 0)
        return;
    if (!strpbrk(folder, "*?[\\") && !glob(pattern, 0, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int descriptor =
                open(found.gl_pathv[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            if (is_abandoned(descriptor))
                remove_folder(descriptor, found.gl_pathv[i]);
            if (descriptor >= 0)
                close(descriptor);
        }
    }
    globfree(&found);
    free(pattern);
}

/* So that the folder is there, and whole, after a crash of the machine. Some file systems have no
 * such thing for folders, and a folder may forbid to be read. */
static bool to_disk(const char *folder)
{
    char *parent = strdup(folder);
    int descriptor = parent ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool good = descriptor >= 0 ? !fsync(descriptor) || errno == EINVAL : errno == EACCES;

    if (descriptor >= 0)
        close(descriptor);
    free(parent);
    return good;
}

/* Fills a temporary folder next to the target, so that the target appears whole or not at all. */
static bool fill_folder(Converter *converter, unsigned steps, const char *folder)
{
    const CodeManifestPair *pair;
    CodeReason reason;

    if (!code_model_list((CodesrcModel *)converter->model, steps, &converter->inventory,
                         &converter->sources, &pair, converter->error) ||
        !write_parts(converter) || !write_manifest(converter, pair, steps))
        return false;
    if ((fsync(converter->lock) && errno != EINVAL) || chmod(converter->folder, 0755) ||
        rename(converter->folder, folder))
        return code_fail(converter->error, CODESRC_FAILED, "%.*s: cannot be made: %s",
                         CODE_CUT(folder, 200), code_reason(&reason, errno));
    /* From now on the folder stays, whatever fails. */
    free(converter->folder);
    converter->folder = NULL;
    return to_disk(folder) ||
           code_fail(converter->error, CODESRC_FAILED,
                     "%.*s: is complete, but may not survive a crash of the machine: %s",
                     CODE_CUT(folder, 200), code_reason(&reason, errno));
}

static bool make_folder(Converter *converter, const char *folder)
{
    struct stat status;
    CodeReason reason;

    if (!lstat(folder, &status))
        return code_fail(converter->error, CODESRC_SETTINGS,
                         "%.*s: exists already, expected the name of a new folder",
                         CODE_CUT(folder, 200));
    remove_abandoned(folder);
    if (asprintf(&converter->folder, "%s.part-XXXXXX", folder) < 0) {
        converter->folder = NULL;
        return code_fail(converter->error, CODESRC_NO_MEMORY, "no memory for a path");
    }
    if (mkdtemp(converter->folder)) {
        converter->lock = open(converter->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (converter->lock >= 0 &&
            (!flock(converter->lock, LOCK_EX | LOCK_NB) || errno == ENOLCK || errno == EOPNOTSUPP))
            return true;
        rmdir(converter->folder);
    }
    free(converter->folder);
    converter->folder = NULL;
    return code_fail(converter->error, CODESRC_FAILED, "%.*s: cannot be made: %s",
                     CODE_CUT(folder, 200), code_reason(&reason, errno));
}

/* A copy without the slashes at the end, so that a name next to it can be made; for the caller to
 * free. */
static char *without_slashes(const char *folder, CodesrcError *error)
{
    char *copy = strdup(folder);

    for (size_t end = copy ? strlen(copy) : 0; end > 1 && copy[end - 1] == '/'; end--)
        copy[end - 1] = '\0';
    if (!copy)
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a path");
    return copy;
}

bool codesrc_model_convert(const char *name, const CodesrcModelOptions *options, const char *folder,
                           CodesrcError *error)
{
    Converter converter = {.error = error, .lock = -1};
    CodesrcModelOptions defaults, headers;
    const char *precision;
    CodesrcModel *model;
    char *target;
    bool good;

    codesrc_model_options_init(&defaults);
    converter.options = options = options ? options : &defaults;
    precision = options->precision ? options->precision : "bf16";
    converter.half = strcmp(precision, "f32") != 0;
    headers = (CodesrcModelOptions){.device = "reference",
                                    .drafting_steps = options->drafting_steps,
                                    .headers_only = true,
                                    .keeps_refiner = true};
    if (strcmp(precision, "f32") && strcmp(precision, "bf16") && strcmp(precision, "auto"))
        return code_fail(error, CODESRC_SETTINGS,
                         "precision \"%.*s\": expected f32 or bf16, which files have",
                         CODE_CUT(precision, 40));
    target = without_slashes(folder, error);
    model = target ? codesrc_model_open(name, &headers, error) : NULL;
    if (!model) {
        free(target);
        return false;
    }
    converter.model = model;
    good = make_folder(&converter, target) &&
           fill_folder(&converter,
                       options->drafting_steps ? options->drafting_steps
                                               : model->info.defaults.drafting_steps,
                       target);
    if (!good && converter.folder)
        remove_folder(converter.lock, converter.folder);
    if (converter.lock >= 0)
        close(converter.lock);
    code_sources_close(&converter.sources);
    free(converter.inventory.all);
    free(converter.values);
    free(converter.staging);
    free(converter.folder);
    free(target);
    codesrc_model_unref(model);
    return good;
}
