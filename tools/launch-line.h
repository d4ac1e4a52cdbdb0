/* launch-line.h - the gst-launch-1.0 line that draws a picture again, in the files of pictures and
 * films: written by code-image, and by codesrc as the tag "comment". */
#ifndef CODE_TOOLS_LAUNCH_LINE_H
#define CODE_TOOLS_LAUNCH_LINE_H

#include <codesrc.h>

#include <stdbool.h>
#include <stddef.h>

enum { LAUNCH_LINE_MOST = 4096 };

/* The line for a picture that `request` describes. `temperature`: of all scales, 0 for the model's
 * own. */
void launch_line_write(char line[LAUNCH_LINE_MOST], const CodesrcModelInfo *info,
                       const CodesrcRequest *request, double temperature);

/* Finds the line in a PNG, JPEG, WebM, Matroska or MP4 file, as plain text or as GStreamer
 * serialises strings. Accepts only a line that draws with codesrc into frame-N.png of the current
 * folder, because people paste it into a shell. Reads the file piece by piece, whatever its size.
 * False if there is none. */
bool launch_line_find(char line[LAUNCH_LINE_MOST], const char *path, CodesrcError *error);

#endif
