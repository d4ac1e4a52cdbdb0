/* side.h - one side of a comparison: a backend's device and stream, and arrays on it between
 * guards. */
#ifndef CODE_TESTS_KERNELS_SIDE_H
#define CODE_TESTS_KERNELS_SIDE_H

#include "backend.h"

#include <stdint.h>

enum { SIDE_ARRAYS = 16, SIDE_WEIGHTS = 2 };

/* An array in device memory, with GUARD bytes before and after it. */
typedef struct Array {
    char *base;
    size_t begin, bytes; /* begin: in bytes from base */
} Array;

typedef struct Side {
    char name[40];
    const CodeBackend *backend;
    CodeDevice *device;
    CodeDeviceInfo info;
    const char *precision; /* of the comparison: the reference is given what its 16 bits leave */
    bool rounds;           /* coarse linear layers F32_TO_F32 work in 16 bits, as far as they may */
    CodeStream *stream;
    atomic_bool cancelled;
    int sums;      /* CpuLevel.sums */
    bool hostile;  /* operations are called with denormals off and rounding upwards */
    size_t offset; /* bytes by which arrays miss their alignment, a multiple of 4 */

    Array array[SIDE_ARRAYS];
    unsigned arrays;
    CodeWeight *weight[SIDE_WEIGHTS];
    unsigned weights;
} Side;

/* `level` is for CODESRC_CPU; NULL leaves the choice. The reference stays in float32 whatever the
 * precision, and is given rounded numbers. False, having printed why, on failure. */
bool side_open(Side *side, const CodeBackend *backend, const char *level, const char *precision,
               unsigned threads);
void side_close(Side *side);

/* Copies an array of 4-byte numbers to the device; NULL: it is filled with NaN. */
void *side_array(Side *side, const void *from, size_t bytes);

/* Activations, rounded to 16 bits if the precision has 16-bit ones; NULL: NaN. */
void *side_activations(Side *side, const float *from, size_t count);
void *side_activation(const Side *side, const void *array, size_t index); /* its address */
void side_download_activations(Side *side, float *to, const void *from, size_t count);

/* The input of a product with that spec: activations, or float32, rounded for the reference. */
void *side_inputs(Side *side, const CodeWeightSpec *spec, const float *from, size_t count);

/* The same for records, which keep their alignment. */
void *side_records(Side *side, const void *from, size_t bytes);
void side_download(Side *side, void *to, const void *from, size_t bytes);
/* The reference gets rounded weights if the device works with 16 bits. */
CodeWeight *side_weight(Side *side, CodeWeightSpec spec, const float *weight, const float *bias);

/* Around the calls of an operation. */
void side_enter(Side *side);
void side_leave(Side *side);

/* Checks the guards of all arrays, then frees arrays and weights. */
void side_clear(Side *side);

bool is_rounded(const Side *side, const CodeWeightSpec *spec); /* a product in 16 bits or bytes */
float to_bfloat16(float x);

/* ---- random numbers -------------------------------------------------------------------------- */

typedef struct Random {
    uint64_t state;
} Random;

uint32_t random_bits(Random *random);
float random_normal(Random *random); /* near enough */

/* `count` normal numbers times `scale`; for free(). */
float *random_floats(Random *random, size_t count, float scale);

#endif
