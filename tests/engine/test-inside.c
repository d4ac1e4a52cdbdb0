/* test-inside.c - looking inside a call: its scales and its stages, canvases, and what may not be
 * done meanwhile; and what its threads do with signals. */
#include "../test.h"
#include "tiny.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = TINY_SIDE * TINY_SIDE * 3, SCALES = 5 };

/* ---- scales ---------------------------------------------------------------------------------- */

typedef struct Record {
    CodesrcError error;
    unsigned calls, position;
    int32_t tokens[TINY_LENGTH];
    float features[TINY_FEATURES];
    uint8_t preview[BYTES];
} Record;

static void scale_done(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                       unsigned count)
{
    static const unsigned sides[] = {1, 2, 3, 4, 8};
    Record *record = user;
    CodesrcPicture picture = {record->preview, 3 * TINY_SIDE};

    CHECK(scale == record->calls && first == 0 && count == 1, "scale %u", scale);
    CHECK(
        codesrc_generator_tokens(generator, 0, record->tokens + record->position, &record->error) &&
            codesrc_generator_feature_map(generator, 0, record->features, &record->error) &&
            codesrc_generator_preview(generator, 0, &picture, &record->error),
        "%s", record->error.text);
    CHECK(!codesrc_generator_tokens(generator, 1, record->tokens, &record->error) &&
              record->error.status == CODESRC_SETTINGS,
          "image 1 of 1 has tokens");
    record->position += sides[scale] * sides[scale];
    record->calls++;
}

/* Tokens fed again, and the feature map decoded again, give the same picture. */
static void test_inside(CodesrcModel *model)
{
    static Record record;
    static float image[3 * TINY_SIDE * TINY_SIDE];
    static uint8_t pixels[BYTES], again[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE}, second = {again, 3 * TINY_SIDE};
    CodesrcRequest request;

    codesrc_request_init(model, &request);
    request.seed = 3;
    CHECK(codesrc_generator_observe(generator, scale_done, &record, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
    CHECK(record.calls == 5 && record.position == TINY_LENGTH, "%u scales", record.calls);
    CHECK(!memcmp(pixels, record.preview, BYTES), "the preview of the last scale is the picture");
    CHECK(codesrc_generator_observe(generator, NULL, NULL, false, &error), "%s", error.text);

    request.tokens = record.tokens;
    request.seed = 4; /* what would be drawn does not matter any more */
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(!memcmp(pixels, again, BYTES), "the same tokens give another picture");

    CHECK(codesrc_decode(generator, record.features, image, &error), "%s", error.text);
    for (unsigned i = 0; i < TINY_SIDE * TINY_SIDE; i++)
        for (unsigned c = 0; c < 3; c++) {
            float value = (image[c * TINY_SIDE * TINY_SIDE + i] + 1) / 2 * 255;

            CHECK(value - pixels[3 * i + c] < 0.501f && pixels[3 * i + c] - value < 0.501f,
                  "pixel %u channel %u: %g and %u", i, c, value, pixels[3 * i + c]);
        }
    codesrc_generator_free(generator);
}

/* ---- stages ---------------------------------------------------------------------------------- */

enum { BATCH = 3, MOST_STAGES = 64 };

/* Two pictures of a run with guidance and N = 3, and one with the drafter alone. */
static const unsigned counts[] = {2, 1}, steps[] = {3, 5};

typedef struct Trace {
    CodesrcStageInfo stage[MOST_STAGES];
    unsigned count;
    double elsewhere; /* seconds that callbacks took */
} Trace;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void take_time(Trace *trace)
{
    double begin = now();

    nanosleep(&(struct timespec){0, 2000000}, NULL);
    trace->elsewhere += now() - begin;
}

static void stage_done(void *user, const CodesrcStageInfo *info)
{
    Trace *trace = user;

    CHECK(trace->count < MOST_STAGES, "more than %d stages", MOST_STAGES);
    if (trace->count < MOST_STAGES)
        trace->stage[trace->count++] = *info;
    take_time(trace);
}

static void look(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                 unsigned count)
{
    (void)generator, (void)scale, (void)first, (void)count;
    take_time(user);
}

static bool draw(CodesrcGenerator *generator, const CodesrcModel *model, uint8_t *pixels)
{
    CodesrcError error = {0};
    CodesrcRequest requests[BATCH];
    CodesrcPicture pictures[BATCH];
    bool good;

    for (unsigned i = 0; i < BATCH; i++) {
        codesrc_request_init(model, &requests[i]);
        requests[i].frame = i;
        requests[i].settings.drafting_steps = steps[i < counts[0] ? 0 : 1];
        pictures[i] = (CodesrcPicture){pixels + i * BYTES, 3 * TINY_SIDE};
    }
    good = codesrc_generate(generator, requests, BATCH, pictures, &error);
    CHECK(good, "%s", error.text);
    return good;
}

/* The next stage of the trace is this one. */
static void expect(const Trace *trace, unsigned *at, CodesrcStageInfo wanted)
{
    const CodesrcStageInfo *found = &trace->stage[(*at)++];

    CHECK(found->stage == wanted.stage && found->scale == wanted.scale &&
              found->drafting_steps == wanted.drafting_steps && found->first == wanted.first &&
              found->count == wanted.count && found->seconds >= 0,
          "stage %u: %s of scale %u, N = %u, pictures %u + %u, %g s; expected %s, %u, %u, %u + %u",
          *at - 1, codesrc_stage_name(found->stage), found->scale, found->drafting_steps,
          found->first, found->count, found->seconds, codesrc_stage_name(wanted.stage),
          wanted.scale, wanted.drafting_steps, wanted.first, wanted.count);
}

/* All stages of one call, in their order. `whole`: scales are replayed, not told apart. */
static void check_stages(const Trace *trace, bool whole)
{
    unsigned at = 0;

    for (unsigned run = 0, first = 0; run < 2; first += counts[run++]) {
        CodesrcStageInfo info = {CODESRC_STAGE_CLASSES, 0, steps[run], first, counts[run], 0};

        expect(trace, &at, info);
        for (info.scale = 0; info.scale < SCALES && !whole; info.scale++) {
            info.stage = info.scale < steps[run] ? CODESRC_STAGE_DRAFTER : CODESRC_STAGE_REFINER;
            expect(trace, &at, info);
            info.stage = CODESRC_STAGE_SAMPLE;
            expect(trace, &at, info);
            info.stage = CODESRC_STAGE_PYRAMID;
            expect(trace, &at, info);
        }
        info.scale = 0;
        info.stage = CODESRC_STAGE_SCALES;
        if (whole)
            expect(trace, &at, info);
        info.stage = CODESRC_STAGE_RENDER;
        expect(trace, &at, info);
    }
    expect(trace, &at, (CodesrcStageInfo){CODESRC_STAGE_WAIT, 0, 0, 0, BATCH, 0});
    CHECK(trace->count == at, "%u stages, expected %u", trace->count, at);
}

/* The stages, and what callbacks took, never overlap. */
static void check_times(const Trace *trace, CodesrcTimes times, double elapsed)
{
    CodesrcTimes sums = {0};

    for (unsigned i = 0; i < trace->count; i++) {
        const CodesrcStageInfo *info = &trace->stage[i];

        *(info->stage >= CODESRC_STAGE_RENDER    ? &sums.vae
          : info->stage == CODESRC_STAGE_CLASSES ? &sums.drafter
          : info->stage == CODESRC_STAGE_SCALES  ? &sums.drafter
          : info->scale < info->drafting_steps   ? &sums.drafter
                                                 : &sums.refiner) += info->seconds;
    }
    CHECK(fabs(sums.drafter - times.drafter) + fabs(sums.refiner - times.refiner) +
                  fabs(sums.vae - times.vae) <
              1e-9,
          "times %g %g %g, stages %g %g %g", times.drafter, times.refiner, times.vae, sums.drafter,
          sums.refiner, sums.vae);
    CHECK(sums.drafter + sums.refiner + sums.vae + trace->elsewhere <= elapsed,
          "stages and callbacks took %g s of %g s",
          sums.drafter + sums.refiner + sums.vae + trace->elsewhere, elapsed);
}

static void test_trace(CodesrcModel *model)
{
    static uint8_t plain[BATCH * BYTES], traced[BATCH * BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_open(model, BATCH, 0, &error);
    bool overlaps = codesrc_model_info(model)->overlaps;
    static Trace trace;

    codesrc_generator_trace(generator, stage_done, &trace, false);
    CHECK(codesrc_generator_prepare(generator, &error), "%s", error.text);
    CHECK(trace.count == 0, "%u stages of a preparation", trace.count);
    /* Thrice, as a device may record at first and replay later. */
    for (unsigned i = 0; i < 3; i++) {
        double begin = now();

        trace = (Trace){0};
        draw(generator, model, traced);
        check_times(&trace, codesrc_generator_times(generator), now() - begin);
        check_stages(&trace, overlaps);
    }
    codesrc_generator_trace(generator, NULL, NULL, true);
    trace.count = 0;
    draw(generator, model, plain);
    CHECK(trace.count == 0, "a trace that was removed");
    CHECK(!memcmp(plain, traced, sizeof plain), "a trace changes pictures");

    for (unsigned observing = 0; observing < 2; observing++) {
        double begin = now();

        trace = (Trace){0};
        codesrc_generator_trace(generator, stage_done, &trace, true);
        CHECK(codesrc_generator_observe(generator, observing ? look : NULL, &trace, false, &error),
              "%s", error.text);
        draw(generator, model, traced);
        check_times(&trace, codesrc_generator_times(generator), now() - begin);
        check_stages(&trace, false);
        CHECK(!memcmp(plain, traced, sizeof plain), "a trace that waits changes pictures");
    }
    codesrc_generator_free(generator);
}

static void test_stage_names(void)
{
    CHECK(!strcmp(codesrc_stage_name(CODESRC_STAGE_CLASSES), "classes") &&
              !strcmp(codesrc_stage_name(CODESRC_STAGE_REFINER), "refiner") &&
              !strcmp(codesrc_stage_name(CODESRC_STAGE_WAIT), "wait"),
          "names");
    CHECK(!codesrc_stage_name((CodesrcStage)(CODESRC_STAGE_WAIT + 1))[0], "a stage too many");
}

/* ---- canvases -------------------------------------------------------------------------------- */

/* With a mask of ones editing draws everything anew; with zeros it gives the encoded picture back.
 */
static void test_editing(CodesrcModel *model)
{
    static float image[3 * TINY_SIDE * TINY_SIDE], mask[64], decoded[3 * TINY_SIDE * TINY_SIDE];
    static uint8_t plain[BYTES], edited[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture first = {plain, 3 * TINY_SIDE}, second = {edited, 3 * TINY_SIDE};
    CodesrcRequest request;
    CodesrcCanvas *canvas;

    for (unsigned i = 0; i < 3 * TINY_SIDE * TINY_SIDE; i++)
        image[i] = (float)(i % 97) / 48 - 1;
    canvas = codesrc_encode(generator, image, &error);
    CHECK(canvas, "%s", error.text);
    codesrc_request_init(model, &request);
    CHECK(codesrc_generate(generator, &request, 1, &first, &error), "%s", error.text);

    request.canvas = canvas;
    request.mask = mask;
    for (unsigned i = 0; i < 64; i++)
        mask[i] = 1;
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(!memcmp(plain, edited, BYTES), "a mask of ones keeps something");

    memset(mask, 0, sizeof mask);
    CHECK(codesrc_generate(generator, &request, 1, &second, &error), "%s", error.text);
    CHECK(codesrc_decode(generator, codesrc_canvas_feature_map(canvas, 4), decoded, &error), "%s",
          error.text);
    for (unsigned i = 0; i < TINY_SIDE * TINY_SIDE; i++) {
        float value = (decoded[i] + 1) / 2 * 255;

        CHECK(value - edited[3 * i] < 0.501f && edited[3 * i] - value < 0.501f, "pixel %u", i);
    }
    codesrc_canvas_free(canvas);
    codesrc_generator_free(generator);
}

/* The VQ-VAE computes in the memory of the picture that is drawn, so it is refused meanwhile. */
static void refused(CodesrcGenerator *generator, const char *text)
{
    static float image[3 * TINY_SIDE * TINY_SIDE], features[TINY_FEATURES];
    CodesrcError error = {0};

    CHECK(!codesrc_decode(generator, features, image, &error) && error.status == CODESRC_SETTINGS &&
              strstr(error.text, text),
          "decoding: %s", error.text);
    error = (CodesrcError){0};
    CHECK(!codesrc_encode(generator, image, &error) && error.status == CODESRC_SETTINGS &&
              strstr(error.text, text),
          "encoding: %s", error.text);
}

static void decode_meanwhile(void *user, CodesrcGenerator *generator, unsigned scale,
                             unsigned first, unsigned count)
{
    (void)scale, (void)first, (void)count;
    ++*(unsigned *)user;
    refused(generator, "observer");
}

static void test_refused(CodesrcModel *model)
{
    static uint8_t plain[BYTES], disturbed[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture first = {plain, 3 * TINY_SIDE}, second = {disturbed, 3 * TINY_SIDE};
    CodesrcRequest request;
    unsigned scales = 0;

    codesrc_request_init(model, &request);
    CHECK(codesrc_generate(generator, &request, 1, &first, &error), "%s", error.text);
    CHECK(codesrc_generator_observe(generator, decode_meanwhile, &scales, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate_begin(generator, &request, 1, &second, &error), "%s", error.text);
    refused(generator, "has not ended");
    CHECK(codesrc_generate_end(generator, &error), "%s", error.text);
    CHECK(scales == SCALES, "%u scales", scales);
    CHECK(!memcmp(plain, disturbed, BYTES), "what was refused changes the picture");
    codesrc_generator_free(generator);
}

/* Pictures without room, and calls by an observer that would overwrite what it sees. */
typedef struct Refused {
    const CodesrcRequest *request;
    CodesrcError error;
    bool tried;
} Refused;

static void generate_again(void *user, CodesrcGenerator *generator, unsigned scale, unsigned first,
                           unsigned count)
{
    static uint8_t pixels[BYTES];
    Refused *refused = user;
    CodesrcPicture good = {pixels, 3 * TINY_SIDE}, none = {NULL, 3 * TINY_SIDE};
    CodesrcPicture narrow = {pixels, 3 * TINY_SIDE - 1};

    (void)scale, (void)first, (void)count;
    refused->tried = true;
    CHECK(!codesrc_generate(generator, refused->request, 1, &good, &refused->error) &&
              strstr(refused->error.text, "called by an observer"),
          "%s", refused->error.text);
    CHECK(!codesrc_generator_preview(generator, 0, &none, &refused->error) &&
              strstr(refused->error.text, "no data"),
          "%s", refused->error.text);
    CHECK(!codesrc_generator_preview(generator, 0, &narrow, &refused->error) &&
              strstr(refused->error.text, "stride"),
          "%s", refused->error.text);
}

static void test_misuse(CodesrcModel *model)
{
    static uint8_t pixels[BYTES];
    CodesrcError error = {0};
    CodesrcGenerator *generator = codesrc_generator_new(model, 1, 0, &error);
    CodesrcPicture picture = {pixels, 3 * TINY_SIDE}, none = {NULL, 3 * TINY_SIDE};
    CodesrcFeatures *features = NULL;
    CodesrcRequest request;
    Refused refused = {.request = &request};

    codesrc_request_init(model, &request);
    CHECK(codesrc_generator_observe(generator, generate_again, &refused, false, &error), "%s",
          error.text);
    CHECK(codesrc_generate(generator, &request, 1, &picture, &error), "%s", error.text);
    CHECK(refused.tried, "no scale was observed");
    CHECK(codesrc_generator_observe(generator, NULL, NULL, false, &error), "%s", error.text);
    CHECK(codesrc_generate_features(generator, &request, 1, &features, &error), "%s", error.text);
    CHECK(!codesrc_render_between(generator, features, features, 0, &none, &error) &&
              strstr(error.text, "no data"),
          "%s", error.text);
    codesrc_features_unref(features);
    codesrc_generator_free(generator);
}

/* ---- signals --------------------------------------------------------------------------------- */

enum { MOST_THREADS = 64 };

/* The ids of this process's threads. Returns how many. */
static unsigned list_threads(long *ids)
{
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    CHECK(folder, "no /proc");
    while (folder && count < MOST_THREADS && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            ids[count++] = atol(entry->d_name);
    if (folder)
        closedir(folder);
    return count;
}

/* The signals that a thread blocks now: bit N - 1 for signal N. */
static uint64_t blocked_now(long id)
{
    char line[256];
    unsigned long long mask = 0;
    bool found = false;
    FILE *file;

    snprintf(line, sizeof line, "/proc/self/task/%ld/status", id);
    file = fopen(line, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "SigBlk: %llx", &mask) == 1;
    if (file)
        fclose(file);
    CHECK(found, "thread %ld: no SigBlk", id);
    return mask;
}

/* The same once the thread has begun: until then the C library lets it block all. */
static uint64_t blocked_by(long id)
{
    uint64_t blocked = blocked_now(id);

    for (unsigned i = 0; i < 1000 && blocked >> (SIGSEGV - 1) & 1; i++) {
        usleep(10000);
        blocked = blocked_now(id);
    }
    return blocked;
}

/* The threads of a device take no signal of the application's, but let it handle their faults. */
static void test_signals(void)
{
    static const int faults[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV}, others[] = {SIGINT, SIGTERM};
    long before[MOST_THREADS], now[MOST_THREADS];
    unsigned old = list_threads(before), count, workers = 0;
    CodesrcModel *model = tiny_model((TinyDevice){"cpu", "f32"}, 3);

    count = list_threads(now);
    for (unsigned t = 0; t < count; t++) {
        bool known = false;
        uint64_t blocked;

        for (unsigned i = 0; i < old; i++)
            known |= before[i] == now[t];
        if (known)
            continue;
        workers++;
        blocked = blocked_by(now[t]);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            CHECK(!(blocked >> (faults[i] - 1) & 1), "a worker blocks signal %d", faults[i]);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            CHECK(blocked >> (others[i] - 1) & 1, "a worker takes signal %d", others[i]);
    }
    CHECK(workers >= 2, "%u workers", workers);
    codesrc_model_unref(model);
}

int main(int argc, char **argv)
{
    CodesrcModel *model = tiny_model(tiny_device(argc, argv), 0);

    test_inside(model);
    test_trace(model);
    test_stage_names();
    test_editing(model);
    test_refused(model);
    test_misuse(model);
    test_signals();
    codesrc_model_unref(model);
    return test_end();
}
