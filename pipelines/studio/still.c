/* still.c - a pipeline for one picture at a time, played once for each request. */
#include "still.h"

#include <gst/app/gstappsink.h>
#include <string.h>

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

#define CHUNKS_AT 33 /* after the signature and the header chunk */

/* The check of a chunk: CRC-32 as in zlib. */
static guint32 checksum(const guint8 *bytes, gsize size)
{
    guint32 crc = 0xffffffff;

    for (gsize i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (guint bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void append_number(GByteArray *array, guint32 number)
{
    number = GUINT32_TO_BE(number);
    g_byte_array_append(array, (const guint8 *)&number, sizeof number);
}

/* The PNG with a tEXt chunk, because pngenc writes none. */
static GBytes *add_comment(GstBuffer *png, const gchar *comment)
{
    GByteArray *array = g_byte_array_new();
    gchar *chunk = g_strdup_printf("tEXtComment%c%s", 1, comment);
    gsize size = strlen(chunk);
    GstMapInfo map;

    chunk[strlen("tEXtComment")] = '\0'; /* between keyword and text */
    gst_buffer_map(png, &map, GST_MAP_READ);
    g_byte_array_append(array, map.data, CHUNKS_AT);
    append_number(array, (guint32)(size - 4));
    g_byte_array_append(array, (const guint8 *)chunk, (guint)size);
    append_number(array, checksum((const guint8 *)chunk, size));
    g_byte_array_append(array, map.data + CHUNKS_AT, (guint)(map.size - CHUNKS_AT));
    gst_buffer_unmap(png, &map);
    g_free(chunk);
    return g_byte_array_free_to_bytes(array);
}

/* ---- drawing ----------------------------------------------------------------------- */

/* On the pipeline's threads: keeps codesrc's comment and the first error. */
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
    g_object_set(still->source, "first-frame", task->frame, NULL);
    gst_element_set_state(still->pipeline, GST_STATE_PLAYING);
    sample = pull(still, &task->error);
    if (sample) {
        GstBuffer *buffer = gst_sample_get_buffer(sample);
        GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, META);
        gchar *comment = take(still, &still->comment);

        task->png = add_comment(buffer, comment ? comment : "");
        task->made = gst_structure_copy(gst_custom_meta_get_structure(meta));
        g_free(comment);
        gst_sample_unref(sample);
    }
    gst_element_set_state(still->pipeline, GST_STATE_READY);
    g_free(take(still, &still->error));
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
        generation_parse("codesrc name=source ! video/x-raw,format=RGB,framerate=0/1 ! pngenc ! "
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
