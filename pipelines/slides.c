/* slides.c - a slide show with cross-fades: two elements take turns, and a controller fades the
 * upper one in and out over the lower one. Each picture lasts four seconds, including a fade of
 * one. */
#include "film.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <stdlib.h>

static const char usage[] =
    "Usage: slides [FILE] [SLIDES] [PROPERTY=VALUE...]\n"
    "  FILE            a .webm or .mp4 file; default: slides.webm\n"
    "  SLIDES          an even number of pictures; default: 8\n"
    "  PROPERTY=VALUE  of both codesrc: class-name=aurora, drafting-steps=6, ...\n";

/* Time from one slide to the next, and the part of it that is a fade. */
static const GstClockTime turn = 4 * GST_SECOND, fade = GST_SECOND;

/* The lower picture changes at 0, 2, 4... turns, the upper one at 1, 3, 5...; each is hidden while
 * it changes. */
static void schedule(GstObject *pad, int slides)
{
    GstControlSource *source = gst_interpolation_control_source_new();
    GstTimedValueControlSource *values = GST_TIMED_VALUE_CONTROL_SOURCE(source);

    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    gst_timed_value_control_source_set(values, 0, 0);
    for (int i = 1; i < slides; i++) {
        GstClockTime middle = i * turn + turn / 2;

        gst_timed_value_control_source_set(values, middle - fade / 2, i % 2 ? 0 : 1);
        gst_timed_value_control_source_set(values, middle + fade / 2, i % 2 ? 1 : 0);
    }
    gst_object_add_control_binding(pad,
                                   gst_direct_control_binding_new_absolute(pad, "alpha", source));
    gst_object_unref(source);
}

int main(int argc, char **argv)
{
    FilmArguments arguments = {"slides.webm", "8", NULL, NULL};
    GstElement *pipeline, *mixer;
    GstPad *upper;
    int status, slides;

    if (!film_arguments(&arguments, argc, argv, usage, &status))
        return status;
    slides = atoi(arguments.list);
    if (slides < 2 || slides % 2) {
        g_printerr("slides: %s pictures: expected an even number\n", arguments.list);
        return 2;
    }

    /* Each element shows one picture every two turns; the upper one begins a turn later. */
    char *text =
        g_strdup_printf("codesrc num-buffers=%d seed=1 qos=false %s ! video/x-raw,framerate=1/8 ! "
                        "queue ! mixer.sink_0 "
                        "codesrc num-buffers=%d seed=2 qos=false %s ! video/x-raw,framerate=1/8 ! "
                        "queue ! mixer.sink_1 "
                        "compositor name=mixer ! video/x-raw,framerate=25/1",
                        slides / 2, arguments.properties, slides / 2, arguments.properties);

    pipeline = film_pipeline(text, arguments.file);
    g_free(text);
    g_free(arguments.properties);
    if (!pipeline)
        return 1;

    mixer = gst_bin_get_by_name(GST_BIN(pipeline), "mixer");
    upper = gst_element_get_static_pad(mixer, "sink_1");
    gst_pad_set_offset(upper, turn);
    schedule(GST_OBJECT(upper), slides);
    gst_object_unref(upper);
    gst_object_unref(mixer);
    return film_run(pipeline);
}
