/* common.h - what the studio's tests share: code-studio as a process of its own, and requests to
 * it. */
#ifndef TEST_STUDIO_COMMON_H
#define TEST_STUDIO_COMMON_H

#include <jansson.h>
#include <libsoup/soup.h>

/* Manifests with synthetic weights, gone with the process. tiny: pictures of 8 x 8 pixels in a
 * millisecond or so, classes red fox, arctic fox and owl, 4 scales, 2 or 3 drafting steps. noise:
 * pictures of 128 x 128 pixels of noise, so JPEGs of some size. */
const gchar *tiny_model(void);
const gchar *noise_model(void);

/* A process that ends with this one, even if this one fails. */
GSubprocess *spawn(const gchar *const *words, GSubprocessFlags flags);

typedef struct Process {
    GSubprocess *process;
    gchar *url;   /* http://127.0.0.1:PORT, without a slash at the end */
    gchar *token; /* NULL: none is asked for */
} Process;

/* Starts code-studio (the environment's CODE_STUDIO) at a free port with these options between
 * spaces, and waits until it listens. */
Process *process_start(const gchar *options);
/* SIGINT; fails unless it ends with 0. */
void process_stop(Process *process);
/* Its resident memory in KiB. */
guint64 process_memory(const Process *process);

/* Runs code-studio with options that it must refuse with this exit status, and returns what it
 * says; to be freed. */
gchar *process_refused(const gchar *options, gint status);

/* One request and its whole answer. */
typedef struct Answer {
    guint status;
    SoupMessageHeaders *headers;
    gchar *body; /* with a NUL after it */
    gsize length;
} Answer;

/* `headers`: "Name: value" between newlines, or NULL. `body` NULL: none. */
Answer *request(const Process *process, const gchar *method, const gchar *path,
                const gchar *headers, const gchar *body);
void answer_free(Answer *answer);

/* GET `path` as JSON; a new reference. */
json_t *get_json(const Process *process, const gchar *path);
/* POST to /settings, which must succeed. */
void post_settings(const Process *process, const gchar *body);

/* A page's events: the page's id, to be freed. The connection closes when `stream` is freed. */
gchar *open_events(const Process *process, SoupSession *session, GInputStream **stream);

#endif
