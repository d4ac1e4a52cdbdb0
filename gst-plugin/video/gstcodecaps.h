/* gstcodecaps.h - the raw video that codesrc offers, and its choice among that. */
#ifndef GST_CODE_CAPS_H
#define GST_CODE_CAPS_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "video/gstcodecudamodule.h"

/* RGB comes first because the engine writes it itself; the others are converted from it. */
#define GST_CODE_CAPS GST_VIDEO_CAPS_MAKE("{ RGB, BGRx, RGBx, GBR, I420, NV12 }")

/* What a CUDA device writes itself; NV12 is what all encoders take. */
#define GST_CODE_CUDA_CAPS                                                                         \
    GST_VIDEO_CAPS_MAKE_WITH_FEATURES(GST_CODE_CUDA_MEMORY,                                        \
                                      "{ NV12, RGBA, BGRA, RGBx, BGRx, ARGB, ABGR, RGB, BGR }")

/* Frames a second, if downstream does not care: unrelated pictures are viewed one by one. */
#define GST_CODE_DEFAULT_FPS 1
#define GST_CODE_FILM_FPS    25 /* of pictures that become one another */

/* `caps` (taken) with the size of a model's pictures and square pixels. */
GstCaps *gst_code_caps_narrow(GstCaps *caps, guint side);

/* Whether video is in CUDA memory, by the first structure of caps; whether all of their structures
 * are, and there are any. */
gboolean gst_code_caps_in_cuda(const GstCaps *caps);
gboolean gst_code_caps_all_in_cuda(const GstCaps *caps);

/* `caps` (taken) without CUDA memory. */
GstCaps *gst_code_caps_without_cuda(GstCaps *caps);

/* `caps` (taken) with one kind of memory alone: CUDA's if `peer`, all that downstream takes, names
 * it, otherwise the host's. A peer that takes any memory does not ask for one that few can read. */
GstCaps *gst_code_caps_choose_memory(GstCaps *caps, const GstCaps *peer);

/* Chooses what caps (taken, size already fixed) leave open: the frame rate, as near to `fps` as
 * they allow, colorimetry and the like. */
GstCaps *gst_code_caps_fixate(GstCaps *caps, gint fps);

#endif
