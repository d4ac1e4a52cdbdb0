/* manifest_write.c - writes the manifest of a converted model: one pair, with files in the same
 * folder. */
#include "model/manifest.h"

#include "error.h"
#include "line/line.h"
#include "model/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Writes a one-line text that the reader has accepted: only two characters need escaping in
 * quotes. */
static void write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

/* A manifest's numbers have up to 15 digits and are exact as decimals. The locale does not
 * matter. */
static void write_real(FILE *out, double value)
{
    double power = 1;
    uint64_t digits;
    int decimals = 0;

    while (decimals < 15 && (double)(uint64_t)(value * power + 0.5) / power != value) {
        power *= 10;
        decimals++;
    }
    digits = (uint64_t)(value * power + 0.5);
    fprintf(out, "%" PRIu64, digits / (uint64_t)power);
    if (decimals)
        fprintf(out, ".%0*" PRIu64, decimals, digits % (uint64_t)power);
}

static void write_numbers(FILE *out, const unsigned *numbers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%u", i ? ", " : "[", numbers[i]);
    putc(']', out);
}

static void write_steps(FILE *out, uint32_t steps)
{
    const char *before = "[";

    for (unsigned n = 0; n < 32; n++)
        if (steps >> n & 1) {
            fprintf(out, "%s%u", before, n);
            before = ", ";
        }
    putc(']', out);
}

static void write_defaults(FILE *out, const CodeManifest *manifest, unsigned steps)
{
    const CodesrcSettings *settings = &manifest->defaults;

    fprintf(out, "defaults:\n  drafting_steps: %u\n  guidance: ", steps);
    write_real(out, settings->guidance);
    fprintf(out, "\n  top_k: %u\n  top_p: ", settings->top_k);
    write_real(out, settings->top_p);
    for (unsigned k = 0; k < manifest->scales; k++) {
        fputs(k ? ", " : "\n  temperature: [", out);
        write_real(out, settings->temperature[k]);
    }
    fputs("]\n", out);
}

static void write_class_names(FILE *out, const CodeManifest *manifest)
{
    if (!manifest->class_names)
        return;
    if (manifest->names_apart) {
        fputs("class_names: " CODE_CLASSES_FILE "\n", out);
        return;
    }
    for (unsigned i = 0; i < manifest->classes; i++) {
        fputs(i ? ", " : "class_names: [", out);
        write_text(out, manifest->class_names[i]);
    }
    fputs("]\n", out);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* A new file, or NULL. */
static FILE *begin(const char *path, CodesrcError *error)
{
    FILE *out = fopen(path, "wxe");
    CodeReason reason;

    if (!out)
        code_fail(error, CODESRC_FAILED, "%.*s: cannot be written: %s", CODE_CUT(path, 300),
                  code_reason(&reason, errno));
    errno = 0;
    return out;
}

static bool end(FILE *out, const char *path, CodesrcError *error)
{
    bool good = !ferror(out) && !fflush(out) && !fsync(fileno(out));
    CodeReason reason;

    return (!fclose(out) && good) || code_fail(error, CODESRC_FAILED, "%.*s: cannot be written: %s",
                                               CODE_CUT(path, 300), code_reason(&reason, errno));
}

bool code_manifest_write_names(const CodeManifest *manifest, const char *path, CodesrcError *error)
{
    FILE *out = begin(path, error);

    for (unsigned i = 0; out && i < manifest->classes; i++)
        fprintf(out, "%s\n", manifest->class_names[i]);
    return out && end(out, path, error);
}

bool code_manifest_write(const CodeManifest *manifest, const CodeManifestPair *pair,
                         unsigned classes, unsigned groups, unsigned steps, const char *path,
                         CodesrcError *error)
{
    FILE *out = begin(path, error);

    if (!out)
        return false;
    fputs("name: ", out);
    write_text(out, manifest->name);
    if (*manifest->description) {
        fputs("\ndescription: ", out);
        write_text(out, manifest->description);
    }
    if (*manifest->license) {
        fputs("\nlicense: ", out);
        write_text(out, manifest->license);
    }
    fputs("\npatch_nums: ", out);
    write_numbers(out, manifest->patch_nums, manifest->scales);
    fprintf(out, "\nclasses: %u\n", classes);
    write_class_names(out, manifest);
    fprintf(out, "vae: {file: " CODE_VAE_FILE ", groups: %u}\n", groups);
    fputs("drafter: {file: " CODE_DRAFTER_FILE ", steps: ", out);
    write_steps(out, pair->steps);
    fputs("}\n", out);
    if (pair->refiner.given)
        fputs("refiner: {file: " CODE_REFINER_FILE "}\n", out);
    write_defaults(out, manifest, steps);
    return end(out, path, error);
}
