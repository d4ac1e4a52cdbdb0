/* gstcoderepaint.c - a frame to tokens, tokens to a picture, and its masked pixels into the
 * frame. */
#include "codepaint/gstcoderepaint.h"

#include "codepaint/gstcodemask.h"
#include "model/gstcodeexit.h"

void gst_code_repaint_start(GstCodeRepaint *repaint, GstCodeEngine *engine,
                            const GstCodeMotion *motion)
{
    const CodesrcModelInfo *info = gst_code_engine_info(engine);

    repaint->engine = engine;
    repaint->motion = *motion;
    repaint->cells = info->patch_nums[info->scales - 1];
    repaint->pixels = g_malloc0(GST_CODE_STRIDE(info->side) * info->side);
    repaint->image = g_new(gfloat, 3 * (gsize)info->side * info->side);
    repaint->cell = g_new(gfloat, (gsize)repaint->cells * repaint->cells);
}

void gst_code_repaint_stop(GstCodeRepaint *repaint)
{
    gst_code_writer_clear(&repaint->writer);
    gst_clear_buffer(&repaint->drawn);
    g_clear_pointer(&repaint->mask, g_free);
    g_clear_pointer(&repaint->pixels, g_free);
    g_clear_pointer(&repaint->image, g_free);
    g_clear_pointer(&repaint->cell, g_free);
}

gboolean gst_code_repaint_set_info(GstCodeRepaint *repaint, const GstVideoInfo *info)
{
    gst_clear_buffer(&repaint->drawn);
    g_clear_pointer(&repaint->mask, g_free);
    if (!gst_code_writer_setup(&repaint->writer, info,
                               gst_code_engine_info(repaint->engine)->side) ||
        !gst_code_writer_setup_reading(&repaint->writer))
        return FALSE;
    repaint->mask = g_malloc((gsize)GST_VIDEO_INFO_WIDTH(info) * GST_VIDEO_INFO_HEIGHT(info));
    repaint->drawn = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
    return TRUE;
}

gboolean gst_code_repaint_choose(GstCodeRepaint *repaint, const gchar *mask,
                                 const GstVideoFrame *frame, GstVideoRectangle *rectangle,
                                 gboolean *any, CodesrcError *error)
{
    *any = FALSE;
    *rectangle = (GstVideoRectangle){0, 0, 0, 0};
    if (mask) {
        if (!gst_code_mask_parse(mask, rectangle, error) ||
            !gst_code_mask_check(mask, rectangle, &frame->info, error))
            return FALSE;
        *any = gst_code_mask_from_rectangle(rectangle, &frame->info, repaint->mask);
    } else if (GST_VIDEO_INFO_HAS_ALPHA(&frame->info)) {
        *any = gst_code_mask_from_alpha(frame, repaint->mask);
    }
    if (*any)
        gst_code_mask_to_cells(repaint->mask, &frame->info, repaint->cells, repaint->cell);
    return TRUE;
}

/* The frame as tokens. NULL on failure. */
static CodesrcCanvas *encode(GstCodeRepaint *repaint, CodesrcGenerator *generator,
                             const GstVideoFrame *frame, CodesrcError *error)
{
    gsize side = gst_code_engine_info(repaint->engine)->side, area = side * side;

    if (!gst_code_writer_read_frame(&repaint->writer, frame, repaint->pixels, error))
        return NULL;
    for (gsize y = 0; y < side; y++)
        for (gsize x = 0; x < side; x++)
            for (gsize c = 0; c < 3; c++)
                repaint->image[c * area + y * side + x] =
                    repaint->pixels[y * GST_CODE_STRIDE(side) + 3 * x + c] / 127.5f - 1.0f;
    return codesrc_encode(generator, repaint->image, error);
}

static gboolean make_request(GstCodeRepaint *repaint, guint64 number, CodesrcRequest *request,
                             CodesrcError *error)
{
    GstCodeWeights *weights = &repaint->engine->weights;
    GstCodeSettings settings = gst_code_engine_settings(repaint->engine);
    guint steps = gst_code_settings_steps(&settings, weights->headers);
    gboolean made = gst_code_settings_in_range(&settings, error) &&
                    gst_code_weights_select(weights, steps, error) &&
                    gst_code_settings_request(&settings, weights->headers, number, request, error);

    gst_code_settings_clear(&settings);
    return made;
}

/* The picture's masked pixels into the frame. */
static gboolean put_back(GstCodeRepaint *repaint, GstVideoFrame *frame, CodesrcError *error)
{
    GstVideoFrame drawn;

    if (!gst_code_writer_write(&repaint->writer, repaint->pixels, repaint->drawn, error) ||
        !gst_code_writer_map(&drawn, &repaint->writer.info, repaint->drawn, GST_MAP_READ, error))
        return FALSE;
    gst_code_mask_copy(repaint->mask, &drawn, frame);
    gst_video_frame_unmap(&drawn);
    return TRUE;
}

/* The picture at `t` between two, both painted into the same canvas. */
static gboolean paint_between(CodesrcGenerator *generator, const CodesrcRequest *requests,
                              gdouble t, const CodesrcPicture *picture, CodesrcTimes *times,
                              CodesrcError *error)
{
    CodesrcFeatures *features[2] = {NULL, NULL};
    gboolean drawn = TRUE;

    for (guint i = 0; drawn && i < 2; i++) {
        CodesrcTimes taken;

        drawn = codesrc_generate_features(generator, &requests[i], 1, &features[i], error);
        taken = codesrc_generator_times(generator);
        times->drafter += taken.drafter;
        times->refiner += taken.refiner;
    }
    drawn = drawn && codesrc_render_between(generator, features[0], features[1], t, picture, error);
    times->vae = codesrc_generator_times(generator).vae;
    codesrc_features_unref(features[0]);
    codesrc_features_unref(features[1]);
    return drawn;
}

/* `requests`: of both pictures, or at t = 0 of one. */
static gboolean draw(GstCodeRepaint *repaint, CodesrcGenerator *generator,
                     const CodesrcRequest *requests, gdouble t, GstVideoFrame *frame,
                     CodesrcTimes *times, CodesrcError *error)
{
    guint side = gst_code_engine_info(repaint->engine)->side;
    CodesrcPicture picture = {repaint->pixels, GST_CODE_STRIDE(side)};
    CodesrcCanvas *canvas = encode(repaint, generator, frame, error);
    CodesrcRequest editing[2] = {requests[0], requests[1]};
    gboolean drawn = canvas != NULL;

    for (guint i = 0; i < 2; i++) {
        editing[i].canvas = canvas;
        editing[i].mask = repaint->cell;
    }
    if (drawn && t > 0.0) {
        drawn = paint_between(generator, editing, t, &picture, times, error);
    } else if (drawn) {
        drawn = codesrc_generate(generator, editing, 1, &picture, error);
        *times = codesrc_generator_times(generator);
    }
    drawn = drawn && put_back(repaint, frame, error);
    codesrc_canvas_free(canvas);
    return drawn;
}

gboolean gst_code_repaint_frame(GstCodeRepaint *repaint, guint64 number, GstVideoFrame *frame,
                                GstCodeRecord *record, CodesrcError *error)
{
    GstCodeWeights *weights = &repaint->engine->weights;
    gboolean flows = gst_code_motion_flows(&repaint->motion), drawn;
    GstCodeMoment moment = gst_code_motion_at(&repaint->motion, number);
    CodesrcTimes times = {.vae = 0.0};
    CodesrcGenerator *generator;
    CodesrcRequest requests[2];
    gint64 begin;

    if (!make_request(repaint, moment.from, &requests[0], error))
        return FALSE;
    requests[1] = requests[0];
    if (moment.t > 0.0 && !make_request(repaint, moment.to, &requests[1], error))
        return FALSE;
    generator = gst_code_weights_await(weights, error);
    if (!generator || !gst_code_exit_enter(error))
        return FALSE;
    begin = g_get_monotonic_time();
    drawn = draw(repaint, generator, requests, moment.t, frame, &times, error);
    gst_code_exit_leave();
    if (!drawn)
        return FALSE;
    *record = (GstCodeRecord){.request = requests[0],
                              .scales = codesrc_model_info(weights->headers)->scales,
                              .times = times,
                              .seconds = (g_get_monotonic_time() - begin) / 1e6,
                              .painted = TRUE};
    if (flows)
        record->film = (GstCodeFilm){
            .motion = repaint->motion, .frame = number, .moment = moment, .next = requests[1]};
    g_strlcpy(record->digest, gst_code_weights_digest(weights), sizeof record->digest);
    return TRUE;
}
