/* film.h - shared by the film programs of this folder: reads arguments, chooses the encoder by the
 * file's extension, and runs a pipeline to its end. Not thread-safe; for main programs. */
#ifndef FILM_H
#define FILM_H

#include <gst/gst.h>

typedef struct {
    const char *file;  /* the first argument without a '=', or the default */
    const char *list;  /* the second one, or the default */
    char *properties;  /* PROPERTY=VALUE..., quoted for gst_parse_launch; free with g_free */
    const char *model; /* the value of model=NAME among them, or "vistas" */
} FilmArguments;

/* Initialises GStreamer and reads the arguments; the caller sets the defaults of `file` and `list`.
 * If it returns FALSE, the program should exit with *status: after --help, after a bad argument, or
 * if GStreamer does not find codesrc. It has then printed the reason. */
gboolean film_arguments(FilmArguments *arguments, int argc, char **argv, const char *usage,
                        int *status);

/* The class that a text names: an id, or a name or a part of a name as for the element's
 * class-name. Asks the library, because class-id is what a controller can drive. Prints the reason
 * and returns FALSE if the model has no such class. */
gboolean film_class(const FilmArguments *arguments, const char *text, int *id);

/* Creates the pipeline in `text`, followed by an encoder for `file` by its extension: .webm (VP8)
 * or .mp4 (H.264). Prints the reason and returns NULL on failure. */
GstElement *film_pipeline(const char *text, const char *file);

/* Plays to the end and unrefs the pipeline. Prints an error, if any. Returns the program's exit
 * status: 1 after an error. */
int film_run(GstElement *pipeline);

#endif
