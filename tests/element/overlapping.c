/* overlapping.c - stands before the engine's functions of the same names: the program's come first
 * where the plugin looks for them. */
#include "overlapping.h"

#include <codesrc.h>
#include <dlfcn.h>

enum { MOST_CALLS = 2 };

static GMutex mutex; /* of all that follows */
static GCond changed;
static gboolean plain;          /* it does not overlap */
static gboolean hold_two, held; /* from when two are under way, calls are held */
static gboolean at_the_end, fail_next, for_good, lost;
static guint64 bad_frame = G_MAXUINT64;
static const gchar *bad_preview; /* why previews fail; NULL: they do not */
static guint most, pictures;
static CodesrcGenerator *current;
static gboolean cancelled;
static gboolean bad[MOST_CALLS]; /* of the calls under way, the oldest first */
static guint under_way;

typedef bool (*Begin)(CodesrcGenerator *, const CodesrcRequest *, unsigned, const CodesrcPicture *,
                      CodesrcError *);
typedef bool (*End)(CodesrcGenerator *, CodesrcError *);
typedef void (*Cancel)(CodesrcGenerator *, bool);
typedef bool (*Preview)(CodesrcGenerator *, unsigned, const CodesrcPicture *, CodesrcError *);
typedef const CodesrcModelInfo *(*Info)(const CodesrcModel *);

/* The engine's own function of this name. The library is there already, the plugin's. */
static gpointer engine(const gchar *name)
{
    static gsize library;

    if (g_once_init_enter(&library))
        g_once_init_leave(&library, (gsize)dlopen(CODE_LIBRARY, RTLD_LAZY));
    return dlsym((gpointer)library, name);
}

#define ENGINE(type, name) ((type)(guintptr)engine(name))

void overlapping_reset(gboolean overlaps)
{
    g_mutex_lock(&mutex);
    plain = !overlaps;
    hold_two = held = at_the_end = fail_next = for_good = lost = FALSE;
    bad_frame = G_MAXUINT64;
    bad_preview = NULL;
    most = pictures = 0;
    g_mutex_unlock(&mutex);
}

void overlapping_hold(gboolean hold)
{
    g_mutex_lock(&mutex);
    hold_two = hold;
    held = FALSE;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&mutex);
}

void overlapping_fail(guint64 frame, gboolean end)
{
    g_mutex_lock(&mutex);
    bad_frame = frame;
    at_the_end = end;
    g_mutex_unlock(&mutex);
}

void overlapping_fail_beside(gboolean from_then_on)
{
    g_mutex_lock(&mutex);
    fail_next = TRUE;
    for_good = from_then_on;
    g_mutex_unlock(&mutex);
}

void overlapping_fail_previews(const gchar *reason)
{
    g_mutex_lock(&mutex);
    bad_preview = reason;
    g_mutex_unlock(&mutex);
}

static guint read_locked(const guint *value)
{
    guint now;

    g_mutex_lock(&mutex);
    now = *value;
    g_mutex_unlock(&mutex);
    return now;
}

guint overlapping_under_way(void)
{
    return read_locked(&under_way);
}

guint overlapping_most(void)
{
    return read_locked(&most);
}

guint overlapping_pictures(void)
{
    return read_locked(&pictures);
}

/* Nothing is under way any more, as after every failure. */
static bool lose_all(CodesrcGenerator *generator, CodesrcStatus status, CodesrcError *error)
{
    CodesrcError ignored;

    while (ENGINE(End, "codesrc_generate_end")(generator, &ignored))
        continue;
    under_way = 0;
    error->status = status;
    g_strlcpy(error->text, lost ? "failed before" : "broken on purpose", sizeof error->text);
    return false;
}

const CodesrcModelInfo *codesrc_model_info(const CodesrcModel *model)
{
    const CodesrcModelInfo *info = ENGINE(Info, "codesrc_model_info")(model);

    g_mutex_lock(&mutex);
    ((CodesrcModelInfo *)info)->overlaps = !plain;
    g_mutex_unlock(&mutex);
    return info;
}

void codesrc_generator_cancel(CodesrcGenerator *generator, bool cancel)
{
    ENGINE(Cancel, "codesrc_generator_cancel")(generator, cancel);
    g_mutex_lock(&mutex);
    if (generator == current)
        cancelled = cancel;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&mutex);
}

bool codesrc_generator_preview(CodesrcGenerator *generator, unsigned image,
                               const CodesrcPicture *target, CodesrcError *error)
{
    const gchar *reason;

    g_mutex_lock(&mutex);
    reason = bad_preview;
    g_mutex_unlock(&mutex);
    if (!reason)
        return ENGINE(Preview, "codesrc_generator_preview")(generator, image, target, error);
    error->status = CODESRC_NO_MEMORY;
    g_strlcpy(error->text, reason, sizeof error->text);
    return false;
}

/* Whether this call is one that fails. */
static gboolean is_bad(const CodesrcRequest *requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (requests[i].frame == bad_frame)
            return TRUE;
    return FALSE;
}

bool codesrc_generate_begin(CodesrcGenerator *generator, const CodesrcRequest *requests,
                            unsigned count, const CodesrcPicture *targets, CodesrcError *error)
{
    bool begun =
        ENGINE(Begin, "codesrc_generate_begin")(generator, requests, count, targets, error);
    gboolean fails, beside;

    g_mutex_lock(&mutex);
    if (generator != current) {
        current = generator;
        cancelled = FALSE;
        under_way = 0;
    }
    fails = is_bad(requests, count);
    beside = fail_next && under_way > 0;
    fail_next = fail_next && !beside;
    pictures += count;
    if (!begun) {
        under_way = 0;
    } else if (lost || beside || (fails && !at_the_end)) {
        begun = lose_all(generator, CODESRC_FAILED, error);
        lost = lost || (beside && for_good);
    } else {
        g_assert_cmpuint(under_way, <, MOST_CALLS);
        bad[under_way++] = fails;
        most = MAX(most, under_way);
        held = held || (hold_two && under_way == MOST_CALLS);
    }
    g_mutex_unlock(&mutex);
    return begun;
}

bool codesrc_generate_end(CodesrcGenerator *generator, CodesrcError *error)
{
    bool ended = false;

    g_mutex_lock(&mutex);
    while (generator == current && held && !cancelled)
        g_cond_wait(&changed, &mutex);
    if (generator == current && held) {
        lose_all(generator, CODESRC_CANCELLED, error);
    } else if (generator == current && under_way > 0 && bad[0]) {
        lose_all(generator, CODESRC_FAILED, error);
    } else {
        ended = ENGINE(End, "codesrc_generate_end")(generator, error);
        under_way = ended && under_way > 0 ? under_way - 1 : 0;
        bad[0] = bad[1];
    }
    g_mutex_unlock(&mutex);
    return ended;
}
