/* gstcodecaps.h - which raw video the element offers and which of it it chooses. */
#ifndef GST_CODE_CAPS_H
#define GST_CODE_CAPS_H

#include <gst/gst.h>
#include <gst/video/video.h>

/* RGB comes first because the engine writes it itself; the others are converted from it. */
#define GST_CODE_CAPS GST_VIDEO_CAPS_MAKE("{ RGB, BGRx, RGBx, GBR, I420, NV12 }")

/* Frames a second where downstream does not care: pictures that have nothing to do with each other
 * are looked at one by one. */
#define GST_CODE_DEFAULT_FPS 1

/* `caps` (taken) with the size of a model's pictures and square pixels. */
GstCaps *gst_code_caps_narrow(GstCaps *caps, guint side);

/* Chooses what caps (taken, size already fixed) leave open: frame rate, colorimetry and the like.
 */
GstCaps *gst_code_caps_fixate(GstCaps *caps);

#endif
