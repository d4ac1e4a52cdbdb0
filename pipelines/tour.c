/* tour.c - a tour of classes: a controller sets class-id by time, exactly to the frame. */
#include "film.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <stdlib.h>

static const char usage[] = "Usage: tour [FILE] [CLASSES] [PROPERTY=VALUE...]\n"
                            "  FILE            a .webm or .mp4 file; default: tour.webm\n"
                            "  CLASSES         class ids separated by commas; default: 0 to 15\n"
                            "  PROPERTY=VALUE  of codesrc: seed=3, drafting-steps=6, ...\n";

/* Two seconds of each class, two pictures a second. */
static const GstClockTime stay = 2 * GST_SECOND;
static const int pictures = 4;

int main(int argc, char **argv)
{
    FilmArguments arguments = {"tour.webm", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", NULL};
    GstControlSource *source;
    GstElement *pipeline, *code;
    int status, count;

    if (!film_arguments(&arguments, argc, argv, usage, &status))
        return status;
    char **classes = g_strsplit(arguments.list, ",", 0);

    count = g_strv_length(classes);
    char *text = g_strdup_printf("codesrc name=code num-buffers=%d %s ! video/x-raw,framerate=2/1",
                                 count * pictures, arguments.properties);
    pipeline = film_pipeline(text, arguments.file);
    g_free(text);
    g_free(arguments.properties);
    if (!pipeline)
        return 1;

    /* Mode NONE: a value holds until the next one. */
    source = gst_interpolation_control_source_new();
    g_object_set(source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
    for (int i = 0; i < count; i++)
        gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), i * stay,
                                           atoi(classes[i]));
    g_strfreev(classes);

    code = gst_bin_get_by_name(GST_BIN(pipeline), "code");
    gst_object_add_control_binding(GST_OBJECT(code), gst_direct_control_binding_new_absolute(
                                                         GST_OBJECT(code), "class-id", source));
    gst_object_unref(source);
    gst_object_unref(code);
    return film_run(pipeline);
}
