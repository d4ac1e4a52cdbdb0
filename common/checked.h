/* checked.h - overflow checks for sizes that come from a file or a model's shape. All of them are
 * here, so that no size is computed in two ways. Each function returns false and leaves the result
 * unchanged if the true value does not fit. */
#ifndef CODE_COMMON_CHECKED_H
#define CODE_COMMON_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_MUST_CHECK __attribute__((warn_unused_result))

CODE_MUST_CHECK static inline bool code_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    if (a > UINT64_MAX - b)
        return false;
    *sum = a + b;
    return true;
}

CODE_MUST_CHECK static inline bool code_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    if (b && a > UINT64_MAX / b)
        return false;
    *product = a * b;
    return true;
}

/* Rounds up to a multiple of `unit`, which is not 0. */
CODE_MUST_CHECK static inline bool code_round_up_u64(uint64_t value, uint64_t unit,
                                                     uint64_t *rounded)
{
    uint64_t rest = value % unit;

    if (!rest) {
        *rounded = value;
        return true;
    }
    return code_add_u64(value, unit - rest, rounded);
}

CODE_MUST_CHECK static inline bool code_add_size(size_t a, size_t b, size_t *sum)
{
    if (a > SIZE_MAX - b)
        return false;
    *sum = a + b;
    return true;
}

CODE_MUST_CHECK static inline bool code_mul_size(size_t a, size_t b, size_t *product)
{
    if (b && a > SIZE_MAX / b)
        return false;
    *product = a * b;
    return true;
}

CODE_MUST_CHECK static inline bool code_round_up_size(size_t value, size_t unit, size_t *rounded)
{
    size_t rest = value % unit;

    if (!rest) {
        *rounded = value;
        return true;
    }
    return code_add_size(value, unit - rest, rounded);
}

#endif
