/* gstcodecuda.c - finds and opens the module, and negotiates the GstContext. */
#include "video/gstcodecuda.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_src_debug

#define MODULE "libcodesrc-gstcuda.so"

/* ---- the module ------------------------------------------------------------------------------ */

static gchar *in_folder(const gchar *folder)
{
    gchar *path = g_build_filename(folder, MODULE, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        g_clear_pointer(&path, g_free);
    return path;
}

static gchar *in_list(void)
{
    const gchar *list = secure_getenv("CODESRC_MODULE_PATH");
    gchar **folders = g_strsplit(list ? list : "", ":", -1);
    gchar *path = NULL;

    for (guint i = 0; !path && folders[i]; i++)
        path = *folders[i] ? in_folder(folders[i]) : NULL;
    g_strfreev(folders);
    return path;
}

/* A plugin in its build tree finds it in its folder `video/cuda`. */
static gchar *beside_plugin(void)
{
    gchar *folder, *inside, *path;
    Dl_info info;

    if (!dladdr((gpointer)beside_plugin, &info) || !info.dli_fname)
        return NULL;
    folder = g_path_get_dirname(info.dli_fname);
    inside = g_build_filename(folder, "video", "cuda", NULL);
    path = in_folder(inside);
    g_free(inside);
    g_free(folder);
    return path;
}

/* It is never unloaded, like the types and memory of libgstcuda. */
static const GstCodeCudaModule *open_file(const gchar *path, CodesrcError *error)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    GstCodeCudaEntry entry = NULL;
    const GstCodeCudaModule *functions = NULL;

    if (module)
        *(void **)&entry = dlsym(module, GST_CODE_CUDA_ENTRY);
    if (entry) {
        functions = entry(PACKAGE_VERSION, error);
    } else {
        error->status = CODESRC_NO_DEVICE;
        g_snprintf(error->text, sizeof error->text, "%s", dlerror());
    }
    if (module)
        dlclose(module);
    return functions;
}

static const GstCodeCudaModule *open_module(CodesrcError *error)
{
    const GstCodeCudaModule *functions = NULL;
    gchar *path = in_list();

    if (!path)
        path = beside_plugin();
    if (!path)
        path = in_folder(GST_CODE_MODULES_DIR);
    if (path) {
        functions = open_file(path, error);
    } else {
        error->status = CODESRC_NOT_FOUND;
        g_snprintf(error->text, sizeof error->text,
                   "this build does not have it: " MODULE " is neither in $CODESRC_MODULE_PATH nor "
                   "in %s",
                   GST_CODE_MODULES_DIR);
    }
    g_free(path);
    return functions;
}

void gst_code_cuda_init(GstCodeCuda *cuda, GstElement *element)
{
    *cuda = (GstCodeCuda){.element = element};
}

gboolean gst_code_cuda_open(GstCodeCuda *cuda, const CodesrcModelInfo *info)
{
    cuda->device = info->cuda_device_id;
    if (cuda->device >= 0) {
        cuda->module = open_module(&cuda->why);
        if (!cuda->module)
            GST_INFO_OBJECT(cuda->element, "no CUDA memory: %s", cuda->why.text);
    } else {
        cuda->why.status = CODESRC_SETTINGS;
        g_snprintf(cuda->why.text, sizeof cuda->why.text,
                   "device \"%s\" makes pictures in the host's memory: expected device=cuda",
                   info->device);
    }
    return cuda->module != NULL;
}

static void set_context(GstCodeCuda *cuda, GstObject *context)
{
    GstObject *old;

    GST_OBJECT_LOCK(cuda->element);
    old = cuda->context;
    cuda->context = context;
    GST_OBJECT_UNLOCK(cuda->element);
    gst_clear_object(&old);
}

void gst_code_cuda_close(GstCodeCuda *cuda)
{
    if (cuda->stream)
        cuda->module->stream_free(cuda->stream);
    cuda->stream = NULL;
    set_context(cuda, NULL);
    cuda->module = NULL;
}

/* ---- contexts -------------------------------------------------------------------------------- */

static gboolean conflict(CodesrcError *error, gint found, gint expected)
{
    error->status = CODESRC_SETTINGS;
    g_snprintf(error->text, sizeof error->text,
               "downstream's CUDA context belongs to cuda-device-id %d, expected %d, on which the "
               "element computes: set cuda-device-id=%d, or downstream's to %d",
               found, expected, found, expected);
    return FALSE;
}

/* A context of another device is ignored, as everywhere in GStreamer: a bin hands all its elements
 * the contexts that any of them made. */
void gst_code_cuda_take_context(GstCodeCuda *cuda, GstContext *holder)
{
    GstObject *context;

    if (g_atomic_pointer_get(&cuda->asking) != g_thread_self() || cuda->found ||
        g_strcmp0(gst_context_get_context_type(holder), GST_CODE_CUDA_CONTEXT))
        return;
    context = cuda->module->context_of(holder);
    if (context && cuda->module->device_of(context) == cuda->device)
        cuda->found = gst_object_ref(context);
    gst_clear_object(&context);
}

/* Downstream's context must be used, or it is a mistake. */
static gboolean ask_downstream(GstCodeCuda *cuda, CodesrcError *error)
{
    GstQuery *query = gst_query_new_context(GST_CODE_CUDA_CONTEXT);
    GstPad *pad = gst_element_get_static_pad(cuda->element, "src");
    GstContext *holder = NULL;
    GstObject *context = NULL;
    gboolean agreed = TRUE;
    gint device;

    if (gst_pad_peer_query(pad, query))
        gst_query_parse_context(query, &holder);
    if (holder)
        context = cuda->module->context_of(holder);
    if (context) {
        device = cuda->module->device_of(context);
        agreed = device == cuda->device || conflict(error, device, cuda->device);
        if (agreed)
            gst_element_set_context(cuda->element, holder);
    }
    gst_clear_object(&context);
    gst_object_unref(pad);
    gst_query_unref(query);
    return agreed;
}

/* The application may have set one before the element looked for it. */
static void ask_element(GstCodeCuda *cuda)
{
    GstContext *holder = gst_element_get_context(cuda->element, GST_CODE_CUDA_CONTEXT);

    if (!holder)
        return;
    gst_code_cuda_take_context(cuda, holder);
    gst_context_unref(holder);
}

static gboolean find_context(GstCodeCuda *cuda, CodesrcError *error)
{
    gboolean agreed;

    if (cuda->context)
        return TRUE;
    g_atomic_pointer_set(&cuda->asking, g_thread_self());
    agreed = ask_downstream(cuda, error);
    if (agreed) {
        ask_element(cuda);
        cuda->module->ensure_context(cuda->element, cuda->device, &cuda->found);
    }
    g_atomic_pointer_set(&cuda->asking, NULL);
    if (agreed && !cuda->found) {
        error->status = CODESRC_NO_DEVICE;
        g_snprintf(error->text, sizeof error->text, "no CUDA context for cuda-device-id %d",
                   cuda->device);
    }
    GST_DEBUG_OBJECT(cuda->element, "CUDA context %" GST_PTR_FORMAT, cuda->found);
    set_context(cuda, cuda->found);
    cuda->found = NULL;
    return cuda->context != NULL;
}

gboolean gst_code_cuda_answer(GstCodeCuda *cuda, GstQuery *query)
{
    const GstCodeCudaModule *module;
    GstObject *context;
    gboolean answered;

    GST_OBJECT_LOCK(cuda->element);
    module = cuda->module; /* not NULL as long as there is a context */
    context = cuda->context ? gst_object_ref(cuda->context) : NULL;
    GST_OBJECT_UNLOCK(cuda->element);
    answered = context && module->answer_query(cuda->element, query, context);
    gst_clear_object(&context);
    return answered;
}

/* ---- buffers --------------------------------------------------------------------------------- */

/* Keeps downstream's pool only if it belongs to our context. FALSE: to another device. */
static gboolean take_pool(GstCodeCuda *cuda, GstBufferPool **pool, CodesrcError *error)
{
    GstObject *context = *pool ? cuda->module->context_of_pool(*pool) : NULL;
    gboolean same = context == cuda->context;
    gint device = context ? cuda->module->device_of(context) : cuda->device;

    gst_clear_object(&context);
    if (!same)
        gst_clear_object(pool);
    return device == cuda->device || conflict(error, device, cuda->device);
}

static gboolean configure(GstBufferPool *pool, GstCaps *caps, guint *size, guint min, guint max)
{
    GstStructure *config = gst_buffer_pool_get_config(pool);

    gst_buffer_pool_config_set_params(config, caps, *size, min, max);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    if (!gst_buffer_pool_set_config(pool, config))
        return FALSE;
    /* The size with the device's own strides. */
    config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_get_params(config, NULL, size, NULL, NULL);
    gst_structure_free(config);
    return TRUE;
}

gboolean gst_code_cuda_choose_pool(GstCodeCuda *cuda, GstQuery *query, CodesrcError *error)
{
    gboolean proposed = gst_query_get_n_allocation_pools(query) > 0;
    guint size = 0, min = 0, max = 0;
    GstBufferPool *pool = NULL;
    gboolean configured;
    GstVideoInfo info;
    GstCaps *caps;

    if (!find_context(cuda, error))
        return FALSE;
    gst_query_parse_allocation(query, &caps, NULL);
    if (proposed)
        gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
    if (!take_pool(cuda, &pool, error))
        return FALSE;
    if (!pool)
        pool = cuda->module->pool_new(cuda->context);
    if (!cuda->stream)
        cuda->stream = cuda->module->stream_new(cuda->context, error);
    gst_video_info_from_caps(&info, caps);
    size = MAX(size, GST_VIDEO_INFO_SIZE(&info));
    configured = cuda->stream && configure(pool, caps, &size, min, max);
    if (cuda->stream && !configured) {
        error->status = CODESRC_NO_MEMORY;
        g_snprintf(error->text, sizeof error->text, "no CUDA memory for buffers of %u bytes", size);
    }
    if (proposed)
        gst_query_set_nth_allocation_pool(query, 0, pool, size, min, max);
    else
        gst_query_add_allocation_pool(query, pool, size, min, max);
    gst_object_unref(pool);
    return configured;
}

gboolean gst_code_cuda_copy(GstCodeCuda *cuda, const CodesrcPicture *picture,
                            const GstVideoInfo *info, GstBuffer *buffer, CodesrcError *error)
{
    return cuda->module->copy(cuda->stream, picture, info, buffer, error);
}
