/* studio.c - hands each frame to all viewers, and generates only while there is one. */
#include "studio.h"

#include "state.h"
#include "viewer.h"

#include <string.h>

#define HEARTBEAT 2 /* seconds between events if no picture arrives */

/* Browsers show a part only when they have seen the headers of the next one. If that does not
 * arrive within this many milliseconds, the last part is sent again. */
#define REPEAT 100

/* Microseconds between two news of one picture of a film. */
#define FILM_NEWS (G_USEC_PER_SEC / 5)

/* A page that is open: its events and, if it wants, its WebRTC session, which ends with them. */
typedef struct Page {
    Viewer *events;
    gchar *id;
    WebRtc *session;
} Page;

struct Studio {
    Facts facts;
    Settings settings;
    Generation *generation;
    Still *still;
    gboolean webrtc;
    gchar *address;
    GPtrArray *pages; /* Page */
    GPtrArray *jpegs; /* Viewer */
    guint heartbeat, repeat;

    GBytes *jpeg, *part; /* the last picture: bare, and as a part of the stream */
    GstSample *encoded;  /* the last one as VP8 */
    GstStructure *made;
    StateRate rate;
    guint64 frames;
    gint64 told;    /* when pages were told the last state */
    gchar *failure; /* of the element, until a setting changes */
};

/* ---- what is told ------------------------------------------------------------------ */

json_t *studio_model(const Studio *studio)
{
    json_t *model = facts_to_json(&studio->facts);

    json_object_set_new(model, "webrtc", json_boolean(studio->webrtc));
    return model;
}

json_t *studio_settings(const Studio *studio)
{
    return settings_to_json(&studio->settings, &studio->facts);
}

json_t *studio_state(const Studio *studio)
{
    GstStructure *stats = generation_stats(studio->generation);
    json_t *state = json_pack("{s:o, s:o, s:o, s:I, s:i, s:i, s:s?}", "settings",
                              studio_settings(studio), "picture", state_picture(studio->made),
                              "performance", state_performance(stats, &studio->rate), "frames",
                              (json_int_t)studio->frames, "pages", (int)studio->pages->len,
                              "jpeg-viewers", (int)studio->jpegs->len, "failure", studio->failure);

    if (stats)
        gst_structure_free(stats);
    return state;
}

GBytes *studio_jpeg(const Studio *studio)
{
    return studio->jpeg;
}

json_t *studio_made(const Studio *studio)
{
    return state_picture(studio->made);
}

static GBytes *make_event(const gchar *name, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));
    gchar *event = g_strdup_printf("retry: 1000\nevent: %s\ndata: %s\n\n", name, text);

    free(text);
    json_decref(value);
    return g_bytes_new_take(event, strlen(event));
}

static void tell_pages(Studio *studio)
{
    GBytes *event;

    studio->told = g_get_monotonic_time();

    if (!studio->pages->len)
        return;
    event = make_event("state", studio_state(studio));
    for (guint i = 0; i < studio->pages->len; i++)
        viewer_offer(((Page *)studio->pages->pdata[i])->events, event);
    g_bytes_unref(event);
}

/* ---- what the generation tells ----------------------------------------------------- */

/* The part includes the boundary after the picture, so that readers know at once where it ends. */
static GBytes *make_part(const Picture *picture)
{
    gsize size;
    gconstpointer data = g_bytes_get_data(picture->jpeg, &size);
    guint64 frame = 0, seed = 0;
    guint scale = 0;
    GString *part = g_string_sized_new(size + 256);

    gst_structure_get(picture->made, "frame", G_TYPE_UINT64, &frame, "seed", G_TYPE_UINT64, &seed,
                      "scale", G_TYPE_UINT, &scale, NULL);
    g_string_append_printf(part,
                           "Content-Type: image/jpeg\r\nContent-Length: %" G_GSIZE_FORMAT
                           "\r\nX-Number: %" G_GUINT64_FORMAT "\r\nX-Frame: %" G_GUINT64_FORMAT
                           "\r\nX-Seed: %" G_GUINT64_FORMAT
                           "\r\nX-Scale: %u\r\nX-Class: %s\r\n\r\n",
                           size, picture->number, frame, seed, scale,
                           gst_structure_get_string(picture->made, "class-name"));
    g_string_append_len(part, data, (gssize)size);
    g_string_append(part, "\r\n--" STUDIO_BOUNDARY "\r\n");
    return g_string_free_to_bytes(part);
}

static guint64 number(const GstStructure *made, const gchar *field)
{
    guint64 value = 0;

    if (made)
        gst_structure_get_uint64(made, field, &value);
    return value;
}

/* A coarse-to-fine picture counts when it is finished, one of a film once. */
static gboolean counts(const Studio *studio, const GstStructure *made)
{
    guint scale = 0, scales = 0;

    gst_structure_get(made, "scale", G_TYPE_UINT, &scale, "scales", G_TYPE_UINT, &scales, NULL);
    return scale == scales && (!settings_flow(&studio->settings) || !studio->made ||
                               number(made, "seed") != number(studio->made, "seed") ||
                               number(made, "frame") != number(studio->made, "frame") ||
                               number(made, "variation") != number(studio->made, "variation"));
}

static void send_part(Studio *studio)
{
    for (guint i = 0; studio->part && i < studio->jpegs->len; i++)
        viewer_offer(studio->jpegs->pdata[i], studio->part);
}

static gboolean on_repeat(gpointer user)
{
    Studio *studio = user;

    studio->repeat = 0;
    send_part(studio);
    return G_SOURCE_REMOVE;
}

static void repeat_later(Studio *studio)
{
    g_clear_handle_id(&studio->repeat, g_source_remove);
    studio->repeat = g_timeout_add(REPEAT, on_repeat, studio);
}

static void on_picture(gpointer user, const Picture *picture)
{
    Studio *studio = user;
    gboolean counted = counts(studio, picture->made);

    g_clear_pointer(&studio->jpeg, g_bytes_unref);
    g_clear_pointer(&studio->part, g_bytes_unref);
    g_clear_pointer(&studio->made, gst_structure_free);
    studio->jpeg = g_bytes_ref(picture->jpeg);
    studio->part = make_part(picture);
    studio->made = gst_structure_copy(picture->made);
    studio->frames = picture->number;
    if (counted)
        state_rate_note(&studio->rate, g_get_monotonic_time());
    send_part(studio);
    repeat_later(studio);
    if (counted || !settings_flow(&studio->settings) ||
        g_get_monotonic_time() - studio->told > FILM_NEWS)
        tell_pages(studio);
}

static void on_encoded(gpointer user, GstSample *sample)
{
    Studio *studio = user;

    gst_mini_object_replace((GstMiniObject **)&studio->encoded, (GstMiniObject *)sample);
    for (guint i = 0; i < studio->pages->len; i++) {
        Page *page = studio->pages->pdata[i];

        if (page->session)
            webrtc_offer(page->session, sample);
    }
}

static void on_failed(gpointer user, const gchar *text)
{
    Studio *studio = user;

    g_printerr("code-studio: %s\n", text);
    g_free(studio->failure);
    studio->failure = g_strdup(text);
    tell_pages(studio);
}

/* Sends pages a sign of life if nothing else does, which also detects viewers that have left. */
static gboolean on_heartbeat(gpointer user)
{
    Studio *studio = user;
    gint64 now = g_get_monotonic_time();

    for (guint i = 0; i < studio->jpegs->len; i++)
        viewer_check(studio->jpegs->pdata[i], now);
    for (guint i = 0; i < studio->pages->len; i++) {
        Page *page = studio->pages->pdata[i];

        viewer_check(page->events, now);
        if (page->session && webrtc_failed(page->session))
            g_clear_pointer(&page->session, webrtc_free);
    }
    if (studio->failure ||
        (studio->settings.rate < 1.0 / HEARTBEAT && !settings_flow(&studio->settings)))
        send_part(studio);
    tell_pages(studio);
    return G_SOURCE_CONTINUE;
}

/* ---- viewers ----------------------------------------------------------------------- */

static void page_free(gpointer data)
{
    Page *page = data;

    webrtc_free(page->session);
    g_free(page->id);
    g_free(page);
}

static void play_for_viewers(Studio *studio)
{
    guint viewers = studio->pages->len + studio->jpegs->len;

    if (viewers == 0)
        state_rate_reset(&studio->rate);
    if (viewers == 1)
        g_clear_pointer(&studio->failure, g_free);
    if (viewers <= 1)
        generation_play(studio->generation, viewers > 0);
}

static void on_page_gone(gpointer user, Viewer *viewer)
{
    Studio *studio = user;

    for (guint i = 0; i < studio->pages->len; i++)
        if (((Page *)studio->pages->pdata[i])->events == viewer) {
            g_ptr_array_remove_index_fast(studio->pages, i);
            break;
        }
    play_for_viewers(studio);
}

static void on_jpeg_gone(gpointer user, Viewer *viewer)
{
    Studio *studio = user;

    g_ptr_array_remove_fast(studio->jpegs, viewer);
    play_for_viewers(studio);
}

gboolean studio_add_page(Studio *studio, SoupServerMessage *message)
{
    Page *page;
    GBytes *event;

    if (studio->pages->len >= STUDIO_MAX_VIEWERS)
        return FALSE;
    page = g_new0(Page, 1);
    page->id = g_uuid_string_random();
    page->events = viewer_new(message, "text/event-stream", on_page_gone, studio);
    g_ptr_array_add(studio->pages, page);
    play_for_viewers(studio);
    event = make_event("page", json_pack("{s:s}", "id", page->id));
    viewer_offer(page->events, event);
    g_bytes_unref(event);
    event = make_event("state", studio_state(studio));
    viewer_offer(page->events, event);
    g_bytes_unref(event);
    return TRUE;
}

gboolean studio_add_jpeg(Studio *studio, SoupServerMessage *message)
{
    GBytes *start;
    Viewer *viewer;

    if (studio->jpegs->len >= STUDIO_MAX_VIEWERS)
        return FALSE;
    viewer = viewer_new(message, "multipart/x-mixed-replace; boundary=" STUDIO_BOUNDARY,
                        on_jpeg_gone, studio);
    g_ptr_array_add(studio->jpegs, viewer);
    play_for_viewers(studio);
    start = g_bytes_new_static("--" STUDIO_BOUNDARY "\r\n", strlen("--" STUDIO_BOUNDARY "\r\n"));
    viewer_offer(viewer, start);
    g_bytes_unref(start);
    if (studio->part)
        viewer_offer(viewer, studio->part);
    repeat_later(studio);
    return TRUE;
}

gboolean studio_has_webrtc(const Studio *studio)
{
    return studio->webrtc;
}

guint studio_webrtc_descriptors(const Studio *studio)
{
    guint sessions = 1;

    for (guint i = 0; i < studio->pages->len; i++) {
        const Page *page = studio->pages->pdata[i];

        sessions += page->session && webrtc_answering(page->session);
    }
    return sessions * WEBRTC_DESCRIPTORS;
}

gboolean studio_start_webrtc(Studio *studio, const gchar *id, const gchar *offer,
                             WebRtcAnswered answered, gpointer user)
{
    for (guint i = 0; i < studio->pages->len; i++) {
        Page *page = studio->pages->pdata[i];

        if (strcmp(page->id, id))
            continue;
        webrtc_free(page->session);
        page->session = webrtc_new(offer, studio->address, answered, user);
        if (studio->encoded)
            webrtc_offer(page->session, studio->encoded);
        return TRUE;
    }
    return FALSE;
}

/* ---- changes ----------------------------------------------------------------------- */

gboolean studio_change(Studio *studio, const gchar *text, gsize length, gchar **error)
{
    if (!settings_change(&studio->settings, &studio->facts, text, length, error))
        return FALSE;
    g_clear_pointer(&studio->failure, g_free);
    state_rate_reset(&studio->rate);
    generation_set(studio->generation, &studio->settings);
    tell_pages(studio);
    return TRUE;
}

/* ---- single pictures --------------------------------------------------------------- */

/* A part of the query of a single picture. */
static gchar *read_part(Studio *studio, Settings *settings, guint64 *frame, const gchar *key,
                        const json_t *value)
{
    static const gchar *const of_stream[] = {"progressive", "rate", "loop", NULL};

    if (!strcmp(key, "frame"))
        return settings_change_number(frame, key, value);
    if (!strcmp(key, "variation"))
        return settings_change_number(&settings->variation, key, value);
    if (!strcmp(key, "phase"))
        return settings_change_number(&settings->phase, key, value);
    if (g_strv_contains(of_stream, key))
        return g_strdup_printf("%s is a setting of the stream, not of a single picture", key);
    return settings_change_one(settings, &studio->facts, key, value);
}

gboolean studio_draw(Studio *studio, GHashTable *query, StillDone done, gpointer user,
                     gchar **error)
{
    Settings settings = studio->settings;
    guint64 frame = 0;
    GHashTableIter pairs;
    gpointer key, text;

    *error = NULL;
    if (query)
        g_hash_table_iter_init(&pairs, query);
    while (query && !*error && g_hash_table_iter_next(&pairs, &key, &text)) {
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

        if (!value)
            value = json_string(text);
        *error = value ? read_part(studio, &settings, &frame, key, value)
                       : g_strdup_printf("%.40s is not UTF-8", (const gchar *)key);
        json_decref(value);
    }
    return !*error && still_draw(studio->still, &settings, frame, done, user);
}

/* ---- making ------------------------------------------------------------------------ */

Studio *studio_new(const StudioSetup *setup, Facts *facts, GError **error)
{
    Studio *studio = g_new0(Studio, 1);
    GenerationListener listener = {on_picture, on_encoded, on_failed, studio};
    GenerationSetup generation = setup->generation;

    studio->facts = *facts;
    *facts = (Facts){.model = NULL};
    settings_init(&studio->settings, &studio->facts, setup->rate);
    studio->webrtc = webrtc_available();
    studio->address = g_strdup(setup->address);
    studio->pages = g_ptr_array_new_with_free_func(page_free);
    studio->jpegs = g_ptr_array_new();
    generation.webrtc = studio->webrtc;
    generation.scales = facts_info(&studio->facts)->scales;
    studio->generation = generation_new(&generation, &studio->settings, &listener, error);
    if (studio->generation)
        studio->still = still_new(&generation, error);
    if (!studio->still) {
        studio_free(studio);
        return NULL;
    }
    studio->heartbeat = g_timeout_add_seconds(HEARTBEAT, on_heartbeat, studio);
    return studio;
}

void studio_free(Studio *studio)
{
    if (!studio)
        return;
    still_free(studio->still);
    generation_free(studio->generation);
    g_clear_handle_id(&studio->heartbeat, g_source_remove);
    g_clear_handle_id(&studio->repeat, g_source_remove);
    g_ptr_array_unref(studio->pages);
    g_ptr_array_unref(studio->jpegs);
    g_clear_pointer(&studio->jpeg, g_bytes_unref);
    g_clear_pointer(&studio->part, g_bytes_unref);
    g_clear_pointer(&studio->made, gst_structure_free);
    gst_mini_object_replace((GstMiniObject **)&studio->encoded, (GstMiniObject *)NULL);
    g_free(studio->failure);
    g_free(studio->address);
    facts_close(&studio->facts);
    g_free(studio);
}
