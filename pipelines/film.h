/* film.h - what the film programs of this folder have in common: their arguments, an encoder by the
 * file's ending, and running a pipeline to its end. Not thread-safe; for main programs. */
#ifndef FILM_H
#define FILM_H

#include <gst/gst.h>

typedef struct {
    const char *file; /* the first argument without a '=', or the default */
    const char *list; /* the second one, or the default */
    char *properties; /* PROPERTY=VALUE..., quoted for gst_parse_launch; free with g_free */
} FilmArguments;

/* Initialises GStreamer and reads the arguments; `file` and `list` come with their defaults. Where
 * it returns FALSE the program ends with *status: after --help, after a bad argument, and where
 * GStreamer does not find codesrc, having said so. */
gboolean film_arguments(FilmArguments *arguments, int argc, char **argv, const char *usage,
                        int *status);

/* Makes the pipeline that the text describes, whose end goes on into a file, encoded by the file's
 * ending: .webm (VP8) or .mp4 (H.264). NULL, and said so, where it cannot. */
GstElement *film_pipeline(const char *text, const char *file);

/* Plays to the end, and unrefs the pipeline. Returns the program's exit status: 1 after an error,
 * which it prints. */
int film_run(GstElement *pipeline);

#endif
