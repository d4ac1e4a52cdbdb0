/* gstcodecudamodule.h - what the module libcodesrc-gstcuda gives to the plugin: CUDA memory of
 * GStreamer. It is a module of its own because libgstcuda needs the OpenGL stack, and because the
 * plugin has to load if neither is installed. */
#ifndef GST_CODE_CUDA_MODULE_H
#define GST_CODE_CUDA_MODULE_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "codesrc.h"

#define GST_CODE_CUDA_CONTEXT "gst.cuda.context"  /* type of GstContext */
#define GST_CODE_CUDA_MEMORY  "memory:CUDAMemory" /* caps feature */

/* A stream of work in a GstCudaContext. */
typedef struct GstCodeCudaStream GstCodeCudaStream;

/* `context` is a GstCudaContext. Devices are CUDA's numbers. */
typedef struct GstCodeCudaModule {
    /* The one in a GstContext of that type: a reference; NULL: there is none. */
    GstObject *(*context_of)(GstContext *holder);
    gint (*device_of)(GstObject *context);

    /* gst_cuda_ensure_element_context: asks neighbours and the application, or creates one. The
     * element's set_context has to put contexts that arrive meanwhile into *context. */
    gboolean (*ensure_context)(GstElement *element, gint device, GstObject **context);
    gboolean (*answer_query)(GstElement *element, GstQuery *query, GstObject *context);

    /* The context that a buffer pool makes memory in, as a reference; NULL: it is another kind of
     * pool. */
    GstObject *(*context_of_pool)(GstBufferPool *pool);
    GstBufferPool *(*pool_new)(GstObject *context);

    GstCodeCudaStream *(*stream_new)(GstObject *context, CodesrcError *error);
    void (*stream_free)(GstCodeCudaStream *stream);

    /* Copies a picture, which lies in the memory of whatever context of the same device, into a
     * buffer from such a pool, and waits until it is there. */
    gboolean (*copy)(GstCodeCudaStream *stream, const CodesrcPicture *picture,
                     const GstVideoInfo *info, GstBuffer *buffer, CodesrcError *error);
} GstCodeCudaModule;

/* What the module exports. NULL, with the reason: it is of another version, or CUDA's driver cannot
 * be used. */
typedef const GstCodeCudaModule *(*GstCodeCudaEntry)(const gchar *version, CodesrcError *error);
#define GST_CODE_CUDA_ENTRY "gst_code_cuda_module"

#endif
