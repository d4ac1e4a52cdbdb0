/* vector_neon.h - the functions of vector.h for 64-bit Arm, with its own instructions where
 * compilers find none. */
#ifndef CODE_KERNELS_CPU_VECTOR_NEON_H
#define CODE_KERNELS_CPU_VECTOR_NEON_H

#include <arm_neon.h>

/* a where a > b, else b; the same with <. So NaN in either gives b. */
INLINE Vector larger(Vector a, Vector b)
{
    return (Vector)vbslq_f32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a,
                             (float32x4_t)b);
}

INLINE Vector smaller(Vector a, Vector b)
{
    return (Vector)vbslq_f32(vcltq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a,
                             (float32x4_t)b);
}

/* a * b + c, rounded once */
INLINE Vector fused(Vector a, Vector b, Vector c)
{
    return (Vector)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

INLINE Halves upper_halves(Unsigned bits)
{
    return (Halves)vshrn_n_u32((uint32x4_t)bits, 16);
}

/* The sum of 16: i and i + 8, then i and i + 4, i + 2, i + 1. */
INLINE float sum(const Group *group)
{
    const Vector *part = group->part;
    Vector four = (part[0] + part[2]) + (part[1] + part[3]);

    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE float largest(Vector v)
{
    float even = v[0] > v[2] ? v[0] : v[2], odd = v[1] > v[3] ? v[1] : v[3];

    return even > odd ? even : odd;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* All processors multiply signed bytes, few of them unsigned ones by signed ones. */
enum { STEP_BYTES = 4, BYTES_BELOW = 128 };

/* sum + the products of a step: of four signed bytes each. Two products of inputs and weights, the
 * latter at least -127, fit into 16 bits. */
INLINE Bits add_products(Bits a, Bits b, Bits sum)
{
    int8x16_t x = (int8x16_t)a, y = (int8x16_t)b;

#ifdef __ARM_FEATURE_DOTPROD
    return (Bits)vdotq_s32((int32x4_t)sum, x, y);
#else
    return (Bits)vpadalq_s16(
        (int32x4_t)sum, vpaddq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)), vmull_high_s8(x, y)));
#endif
}

#endif
