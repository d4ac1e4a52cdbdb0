/* cases.h - every operation of a backend as a function from a shape and a seed to its results.
 */
#ifndef CODE_TESTS_KERNELS_CASES_H
#define CODE_TESTS_KERNELS_CASES_H

#include "side.h"

/* Images `first` .. `first + images - 1` of an endless row: what belongs to an image depends on its
 * number alone. The meaning of n is the case's own. */
typedef struct Shape {
    unsigned images, first;
    unsigned n[7];
} Shape;

/* The results: (images, size). Integers as floats. */
typedef struct Output {
    float *values;
    size_t size; /* of one image */
} Output;

typedef struct Case {
    const char *name; /* as in docs/numerics.md */
    void (*run)(Side *side, const Shape *shape, Output *output);
    const Shape *shapes; /* up to one without images */
    bool repeats;        /* the same case if activations are float32 */
} Case;

extern const Case cases[]; /* up to one without a name */

/* Runs an operation, first as a rehearsal, which ends as the engine's do. */
#define RUN(side, operation, args)                                                                 \
    do {                                                                                           \
        side_enter(side);                                                                          \
        (side)->stream->rehearsing = true;                                                         \
        CHECK((side)->backend->operation((side)->stream, args), "rehearsing on %s: %s",            \
              (side)->name, (side)->stream->error.text);                                           \
        CHECK(!(side)->backend->wait || (side)->backend->wait((side)->stream), "%s",               \
              (side)->name);                                                                       \
        (side)->stream->rehearsing = false;                                                        \
        CHECK((side)->backend->operation((side)->stream, args), "on %s: %s", (side)->name,         \
              (side)->stream->error.text);                                                         \
        side_leave(side);                                                                          \
    } while (0)

/* Numbers that belong to the operation (weights), and to image `image` of it. */
Random random_shared(const Shape *shape);
Random random_of(const Shape *shape, unsigned image);

/* (images, size) random numbers times scale, image by image; for free(). */
float *images_of(const Shape *shape, size_t size, float scale, unsigned salt);

/* The same on the device; of what belongs to the operation, `count`. */
float *upload_images(Side *side, const Shape *shape, size_t size, float scale, unsigned salt);
void *upload_activations(Side *side, const Shape *shape, size_t size, float scale, unsigned salt);
float *upload_shared(Side *side, const Shape *shape, size_t count, float scale, unsigned salt);

/* (images, size) numbers from the device */
void download(Side *side, const Shape *shape, const void *array, size_t size, Output *output);
void download_activations(Side *side, const Shape *shape, const void *array, size_t size,
                          Output *output);

/* The output of a product with that spec: its memory, filled with random numbers, and the
 * result. */
void *upload_outputs(Side *side, const Shape *shape, const CodeWeightSpec *spec, size_t size,
                     unsigned salt);
void download_outputs(Side *side, const Shape *shape, const CodeWeightSpec *spec, const void *array,
                      size_t size, Output *output);

/* Added to one of CodeTypes: a spec that is coarse. */
enum { COARSE = 4 };
CodeWeightSpec spec_of(CodeWeightKind kind, unsigned in, unsigned out, unsigned types);

void run_linear(Side *side, const Shape *shape, Output *output);
void run_modulate(Side *side, const Shape *shape, Output *output);
void run_heads(Side *side, const Shape *shape, Output *output);
void run_recall(Side *side, const Shape *shape, Output *output);
void run_attention(Side *side, const Shape *shape, Output *output);
void run_embed(Side *side, const Shape *shape, Output *output);
void run_guide(Side *side, const Shape *shape, Output *output);
void run_sample(Side *side, const Shape *shape, Output *output);
void run_look_up(Side *side, const Shape *shape, Output *output);
void run_resize(Side *side, const Shape *shape, Output *output);
void run_conv(Side *side, const Shape *shape, Output *output);
void run_accumulate(Side *side, const Shape *shape, Output *output);
void run_group_norm(Side *side, const Shape *shape, Output *output);
void run_pixels(Side *side, const Shape *shape, Output *output);
void run_frame(Side *side, const Shape *shape, Output *output);

#endif
