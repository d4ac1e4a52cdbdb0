/* gstcodeengine.c - start, stop and end of an element's use of the engine. */
#include "model/gstcodeengine.h"

#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"

#define GST_CAT_DEFAULT gst_code_load_debug

void gst_code_engine_init(GstCodeEngine *engine, GstElement *element, const gchar *stats)
{
    engine->element = element;
    gst_code_settings_init(&engine->settings);
    gst_code_model_spec_init(&engine->spec);
    gst_code_stats_init(&engine->stats, stats);
    gst_code_weights_init(&engine->weights, element);
}

void gst_code_engine_clear(GstCodeEngine *engine)
{
    gst_code_weights_clear(&engine->weights);
    gst_code_stats_clear(&engine->stats);
    gst_code_settings_clear(&engine->settings);
    gst_code_model_spec_clear(&engine->spec);
}

/* ---- properties ------------------------------------------------------------------------------ */

void gst_code_engine_install(GObjectClass *klass)
{
    gst_code_properties_install(gst_code_settings_properties, klass);
    gst_code_properties_install(gst_code_model_spec_properties, klass);
}

gboolean gst_code_engine_set(GstCodeEngine *engine, guint id, const GValue *value)
{
    return gst_code_properties_set(gst_code_model_spec_properties, &engine->spec, id, value) ||
           gst_code_properties_set(gst_code_settings_properties, &engine->settings, id, value) ||
           gst_code_properties_set(gst_code_pace_properties, &engine->settings, id, value);
}

gboolean gst_code_engine_get(const GstCodeEngine *engine, guint id, GValue *value)
{
    return gst_code_properties_get(gst_code_model_spec_properties, &engine->spec, id, value) ||
           gst_code_properties_get(gst_code_settings_properties, &engine->settings, id, value) ||
           gst_code_properties_get(gst_code_pace_properties, &engine->settings, id, value);
}

GstCodeSettings gst_code_engine_settings(const GstCodeEngine *engine)
{
    return gst_code_settings_read(&engine->settings, engine->element);
}

gboolean gst_code_engine_is_late(GstCodeEngine *engine, const GParamSpec *spec)
{
    guint64 bit = G_GUINT64_CONSTANT(1) << spec->param_id, old;

    if (!(spec->flags & GST_PARAM_MUTABLE_READY) || GST_STATE(engine->element) <= GST_STATE_READY)
        return FALSE;
    GST_OBJECT_LOCK(engine->element);
    old = engine->late;
    engine->late |= bit;
    GST_OBJECT_UNLOCK(engine->element);
    return !(old & bit);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static gboolean open_weights(GstCodeEngine *engine, CodesrcError *error)
{
    GstCodeSettings settings = gst_code_engine_settings(engine);
    GstCodeModelSpec spec;
    gboolean opened;
    guint steps;

    GST_OBJECT_LOCK(engine->element);
    spec = gst_code_model_spec_copy(&engine->spec);
    engine->late = 0;
    GST_OBJECT_UNLOCK(engine->element);
    /* The model names the drafting steps that it offers, but does not explain a negative number. */
    steps = settings.drafting_steps > G_MAXINT ? 0 : settings.drafting_steps;
    opened = gst_code_properties_check(gst_code_model_spec_properties, &spec, error) &&
             gst_code_weights_open(&engine->weights, &spec, steps, error) &&
             gst_code_settings_check(&settings, engine->weights.headers, error);
    gst_code_model_spec_clear(&spec);
    gst_code_settings_clear(&settings);
    return opened;
}

gboolean gst_code_engine_start(GstCodeEngine *engine)
{
    const CodesrcModelInfo *info;
    CodesrcError error;

    if (!open_weights(engine, &error)) {
        gst_code_engine_post_error(engine, &error);
        gst_code_weights_close(&engine->weights);
        return FALSE;
    }
    info = gst_code_engine_info(engine);
    GST_INFO_OBJECT(engine->element, "model %s of %s: device %s, precision %s, %u threads",
                    info->name, info->path, info->device, info->precision, info->threads);
    if (*info->absent)
        GST_INFO_OBJECT(engine->element, "device \"auto\" chose \"%s\": %s", info->device,
                        info->absent);
    gst_code_error_warn_passed_over(engine->element, info);
    gst_code_stats_reset(&engine->stats, engine->weights.headers, engine->weights.batch);
    return TRUE;
}

void gst_code_engine_stop(GstCodeEngine *engine)
{
    gst_code_weights_close(&engine->weights);
}

void gst_code_engine_forget(GstCodeEngine *engine)
{
    gst_code_weights_forget(&engine->weights);
    gst_code_stats_close(&engine->stats);
}

void gst_code_engine_post_error(const GstCodeEngine *engine, const CodesrcError *error)
{
    gst_code_weights_post_error(&engine->weights, error);
}

const CodesrcModelInfo *gst_code_engine_info(const GstCodeEngine *engine)
{
    return codesrc_model_info(engine->weights.headers);
}
