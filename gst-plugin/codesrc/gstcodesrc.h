/* gstcodesrc.h - the element codesrc: a video source whose every frame is a picture that a VAR
 * model has just generated. */
#ifndef GST_CODE_SRC_H
#define GST_CODE_SRC_H

#include <gst/base/gstpushsrc.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CODE_SRC (gst_code_src_get_type())
G_DECLARE_FINAL_TYPE(GstCodeSrc, gst_code_src, GST, CODE_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE(codesrc)

G_END_DECLS

#endif
