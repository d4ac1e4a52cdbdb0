/* gstcodenegotiate.c - the video that downstream gets: its caps, memory and pool. */
#include "codesrc/gstcodesrcprivate.h"
#include "report/gstcodetext.h"
#include "video/gstcodecaps.h"

GstCaps *gst_code_src_get_caps(GstBaseSrc *src, GstCaps *filter)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    GstCaps *caps = gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(src));
    GstCaps *filtered;
    gboolean makes_cuda;
    guint side;

    GST_OBJECT_LOCK(self);
    side = self->side;
    makes_cuda = self->makes_cuda;
    GST_OBJECT_UNLOCK(self);
    if (side)
        caps = gst_code_caps_narrow(caps, side);
    if (side && !makes_cuda)
        caps = gst_code_caps_without_cuda(caps);
    if (!filter)
        return caps;
    filtered = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(caps);
    return filtered;
}

/* Posts the size that pictures have, if it is only the size that downstream does not take. */
static void explain_size(GstCodeSrc *self, const GstCaps *wanted)
{
    gint side = (gint)self->side, width = side, height = side;
    const GstStructure *structure = gst_caps_get_structure(wanted, 0);
    CodesrcModel *model;
    gchar *name;

    gst_structure_get_int(structure, "width", &width);
    gst_structure_get_int(structure, "height", &height);
    if (width == side && height == side)
        return;
    /* The drawing thread may exchange the headers meanwhile. */
    model = gst_code_stats_model(&self->engine.stats);
    name = gst_code_text_clean(codesrc_model_info(model)->name);
    codesrc_model_unref(model);
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("pictures of the model %s have %d x %d pixels, downstream expects %d x %d: "
                       "put videoscale behind codesrc",
                       name, side, side, width, height),
                      ("downstream takes %" GST_PTR_FORMAT, wanted));
    g_free(name);
}

/* Posts the reason, if negotiation failed for one that caps do not show. */
static void explain(GstCodeSrc *self)
{
    GstPad *pad = GST_BASE_SRC_PAD(self);
    GstCaps *template = gst_pad_get_pad_template_caps(pad);
    GstCaps *wanted = gst_pad_peer_query_caps(pad, template);
    CodesrcError error = {.status = CODESRC_NO_DEVICE};

    if (wanted && !gst_caps_is_empty(wanted) && !gst_code_caps_all_in_cuda(wanted))
        explain_size(self, wanted);
    if (!self->cuda.module && wanted && gst_code_caps_all_in_cuda(wanted)) {
        g_snprintf(error.text, sizeof error.text,
                   "downstream takes only video/x-raw(" GST_CODE_CUDA_MEMORY "), which is not "
                   "available: %.350s",
                   self->cuda.why.text);
        gst_code_engine_post_error(&self->engine, &error);
    }
    gst_clear_caps(&wanted);
    gst_caps_unref(template);
}

gboolean gst_code_src_negotiate(GstBaseSrc *src)
{
    gboolean negotiated = GST_CODE_SRC_PARENT->negotiate(src);

    if (!negotiated)
        explain(GST_CODE_SRC(src));
    return negotiated;
}

GstCaps *gst_code_src_fixate(GstBaseSrc *src, GstCaps *caps)
{
    GstCaps *peer = gst_pad_peer_query_caps(GST_BASE_SRC_PAD(src), NULL);
    gint fps;

    /* A query may ask on another thread while the element starts. */
    GST_OBJECT_LOCK(src);
    fps = GST_CODE_SRC(src)->flows ? GST_CODE_FILM_FPS : GST_CODE_DEFAULT_FPS;
    GST_OBJECT_UNLOCK(src);
    caps = gst_code_caps_fixate(gst_code_caps_choose_memory(caps, peer), fps);
    gst_clear_caps(&peer);
    return GST_CODE_SRC_PARENT->fixate(src, caps);
}

/* Prepares for pictures of these caps. FALSE: they cannot be made. */
static gboolean prepare(GstCodeSrc *self, const GstCaps *caps, const GstVideoInfo *info,
                        CodesrcOutput *output)
{
    *output = (CodesrcOutput){.on_device = FALSE};
    return gst_code_caps_in_cuda(caps)
               ? gst_code_output_from_info(output, info)
               : gst_code_writer_setup(&self->writer, info, GST_VIDEO_INFO_WIDTH(info));
}

gboolean gst_code_src_set_caps(GstBaseSrc *src, GstCaps *caps)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    GstVideoInfo info;
    CodesrcOutput output;

    if (!gst_video_info_from_caps(&info, caps) || !prepare(self, caps, &info, &output)) {
        GST_ERROR_OBJECT(self, "cannot make %" GST_PTR_FORMAT, caps);
        return FALSE;
    }
    GST_INFO_OBJECT(self, "caps %" GST_PTR_FORMAT, caps);
    gst_clear_buffer(&self->standing);
    gst_code_timeline_set_rate(&self->timeline, info.fps_n, info.fps_d);
    GST_OBJECT_LOCK(self);
    self->info = info;
    /* Frames drawn ahead are in the wrong memory or format. */
    if (!gst_code_output_equal(&self->output, &output))
        self->serial++;
    self->output = output;
    GST_OBJECT_UNLOCK(self);
    gst_code_src_set_duration(self);
    gst_base_src_set_blocksize(src, GST_VIDEO_INFO_SIZE(&info));
    return TRUE;
}

gboolean gst_code_src_decide_allocation(GstBaseSrc *src, GstQuery *query)
{
    GstCodeSrc *self = GST_CODE_SRC(src);
    CodesrcError error;

    if (!self->output.on_device) {
        gst_code_writer_choose_pool(&self->writer, query);
    } else if (!gst_code_cuda_choose_pool(&self->cuda, query, &error)) {
        gst_code_engine_post_error(&self->engine, &error);
        return FALSE;
    }
    return GST_CODE_SRC_PARENT->decide_allocation(src, query);
}

void gst_code_src_set_context(GstElement *element, GstContext *context)
{
    gst_code_cuda_take_context(&GST_CODE_SRC(element)->cuda, context);
    GST_ELEMENT_CLASS(g_type_class_peek(GST_TYPE_PUSH_SRC))->set_context(element, context);
}
