/* vector_generic.h - the functions of vector.h in plain C, with vectors of 16 bytes, for processors
 * that have no file of their own. */
#ifndef CODE_KERNELS_CPU_VECTOR_GENERIC_H
#define CODE_KERNELS_CPU_VECTOR_GENERIC_H

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
#if defined __FP_FAST_FMAF
    for (int i = 0; i < LANES; i++)
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}

/* sum + the products of a step: of two numbers of 16 bits. */
enum { STEP_BYTES = 2, BYTES_BELOW = 0 };

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
