/* common.h - what the element's tests share: small models, pipelines that record what comes out,
 * and pictures as checksums. */
#ifndef TEST_ELEMENT_COMMON_H
#define TEST_ELEMENT_COMMON_H

#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#define TINY_SIDE    8
#define TINY_CLASSES 10
#define TINY_SCALES  4

/* How long a test waits for what has to come. It only ends what hangs. */
#define PATIENCE (300 * GST_SECOND)

/* Manifests in a temporary folder, valid until the end of the suite. */
const gchar *tiny_model(void); /* synthetic weights, 8 x 8 pixels, a millisecond or so a picture */
const gchar *slow_model(void); /* synthetic weights, a second or so to load and for a picture */
/* With these properties the slow model is slow to load and to draw on any machine. */
#define SLOWEST "precision=f32 threads=1"

/* Weights from files, 6 x 6 pixels, 4 classes: one drafter for 1 and 2 steps and another, rounded a
 * little, for 3. Free with g_free. */
gchar *write_pairs_model(void);

/* Writes a file into that folder and returns its path, to be freed with g_free. The size may be
 * -1. */
gchar *write_file(const gchar *name, const gchar *contents, gssize size);
const gchar *test_folder(void);

/* Fails the test unless what began at `begin`, in monotonic microseconds, has ended now in what a
 * user takes for "at once". On a busy machine, everything takes longer. */
void check_at_once(gint64 begin);

/* A codesrc with the tiny model; to be unreferenced. */
GstElement *tiny_source(void);

/* One buffer as it arrived at the sink. */
typedef struct Frame {
    GstClockTime pts, duration;
    guint64 offset, offset_end;
    gboolean discont;
    gchar *checksum; /* SHA-256 of the bytes */
} Frame;

/* codesrc ! `caps` ! fakesink, which keeps a Frame of every buffer it renders. */
typedef struct Player {
    GstElement *pipeline, *source, *sink;
    GstBus *bus;
    GMutex lock;
    GArray *frames;
} Player;

/* `description` are properties of codesrc as in gst-launch, "" for none; the model is the tiny one
 * unless it is among them. `caps` NULL: any. */
Player *player_new(const gchar *description, const gchar *caps);
void player_free(Player *player);

/* To PAUSED, with the first picture made; to PLAYING and on to EOS, SEGMENT_DONE or the test's
 * failure. */
void player_preroll(Player *player);
GstMessageType player_play(Player *player);
void player_seek(Player *player, gdouble rate, GstFormat format, GstSeekFlags flags, gint64 start,
                 gint64 stop);
const Frame *player_frame(Player *player, guint i);
void player_forget(Player *player); /* the frames so far */

/* `player` has the first `count` frames of `truth`, and no others. */
void player_check(Player *player, Player *truth, guint count);

/* The first buffer that codesrc makes with these properties and caps, and its negotiated caps. */
GstSample *one_picture(const gchar *description, const gchar *caps);
gchar *sample_checksum(GstSample *sample);

/* Its checksum, in any caps; and whether those of two lots of properties are the same. */
gchar *picture_checksum(const gchar *description);
void check_same(const gchar *one, const gchar *other, gboolean same);

/* Waits for the next ERROR of a bus, checks domain and code and returns its text. */
gchar *expect_error(GstBus *bus, GQuark domain, gint code);

/* What each suite file has. */
Suite *make_suite(void);

#endif
