/* test-philox.c - Random123's known answers, and the convention built on them. */
#include "../test.h"
#include "philox.h"

typedef struct Answer {
    uint32_t counter[4], key[2], expected[4];
} Answer;

/* Random123, tests/kat_vectors, philox4x32 with 10 rounds. */
static const Answer answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

int main(void)
{
    /* The third answer once more, by the names that the engine gives the words. */
    uint64_t seed = 0x299f31d0a4093822, frame = 0x0370734413198a2e;
    double u = code_uniform(seed, frame, 0x243f6a88, 0x85a308d3), sum = 0;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        uint32_t out[4];

        code_philox(answers[i].counter, answers[i].key, out);
        CHECK(!memcmp(out, answers[i].expected, sizeof out), "known answer %zu", i);
    }
    CHECK(u == 0xd16cfe09 * 0x1p-32, "u %.17g", u);
    for (uint32_t i = 0; i < 100000; i++) {
        u = code_uniform(1, 2, i, CODE_STREAM_TOKEN);
        CHECK(u >= 0 && u < 1, "u %.17g", u);
        sum += u;
    }
    CHECK(sum / 100000 > 0.495 && sum / 100000 < 0.505, "mean %g", sum / 100000);
    return test_end();
}
