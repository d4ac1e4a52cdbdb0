/* multiply_keys.h - the right side of a product of attention: keys and values as panels. Part of
 * multiply.c. */
#ifndef CODE_KERNELS_CPU_MULTIPLY_KEYS_H
#define CODE_KERNELS_CPU_MULTIPLY_KEYS_H

#include "vector.h"

/* Compiled for a constant type. The first `count` lanes, others 0. */
INLINE Vector load_numbers(const void *from, size_t at, size_t count, const bool halves)
{
    if (count < LANES)
        return halves ? load_half_part((const uint16_t *)from + at, count)
                      : load_part((const float *)from + at, count);
    return halves ? load_half((const uint16_t *)from + at) : load((const float *)from + at);
}

/* Compiled for a constant type. */
INLINE float number(const void *from, size_t at, const bool halves)
{
    uint32_t bits;
    float x;

    if (!halves)
        return ((const float *)from)[at];
    bits = (uint32_t)((const uint16_t *)from)[at] << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

typedef float Four __attribute__((vector_size(16)));
typedef uint32_t FourBits __attribute__((vector_size(16)));
typedef uint16_t FourHalves __attribute__((vector_size(8)));
typedef float UnalignedFour __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint16_t UnalignedFourHalves __attribute__((vector_size(8), aligned(2), may_alias));

INLINE Four four_of(const void *from, size_t at, const bool halves)
{
    if (!halves)
        return *(const UnalignedFour *)((const float *)from + at);
    return (Four)(__builtin_convertvector(
                      (FourHalves) * (const UnalignedFourHalves *)((const uint16_t *)from + at),
                      FourBits)
                  << 16);
}

/* 4 x 4 numbers, rows to columns. */
INLINE void transpose_4(float *to, const void *from, size_t at, size_t row, const bool halves)
{
    Four a = four_of(from, at, halves), b = four_of(from, at + row, halves);
    Four c = four_of(from, at + 2 * row, halves), d = four_of(from, at + 3 * row, halves);
    Four ac = __builtin_shufflevector(a, c, 0, 4, 1, 5),
         bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
    Four ca = __builtin_shufflevector(a, c, 2, 6, 3, 7),
         db = __builtin_shufflevector(b, d, 2, 6, 3, 7);

    *(UnalignedFour *)to = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
    *(UnalignedFour *)(to + GROUP) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
    *(UnalignedFour *)(to + 2 * GROUP) = __builtin_shufflevector(ca, db, 0, 4, 1, 5);
    *(UnalignedFour *)(to + 3 * GROUP) = __builtin_shufflevector(ca, db, 2, 6, 3, 7);
}

/* Rows of keys or values past the last one are zeros. */
INLINE void keys_of(float *to, const void *from, size_t row, size_t rows, size_t width,
                    const bool halves)
{
    for (size_t first = 0; first < rows; first += GROUP, to += width * GROUP) {
        size_t count = rows - first < GROUP ? rows - first : GROUP, whole = 0, at = first * row;

        if (count == GROUP)
            for (; whole + 4 <= width; whole += 4)
                for (size_t r = 0; r < GROUP; r += 4)
                    transpose_4(to + whole * GROUP + r, from, at + r * row + whole, row, halves);
        for (size_t i = whole; i < width; i++)
            for (size_t r = 0; r < GROUP; r++)
                to[i * GROUP + r] = r < count ? number(from, at + r * row + i, halves) : 0;
    }
}

static void pack_keys(float *to, const void *from, size_t row, size_t rows, size_t width,
                      bool halves)
{
    if (halves)
        keys_of(to, from, row, rows, width, true);
    else
        keys_of(to, from, row, rows, width, false);
}

INLINE void values_of(float *to, const void *from, size_t row, size_t rows, size_t width,
                      const bool halves)
{
    for (size_t first = 0; first < width; first += GROUP) {
        size_t count = width - first < GROUP ? width - first : GROUP;

        for (size_t r = 0; r < rows; r++, to += GROUP) {
            size_t at = r * row + first;

            if (count == GROUP) {
                for (int p = 0; p < PARTS; p++)
                    store(to + p * LANES, load_numbers(from, at + p * LANES, LANES, halves));
                continue;
            }
            for (size_t i = 0; i < GROUP; i++)
                to[i] = i < count ? number(from, at + i, halves) : 0;
        }
    }
}

static void pack_values(float *to, const void *from, size_t row, size_t rows, size_t width,
                        bool halves)
{
    if (halves)
        values_of(to, from, row, rows, width, true);
    else
        values_of(to, from, row, rows, width, false);
}

#endif
