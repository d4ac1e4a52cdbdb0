/* test-checked.c - checked arithmetic, at its bounds and next to them. */
#include "../test.h"
#include "checked.h"

#define MAX UINT64_MAX

int main(void)
{
    static const struct {
        uint64_t a, b;
        bool sum_fits, product_fits;
    } cases[] = {{0, 0, true, true},
                 {0, MAX, true, true},
                 {MAX, 0, true, true},
                 {1, MAX, false, true},
                 {MAX, 1, false, true},
                 {MAX, MAX, false, false},
                 {1, MAX - 1, true, true},
                 {2, MAX / 2, true, true},
                 {2, MAX / 2 + 1, true, false},
                 {(uint64_t)1 << 32, (uint64_t)1 << 32, true, false},
                 {((uint64_t)1 << 32) - 1, ((uint64_t)1 << 32) + 1, true, true},
                 {(uint64_t)1 << 63, (uint64_t)1 << 63, false, false}};
    static const struct {
        uint64_t value, unit, rounded;
        bool fits;
    } rounds[] = {{0, 32, 0, true},         {1, 32, 32, true},       {32, 32, 32, true},
                  {33, 32, 64, true},       {5, 1, 5, true},         {MAX - 31, 32, MAX - 31, true},
                  {MAX - 30, 32, 0, false}, {MAX - 2, 32, 0, false}, {MAX, 1, MAX, true},
                  {MAX, 2, 0, false},       {1, MAX, MAX, true},     {MAX, MAX, MAX, true}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t a = cases[i].a, b = cases[i].b, result = 7;
        size_t size = 7;

        CHECK(code_add_u64(a, b, &result) == cases[i].sum_fits, "sum %zu", i);
        CHECK(result == (cases[i].sum_fits ? a + b : 7), "sum %zu", i);
        result = 7;
        CHECK(code_mul_u64(a, b, &result) == cases[i].product_fits, "product %zu", i);
        CHECK(result == (cases[i].product_fits ? a * b : 7), "product %zu", i);
        if (sizeof size < sizeof a)
            continue;
        CHECK(code_add_size((size_t)a, (size_t)b, &size) == cases[i].sum_fits, "sum %zu", i);
        CHECK(code_mul_size((size_t)a, (size_t)b, &size) == cases[i].product_fits, "product %zu",
              i);
    }
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        uint64_t result = 7;
        size_t size = 7;

        CHECK(code_round_up_u64(rounds[i].value, rounds[i].unit, &result) == rounds[i].fits, "%zu",
              i);
        CHECK(result == (rounds[i].fits ? rounds[i].rounded : 7), "rounded %zu", i);
        if (sizeof size < sizeof result)
            continue;
        CHECK(code_round_up_size((size_t)rounds[i].value, (size_t)rounds[i].unit, &size) ==
                  rounds[i].fits,
              "%zu", i);
    }
    return test_end();
}
