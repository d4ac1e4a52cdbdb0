/* cases.h - every operation of a backend as a function from a shape and a seed to its results. */
#ifndef CODE_TESTS_KERNELS_CASES_H
#define CODE_TESTS_KERNELS_CASES_H

#include "side.h"

/* Every third row of a product's inputs: like the others, all equal, 0, far from 1, or with most of
 * its range above 0, as after GELU. */
typedef enum Inputs { NORMAL, CONSTANT, ZERO, HUGE, LOPSIDED } Inputs;

/* A shape that an operation is tested with: images `first` .. `first + images - 1` of an endless
 * row (the numbers of an image depend only on its own number) and the operation's own sizes. */
typedef struct Shape {
    unsigned images, first;
    union {
        unsigned words[7]; /* all of them, to seed random numbers with and to print */
        struct {
            unsigned rows, in, out; /* rows: of a lane, of which an image has two */
            CodeEpilogue epilogue;
            unsigned inputs; /* one of Inputs */
            unsigned no_bias, types;
        } linear;
        struct {
            unsigned rows, width;
        } modulate;
        struct {
            unsigned rows, heads, first, capacity;
            unsigned size; /* of the numbers: 0 as usual, 1 zero, 2 tiny, 3 huge */
            bool plain;    /* without norms */
        } heads;
        struct {
            unsigned rows, heads, capacity, layers, kept;
        } recall;
        struct {
            unsigned queries, keys, heads, dim;
            unsigned size; /* of the scores; 0: 1 */
        } attention;
        struct {
            unsigned rows, width, broadcast;
        } embed;
        struct {
            unsigned rows, width, branches;
        } guide;
        struct {
            unsigned rows, codes, scale;
            unsigned setting;  /* of image 0: settings_of() in cases_sample.c */
            unsigned channels; /* of look_up */
        } sample, look_up;
        struct {
            CodeResizeMode mode;
            unsigned in, out, channels; /* in, out: sides */
        } resize;
        struct {
            CodeWeightKind kind;
            unsigned side, in, out;
            unsigned add; /* 0 nothing, 1 another map, 2 y itself */
            unsigned bias, types;
        } conv;
        struct {
            unsigned positions, channels, masked;
        } accumulate;
        struct {
            unsigned positions, channels;
            unsigned t;        /* in eighths */
            unsigned opposite; /* position 0 of b is that of a, negated */
        } between;
        struct {
            unsigned positions, channels, groups, silu, in_place;
            unsigned mean; /* of the numbers */
        } group_norm;
        struct {
            unsigned side, pad; /* pad: bytes between rows; one image */
        } pixels;
        struct {
            unsigned side, pad;
            CodesrcFormat format;
            unsigned cosited; /* bit 0: columns, bit 1: rows */
            unsigned weights; /* a row of the table in run_frame() */
        } frame;
    };
} Shape;

/* The results: (images, size). Integers as floats. */
typedef struct Output {
    float *values;
    size_t size; /* of one image */
} Output;

/* "linear(3; 1 64 192 ...)" */
void describe_shape(const char *operation, const Shape *shape, char *text, size_t size);

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

/* Added to one of CodeTypes: a spec that is coarse, a convolution after a group norm with SiLU. */
enum { COARSE = 4, NORMED = 8 };
CodeWeightSpec spec_of(CodeWeightKind kind, unsigned in, unsigned out, unsigned types);

/* run_linear() and so on */
#define RUN_PROTOTYPE(name, Arguments)                                                             \
    void run_##name(Side *side, const Shape *shape, Output *output);

CODE_ALL_OPERATIONS(RUN_PROTOTYPE)

#endif
