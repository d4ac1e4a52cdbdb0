/* vector_generic.h - the functions of vector.h for processors other than x86: vectors of 16 bytes
 * and, on 64-bit Arm, its own instruction for a fused multiply-add. */
#ifndef CODE_KERNELS_CPU_VECTOR_GENERIC_H
#define CODE_KERNELS_CPU_VECTOR_GENERIC_H

#ifdef __aarch64__
#include <arm_neon.h>
#endif

/* a where a > b, else b; the same with <. So NaN in either gives b. */
INLINE Vector larger(Vector a, Vector b)
{
    Bits first = a > b;

    return (Vector)((first & (Bits)a) | (~first & (Bits)b));
}

INLINE Vector smaller(Vector a, Vector b)
{
    Bits first = a < b;

    return (Vector)((first & (Bits)a) | (~first & (Bits)b));
}

/* a * b + c, rounded once; twice on processors without such an instruction. */
INLINE Vector fused(Vector a, Vector b, Vector c)
{
#if defined __aarch64__
    return (Vector)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined __FP_FAST_FMAF
    for (int i = 0; i < LANES; i++)
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}

/* The same with number `lane`, a constant, of a in place of all of a. */
#ifdef __aarch64__
#define FUSED_BY_LANE(a, lane, b, c)                                                               \
    ((Vector)vfmaq_laneq_f32((float32x4_t)(c), (float32x4_t)(b), (float32x4_t)(a), lane))
#endif

/* sum + the products of a step: of two numbers of 16 bits. */
enum { STEP_BYTES = 2 };

INLINE Bits add_products(Bits a, Bits b, Bits sum)
{
    return sum + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
}

INLINE Halves upper_halves(Unsigned bits)
{
    return __builtin_convertvector(bits >> 16, Halves);
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

#endif
