/* gstcodeweights.c - from the properties model, device and drafting-steps to a generator. */
#include "model/gstcodeweights.h"

#include <stdlib.h>

#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

/* At exit(): makes every call of the engine return. */
static void end_process(gpointer data)
{
    GstCodeWeights *weights = data;

    gst_code_weights_interrupt(weights, TRUE);
    g_mutex_lock(&weights->lock);
    if (weights->generator_thread)
        gst_code_generator_thread_cancel(weights->generator_thread);
    g_mutex_unlock(&weights->lock);
}

void gst_code_weights_init(GstCodeWeights *weights, GstElement *element)
{
    *weights = (GstCodeWeights){.element = element, .exit_hook = {end_process, weights}};
    g_mutex_init(&weights->lock);
    gst_code_exit_add(&weights->exit_hook);
}

void gst_code_weights_clear(GstCodeWeights *weights)
{
    gst_code_exit_remove(&weights->exit_hook);
    gst_code_weights_close(weights);
    gst_code_weights_forget(weights);
    gst_code_model_spec_clear(&weights->spec);
    g_clear_pointer(&weights->path, g_free);
    g_mutex_clear(&weights->lock);
}

static void post_progress(GstCodeWeights *weights, GstProgressType type, gdouble fraction)
{
    static const gchar *const words[] = {[GST_PROGRESS_TYPE_START] = "Loading",
                                         [GST_PROGRESS_TYPE_CONTINUE] = "Loading",
                                         [GST_PROGRESS_TYPE_COMPLETE] = "Loaded",
                                         [GST_PROGRESS_TYPE_CANCELED] = "Cancelled loading",
                                         [GST_PROGRESS_TYPE_ERROR] = "Could not load"};
    const gchar *name = weights->headers ? codesrc_model_info(weights->headers)->name : "";
    GString *text = g_string_new(words[type]);

    g_string_append_printf(text, " %s", *name ? name : weights->spec.model);
    if (type == GST_PROGRESS_TYPE_CONTINUE)
        g_string_append_printf(text, ": %d %%", (gint)(100.0 * fraction));
    weights->announced = type == GST_PROGRESS_TYPE_START || type == GST_PROGRESS_TYPE_CONTINUE;
    gst_element_post_message(
        weights->element,
        gst_message_new_progress(GST_OBJECT(weights->element), type, "loading", text->str));
    g_string_free(text, TRUE);
}

static void set_generator_thread(GstCodeWeights *weights, GstCodeGeneratorThread *thread)
{
    GstCodeGeneratorThread *old;

    g_mutex_lock(&weights->lock);
    old = weights->generator_thread;
    weights->generator_thread = thread;
    g_mutex_unlock(&weights->lock);
    gst_code_generator_thread_free(old);
}

static void log_stage(void *user, const CodesrcStageInfo *info)
{
    GstCodeWeights *weights = user;

    GST_CAT_TRACE_OBJECT(gst_code_engine_debug, weights->element,
                         "%s, scale %u: pictures %u to %u, N = %u, %.0f us",
                         codesrc_stage_name(info->stage), info->scale, info->first,
                         info->first + info->count - 1, info->drafting_steps, 1e6 * info->seconds);
}

static void set_generator(GstCodeWeights *weights, CodesrcGenerator *generator)
{
    CodesrcGenerator *old;

    g_mutex_lock(&weights->lock);
    old = weights->generator;
    weights->generator = generator;
    if (generator) {
        codesrc_generator_trace(generator, log_stage, weights, false);
        codesrc_generator_cancel(generator, g_atomic_int_get(&weights->interrupted));
    }
    g_mutex_unlock(&weights->lock);
    codesrc_generator_free(old);
}

gboolean gst_code_weights_open(GstCodeWeights *weights, const GstCodeModelSpec *spec, guint steps,
                               CodesrcError *error)
{
    char *path;

    gst_code_model_spec_clear(&weights->spec);
    weights->spec = gst_code_model_spec_copy(spec);
    g_clear_pointer(&weights->path, g_free);
    if (weights->batch != spec->batch) {
        set_generator_thread(weights, NULL);
        set_generator(weights, NULL);
    }
    weights->batch = spec->batch;
    path = codesrc_model_locate(spec->model, error);
    if (!path)
        return FALSE;
    /* In full, so that elements share weights whatever the working directory was. */
    weights->path = g_canonicalize_filename(path, NULL);
    free(path);
    return gst_code_weights_select(weights, steps, error);
}

void gst_code_weights_post_error(const GstCodeWeights *weights, const CodesrcError *error)
{
    gst_code_error_post(weights->element, error,
                        weights->path ? weights->path : weights->spec.model, weights->spec.device);
}

/* Buffers have the size in the first headers, and the engine writes pictures of the size of its
 * weights. So files that were exchanged meanwhile must be refused. */
static gboolean same_side(const CodesrcModel *before, const CodesrcModel *now, CodesrcError *error)
{
    guint side = codesrc_model_info(before)->side, other = codesrc_model_info(now)->side;

    if (side == other)
        return TRUE;
    error->status = CODESRC_MISMATCH;
    g_snprintf(error->text, sizeof error->text,
               "%s has changed: its pictures had %u x %u pixels, and now have %u x %u",
               codesrc_model_info(now)->path, side, side, other, other);
    return FALSE;
}

static CodesrcModel *open_headers(GstCodeWeights *weights, const CodesrcModelOptions *options,
                                  CodesrcError *error)
{
    CodesrcModel *headers;

    if (!gst_code_exit_enter(error))
        return NULL;
    headers = codesrc_model_open(weights->path, options, error);
    gst_code_exit_leave();
    if (headers)
        gst_code_exit_arm("headers", codesrc_model_info(headers));
    return headers;
}

gboolean gst_code_weights_select(GstCodeWeights *weights, guint steps, CodesrcError *error)
{
    CodesrcModelOptions options = gst_code_model_spec_options(&weights->spec, steps);
    CodesrcModel *headers;
    GstCodeLoad *load;

    if (weights->headers && steps <= CODESRC_MAX_SCALES &&
        codesrc_model_info(weights->headers)->steps >> steps & 1)
        return TRUE;
    options.headers_only = true;
    headers = open_headers(weights, &options, error);
    if (!headers)
        return FALSE;
    if (weights->headers && !same_side(weights->headers, headers, error)) {
        codesrc_model_unref(headers);
        return FALSE;
    }
    codesrc_model_unref(weights->headers);
    weights->headers = headers;

    /* Acquire the new load before releasing the old one, which may be the same. */
    load = gst_code_load_acquire(weights->path, &weights->spec, steps, headers);
    if (load != weights->load)
        gst_code_weights_forget(weights);
    gst_code_load_release(weights->load);
    weights->load = load;
    if (!weights->announced && gst_code_load_state(load) == GST_CODE_LOAD_LOADING)
        post_progress(weights, GST_PROGRESS_TYPE_START, 0.0);
    return TRUE;
}

static gboolean interrupted(CodesrcError *error)
{
    error->status = CODESRC_CANCELLED;
    g_strlcpy(error->text, "interrupted", sizeof error->text);
    return FALSE;
}

static gboolean await_load(GstCodeWeights *weights, CodesrcError *error)
{
    GstCodeLoadState state;
    CodesrcModel *model;
    gdouble fraction = 0.0;

    while ((state = gst_code_load_wait(weights->load, &weights->interrupted, &fraction)) ==
           GST_CODE_LOAD_LOADING)
        post_progress(weights, GST_PROGRESS_TYPE_CONTINUE, fraction);
    if (state == GST_CODE_LOAD_INTERRUPTED)
        return interrupted(error);
    model = gst_code_load_model(weights->load, error);
    return model && same_side(weights->headers, model, error);
}

/* After an interruption, the next call waits for the same thread. */
static gboolean await_generator_thread(GstCodeWeights *weights, CodesrcError *error)
{
    if (!weights->generator_thread)
        set_generator_thread(
            weights, gst_code_generator_thread_new(gst_code_load_model(weights->load, error),
                                                   weights->batch));
    if (!gst_code_generator_thread_wait(weights->generator_thread, &weights->interrupted))
        return interrupted(error);
    set_generator(weights, gst_code_generator_thread_take(weights->generator_thread, error));
    set_generator_thread(weights, NULL);
    return weights->generator != NULL;
}

CodesrcGenerator *gst_code_weights_await(GstCodeWeights *weights, CodesrcError *error)
{
    gboolean made;

    if (weights->generator)
        return weights->generator;
    made = await_load(weights, error) && await_generator_thread(weights, error);
    if (!made && error->status == CODESRC_CANCELLED)
        return NULL;
    if (weights->announced)
        post_progress(weights, made ? GST_PROGRESS_TYPE_COMPLETE : GST_PROGRESS_TYPE_ERROR, 1.0);
    return weights->generator;
}

const gchar *gst_code_weights_digest(GstCodeWeights *weights)
{
    CodesrcError error;

    return codesrc_model_info(gst_code_load_model(weights->load, &error))->digest;
}

void gst_code_weights_interrupt(GstCodeWeights *weights, gboolean interrupted)
{
    interrupted = interrupted || gst_code_exit_has_begun();
    g_mutex_lock(&weights->lock);
    g_atomic_int_set(&weights->interrupted, interrupted);
    if (weights->generator)
        codesrc_generator_cancel(weights->generator, interrupted);
    if (weights->generator_thread)
        gst_code_generator_thread_wake(weights->generator_thread);
    g_mutex_unlock(&weights->lock);
    gst_code_load_wake();
}

gboolean gst_code_weights_resume(GstCodeWeights *weights)
{
    gboolean interrupted;

    g_mutex_lock(&weights->lock);
    interrupted = g_atomic_int_get(&weights->interrupted);
    codesrc_generator_cancel(weights->generator, interrupted);
    g_mutex_unlock(&weights->lock);
    return !interrupted;
}

void gst_code_weights_close(GstCodeWeights *weights)
{
    if (weights->load && gst_code_load_state(weights->load) != GST_CODE_LOAD_READY)
        gst_code_weights_forget(weights);
    set_generator_thread(weights, NULL);
    if (weights->announced)
        post_progress(weights, GST_PROGRESS_TYPE_CANCELED, 0.0);
    codesrc_model_unref(weights->headers);
    weights->headers = NULL;
}

void gst_code_weights_forget(GstCodeWeights *weights)
{
    set_generator_thread(weights, NULL);
    set_generator(weights, NULL);
    gst_code_load_release(weights->load);
    weights->load = NULL;
    if (weights->announced)
        post_progress(weights, GST_PROGRESS_TYPE_CANCELED, 0.0);
}
