/* code-image.c - pictures from a model without GStreamer, as PNG or PPM files. */
#include "arguments.h"
#include "drawing.h"
#include "picture-file.h"

#include <codesrc.h>

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "Usage: code-image [OPTION]... --output FILE\n"
    "Draws pictures with a VAR model, decoded with CoDe, and writes them as PNG or PPM.\n"
    "\n"
    "  --output FILE         .png or .ppm; with more than one picture the name needs a %d (or "
    "%04d),\n"
    "                        which becomes the frame number, unless they go on a sheet\n"
    "  --model NAME          a manifest, a folder or a bundled name (vistas)\n"
    "  --class CLASS         an id or a (unique part of a) name; `none` for no class; `all` for "
    "every\n"
    "                        class in turn; drawn afresh for each frame where not given\n"
    "  --class-2 CLASS       a second class, an id, a name or `none`, to blend with the first\n"
    "  --mix X               how much of the second class, 0..1; 0.5\n"
    "  --seed S              0\n"
    "  --frame F             first frame, 0\n"
    "  --frames COUNT        how many frames, 1 (with --class all: of each class)\n"
    "  --drafting-steps N    scales that the drafter decodes; the model's default where not given\n"
    "  --guidance G  --top-k K  --top-p P  --temperature T   the model's defaults where not given\n"
    "  --more-smooth         blend codes instead of drawing one (display only)\n"
    "  --sheet COLUMNS       all pictures on one contact sheet\n"
    "  --batch B             pictures at a time, 1\n"
    "  --device D            auto, cuda, cpu, reference\n"
    "  --cuda-device-id I    which of the CUDA devices\n"
    "  --precision P         auto, f32, bf16, int8\n"
    "  --threads T           the processor's cores where not given\n"
    "  --times               print seconds and pictures per second on stderr\n"
    "  --help\n";

enum { ALL_CLASSES = -2 };

typedef struct Arguments {
    const char *model, *class_name, *class_2, *output;
    CodesrcModelOptions options;
    uint64_t seed, frame, frames;
    DrawingOptions drawing;
    double mix;
    unsigned batch, columns;
    bool has_mix, more_smooth, times;
} Arguments;

enum {
    MODEL,
    CLASS,
    CLASS_2,
    MIX,
    SEED,
    FRAME,
    FRAMES,
    DRAWING,
    SMOOTH,
    SHEET,
    BATCH,
    DEVICE,
    DEVICE_ID,
    PRECISION,
    THREADS,
    OUTPUT,
    TIMES,
    HELP
};

static const struct option names[] = {{"model", 1, NULL, MODEL},
                                      {"class", 1, NULL, CLASS},
                                      {"class-2", 1, NULL, CLASS_2},
                                      {"mix", 1, NULL, MIX},
                                      {"seed", 1, NULL, SEED},
                                      {"frame", 1, NULL, FRAME},
                                      {"frames", 1, NULL, FRAMES},
                                      {"drafting-steps", 1, NULL, DRAWING},
                                      {"guidance", 1, NULL, DRAWING},
                                      {"top-k", 1, NULL, DRAWING},
                                      {"top-p", 1, NULL, DRAWING},
                                      {"temperature", 1, NULL, DRAWING},
                                      {"more-smooth", 0, NULL, SMOOTH},
                                      {"sheet", 1, NULL, SHEET},
                                      {"batch", 1, NULL, BATCH},
                                      {"device", 1, NULL, DEVICE},
                                      {"cuda-device-id", 1, NULL, DEVICE_ID},
                                      {"precision", 1, NULL, PRECISION},
                                      {"threads", 1, NULL, THREADS},
                                      {"output", 1, NULL, OUTPUT},
                                      {"times", 0, NULL, TIMES},
                                      {"help", 0, NULL, HELP},
                                      {NULL, 0, NULL, 0}};

static void parse(Arguments *a, int argc, char **argv)
{
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        const char *name = names[index].name;

        switch (option) {
        case MODEL:
            a->model = optarg;
            break;
        case CLASS:
            a->class_name = optarg;
            break;
        case CLASS_2:
            a->class_2 = optarg;
            break;
        case MIX:
            a->mix = argument_real(name, optarg, 0, 1);
            a->has_mix = true;
            break;
        case SEED:
            a->seed = argument_integer(name, optarg, 0, UINT64_MAX);
            break;
        case FRAME:
            a->frame = argument_integer(name, optarg, 0, UINT64_MAX);
            break;
        case FRAMES:
            a->frames = argument_integer(name, optarg, 1, 1000000);
            break;
        case DRAWING:
            drawing_parse(&a->drawing, name, optarg);
            break;
        case SMOOTH:
            a->more_smooth = true;
            break;
        case SHEET:
            a->columns = (unsigned)argument_integer(name, optarg, 1, 100);
            break;
        case BATCH:
            a->batch = (unsigned)argument_integer(name, optarg, 1, CODESRC_MAX_BATCH);
            break;
        case DEVICE:
            a->options.device = optarg;
            break;
        case DEVICE_ID:
            a->options.cuda_device_id = (int)argument_integer(name, optarg, 0, INT_MAX);
            break;
        case PRECISION:
            a->options.precision = optarg;
            break;
        case THREADS:
            a->options.threads = (unsigned)argument_integer(name, optarg, 1, 1024);
            break;
        case OUTPUT:
            a->output = optarg;
            break;
        case TIMES:
            a->times = true;
            break;
        case HELP:
            fputs(usage, stdout);
            exit(0);
        default:
            fputs("Try: code-image --help\n", stderr);
            exit(2);
        }
    }
    a->options.drafting_steps = a->drawing.steps; /* it chooses the weights */
    if (a->has_mix && !a->class_2) {
        fputs("--mix needs a --class-2 to mix in\n", stderr);
        exit(2);
    }
    if (optind < argc || !a->output) {
        fprintf(stderr, optind < argc ? "unexpected: %s\n" : "--output is missing%s\n",
                optind < argc ? argv[optind] : "");
        exit(2);
    }
}

/* ---- file names ------------------------------------------------------------------------------ */

/* The place of %d or %0Nd in a name: its length, with the number's width; 0 where there is none. */
static size_t number_field(const char *name, const char **at, int *width)
{
    const char *end;

    *at = strchr(name, '%');
    if (!*at)
        return 0;
    end = *at + 1;
    *width = 0;
    if (*end == '0')
        while (*end >= '0' && *end <= '9' && *width < 100)
            *width = *width * 10 + (*end++ - '0');
    return *end == 'd' && !strchr(end, '%') ? (size_t)(end + 1 - *at) : 0;
}

static void file_name(char *out, size_t size, const char *pattern, uint64_t number)
{
    const char *at;
    int width = 0;
    size_t field = number_field(pattern, &at, &width);

    if (field)
        snprintf(out, size, "%.*s%0*" PRIu64 "%s", (int)(at - pattern), pattern, width, number,
                 at + field);
    else
        snprintf(out, size, "%s", pattern);
}

static bool check_output(const Arguments *a, uint64_t pictures)
{
    const char *at;
    int width;

    if (!picture_file_known(a->output))
        fprintf(stderr, "--output %s: expected a name that ends in .png or .ppm\n", a->output);
    else if (strlen(a->output) > 3000)
        fprintf(stderr, "--output: the name is too long\n");
    else if (pictures > 1 && !a->columns && !number_field(a->output, &at, &width))
        fprintf(stderr, "--output %s: %" PRIu64 " pictures need one %%d in the name, or --sheet\n",
                a->output, pictures);
    else
        return true;
    return false;
}

/* ---- drawing --------------------------------------------------------------------------------- */

typedef struct Job {
    const Arguments *a;
    const CodesrcModelInfo *info;
    CodesrcGenerator *generator;
    CodesrcRequest request; /* what all pictures have in common */
    int32_t class_id;       /* or ALL_CLASSES */
    uint64_t pictures;
    uint8_t *pixels; /* of one batch, or of the whole sheet */
    size_t columns, rows;
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

/* Picture `index` of the job; with all classes the frames of a class come together. */
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
    char name[4096];

    for (unsigned i = 0; i < count; i++) {
        CodesrcPicture picture = place_of(job, first + i);

        file_name(name, sizeof name, job->a->output, job->a->frame + first + i);
        if (!picture_file_write(name, picture.data, job->info->side, job->info->side))
            return false;
    }
    return true;
}

static bool draw(Job *job, CodesrcError *error)
{
    const Arguments *a = job->a;
    size_t side = job->info->side;

    job->columns = a->columns ? a->columns : 1;
    job->rows = a->columns ? (job->pictures + a->columns - 1) / a->columns : a->batch;
    job->pixels = calloc(job->columns * job->rows * side, 3 * side);
    if (!job->pixels) {
        snprintf(error->text, sizeof error->text, "no memory for the pictures");
        return false;
    }
    for (uint64_t first = 0; first < job->pictures; first += a->batch) {
        CodesrcRequest requests[CODESRC_MAX_BATCH];
        CodesrcPicture pictures[CODESRC_MAX_BATCH];
        unsigned count =
            job->pictures - first < a->batch ? (unsigned)(job->pictures - first) : a->batch;

        for (unsigned i = 0; i < count; i++) {
            requests[i] = request_of(job, first + i);
            pictures[i] = place_of(job, first + i);
        }
        if (!codesrc_generate(job->generator, requests, count, pictures, error))
            return false;
        if (!a->columns && !write_batch(job, first, count))
            return false;
    }
    return !a->columns ||
           picture_file_write(a->output, job->pixels, job->columns * side, job->rows * side);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool run(const Arguments *a, CodesrcModel *model, CodesrcError *error)
{
    Job job = {.a = a, .info = codesrc_model_info(model)};
    double start;
    bool good;

    if (!find_class(model, a->class_name, &job.class_id, error))
        return false;
    job.pictures = a->frames * (job.class_id == ALL_CLASSES ? job.info->classes : 1);
    if (!check_output(a, job.pictures))
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
    start = now();
    good = draw(&job, error);
    if (good && a->times)
        fprintf(stderr, "%" PRIu64 " pictures in %.2f s, %.2f pictures per second, device %s\n",
                job.pictures, now() - start, (double)job.pictures / (now() - start),
                job.info->device);
    codesrc_generator_free(job.generator);
    free(job.pixels);
    return good;
}

int main(int argc, char **argv)
{
    Arguments a = {.model = "vistas", .frames = 1, .batch = 1, .mix = 0.5};
    CodesrcError error = {0};
    CodesrcModel *model;
    bool good = false;

    codesrc_model_options_init(&a.options);
    parse(&a, argc, argv);
    model = codesrc_model_open(a.model, &a.options, &error);
    if (model)
        good = run(&a, model, &error);
    if (!good && error.text[0])
        fprintf(stderr, "code-image: %s\n", error.text);
    codesrc_model_unref(model);
    return !good;
}
