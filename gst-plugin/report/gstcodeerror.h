/* gstcodeerror.h - what the engine refuses, as an error message on the bus. */
#ifndef GST_CODE_ERROR_H
#define GST_CODE_ERROR_H

#include <gst/gst.h>

#include "codesrc.h"

/* Posts `error` as an ERROR message with the details status, model and device. Call it without
 * locks: the bus may call back into the element. */
void gst_code_error_post(GstElement *element, const CodesrcError *error, const gchar *model,
                         const gchar *device);

/* Posts a WARNING message where device "auto" came to another one than the fastest of this build:
 * which it has passed over, and why. Without locks as well. */
void gst_code_error_warn_passed_over(GstElement *element, const CodesrcModelInfo *info);

#endif
