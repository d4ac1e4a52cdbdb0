/* frames.c - decodes a file that a pipeline wrote and tells of each frame what tests ask for.
 *
 *     frames FILE [OTHER]
 *
 * One line a frame: number, time in ms (-1: none), width, height, mean difference from the frame
 * before (0..255, -1 for the first one), standard deviation of all values, and with OTHER the mean
 * difference from the frame of that number in OTHER (or its last one). Exits with 1 where a file
 * cannot be decoded. */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int width, height;
    guint8 *rgb; /* width * height * 3, without padding */
    GstClockTime time;
} Picture;

typedef struct {
    GstElement *pipeline, *sink;
    GError *error; /* NULL: none so far */
} Film;

static void film_open(Film *film, const char *file)
{
    GError *error = NULL;
    char *path = g_canonicalize_filename(file, NULL);
    char *uri = gst_filename_to_uri(path, &error);

    g_assert_no_error(error);
    film->pipeline = gst_parse_launch("uridecodebin name=in ! videoconvert ! "
                                      "video/x-raw,format=RGB ! appsink name=out sync=false",
                                      &error);
    g_assert_no_error(error);
    GstElement *in = gst_bin_get_by_name(GST_BIN(film->pipeline), "in");

    g_object_set(in, "uri", uri, NULL);
    gst_object_unref(in);
    film->sink = gst_bin_get_by_name(GST_BIN(film->pipeline), "out");
    gst_element_set_state(film->pipeline, GST_STATE_PLAYING);
    g_free(uri);
    g_free(path);
}

static gboolean film_failed(Film *film)
{
    GstBus *bus = gst_element_get_bus(film->pipeline);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);

    gst_object_unref(bus);
    if (!message)
        return FALSE;
    gst_message_parse_error(message, &film->error, NULL);
    gst_message_unref(message);
    return TRUE;
}

static gboolean film_next(Film *film, Picture *picture)
{
    GstSample *sample = NULL;
    GstVideoInfo info;
    GstVideoFrame frame;

    /* Pulling alone would wait for ever after an error before the first frame. */
    while (!(sample = gst_app_sink_try_pull_sample(GST_APP_SINK(film->sink), GST_SECOND / 10)))
        if (gst_app_sink_is_eos(GST_APP_SINK(film->sink)) || film_failed(film))
            return FALSE;
    gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
    g_assert_true(gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ));
    picture->width = info.width;
    picture->height = info.height;
    picture->time = GST_BUFFER_PTS(gst_sample_get_buffer(sample));
    picture->rgb = g_malloc((gsize)info.width * info.height * 3);
    for (int y = 0; y < info.height; y++)
        memcpy(picture->rgb + (gsize)y * info.width * 3,
               (guint8 *)frame.data[0] + (gsize)y * frame.info.stride[0], (gsize)info.width * 3);
    gst_video_frame_unmap(&frame);
    gst_sample_unref(sample);
    return TRUE;
}

/* Exits with 1 where the film did not end but failed. */
static void film_close(Film *film, const char *file)
{
    if (film->error) {
        fprintf(stderr, "%s: %s\n", file, film->error->message);
        exit(1);
    }
    gst_element_set_state(film->pipeline, GST_STATE_NULL);
    gst_object_unref(film->sink);
    gst_object_unref(film->pipeline);
}

/* Mean absolute difference, or -1 where there is nothing to compare with. */
static double difference(const Picture *a, const Picture *b)
{
    gsize size = (gsize)a->width * a->height * 3;
    double sum = 0;

    if (!b->rgb || a->width != b->width || a->height != b->height)
        return -1;
    for (gsize i = 0; i < size; i++)
        sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / size;
}

static double deviation(const Picture *picture)
{
    gsize size = (gsize)picture->width * picture->height * 3;
    double sum = 0, squares = 0;

    for (gsize i = 0; i < size; i++) {
        sum += picture->rgb[i];
        squares += (double)picture->rgb[i] * picture->rgb[i];
    }
    return sqrt(fmax(squares / size - sum / size * (sum / size), 0));
}

int main(int argc, char **argv)
{
    Film film = {0}, other = {0};
    Picture now, before = {0}, beside = {0}, next;

    gst_init(&argc, &argv);
    if (argc < 2 || argc > 3)
        return 2;
    film_open(&film, argv[1]);
    if (argc > 2)
        film_open(&other, argv[2]);

    for (int i = 0; film_next(&film, &now); i++) {
        if (argc > 2 && film_next(&other, &next)) {
            g_free(beside.rgb);
            beside = next;
        }
        printf("%d %d %d %d %.2f %.2f", i,
               GST_CLOCK_TIME_IS_VALID(now.time) ? (int)(now.time / GST_MSECOND) : -1, now.width,
               now.height, difference(&now, &before), deviation(&now));
        if (argc > 2)
            printf(" %.2f", difference(&now, &beside));
        putchar('\n');
        g_free(before.rgb);
        before = now;
    }
    film_close(&film, argv[1]);
    if (argc > 2)
        film_close(&other, argv[2]);
    g_free(before.rgb);
    g_free(beside.rgb);
    return 0;
}
