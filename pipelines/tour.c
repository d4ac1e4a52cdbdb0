/* tour.c - a tour of classes: a controller sets class-id by time, exactly to the frame. */
#include "film.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

static const char usage[] =
    "Usage: tour [FILE] [CLASSES] [PROPERTY=VALUE...]\n"
    "  FILE            a .webm or .mp4 file; default: tour.webm\n"
    "  CLASSES         ids or names, separated by commas; default: 0 to 15\n"
    "  PROPERTY=VALUE  of codesrc: seed=3, drafting-steps=6, ...\n";

/* Two seconds of each class, two pictures a second. */
static const GstClockTime stay = 2 * GST_SECOND;
static const int pictures = 4;

/* A schedule of ids, one after the other. NULL, and said so, if there is no such class. */
static GstControlSource *schedule(const FilmArguments *arguments, char **classes)
{
    GstControlSource *source = gst_interpolation_control_source_new();
    GstTimedValueControlSource *values = GST_TIMED_VALUE_CONTROL_SOURCE(source);
    int id;

    /* Mode NONE: a value holds until the next one. */
    g_object_set(source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (guint i = 0; classes[i]; i++) {
        if (!film_class(arguments, classes[i], &id)) {
            gst_object_unref(source);
            return NULL;
        }
        gst_timed_value_control_source_set(values, i * stay, id);
    }
    return source;
}

int main(int argc, char **argv)
{
    FilmArguments arguments = {"tour.webm", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", NULL, NULL};
    GstControlSource *source;
    GstElement *pipeline, *code;
    char **classes, *text;
    int status;

    if (!film_arguments(&arguments, argc, argv, usage, &status))
        return status;
    classes = g_strsplit(arguments.list, ",", 0);
    source = schedule(&arguments, classes);
    if (!source)
        return 2;
    text =
        g_strdup_printf("codesrc name=code num-buffers=%d qos=false %s ! video/x-raw,framerate=2/1",
                        (int)g_strv_length(classes) * pictures, arguments.properties);
    g_strfreev(classes);
    pipeline = film_pipeline(text, arguments.file);
    g_free(text);
    g_free(arguments.properties);
    if (!pipeline)
        return 1;

    code = gst_bin_get_by_name(GST_BIN(pipeline), "code");
    gst_object_add_control_binding(GST_OBJECT(code), gst_direct_control_binding_new_absolute(
                                                         GST_OBJECT(code), "class-id", source));
    gst_object_unref(source);
    gst_object_unref(code);
    return film_run(pipeline);
}
