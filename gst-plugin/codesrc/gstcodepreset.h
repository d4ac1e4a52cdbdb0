/* gstcodepreset.h - the presets draft, balanced, quality, calm, flow and slides. */
#ifndef GST_CODE_PRESET_H
#define GST_CODE_PRESET_H

#include <gst/gst.h>

/* For the interface GstPreset of codesrc. */
void gst_code_preset_init(gpointer interface, gpointer data);

#endif
