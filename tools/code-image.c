/* code-image.c - pictures from a model without GStreamer, as PNG, JPEG, WebP or PPM files. */
#include "complain.h"
#include "drawing.h"
#include "launch-line.h"
#include "model-options.h"
#include "picture-file.h"
#include "picture-name.h"
#include "progress.h"
#include "stop.h"
#include "whole-file.h"

#include <codesrc.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL_CLASSES = -2, MOST_FRAMES = 1000000 };

typedef struct Arguments {
    const char *model, *class_name, *class_2, *output;
    CodesrcModelOptions options;
    const char *between;
    uint64_t seed, frame, frames, ends[2]; /* ends: frame numbers, of --between */
    DrawingOptions drawing;
    double mix;
    unsigned batch, columns, format, quality;
    bool has_mix, has_format, more_smooth, times;
} Arguments;

#define AT(member) offsetof(Arguments, member)

/* clang-format off */
static const Option table[] = {
    {.help = "What to draw"},
    MODEL_OPTION(AT(model)),
    {"class", 'c', "CLASS", OPTION_TEXT, AT(class_name),
     .help = "an id, a class name or a part of one that no other name has, none for no class, or "
     "all for every class in turn; default: a random class for each frame", .words = "all none",
     .value = 'c'},
    {"class-2", 0, "CLASS", OPTION_TEXT, AT(class_2),
     .help = "a second class, an id or a name, to blend with the first", .words = "none",
     .value = 'c'},
    {"mix", 0, "X", OPTION_REAL, AT(mix),
     .help = "share of the second class, 0..1; default 0.5", .high = 1, .given = AT(has_mix)},
    {"seed", 's', "S", OPTION_LARGE, AT(seed),
     .help = "frame n of a seed is always the same picture; default 0", .most = UINT64_MAX},
    {"frame", 0, "F", OPTION_LARGE, AT(frame),
     .help = "the first frame; default 0", .most = INT64_MAX},
    {"frames", 'n', "COUNT", OPTION_LARGE, AT(frames),
     .help = "how many frames, with --class all of each class; default 1",
     .least = 1, .most = MOST_FRAMES},
    {"between", 0, "A,B", OPTION_TEXT, AT(between),
     .help = "draw the way from frame A to frame B in --frames pictures, both included, rendered "
     "between the two as morph of codesrc does"},
    {.help = "How to draw it (default: as the model says)"},
    DRAWING_OPTIONS(AT(drawing)),
    {"more-smooth", 0, NULL, OPTION_FLAG, AT(more_smooth),
     .help = "blend codes instead of drawing one, for display"},
    {.help = "Where it goes"},
    {"output", 'o', "FILE", OPTION_TEXT, AT(output),
     .help = "a name that ends in .png, .jpg, .webp or .ppm, or - for standard output. For more "
     "than one picture it needs a %d (or %04d), which becomes the frame number, unless they go on "
     "a sheet", .value = 'f'},
    {"sheet", 0, "COLUMNS", OPTION_COUNT, AT(columns),
     .help = "put all pictures on one contact sheet", .least = 1, .most = 100},
    {"format", 0, "FORMAT", OPTION_CHOICE, AT(format),
     .help = "png, ppm, jpeg or webp; default: by the ending of the name, png on standard output",
     .given = AT(has_format), .words = PICTURE_FORMAT_NAMES},
    {"quality", 0, "Q", OPTION_COUNT, AT(quality),
     .help = "quality of JPEG and WebP, 1..100; WebP of 100 is lossless; default 90",
     .least = 1, .most = 100},
    {"times", 0, NULL, OPTION_FLAG, AT(times),
     .help = "print seconds and pictures per second on stderr"},
    {.help = "What computes"},
    BATCH_OPTION(AT(batch)),
    DEVICE_OPTION(AT(options)),
    CUDA_DEVICE_OPTION(AT(options)),
    PRECISION_OPTION(AT(options)),
    THREADS_OPTION(AT(options)),
    {0},
};
/* clang-format on */

static const Program program = {
    .name = "code-image",
    .summary = "draw pictures with a VAR model",
    .description =
        "Draws pictures with a VAR model, decoded with CoDe, and writes them to files or "
        "to standard output. Ctrl-C keeps the pictures that are complete, on a sheet too.",
    .commands = (const Command[]){{"", "", "[OPTION]... --output FILE", ""}, {0}},
    .options = table,
    .examples =
        (const Example[]){
            {"code-image --class aurora --seed 3 --output aurora.png", "one picture"},
            {"code-image --class all --sheet 4 --output gallery.webp", "one picture of each class"},
            {"code-image --frames 4 --output frame-%03d.jpg", "four pictures, a file each"},
            {"code-image --class 2 --output - >picture.png", "to standard output"},
            {"code-image --between 3,4 --frames 8 --sheet 8 --output way.png",
             "from one picture to another"},
            {0}},
};

static bool parse_number(const char **text, uint64_t *number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static void parse_between(Arguments *a)
{
    const char *text = a->between;

    if (!parse_number(&text, &a->ends[0]) || *text++ != ',' || !parse_number(&text, &a->ends[1]) ||
        *text)
        options_fail(&program, "--between %s: expected two frame numbers such as 3,4", a->between);
    if (a->ends[0] > INT64_MAX || a->ends[1] > INT64_MAX)
        options_fail(&program, "--between %s: expected frames up to %" PRId64, a->between,
                     INT64_MAX);
    if (a->frames < 2)
        options_fail(&program, "--between needs --frames of at least 2, for both of its ends");
    if (a->frame)
        options_fail(&program, "--between has both frame numbers, so it takes no --frame");
}

static void parse(Arguments *a, int argc, char **argv)
{
    const char *operands[OPTIONS_MOST_OPERANDS];

    options_parse(&program, argc, argv, a, operands);
    a->options.drafting_steps = a->drawing.steps; /* it chooses the weights */
    if (a->has_mix && !a->class_2)
        options_fail(&program, "--mix needs a --class-2 to blend in");
    if (a->between)
        parse_between(a);
    if (a->frame > INT64_MAX - (a->frames - 1))
        options_fail(&program,
                     "--frame %" PRIu64 ": with --frames %" PRIu64 " the last frame is "
                     "beyond %" PRId64,
                     a->frame, a->frames, INT64_MAX);
    if (!a->output)
        options_fail(&program, "--output is missing");
    if (!a->has_format)
        a->format = strcmp(a->output, "-") ? picture_file_format(a->output) : PICTURE_PNG;
    if (a->format == PICTURE_FORMATS)
        options_fail(&program,
                     "--output %s: expected a name that ends in .png, .jpg, .webp or .ppm",
                     a->output);
    if (!picture_file_writes(a->format))
        options_fail(&program, "--output %s: this build lacks the library for that format",
                     a->output);
    if (!strcmp(a->output, "-") && isatty(STDOUT_FILENO))
        options_fail(&program,
                     "--output -: standard output is a terminal, expected a file or a pipe");
}

/* What is wrong with the output is said before anything is drawn. */
static bool check_output(const Arguments *a, uint64_t pictures, size_t side)
{
    size_t columns = a->columns ? a->columns : 1;
    size_t rows = a->columns ? (size_t)(pictures + columns - 1) / columns : 1;
    char name[WHOLE_FILE_NAME];

    if (strlen(a->output) > WHOLE_FILE_NAME - 1000)
        complain("--output: the name is longer than %d bytes", WHOLE_FILE_NAME - 1000);
    else if (pictures > 1 && !a->columns && strcmp(a->output, "-") &&
             !picture_name_is_numbered(a->output))
        complain("--output %s: %" PRIu64 " pictures need one %%d in the name, or "
                 "--sheet",
                 a->output, pictures);
    else {
        if (a->columns)
            snprintf(name, sizeof name, "%s", a->output);
        else
            picture_name(name, sizeof name, a->output, a->frame);
        return picture_file_check(name, a->format, columns * side, rows * side);
    }
    return false;
}

/* ---- drawing --------------------------------------------------------------------------------- */

typedef struct Job {
    const Arguments *a;
    const CodesrcModelInfo *info;
    CodesrcGenerator *generator;
    CodesrcRequest request;   /* common to all pictures */
    CodesrcFeatures *ends[2]; /* of --between */
    int32_t class_id;         /* or ALL_CLASSES */
    uint64_t pictures;
    uint64_t drawn;  /* pictures that are complete */
    uint8_t *pixels; /* of one batch, or of the whole sheet */
    size_t columns;
} Job;

static bool find_class(const CodesrcModel *model, const char *name, int32_t *class_id,
                       CodesrcError *error)
{
    const CodesrcModelInfo *info = codesrc_model_info(model);
    char *end;
    unsigned long id;

    if (!name)
        *class_id = CODESRC_CLASS_RANDOM;
    else if (!strcmp(name, "none"))
        *class_id = (int32_t)info->classes;
    else if (!strcmp(name, "all"))
        *class_id = ALL_CLASSES;
    else if (*name >= '0' && *name <= '9' && (id = strtoul(name, &end, 10), !*end))
        *class_id = id < INT32_MAX ? (int32_t)id : INT32_MAX; /* the engine checks the range */
    else
        return codesrc_model_find_class(model, name, class_id, error);
    return true;
}

static bool find_second(const Arguments *a, const CodesrcModel *model, CodesrcRequest *request,
                        CodesrcError *error)
{
    if (!a->class_2)
        return true;
    request->class_mix = a->mix;
    if (!find_class(model, a->class_2, &request->class_id_2, error))
        return false;
    if (request->class_id_2 != ALL_CLASSES)
        return true;
    snprintf(error->text, sizeof error->text, "--class-2 all: expected one class");
    return false;
}

/* Picture `index` of the job; with all classes, the frames of a class are adjacent. */
static CodesrcRequest request_of(const Job *job, uint64_t index)
{
    CodesrcRequest request = job->request;

    request.frame = job->a->frame + index;
    request.class_id = job->class_id;
    if (job->class_id == ALL_CLASSES) {
        request.frame = job->a->frame + index % job->a->frames;
        request.class_id = (int32_t)(index / job->a->frames);
    }
    return request;
}

static CodesrcPicture place_of(const Job *job, uint64_t index)
{
    size_t side = job->info->side, stride = 3 * side * job->columns;

    if (!job->a->columns) /* one above the other, in the batch's order */
        return (CodesrcPicture){job->pixels + index % job->a->batch * side * stride, stride};
    return (CodesrcPicture){job->pixels + index / job->columns * side * stride +
                                index % job->columns * 3 * side,
                            stride};
}

static bool write_batch(const Job *job, uint64_t first, unsigned count)
{
    const Arguments *a = job->a;
    char name[WHOLE_FILE_NAME], line[LAUNCH_LINE_MOST];

    for (unsigned i = 0; i < count; i++) {
        CodesrcPicture picture = place_of(job, first + i);
        CodesrcRequest request = request_of(job, first + i);
        Pixels pixels = {picture.data, job->info->side, job->info->side, line};

        launch_line_write(line, job->info, &request,
                          a->drawing.has_temperature ? a->drawing.temperature : 0);
        if (a->between) /* no launch line draws it */
            pixels.comment = NULL;
        picture_name(name, sizeof name, a->output, a->frame + first + i);
        if (!picture_file_write(name, a->format, a->quality, pixels))
            return false;
    }
    return true;
}

/* The rows of the sheet that have pictures. */
static bool write_sheet(const Job *job)
{
    const Arguments *a = job->a;
    size_t side = job->info->side, rows = (job->drawn + job->columns - 1) / job->columns;
    Pixels pixels = {job->pixels, job->columns * side, rows * side, NULL};

    return picture_file_write(a->output, a->format, a->quality, pixels);
}

/* Clears the unfinished pictures that a cancelled call left on the sheet. */
static void blank(const Job *job, uint64_t first, unsigned count)
{
    size_t side = job->info->side;

    for (unsigned i = 0; i < count; i++) {
        CodesrcPicture picture = place_of(job, first + i);

        for (size_t y = 0; y < side; y++)
            memset(picture.data + y * picture.stride, 0, 3 * side);
    }
}

static bool draft_ends(Job *job, CodesrcError *error)
{
    for (unsigned i = 0; job->a->between && i < 2; i++) {
        CodesrcRequest request = job->request;

        request.frame = job->a->ends[i];
        request.class_id = job->class_id;
        if (!codesrc_generate_features(job->generator, &request, 1, &job->ends[i], error))
            return false;
    }
    return true;
}

static bool generate(const Job *job, const CodesrcRequest *requests, unsigned count,
                     const CodesrcPicture *pictures, CodesrcError *error)
{
    bool good = true;

    if (!job->a->between)
        return codesrc_generate(job->generator, requests, count, pictures, error);
    for (unsigned i = 0; good && i < count; i++)
        good = codesrc_render_between(job->generator, job->ends[0], job->ends[1],
                                      (double)(job->drawn + i) / (double)(job->pictures - 1),
                                      &pictures[i], error);
    return good;
}

/* Draws the next pictures, and writes them if each has a file of its own. */
static bool draw_batch(Job *job, CodesrcError *error)
{
    CodesrcRequest requests[CODESRC_MAX_BATCH] = {0};
    CodesrcPicture pictures[CODESRC_MAX_BATCH] = {0};
    uint64_t left = job->pictures - job->drawn;
    unsigned count = left < job->a->batch ? (unsigned)left : job->a->batch;

    for (unsigned i = 0; i < count; i++) {
        requests[i] = request_of(job, job->drawn + i);
        pictures[i] = place_of(job, job->drawn + i);
    }
    if (!generate(job, requests, count, pictures, error)) {
        blank(job, job->drawn, count);
        return false;
    }
    if (!job->a->columns && !write_batch(job, job->drawn, count))
        return false;
    job->drawn += count;
    return true;
}

/* Drawing was interrupted: keeps the complete pictures. */
static bool keep(const Job *job)
{
    const Arguments *a = job->a;

    if (a->columns && job->drawn && !write_sheet(job))
        return false;
    complain("stopped after %" PRIu64 " of %" PRIu64 " pictures%s%s", job->drawn, job->pictures,
             job->drawn ? ", which are in " : "",
             !job->drawn               ? ""
             : !strcmp(a->output, "-") ? "standard output"
                                       : a->output);
    return true;
}

static bool draw(Job *job, CodesrcError *error)
{
    const Arguments *a = job->a;
    size_t side = job->info->side, rows;
    Progress progress;
    bool good = true;

    job->columns = a->columns ? a->columns : 1;
    rows = a->columns ? (job->pictures + a->columns - 1) / a->columns : a->batch;
    job->pixels = calloc(job->columns * rows * side, 3 * side);
    if (!job->pixels) {
        snprintf(error->text, sizeof error->text, "no memory for the pictures");
        return false;
    }
    progress_start(&progress, "pictures drawn", job->pictures);
    stop_watch(job->generator);
    good = draft_ends(job, error);
    while (good && job->drawn < job->pictures && !stop_signal()) {
        good = draw_batch(job, error);
        progress_show(&progress, job->drawn);
    }
    stop_unwatch();
    progress_clear(&progress);
    if (stop_signal() && job->drawn < job->pictures)
        return keep(job);
    if (good && a->columns)
        good = write_sheet(job);
    if (good && a->times)
        complain("%" PRIu64 " pictures in %.2f s, %.2f pictures per second, device %s",
                 job->pictures, progress_seconds(&progress),
                 (double)job->pictures / progress_seconds(&progress), job->info->device);
    return good;
}

static bool run(const Arguments *a, CodesrcModel *model, CodesrcError *error)
{
    Job job = {.a = a, .info = codesrc_model_info(model)};
    bool good;

    if (!find_class(model, a->class_name, &job.class_id, error))
        return false;
    if (a->between && job.class_id == ALL_CLASSES) {
        snprintf(error->text, sizeof error->text, "--class all: expected one class with --between");
        return false;
    }
    job.pictures = a->frames * (job.class_id == ALL_CLASSES ? job.info->classes : 1);
    if (!check_output(a, job.pictures, job.info->side))
        return false;
    codesrc_request_init(model, &job.request);
    job.request.seed = a->seed;
    if (!find_second(a, model, &job.request, error))
        return false;
    drawing_apply(&a->drawing, job.info, &job.request.settings);
    job.request.settings.more_smooth = a->more_smooth;
    job.generator =
        codesrc_generator_new(model, a->batch, 1u << job.request.settings.drafting_steps, error);
    if (!job.generator)
        return false;
    good = draw(&job, error);
    for (unsigned i = 0; i < 2; i++)
        codesrc_features_unref(job.ends[i]);
    codesrc_generator_free(job.generator);
    free(job.pixels);
    return good;
}

int main(int argc, char **argv)
{
    Arguments a = {.model = "vistas", .frames = 1, .batch = 1, .mix = 0.5, .quality = 90};
    CodesrcError error = {0};
    CodesrcModel *model;
    Progress loading;
    bool good = false;

    codesrc_model_options_init(&a.options);
    parse(&a, argc, argv);
    progress_start(&loading, "loading", 1);
    a.options.progress = progress_loading;
    a.options.progress_user = &loading;
    model = codesrc_model_open(a.model, &a.options, &error);
    progress_clear(&loading);
    if (model)
        good = run(&a, model, &error);
    if (!good && error.text[0])
        complain("%s", error.text);
    codesrc_model_unref(model);
    stop_end();
    return !good;
}
