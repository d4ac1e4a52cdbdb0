/* morph.c - a picture of one class turns into one of another: a controller moves class-mix, and a
 * second one keeps the picture's number constant, so that all frames use the same random
 * numbers. */
#include "film.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

static const char usage[] =
    "Usage: morph [FILE] [FROM,TO] [PROPERTY=VALUE...]\n"
    "  FILE            a .webm or .mp4 file; default: morph.webm\n"
    "  FROM,TO         two classes, ids or names; default: 2,10\n"
    "  PROPERTY=VALUE  of codesrc: seed=3, top-k=20 (livelier), drafting-steps=10, ...\n";

static const int frames = 41, rate = 10;

/* Moves a property linearly from one value at the first frame to another at the last. */
static void move(GstElement *code, const char *property, double first, double last)
{
    GstControlSource *source = gst_interpolation_control_source_new();
    GstTimedValueControlSource *values = GST_TIMED_VALUE_CONTROL_SOURCE(source);

    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
    gst_timed_value_control_source_set(values, 0, first);
    gst_timed_value_control_source_set(values, (frames - 1) * GST_SECOND / rate, last);
    gst_object_add_control_binding(GST_OBJECT(code), gst_direct_control_binding_new_absolute(
                                                         GST_OBJECT(code), property, source));
    gst_object_unref(source);
}

int main(int argc, char **argv)
{
    FilmArguments arguments = {"morph.webm", "2,10", NULL, NULL};
    GstElement *pipeline, *code;
    char **classes, *text;
    int status, from, to;

    if (!film_arguments(&arguments, argc, argv, usage, &status))
        return status;
    classes = g_strsplit(arguments.list, ",", 0);
    if (g_strv_length(classes) != 2) {
        g_printerr("morph: %s: expected two classes, such as 2,aurora\n", arguments.list);
        return 2;
    }
    if (!film_class(&arguments, classes[0], &from) || !film_class(&arguments, classes[1], &to))
        return 2;
    g_strfreev(classes);

    text = g_strdup_printf(
        "codesrc name=code num-buffers=%d class-id=%d class-id-2=%d top-k=1 qos=false %s ! "
        "video/x-raw,framerate=%d/1",
        frames, from, to, arguments.properties, rate);

    pipeline = film_pipeline(text, arguments.file);
    g_free(text);
    g_free(arguments.properties);
    if (!pipeline)
        return 1;

    code = gst_bin_get_by_name(GST_BIN(pipeline), "code");
    move(code, "class-mix", 0, 1);
    /* Frame n shows picture first-frame + n, which is always frames - 1. The added half keeps
     * truncation from losing one. */
    move(code, "first-frame", frames - 1 + 0.5, 0.5);
    gst_object_unref(code);
    return film_run(pipeline);
}
