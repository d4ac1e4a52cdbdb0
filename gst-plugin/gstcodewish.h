/* gstcodewish.h - the properties that say which model draws and on what, read when an element goes
 * from READY to PAUSED. */
#ifndef GST_CODE_WISH_H
#define GST_CODE_WISH_H

#include <gst/gst.h>

#include "gstcodesettings.h"

#define GST_CODE_DEFAULT_MODEL "vistas" /* where `model` is not set */

/* Property ids of these, after those of settings; an element's own begin at GST_CODE_WISH_LAST. */
enum {
    GST_CODE_WISH_MODEL = GST_CODE_SETTINGS_LAST,
    GST_CODE_WISH_DEVICE,
    GST_CODE_WISH_PRECISION,
    GST_CODE_WISH_THREADS,
    GST_CODE_WISH_CUDA_DEVICE_ID,
    GST_CODE_WISH_LAST
};

/* What is asked for, as the properties have it. */
typedef struct GstCodeWish {
    gchar *model, *device, *precision;
    guint threads, batch;
    gint cuda_device_id; /* -1: any */
} GstCodeWish;

void gst_code_wish_init(GstCodeWish *wish);
void gst_code_wish_clear(GstCodeWish *wish);
void gst_code_wish_install(GObjectClass *klass);

/* With the defaults in place of what is not set; to be cleared. */
GstCodeWish gst_code_wish_copy(const GstCodeWish *wish);

/* For set_property and get_property, under the lock that guards `wish`. FALSE: not one of these. */
gboolean gst_code_wish_set(GstCodeWish *wish, guint id, const GValue *value);
gboolean gst_code_wish_get(const GstCodeWish *wish, guint id, GValue *value);

#endif
