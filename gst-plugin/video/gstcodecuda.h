/* gstcodecuda.h - one element's use of CUDA memory: the module, opened for a CUDA device; the
 * GstCudaContext that it shares with its neighbours; and copies into buffers.
 *
 * For the streaming thread and the state change, except where noted. */
#ifndef GST_CODE_CUDA_H
#define GST_CODE_CUDA_H

#include "video/gstcodecudamodule.h"

typedef struct GstCodeCuda {
    GstElement *element;             /* not owned */
    const GstCodeCudaModule *module; /* NULL: closed, or not available: */
    CodesrcError why;
    gint device;
    GstObject *context; /* under the element's object lock; NULL: not needed yet */
    GstCodeCudaStream *stream;

    /* While looking for a context. */
    GThread *asking; /* atomic: the thread that looks */
    GstObject *found;
} GstCodeCuda;

void gst_code_cuda_init(GstCodeCuda *cuda, GstElement *element);

/* Opens the module if the model was opened for a CUDA device. TRUE: CUDA memory is available. */
gboolean gst_code_cuda_open(GstCodeCuda *cuda, const CodesrcModelInfo *info);
void gst_code_cuda_close(GstCodeCuda *cuda);

/* From the element's set_context, any thread. */
void gst_code_cuda_take_context(GstCodeCuda *cuda, GstContext *holder);

/* A context query, any thread. FALSE: not answered. */
gboolean gst_code_cuda_answer(GstCodeCuda *cuda, GstQuery *query);

/* Answers an allocation query with a pool of CUDA memory, finding or making a context first. */
gboolean gst_code_cuda_choose_pool(GstCodeCuda *cuda, GstQuery *query, CodesrcError *error);

/* Copies a picture from the device's memory into a buffer of that pool. */
gboolean gst_code_cuda_copy(GstCodeCuda *cuda, const CodesrcPicture *picture,
                            const GstVideoInfo *info, GstBuffer *buffer, CodesrcError *error);

#endif
