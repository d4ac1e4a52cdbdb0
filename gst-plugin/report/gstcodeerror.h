/* gstcodeerror.h - errors of the engine as messages on the bus. */
#ifndef GST_CODE_ERROR_H
#define GST_CODE_ERROR_H

#include <gst/gst.h>

#include "codesrc.h"

/* Posts `error` as an ERROR message with the details status, model and device. Call it without
 * locks: the bus may call back into the element. */
void gst_code_error_post(GstElement *element, const CodesrcError *error, const gchar *model,
                         const gchar *device);

/* Posts a WARNING message if device "auto" passed over a faster device that is here and failed,
 * with the reason. Without locks as well. */
void gst_code_error_warn_passed_over(GstElement *element, const CodesrcModelInfo *info);

/* A thread that the caller joins, or NULL with `error`: GLib's g_thread_new would end the
 * application. */
GThread *gst_code_thread_new(const gchar *name, GThreadFunc function, gpointer data,
                             CodesrcError *error);

#endif
