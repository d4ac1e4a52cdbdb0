/* test-variations.c - pictures that share their first scales and differ in the others. */
#include "../test.h"
#include "tiny.h"

enum { BYTES = TINY_SIDE * TINY_SIDE * 3, SCALES = 5, BATCH = 3, OTHER = 9 };

static const unsigned sides[SCALES] = {1, 2, 3, 4, 8};

typedef struct Drawn {
    uint8_t pixels[BYTES];
    int32_t tokens[TINY_LENGTH]; /* as sampled */
} Drawn;

typedef struct Record {
    Drawn *drawn;
    unsigned position;
} Record;

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    Record *record = user;
    CodesrcError error = {0};

    for (unsigned i = first; i < first + count; i++)
        CHECK(codesrc_generator_tokens(generator, i, record->drawn[i].tokens + record->position,
                                       &error),
              "%s", error.text);
    record->position = scale + 1 < SCALES ? record->position + sides[scale] * sides[scale] : 0;
}

static void draw(CodesrcGenerator *generator, const CodesrcRequest *requests, unsigned count,
                 Drawn *drawn)
{
    CodesrcError error = {0};
    CodesrcPicture pictures[BATCH];
    Record record = {drawn, 0};

    for (unsigned i = 0; i < count; i++)
        pictures[i] = (CodesrcPicture){drawn[i].pixels, 3 * TINY_SIDE};
    CHECK(codesrc_generator_observe(generator, scale_done, &record, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate(generator, requests, count, pictures, &error), "%s", error.text);
}

static bool same(const Drawn *a, const Drawn *b)
{
    return !memcmp(a, b, sizeof *a);
}

/* Frame 2 of seed 1, and a variation of it that is frame 7 of seed `OTHER`. Class 3, as a random
 * class would go by the first seed. */
static CodesrcRequest ask(const CodesrcModel *model, unsigned keep, bool more_smooth)
{
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    CHECK(request.keep_scales == SCALES, "%u scales are kept by default", request.keep_scales);
    request.class_id = 3;
    request.seed = 1;
    request.frame = 2;
    request.keep_scales = keep;
    request.seed_2 = OTHER;
    request.frame_2 = 7;
    request.settings.more_smooth = more_smooth;
    return request;
}

/* Frame 7 of the other seed, fed with the variation's tokens: at the scales that the variation does
 * not keep, it must sample the very same ones. */
static void check_rest(CodesrcGenerator *generator, CodesrcRequest request, const Drawn *variation,
                       unsigned first)
{
    static Drawn fed;

    request.keep_scales = SCALES;
    request.seed = request.seed_2;
    request.frame = request.frame_2;
    request.tokens = variation->tokens;
    draw(generator, &request, 1, &fed);
    CHECK(!memcmp(fed.tokens + first, variation->tokens + first,
                  (TINY_LENGTH - first) * sizeof *fed.tokens),
          "from token %u on not as the second seed samples", first);
    CHECK(!memcmp(fed.pixels, variation->pixels, BYTES), "the same tokens give another picture");
}

static void test_keeping(CodesrcModel *model, bool more_smooth)
{
    static Drawn first, second, variation;
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcRequest request = ask(model, SCALES, more_smooth), other = request;
    unsigned kept = 0;

    draw(generator, &request, 1, &first);
    other.seed = request.seed_2;
    other.frame = request.frame_2;
    draw(generator, &other, 1, &second);
    CHECK(!same(&first, &second), "two seeds, one picture");
    for (unsigned keep = 0; keep <= SCALES; keep++) {
        request.keep_scales = keep;
        draw(generator, &request, 1, &variation);
        CHECK(!memcmp(variation.tokens, first.tokens, kept * sizeof *first.tokens),
              "keep-scales %u: the first %u tokens are others", keep, kept);
        CHECK(same(&variation, &first) == (keep == SCALES), "keep-scales %u: the first picture",
              keep);
        CHECK(same(&variation, &second) == (keep == 0), "keep-scales %u: the second picture", keep);
        if (!more_smooth) /* blends depend on random numbers, too, not on tokens alone */
            check_rest(generator, request, &variation, kept);
        kept += keep < SCALES ? sides[keep] * sides[keep] : 0;
    }
    codesrc_generator_free(generator);
}

/* Each picture of a batch keeps its own number of scales. */
static void test_batch(CodesrcModel *model)
{
    static Drawn alone, together[BATCH];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, BATCH, 0, &error);
    CodesrcRequest requests[BATCH];

    for (unsigned i = 0; i < BATCH; i++)
        requests[i] = ask(model, 2 * i, i == 1);
    draw(generator, requests, BATCH, together);
    for (unsigned i = 0; i < BATCH; i++) {
        draw(generator, &requests[i], 1, &alone);
        CHECK(same(&alone, &together[i]), "keep-scales %u: a batch changes the picture", 2 * i);
    }
    requests[0].keep_scales = SCALES + 1;
    CHECK(!codesrc_generate(generator, requests, 1, &(CodesrcPicture){NULL, 0}, &error) &&
              error.status == CODESRC_SETTINGS &&
              strstr(error.text, "keep-scales 6, expected 0..5"),
          "%s", error.text);
    codesrc_generator_free(generator);
}

int main(int argc, char **argv)
{
    CodesrcModel *model = tiny_model(tiny_device(argc, argv), 0);

    test_keeping(model, false);
    test_keeping(model, true);
    test_batch(model);
    codesrc_model_unref(model);
    return test_end();
}
