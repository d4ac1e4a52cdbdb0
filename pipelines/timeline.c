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

/* Adds a clip, which begins while the one before it still fades; moves `start` to where the next
 * one begins. Prints the reason and returns FALSE if the URI is no clip. */
static gboolean add_clip(GESLayer *layer, const char *uri, GstClockTime *start)
{
    GError *error = NULL;
    GESUriClipAsset *asset = ges_uri_clip_asset_request_sync(uri, &error);
    GESClip *clip = NULL;

    if (asset)
        clip = ges_layer_add_asset(layer, GES_ASSET(asset), *start, 0,
                                   ges_uri_clip_asset_get_duration(asset), GES_TRACK_TYPE_VIDEO);
    if (clip)
        *start += MAX(ges_timeline_element_get_duration(GES_TIMELINE_ELEMENT(clip)), fade) - fade;
    else
        g_printerr("timeline: %s: %s\n", uri, error ? error->message : "is no clip");
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
    if (!ges_init())
        return 1;
    for (int i = 0; argc == 4 && i < 2; i++)
        uris[i] = argv[2 + i];
    timeline = timeline_of(uris);
    return timeline ? render(timeline, argc > 1 ? argv[1] : "timeline.webm") : 1;
}
