/* golden.h - a golden file in memory, and the parts shared by the `golden` program's files. */
#ifndef CODE_TESTS_GOLDEN_H
#define CODE_TESTS_GOLDEN_H

#include "codesrc.h"

#include <jansson.h>

/* ---- file.c: .safetensors with any types, and metadata of JSON values ------------------------ */

typedef struct GoldenFile {
    const char *path;
    json_t *header;
    unsigned char *data; /* the whole file */
    size_t start, size;  /* of the tensors' data */
} GoldenFile;

bool golden_open(GoldenFile *file, const char *path);
void golden_close(GoldenFile *file);
bool golden_has(const GoldenFile *file, const char *name);

/* Data of a tensor of that type and number of elements, or NULL with a message. */
const void *golden_tensor(const GoldenFile *file, const char *name, const char *type, size_t count);

/* A metadata value parsed as JSON (a new reference), or as a plain string if it is not JSON. */
json_t *golden_metadata(const GoldenFile *file, const char *key);

/* A metadata value that is a list of `count` whole numbers from 0 to 2^64 - 1, the upper half of
 * which jansson does not read. False, with a message, if it is anything else. */
bool golden_numbers(const GoldenFile *file, const char *key, uint64_t *numbers, unsigned count);

/* ---- golden.c -------------------------------------------------------------------------------- */

typedef struct GoldenOptions {
    const char *device, *precision;
    const char *model;    /* manifest to run the requests on, instead of the file's own weights */
    const char *numerics; /* docs/numerics.md */
    unsigned threads;
    CodesrcClassWeights class_weights;
} GoldenOptions;

/* Tolerance of one quantity, from the table in docs/numerics.md; negative if it has no row. */
double golden_tolerance(const GoldenOptions *options, const char *quantity, const char *precision,
                        const char *device);

/* Opens the model that a file was made with. */
CodesrcModel *golden_model(const GoldenFile *file, const GoldenOptions *options);

/* Prints why a model or device cannot be opened. If the processor lacks the precision, the run
 * counts as skipped. */
void golden_refused(const CodesrcError *error);

/* Prints "quantity error (allowed tolerance)" and returns whether it is within. */
bool golden_within(const GoldenOptions *options, const CodesrcModelInfo *info, const char *quantity,
                   double error);

/* Largest absolute difference; infinite if either value is not finite. */
double golden_difference(const float *a, const float *b, size_t count);

/* One line each, without the line end; true if all is within tolerances. */
bool golden_decode(const GoldenFile *file, const GoldenOptions *options);
bool golden_vae(const GoldenFile *file, const GoldenOptions *options);
bool golden_sampler(const GoldenFile *file, const GoldenOptions *options);

#endif
