/* sample-draw.c - a worker: generates some pictures of a recipe into a folder. */
#include "sample-draw.h"

#include "complain.h"
#include "progress.h"
#include "sample-picture.h"
#include "stop.h"
#include "whole-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = WHOLE_FILE_NAME - 100, MARK_ROOM = 100 };

typedef struct Worker {
    const SampleJob *job;
    Recipe *recipe;
    const CodesrcRequest *request;
    CodesrcGenerator *generator;
    uint8_t *pixels;   /* of one batch */
    uint64_t *missing; /* indices of pictures to draw */
    uint64_t missing_count;
    Progress progress;
} Worker;

/* ---- stopping -------------------------------------------------------------------------------- */

static void end_if_stopped(const SampleJob *job)
{
    if (!stop_signal())
        return;
    complain("stopped; the same command goes on with pictures %" PRIu64 "..%" PRIu64, job->first,
             job->first + job->count - 1);
    stop_end();
}

/* ---- what is there --------------------------------------------------------------------------- */

/* Lists the missing pictures. False if a file is in the way. */
static bool look(Worker *w)
{
    for (uint64_t i = w->job->first; i < w->job->first + w->job->count; i++) {
        char path[PATH_ROOM], mark[MARK_ROOM], reason[200];
        SampleState state;

        end_if_stopped(w->job); /* to look at thousands takes minutes */
        recipe_path(path, sizeof path, w->job->folder, i);
        recipe_mark(mark, sizeof mark, w->recipe, i);
        state = sample_read(path, w->pixels, w->recipe->side, mark, NULL, reason);
        if (state == SAMPLE_WHOLE)
            continue;
        if (state != SAMPLE_MISSING)
            complain("%s: %s%s", path, reason,
                     state == SAMPLE_DAMAGED   ? "; drawing it again"
                     : state == SAMPLE_FOREIGN ? ": move it away"
                                               : "");
        if (state == SAMPLE_FOREIGN || state == SAMPLE_UNKNOWN)
            return false;
        if (state == SAMPLE_DAMAGED)
            unlink(path);
        w->missing[w->missing_count++] = i;
    }
    return true;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static bool generate(Worker *w, const uint64_t *index, unsigned count)
{
    const size_t side = w->recipe->side;
    CodesrcRequest requests[CODESRC_MAX_BATCH];
    CodesrcPicture pictures[CODESRC_MAX_BATCH];
    CodesrcError error;

    for (unsigned i = 0; i < count; i++) {
        requests[i] = *w->request;
        requests[i].frame = index[i];
        requests[i].class_id = (int32_t)(index[i] / w->recipe->per_class);
        pictures[i] = (CodesrcPicture){w->pixels + i * side * side * 3, side * 3};
    }
    if (codesrc_generate(w->generator, requests, count, pictures, &error))
        return true;
    progress_clear(&w->progress);
    end_if_stopped(w->job);
    complain("%s", error.text);
    return false;
}

static bool keep(const Worker *w, const uint64_t *index, unsigned count)
{
    const size_t side = w->recipe->side;

    for (unsigned i = 0; i < count; i++) {
        char path[PATH_ROOM], mark[MARK_ROOM];

        recipe_path(path, sizeof path, w->job->folder, index[i]);
        recipe_mark(mark, sizeof mark, w->recipe, index[i]);
        if (!sample_write(path, w->pixels + i * side * side * 3, w->recipe->side, mark))
            return false;
    }
    return true;
}

/* The next pictures to draw, except those that another worker has finished meanwhile. */
static unsigned next_batch(const Worker *w, uint64_t *at, uint64_t index[CODESRC_MAX_BATCH])
{
    unsigned count = 0;

    for (; *at < w->missing_count && count < w->job->batch; ++*at) {
        char path[PATH_ROOM];

        recipe_path(path, sizeof path, w->job->folder, w->missing[*at]);
        if (access(path, F_OK))
            index[count++] = w->missing[*at];
    }
    return count;
}

static bool draw_missing(Worker *w)
{
    uint64_t index[CODESRC_MAX_BATCH], at = 0, drawn = 0;
    unsigned count;
    double seconds;

    complain("pictures %" PRIu64 "..%" PRIu64 ": %" PRIu64 " are there, %" PRIu64 " to draw",
             w->job->first, w->job->first + w->job->count - 1, w->job->count - w->missing_count,
             w->missing_count);
    progress_start(&w->progress, "pictures drawn", w->missing_count);
    while ((count = next_batch(w, &at, index))) {
        if (!generate(w, index, count) || !keep(w, index, count))
            return false;
        drawn += count;
        progress_show(&w->progress, at);
        end_if_stopped(w->job);
    }
    seconds = progress_seconds(&w->progress);
    progress_clear(&w->progress);
    if (drawn)
        complain("%" PRIu64 " pictures drawn in %.1f s, %.3g a second", drawn, seconds,
                 (double)drawn / seconds);
    return true;
}

/* Makes finished pictures survive a crash of the machine. */
static bool to_disk(const char *folder)
{
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = directory >= 0 && syncfs(directory) == 0;

    if (!good)
        complain("%s: cannot be written: %s", folder, strerror(errno));
    if (directory >= 0)
        close(directory);
    return good;
}

static bool work(Worker *w)
{
    const uint64_t probe = 0;

    return generate(w, &probe, 1) && recipe_settle(w->recipe, w->job->folder, w->pixels) &&
           look(w) && draw_missing(w) && to_disk(w->job->folder);
}

bool sample_draw(const SampleJob *job, Recipe *recipe, CodesrcModel *model,
                 const CodesrcRequest *request)
{
    const CodesrcModelInfo *info = codesrc_model_info(model);
    Worker w = {.job = job, .recipe = recipe, .request = request};
    CodesrcError error;
    bool good = false;

    recipe_describe(recipe, info, request);
    if (mkdir(job->folder, 0777) && errno != EEXIST) {
        complain("%s: cannot be made: %s", job->folder, strerror(errno));
        return false;
    }
    if (!recipe_agrees(recipe, job->folder))
        return false;
    w.generator =
        codesrc_generator_new(model, job->batch, 1u << request->settings.drafting_steps, &error);
    if (!w.generator) {
        complain("%s", error.text);
        return false;
    }
    w.pixels = malloc((size_t)job->batch * info->side * info->side * 3);
    w.missing = malloc(job->count * sizeof *w.missing);
    if (w.pixels && w.missing) {
        stop_watch(w.generator);
        good = work(&w);
        stop_unwatch();
    } else {
        complain("no memory for the pictures");
    }
    codesrc_generator_free(w.generator);
    free(w.pixels);
    free(w.missing);
    return good;
}
