/* plugin.c - the entry point of the GStreamer plugin: registers its elements and does nothing else,
 * so that scanning the plugin opens no file and starts no thread. */
#include "codepaint/gstcodepaint.h"
#include "codesrc/gstcodesrc.h"
#include "report/gstcodelog.h"

static gboolean plugin_init(GstPlugin *plugin)
{
    gst_code_log_init();
    return GST_ELEMENT_REGISTER(codesrc, plugin) && GST_ELEMENT_REGISTER(codepaint, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, codesrc,
                  "Pictures from VAR models by collaborative decoding (CoDe)", plugin_init,
                  PACKAGE_VERSION, "MIT/X11", PACKAGE, "https://arxiv.org/abs/2411.17787")
