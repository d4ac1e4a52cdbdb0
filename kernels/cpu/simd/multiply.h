/* multiply.h - the loops of products, compiled once for each instruction set. They do not depend on
 * the type of activations. */
#ifndef CODE_KERNELS_CPU_MULTIPLY_H
#define CODE_KERNELS_CPU_MULTIPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How numbers are kept. A step of a product takes 32 bits of each row of inputs. Weights are panels
 * of 16 outputs, each (words, 16) of 32 bits. */
typedef enum CpuNumbers {
    CPU_FLOATS, /* float32: a step is one input, and a word its weight */
    /* bfloat16 that is multiplied in float32: inputs are float32, a step is one of them, and a word
     * holds the weights of two, the first in its low half */
    CPU_HALVES,
    /* Unsigned bytes, or signed ones if the processor takes no others, times signed ones, in exact
     * sums. A word holds the weights of four inputs, and a step is CpuMultiplier.step_bytes inputs:
     * four bytes; or two numbers of 16 bits, and then the weights stand in the order first, third,
     * second, fourth. */
    CPU_BYTES,
} CpuNumbers;

/* Inputs whose weights share a word. */
static inline unsigned cpu_word_inputs(CpuNumbers numbers)
{
    return 1u << numbers;
}

/* c (rows, panels * 16) = a (rows, steps) * b. c is float32, or int32 for bytes. */
typedef struct CpuProduct {
    CpuNumbers numbers;
    const void *a;
    size_t a_row; /* of 32 bits, from one row to the next */
    const void *b;
    size_t b_panel; /* of 32 bits, from one panel to the next */
    void *c;
    size_t c_row; /* of 32 bits, from one row to the next */
    size_t steps, rows, panels;
    size_t width; /* outputs wanted; others need not be computed */
    /* What sums begin with: (panels * 16) numbers for all rows, 0 if NULL; or, with `add`, what is
     * in c. */
    const float *start;
    bool add;
} CpuProduct;

typedef struct CpuMultiplier {
    /* Each output in float32 is one chain of fused multiply-adds over the steps in ascending order.
     * Without FMA each of them rounds twice. */
    void (*multiply)(const CpuProduct *product);
    /* Panels of 16 for `multiply`, from rows of `width`, `row` elements apart, float32 or, with
     * `halves`, bfloat16: of rows, each (width, 16), and of numbers in a row, each (rows, 16). Past
     * the last one is 0. */
    void (*pack_keys)(float *to, const void *from, size_t row, size_t rows, size_t width,
                      bool halves);
    void (*pack_values)(float *to, const void *from, size_t row, size_t rows, size_t width,
                        bool halves);
    /* bfloat16 to float32 */
    void (*widen)(float *to, const uint16_t *from, size_t count);
    /* float32 to the nearest bfloat16, as float32 */
    void (*round)(float *to, const float *from, size_t count);
    /* A row of float32 or, with `halves`, bfloat16 to inputs of products in bytes:
     * round(x / *scale) + *zero, in 0..255, or, with all inputs and *zero lower by 128, -128..127;
     * scale and zero follow from the row's extremes. An input has 4 / step_bytes bytes. */
    void (*quantise)(void *to, const void *x, size_t count, bool halves, float *scale,
                     int32_t *zero);
    unsigned step_bytes; /* inputs of a step of bytes: 4 or 2 */
    /* Numbers whose panels are zipped: (words / 2, 16, 2), so that two words of an output are
     * neighbours. Their words are even in number. */
    bool zipped[CPU_BYTES + 1];
    /* Ends what products keep in registers of a thread between tasks; NULL: nothing. */
    void (*release)(void);
} CpuMultiplier;

#endif
