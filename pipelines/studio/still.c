/* still.c - a pipeline for one picture at a time, played once for each request. */
#include "still.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <stdlib.h>
#include <string.h>

#include "picture-file.h"

#define META     "GstCodeMeta"
#define PATIENCE (GST_SECOND / 10) /* between two looks at whether the program ends */

struct Still {
    GstElement *pipeline, *source, *sink;
    GstBus *bus;
    GThreadPool *drawer;
    guint waiting; /* main thread only */
    gint closed;   /* atomic */

    GMutex lock; /* guards the members that the pipeline's threads write */
    gchar *comment, *error;
};

typedef struct Task {
    Still *still;
    Settings settings;
    guint64 frame;
    StillDone done;
    gpointer user;

    GBytes *png;
    GstStructure *made;
    gchar *error;
} Task;

static void task_free(gpointer data)
{
    Task *task = data;

    g_clear_pointer(&task->png, g_bytes_unref);
    g_clear_pointer(&task->made, gst_structure_free);
    g_free(task->error);
    g_free(task);
}

static gboolean answer(gpointer data)
{
    Task *task = data;

    task->still->waiting--;
    task->done(task->user, task->png, task->made, task->error);
    return G_SOURCE_REMOVE;
}

/* ---- PNG --------------------------------------------------------------------------- */

/* The frame's rows without what lies between them. To be freed. */
static guint8 *dense_rows(const GstVideoFrame *frame)
{
    gsize row = 3 * (gsize)GST_VIDEO_FRAME_WIDTH(frame);
    guint height = GST_VIDEO_FRAME_HEIGHT(frame);
    guint8 *pixels = g_malloc(height * row);

    for (guint y = 0; y < height; y++)
        memcpy(pixels + y * row,
               (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA(frame, 0) +
                   y * (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0),
               row);
    return pixels;
}

/* With the comment, which pngenc would not write. NULL: without memory. */
static GBytes *encode(GstSample *sample, const gchar *comment)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    guint8 *pixels;
    gchar *png = NULL;
    gsize size = 0;
    gboolean good;
    FILE *file;

    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
        return NULL;
    pixels = dense_rows(&frame);
    gst_video_frame_unmap(&frame);
    file = open_memstream(&png, &size);
    good = file && picture_png_write(file, (Pixels){.data = pixels,
                                                    .width = (gsize)info.width,
                                                    .height = (gsize)info.height,
                                                    .comment = comment});
    good = file && fclose(file) == 0 && good;
    g_free(pixels);
    if (good)
        return g_bytes_new_with_free_func(png, size, free, png);
    free(png);
    return NULL;
}

/* ---- drawing ----------------------------------------------------------------------- */

/* On the pipeline's threads: keeps codesrc's comment and the first error. A dropped message is this
 * function's to free. */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    Still *still = user;
    GstTagList *tags = NULL;
    GError *error = NULL;

    (void)bus;
    g_mutex_lock(&still->lock);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_TAG) {
        gst_message_parse_tag(message, &tags);
        if (!still->comment)
            gst_tag_list_get_string(tags, GST_TAG_COMMENT, &still->comment);
        gst_tag_list_unref(tags);
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && !still->error) {
        gst_message_parse_error(message, &error, NULL);
        still->error = g_strdup(error->message);
        g_error_free(error);
    }
    g_mutex_unlock(&still->lock);
    gst_message_unref(message);
    return GST_BUS_DROP;
}

static gchar *take(Still *still, gchar **text)
{
    gchar *taken;

    g_mutex_lock(&still->lock);
    taken = g_steal_pointer(text);
    g_mutex_unlock(&still->lock);
    return taken;
}

/* Until the picture is there, the pipeline has failed, or the program ends. */
static GstSample *pull(Still *still, gchar **error)
{
    GstSample *sample = NULL;

    while (!sample && !*error && !g_atomic_int_get(&still->closed)) {
        sample = gst_app_sink_try_pull_sample(GST_APP_SINK(still->sink), PATIENCE);
        *error = take(still, &still->error);
    }
    return sample;
}

static void draw(gpointer data, gpointer user)
{
    Task *task = data;
    Still *still = user;
    GstSample *sample;

    generation_choose_picture(still->source, &task->settings);
    g_object_set(still->source, "first-frame", task->frame, "hold", task->settings.hold, "morph",
                 task->settings.morph, "phase", task->settings.phase, "variation",
                 task->settings.variation, NULL);
    gst_element_set_state(still->pipeline, GST_STATE_PLAYING);
    sample = pull(still, &task->error);
    if (sample) {
        GstCustomMeta *meta = gst_buffer_get_custom_meta(gst_sample_get_buffer(sample), META);
        gchar *comment = take(still, &still->comment);

        task->png = encode(sample, comment);
        if (!task->png)
            task->error = g_strdup("no memory for a PNG");
        task->made = gst_structure_copy(gst_custom_meta_get_structure(meta));
        g_free(comment);
        gst_sample_unref(sample);
    }
    gst_element_set_state(still->pipeline, GST_STATE_READY);
    g_free(take(still, &still->error));
    g_free(take(still, &still->comment));
    if (!g_atomic_int_get(&still->closed))
        g_idle_add_full(G_PRIORITY_DEFAULT, answer, task, task_free);
    else
        task_free(task);
}

gboolean still_draw(Still *still, const Settings *settings, guint64 frame, StillDone done,
                    gpointer user)
{
    Task *task;

    if (still->waiting >= STILL_MOST_WAITING)
        return FALSE;
    still->waiting++;
    task = g_new0(Task, 1);
    *task =
        (Task){.still = still, .settings = *settings, .frame = frame, .done = done, .user = user};
    g_thread_pool_push(still->drawer, task, NULL);
    return TRUE;
}

/* ---- making ------------------------------------------------------------------------ */

Still *still_new(const GenerationSetup *setup, GError **error)
{
    GstElement *pipeline =
        generation_parse("codesrc name=source ! video/x-raw,format=RGB,framerate=0/1 ! "
                         "appsink name=sink sync=false max-buffers=1",
                         error);
    Still *still;

    if (!pipeline)
        return NULL;
    still = g_new0(Still, 1);
    still->pipeline = pipeline;
    still->source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    still->sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    still->bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
    g_mutex_init(&still->lock);
    gst_bus_set_sync_handler(still->bus, on_message, still, NULL);
    generation_choose_model(still->source, setup);
    still->drawer = g_thread_pool_new_full(draw, still, task_free, 1, TRUE, NULL);
    return still;
}

void still_free(Still *still)
{
    if (!still)
        return;
    g_atomic_int_set(&still->closed, TRUE);
    g_thread_pool_free(still->drawer, TRUE, TRUE);
    gst_element_set_state(still->pipeline, GST_STATE_NULL);
    gst_bus_set_sync_handler(still->bus, NULL, NULL, NULL);
    g_free(still->comment);
    g_free(still->error);
    g_mutex_clear(&still->lock);
    gst_object_unref(still->bus);
    gst_object_unref(still->sink);
    gst_object_unref(still->source);
    gst_object_unref(still->pipeline);
    g_free(still);
}
