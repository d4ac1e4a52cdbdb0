/* generation.c - builds and drives the shared pipeline, and brings its frames to the main thread.
 */
#include "generation.h"

#include <gst/app/gstappsink.h>

#define META "GstCodeMeta"

/* A frame is small and short-lived, so prefer quality to size. Each is a key frame, so that a
 * viewer who joins or loses a packet recovers with the next one. */
#define VP8_ENCODER                                                                                \
    "vp8enc deadline=1 cpu-used=4 keyframe-max-dist=0 end-usage=cq cq-level=8 min-quantizer=4 "    \
    "max-quantizer=16 target-bitrate=20000000"

struct Generation {
    gatomicrefcount users; /* the owner, and frames under way to the main thread */
    GenerationListener listener;
    GstElement *pipeline, *source, *rate;
    GThreadPool *changer; /* one thread that changes states, one change after another */
    guint scales;
    guint64 number;
    gboolean closed; /* main thread only */

    GMutex lock; /* guards the members that the changing thread reads */
    gboolean play, progressive, failed;
    gdouble frames_per_second;
    guint hold, morph, loop; /* of the film; 1, 0 and 0 without one */
};

static void generation_unref(Generation *generation)
{
    if (!g_atomic_ref_count_dec(&generation->users))
        return;
    g_mutex_clear(&generation->lock);
    g_free(generation);
}

/* ---- frames to the main thread ----------------------------------------------------- */

typedef struct Delivery {
    Generation *generation;
    GstSample *sample;
    gboolean encoded; /* VP8, else JPEG */
} Delivery;

static void delivery_free(gpointer data)
{
    Delivery *delivery = data;

    gst_sample_unref(delivery->sample);
    generation_unref(delivery->generation);
    g_free(delivery);
}

static GBytes *copy_bytes(GstBuffer *buffer)
{
    gsize size = gst_buffer_get_size(buffer);
    gpointer data = g_malloc(size);

    gst_buffer_extract(buffer, 0, data, size);
    return g_bytes_new_take(data, size);
}

static void deliver_picture(Generation *generation, GstBuffer *buffer)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, META);
    Picture picture = {.number = ++generation->number};

    if (!meta)
        return;
    picture.jpeg = copy_bytes(buffer);
    picture.made = gst_custom_meta_get_structure(meta);
    generation->listener.picture(generation->listener.user, &picture);
    g_bytes_unref(picture.jpeg);
}

static gboolean deliver(gpointer data)
{
    Delivery *delivery = data;
    Generation *generation = delivery->generation;

    if (!generation->closed && delivery->encoded)
        generation->listener.encoded(generation->listener.user, delivery->sample);
    else if (!generation->closed)
        deliver_picture(generation, gst_sample_get_buffer(delivery->sample));
    return G_SOURCE_REMOVE;
}

static GstFlowReturn take_sample(GstAppSink *sink, Generation *generation, gboolean encoded)
{
    GstSample *sample = gst_app_sink_pull_sample(sink);
    Delivery *delivery;

    if (!sample)
        return GST_FLOW_EOS;
    delivery = g_new(Delivery, 1);
    *delivery = (Delivery){generation, sample, encoded};
    g_atomic_ref_count_inc(&generation->users);
    g_idle_add_full(G_PRIORITY_DEFAULT, deliver, delivery, delivery_free);
    return GST_FLOW_OK;
}

static GstFlowReturn take_jpeg(GstAppSink *sink, gpointer user)
{
    return take_sample(sink, user, FALSE);
}

static GstFlowReturn take_vp8(GstAppSink *sink, gpointer user)
{
    return take_sample(sink, user, TRUE);
}

/* ---- states ------------------------------------------------------------------------ */

/* RGB, because jpegenc writes I420 values in video range as if they were in JPEG's full range. */
static void set_frame_rate(Generation *generation, gdouble frames_per_second)
{
    gint numerator, denominator;
    GstCaps *caps;

    gst_util_double_to_fraction(frames_per_second, &numerator, &denominator);
    caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGB", "framerate",
                               GST_TYPE_FRACTION, numerator, denominator, NULL);
    g_object_set(generation->rate, "caps", caps, NULL);
    gst_caps_unref(caps);
}

/* On the changing thread: what codesrc reads when it leaves READY, if it is something else. */
static void change_kind(Generation *generation, gboolean progressive, guint hold, guint morph,
                        guint loop)
{
    gboolean was_progressive;
    guint was_hold, was_morph, was_loop;

    g_object_get(generation->source, "progressive", &was_progressive, "hold", &was_hold, "morph",
                 &was_morph, "loop", &was_loop, NULL);
    if (progressive == was_progressive && hold == was_hold && morph == was_morph &&
        loop == was_loop)
        return;
    gst_element_set_state(generation->pipeline, GST_STATE_READY);
    /* A film shows a frame again rather than leave one out. */
    g_object_set(generation->source, "progressive", progressive, "hold", hold, "morph", morph,
                 "loop", loop, "anytime", hold > 1 || morph > 0 || loop > 0, NULL);
}

/* On the changing thread: brings the pipeline to the state requested now, which may be newer than
 * the request that started this. */
static void change_states(gpointer task, gpointer user)
{
    Generation *generation = user;
    gboolean play, progressive, failed;
    guint hold, morph, loop;
    gdouble frames_per_second;

    (void)task;
    g_mutex_lock(&generation->lock);
    play = generation->play;
    progressive = generation->progressive;
    hold = generation->hold;
    morph = generation->morph;
    loop = generation->loop;
    frames_per_second = generation->frames_per_second;
    failed = generation->failed;
    g_mutex_unlock(&generation->lock);

    if (failed) {
        gst_element_set_state(generation->pipeline, GST_STATE_NULL);
        return;
    }
    change_kind(generation, progressive, hold, morph, loop);
    set_frame_rate(generation, frames_per_second);
    gst_element_set_state(generation->pipeline, play ? GST_STATE_PLAYING : GST_STATE_PAUSED);
}

static void ask_for_change(Generation *generation)
{
    g_thread_pool_push(generation->changer, generation, NULL);
}

static void fail(Generation *generation, GstMessage *message)
{
    GError *error;
    gboolean first;

    g_mutex_lock(&generation->lock);
    first = !generation->failed;
    generation->failed = TRUE;
    g_mutex_unlock(&generation->lock);
    if (!first)
        return;
    gst_message_parse_error(message, &error, NULL);
    generation->listener.failed(generation->listener.user, error->message);
    g_error_free(error);
    ask_for_change(generation);
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    Generation *generation = user;

    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        fail(generation, message);
    else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY)
        gst_bin_recalculate_latency(GST_BIN(generation->pipeline));
    return G_SOURCE_CONTINUE;
}

/* ---- making ------------------------------------------------------------------------ */

static void watch_sink(Generation *generation, const gchar *name,
                       GstFlowReturn (*take)(GstAppSink *sink, gpointer user))
{
    GstAppSinkCallbacks callbacks = {.new_sample = take};
    GstElement *sink = gst_bin_get_by_name(GST_BIN(generation->pipeline), name);

    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, generation, NULL);
    gst_object_unref(sink);
}

static GstElement *build(gboolean webrtc, GError **error)
{
    const gchar *queue = "queue leaky=downstream max-size-buffers=2 max-size-bytes=0 "
                         "max-size-time=0";
    const gchar *sink = "async=false sync=false max-buffers=2 drop=true";
    gchar *vp8 = g_strdup_printf(
        "frames. ! %s ! videoconvert ! " VP8_ENCODER " ! appsink name=vp8 %s", queue, sink);
    gchar *description =
        g_strdup_printf("codesrc name=source is-live=true ! capsfilter name=rate ! tee name=frames "
                        "frames. ! %s ! jpegenc quality=90 ! appsink name=jpeg %s %s",
                        queue, sink, webrtc ? vp8 : "");
    GstElement *pipeline = generation_parse(description, error);

    g_free(description);
    g_free(vp8);
    return pipeline;
}

GstElement *generation_parse(const gchar *description, GError **error)
{
    GstElement *pipeline = gst_parse_launch(description, error);
    GstElementFactory *codesrc = gst_element_factory_find("codesrc");
    gchar *text;

    if (*error) {
        g_clear_pointer(&pipeline, gst_object_unref);
        text = g_strdup_printf(
            "%s; %s", (*error)->message,
            codesrc ? "on Debian, install gstreamer1.0-plugins-base and gstreamer1.0-plugins-good"
                    : "GStreamer does not find codesrc: after ./demo run . build/demo/env.sh in "
                      "this shell, or set GST_PLUGIN_PATH_1_0 to the folder that has it");
        g_free((*error)->message);
        (*error)->message = text;
    }
    g_clear_object(&codesrc);
    return pipeline;
}

void generation_choose_model(GstElement *source, const GenerationSetup *setup)
{
    g_object_set(source, "model", setup->model, "threads", setup->threads, NULL);
    if (setup->device)
        g_object_set(source, "device", setup->device, NULL);
    if (setup->precision)
        g_object_set(source, "precision", setup->precision, NULL);
}

void generation_choose_picture(GstElement *source, const Settings *settings)
{
    g_object_set(source, "class-id", settings->class_id, "class-id-2", settings->class_id_2,
                 "class-mix", settings->class_mix, "drafting-steps", settings->drafting_steps,
                 "seed", settings->seed, "guidance", settings->guidance, "top-k", settings->top_k,
                 "top-p", settings->top_p, "temperature", settings->temperature, "more-smooth",
                 settings->more_smooth, "keep-scales", settings->keep_scales, NULL);
}

Generation *generation_new(const GenerationSetup *setup, const Settings *settings,
                           const GenerationListener *listener, GError **error)
{
    GstElement *pipeline;
    Generation *generation;
    GstBus *bus;

    *error = NULL;
    pipeline = build(setup->webrtc, error);
    if (!pipeline)
        return NULL;
    generation = g_new0(Generation, 1);
    g_atomic_ref_count_init(&generation->users);
    g_mutex_init(&generation->lock);
    generation->listener = *listener;
    generation->pipeline = pipeline;
    generation->source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    generation->rate = gst_bin_get_by_name(GST_BIN(pipeline), "rate");
    generation->scales = setup->scales;
    generation_choose_model(generation->source, setup);
    watch_sink(generation, "jpeg", take_jpeg);
    if (setup->webrtc)
        watch_sink(generation, "vp8", take_vp8);
    bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
    gst_bus_add_watch(bus, on_message, generation);
    gst_object_unref(bus);
    generation->changer = g_thread_pool_new(change_states, generation, 1, TRUE, NULL);
    generation_set(generation, settings);
    return generation;
}

void generation_free(Generation *generation)
{
    GstBus *bus;

    if (!generation)
        return;
    generation->closed = TRUE;
    g_thread_pool_free(generation->changer, TRUE, TRUE);
    gst_element_set_state(generation->pipeline, GST_STATE_NULL);
    bus = gst_pipeline_get_bus(GST_PIPELINE(generation->pipeline));
    gst_bus_remove_watch(bus);
    gst_object_unref(bus);
    gst_object_unref(generation->rate);
    gst_object_unref(generation->source);
    gst_object_unref(generation->pipeline);
    generation_unref(generation);
}

/* ---- driving ----------------------------------------------------------------------- */

void generation_play(Generation *generation, gboolean play)
{
    g_mutex_lock(&generation->lock);
    generation->play = play;
    generation->failed = FALSE;
    g_mutex_unlock(&generation->lock);
    ask_for_change(generation);
}

void generation_set(Generation *generation, const Settings *settings)
{
    guint frames = settings->progressive ? generation->scales : 1;
    gboolean flows = settings_flow(settings);

    generation_choose_picture(generation->source, settings);
    g_mutex_lock(&generation->lock);
    generation->progressive = settings->progressive;
    generation->frames_per_second = flows ? SETTINGS_FILM_RATE : settings->rate * frames;
    generation->hold = flows ? settings->hold : 1;
    generation->morph = flows ? settings->morph : 0;
    generation->loop = flows ? settings->loop : 0;
    generation->failed = FALSE;
    g_mutex_unlock(&generation->lock);
    ask_for_change(generation);
}

GstStructure *generation_stats(Generation *generation)
{
    GstStructure *stats = NULL;

    g_object_get(generation->source, "stats", &stats, NULL);
    return stats;
}
