/* module.c - CUDA memory of GStreamer, by libgstcuda. Pictures come from the CUDA runtime's primary
 * context; a GstCudaContext has made one of its own, in the same device. So they are copied from
 * one to the other, inside of the device. */
#define GST_USE_UNSTABLE_API

#include "video/gstcodecudamodule.h"

#include <gmodule.h>
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

struct GstCodeCudaStream {
    GstCudaContext *context;
    CUstream stream;
};

/* Functions of the driver that libgstcuda does not pass on. */
static CUresult (*pointer_get_attribute)(void *data, CUpointer_attribute attribute,
                                         CUdeviceptr pointer);
static CUresult (*memcpy_3d_peer_async)(const CUDA_MEMCPY3D_PEER *copy, CUstream stream);

/* ---- errors ---------------------------------------------------------------------------------- */

static gboolean fail(CodesrcError *error, const gchar *what, const gchar *why)
{
    error->status = CODESRC_FAILED;
    g_snprintf(error->text, sizeof error->text, "CUDA: %s: %s", what, why);
    return FALSE;
}

static gboolean good(CUresult result, const gchar *what, CodesrcError *error)
{
    const char *why = NULL;

    if (result == CUDA_SUCCESS)
        return TRUE;
    CuGetErrorString(result, &why);
    return fail(error, what, why ? why : "unknown error");
}

/* ---- contexts and pools ---------------------------------------------------------------------- */

static GstObject *context_of(GstContext *holder)
{
    GstCudaContext *context = NULL;

    gst_structure_get(gst_context_get_structure(holder), GST_CUDA_CONTEXT_TYPE,
                      GST_TYPE_CUDA_CONTEXT, &context, NULL);
    return (GstObject *)context;
}

static gint device_of(GstObject *context)
{
    guint device;

    g_object_get(context, "cuda-device-id", &device, NULL);
    return (gint)device;
}

static gboolean ensure_context(GstElement *element, gint device, GstObject **context)
{
    return gst_cuda_ensure_element_context(element, device, (GstCudaContext **)context);
}

static gboolean answer_query(GstElement *element, GstQuery *query, GstObject *context)
{
    return gst_cuda_handle_context_query(element, query, GST_CUDA_CONTEXT(context));
}

static GstObject *context_of_pool(GstBufferPool *pool)
{
    return GST_IS_CUDA_BUFFER_POOL(pool)
               ? GST_OBJECT(gst_object_ref(GST_CUDA_BUFFER_POOL(pool)->context))
               : NULL;
}

static GstBufferPool *pool_new(GstObject *context)
{
    return gst_cuda_buffer_pool_new(GST_CUDA_CONTEXT(context));
}

/* ---- copies ---------------------------------------------------------------------------------- */

static GstCodeCudaStream *stream_new(GstObject *context, CodesrcError *error)
{
    GstCodeCudaStream *stream = g_new0(GstCodeCudaStream, 1);
    gboolean made;

    stream->context = GST_CUDA_CONTEXT(gst_object_ref(context));
    gst_cuda_context_push(stream->context);
    made = good(CuStreamCreate(&stream->stream, CU_STREAM_NON_BLOCKING), "making a stream", error);
    gst_cuda_context_pop(NULL);
    if (made)
        return stream;
    gst_object_unref(stream->context);
    g_free(stream);
    return NULL;
}

static void stream_free(GstCodeCudaStream *stream)
{
    gst_cuda_context_push(stream->context);
    CuStreamDestroy(stream->stream);
    gst_cuda_context_pop(NULL);
    gst_object_unref(stream->context);
    g_free(stream);
}

/* Has the rows of one plane copied. */
static gboolean copy_plane(GstCodeCudaStream *stream, const guint8 *from, gsize stride,
                           const GstVideoFrame *frame, guint plane, CodesrcError *error)
{
    /* Component `plane` is the first one of its plane in all formats that pictures have. */
    guint component = plane;
    CUDA_MEMCPY3D_PEER copy = {
        .srcMemoryType = CU_MEMORYTYPE_DEVICE,
        .srcDevice = (CUdeviceptr)(guintptr)from,
        .srcPitch = stride,
        .dstMemoryType = CU_MEMORYTYPE_DEVICE,
        .dstDevice = (CUdeviceptr)(guintptr)GST_VIDEO_FRAME_PLANE_DATA(frame, plane),
        .dstContext = gst_cuda_context_get_handle(stream->context),
        .dstPitch = (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane),
        .WidthInBytes = (gsize)GST_VIDEO_FRAME_COMP_WIDTH(frame, component) *
                        (gsize)GST_VIDEO_FRAME_COMP_PSTRIDE(frame, component),
        .Height = (gsize)GST_VIDEO_FRAME_COMP_HEIGHT(frame, component),
        .Depth = 1,
    };

    copy.srcHeight = copy.dstHeight = copy.Height;
    return good(pointer_get_attribute(&copy.srcContext, CU_POINTER_ATTRIBUTE_CONTEXT,
                                      copy.srcDevice),
                "finding a picture's context", error) &&
           good(memcpy_3d_peer_async(&copy, stream->stream), "copying a picture", error);
}

static gboolean copy_frame(GstCodeCudaStream *stream, const CodesrcPicture *picture,
                           const GstVideoFrame *frame, CodesrcError *error)
{
    const guint8 *from = picture->data;
    gboolean copied = TRUE;

    for (guint plane = 0; copied && plane < GST_VIDEO_FRAME_N_PLANES(frame); plane++) {
        copied = copy_plane(stream, from, picture->stride, frame, plane, error);
        from += (gsize)GST_VIDEO_FRAME_COMP_HEIGHT(frame, plane) * picture->stride;
    }
    /* Whatever was asked for has to end before the picture's memory is used again. */
    return good(CuStreamSynchronize(stream->stream), "waiting for a picture's copy", error) &&
           copied;
}

static gboolean copy(GstCodeCudaStream *stream, const CodesrcPicture *picture,
                     const GstVideoInfo *info, GstBuffer *buffer, CodesrcError *error)
{
    GstVideoFrame frame;
    gboolean copied;

    if (!gst_video_frame_map(&frame, (GstVideoInfo *)info, buffer,
                             (GstMapFlags)(GST_MAP_WRITE | GST_MAP_CUDA)))
        return fail(error, "mapping a buffer", "it is no CUDA memory");
    copied = gst_cuda_context_push(stream->context)
                 ? copy_frame(stream, picture, &frame, error)
                 : fail(error, "copying a picture", "the context cannot be used");
    gst_cuda_context_pop(NULL);
    gst_video_frame_unmap(&frame);
    return copied;
}

/* ---- the module ------------------------------------------------------------------------------ */

static const GstCodeCudaModule functions = {
    .context_of = context_of,
    .device_of = device_of,
    .ensure_context = ensure_context,
    .answer_query = answer_query,
    .context_of_pool = context_of_pool,
    .pool_new = pool_new,
    .stream_new = stream_new,
    .stream_free = stream_free,
    .copy = copy,
};

static gboolean load_driver(void)
{
    GModule *driver = g_module_open("libcuda.so.1", G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
    gboolean found =
        driver &&
        g_module_symbol(driver, "cuPointerGetAttribute", (gpointer *)&pointer_get_attribute) &&
        g_module_symbol(driver, "cuMemcpy3DPeerAsync", (gpointer *)&memcpy_3d_peer_async);

    if (driver)
        g_module_make_resident(driver);
    return found && gst_cuda_load_library();
}

CODESRC_API const GstCodeCudaModule *gst_code_cuda_module(const gchar *version,
                                                          CodesrcError *error);

CODESRC_API const GstCodeCudaModule *gst_code_cuda_module(const gchar *version, CodesrcError *error)
{
    if (strcmp(version, PACKAGE_VERSION)) {
        error->status = CODESRC_NO_DEVICE;
        g_snprintf(error->text, sizeof error->text,
                   "libcodesrc-gstcuda.so is of version %s, expected %s", PACKAGE_VERSION, version);
        return NULL;
    }
    if (!load_driver()) {
        error->status = CODESRC_NO_DEVICE;
        g_snprintf(error->text, sizeof error->text,
                   "libcuda.so.1 cannot be loaded, or lacks what libgstcuda needs");
        return NULL;
    }
    gst_cuda_memory_init_once();
    return &functions;
}
