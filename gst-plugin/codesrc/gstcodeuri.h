/* gstcodeuri.h - code://CLASS?PROPERTY=VALUE&..., for elements that play URIs. */
#ifndef GST_CODE_URI_H
#define GST_CODE_URI_H

#include "codesrc/gstcodesrc.h"

/* For the interface GstURIHandler of codesrc. */
void gst_code_uri_handler_init(gpointer interface, gpointer data);

#endif
