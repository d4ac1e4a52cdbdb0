/* timeline.c - edits pictures as clips, with the GStreamer Editing Services: two code:// clips, of
 * which the second fades in over the end of the first.
 *
 *     cc timeline.c -o timeline $(pkg-config --cflags --libs gst-editing-services-1.0)
 */
#include <ges/ges.h>
#include <gst/pbutils/pbutils.h>

#include <string.h>

static const char usage[] =
    "Usage: timeline [FILE] [URI URI]\n"
    "  FILE  a .webm file; default: timeline.webm\n"
    "  URI   with num-buffers, which gives the clip its length, at a picture a second;\n"
    "        default: code://aurora?seed=7&num-buffers=4 and code://volcano?seed=7&num-buffers=4\n";

static const GstClockTime fade = GST_SECOND;
static const char raw[] = "video/x-raw,width=256,height=256,framerate=25/1";

/* VP8 in WebM. */
static GstEncodingProfile *webm(void)
{
    GstCaps *file = gst_caps_from_string("video/webm"),
            *video = gst_caps_from_string("video/x-vp8");
    GstCaps *frames = gst_caps_from_string(raw);
    GstEncodingContainerProfile *profile =
        gst_encoding_container_profile_new(NULL, NULL, file, NULL);

    gst_encoding_container_profile_add_profile(
        profile, (GstEncodingProfile *)gst_encoding_video_profile_new(video, NULL, frames, 1));
    gst_caps_unref(file);
    gst_caps_unref(video);
    gst_caps_unref(frames);
    return (GstEncodingProfile *)profile;
}

/* NULL, or why a clip of this length cannot fade into another. */
static const char *fault_of(GstClockTime duration)
{
    if (!GST_CLOCK_TIME_IS_VALID(duration))
        return "has no end, expected num-buffers, from 2";
    return duration > fade ? NULL : "is no longer than the fade, a second";
}

/* Adds a clip, which begins while the one before it still fades; moves `start` to where the next
 * one begins. Prints the reason and returns FALSE if the URI is no clip. */
static gboolean add_clip(GESLayer *layer, const char *uri, GstClockTime *start)
{
    GError *error = NULL;
    GESUriClipAsset *asset = ges_uri_clip_asset_request_sync(uri, &error);
    GstClockTime duration = asset ? ges_uri_clip_asset_get_duration(asset) : 0;
    const char *fault = error ? error->message : fault_of(duration);
    GESClip *clip = NULL;

    if (!fault)
        clip =
            ges_layer_add_asset(layer, GES_ASSET(asset), *start, 0, duration, GES_TRACK_TYPE_VIDEO);
    if (clip)
        *start += duration - fade;
    else
        g_printerr("timeline: %s: %s\n", uri, fault ? fault : "is no clip");
    g_clear_error(&error);
    gst_clear_object(&asset);
    return clip != NULL;
}

/* NULL, and said so, if one of the URIs is no clip. */
static GESTimeline *timeline_of(const char *const uris[2])
{
    GESTimeline *timeline = ges_timeline_new();
    GESTrack *track = GES_TRACK(ges_video_track_new());
    GstCaps *frames = gst_caps_from_string(raw);
    GstClockTime start = 0;
    GESLayer *layer;

    ges_track_set_restriction_caps(track, frames);
    gst_caps_unref(frames);
    ges_timeline_add_track(timeline, track);
    layer = ges_timeline_append_layer(timeline);
    ges_layer_set_auto_transition(layer, TRUE);
    for (int i = 0; i < 2; i++) {
        if (!add_clip(layer, uris[i], &start)) {
            gst_object_unref(timeline);
            return NULL;
        }
    }
    return timeline;
}

/* Writes the film. Prints an error, if any, and returns the program's exit status. */
static int render(GESTimeline *timeline, const char *file)
{
    GESPipeline *pipeline = ges_pipeline_new();
    GstBus *bus = gst_element_get_bus(GST_ELEMENT(pipeline));
    GError *error = NULL;
    char *output = gst_filename_to_uri(file, &error);
    GstEncodingProfile *profile = webm();

    ges_pipeline_set_timeline(pipeline, timeline);
    if (output && ges_pipeline_set_render_settings(pipeline, output, profile) &&
        ges_pipeline_set_mode(pipeline, GES_PIPELINE_MODE_RENDER)) {
        GstMessage *message;

        gst_element_set_state(GST_ELEMENT(pipeline), GST_STATE_PLAYING);
        message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
                                             GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
            gst_message_parse_error(message, &error, NULL);
        gst_message_unref(message);
    } else if (!error) {
        g_set_error(&error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                    "GStreamer has no encoder of VP8, or no muxer of WebM");
    }
    gst_element_set_state(GST_ELEMENT(pipeline), GST_STATE_NULL);
    gst_encoding_profile_unref(profile);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_free(output);
    if (!error)
        return 0;
    g_printerr("timeline: %s: %s\n", file, error->message);
    g_error_free(error);
    return 1;
}

int main(int argc, char **argv)
{
    const char *uris[2] = {"code://aurora?seed=7&num-buffers=4",
                           "code://volcano?seed=7&num-buffers=4"};
    GESTimeline *timeline;
    GstElementFactory *factory;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        g_print("%s", usage);
        return 0;
    }
    if (argc > 4 || argc == 3 || (argc > 1 && argv[1][0] == '-')) {
        g_printerr("timeline: found %d arguments, expected a file and two URIs; see --help\n",
                   argc - 1);
        return 2;
    }
    gst_init(NULL, NULL);
    factory = gst_element_factory_find("codesrc");
    if (!factory || !ges_init()) {
        g_printerr(factory ? "timeline: GStreamer lacks the plugin nle of its editing services\n"
                           : "timeline: GStreamer does not find codesrc. After ./demo, set its "
                             "path:\n  . build/demo/env.sh\n");
        return 1;
    }
    gst_object_unref(factory);
    for (int i = 0; argc == 4 && i < 2; i++)
        uris[i] = argv[2 + i];
    timeline = timeline_of(uris);
    return timeline ? render(timeline, argc > 1 ? argv[1] : "timeline.webm") : 1;
}
