/* gstcodestats.c - counters, times and the latency that follows from them. */
#include "report/gstcodestats.h"

/* Headroom over the slowest recent picture, and how far the latency may be from what is measured
 * before the pipeline has to adapt to it. */
#define HEADROOM  1.05
#define DEVIATION 0.25

void gst_code_stats_init(GstCodeStats *stats, const gchar *name)
{
    *stats = (GstCodeStats){.name = name};
    g_mutex_init(&stats->lock);
}

/* With the lock held, or alone. */
static void let_go(GstCodeStats *stats)
{
    codesrc_model_unref(stats->model);
    stats->model = NULL;
    g_clear_pointer(&stats->closed, gst_structure_free);
}

void gst_code_stats_clear(GstCodeStats *stats)
{
    let_go(stats);
    g_mutex_clear(&stats->lock);
}

void gst_code_stats_reset(GstCodeStats *stats, CodesrcModel *model, guint batch)
{
    g_mutex_lock(&stats->lock);
    let_go(stats);
    stats->model = codesrc_model_ref(model);
    stats->batch = batch;
    stats->processed = stats->dropped = stats->repeated = 0;
    stats->any = FALSE;
    stats->measured = 0;
    stats->latency = 0;
    g_mutex_unlock(&stats->lock);
}

void gst_code_stats_set_model(GstCodeStats *stats, CodesrcModel *model)
{
    g_mutex_lock(&stats->lock);
    if (stats->model != model) {
        codesrc_model_unref(stats->model);
        stats->model = codesrc_model_ref(model);
    }
    g_mutex_unlock(&stats->lock);
}

CodesrcModel *gst_code_stats_model(GstCodeStats *stats)
{
    CodesrcModel *model;

    g_mutex_lock(&stats->lock);
    model = stats->model ? codesrc_model_ref(stats->model) : NULL;
    g_mutex_unlock(&stats->lock);
    return model;
}

void gst_code_stats_processed(GstCodeStats *stats, const GstCodeRecord *record)
{
    g_mutex_lock(&stats->lock);
    stats->processed++;
    stats->last = *record;
    stats->any = TRUE;
    g_mutex_unlock(&stats->lock);
}

void gst_code_stats_dropped(GstCodeStats *stats, guint64 count)
{
    g_mutex_lock(&stats->lock);
    stats->dropped += count;
    g_mutex_unlock(&stats->lock);
}

void gst_code_stats_repeated(GstCodeStats *stats)
{
    g_mutex_lock(&stats->lock);
    stats->repeated++;
    g_mutex_unlock(&stats->lock);
}

void gst_code_stats_counts(GstCodeStats *stats, guint64 *processed, guint64 *dropped)
{
    g_mutex_lock(&stats->lock);
    *processed = stats->processed;
    *dropped = stats->dropped;
    g_mutex_unlock(&stats->lock);
}

void gst_code_stats_measure(GstCodeStats *stats, gdouble seconds)
{
    g_mutex_lock(&stats->lock);
    stats->recent[stats->measured++ % GST_CODE_STATS_RECENT] = seconds;
    g_mutex_unlock(&stats->lock);
}

/* With the lock held: the slowest recent one with headroom, in nanoseconds. */
static GstClockTime expected(const GstCodeStats *stats)
{
    gdouble slowest = 0.0;

    for (guint i = 0; i < MIN(stats->measured, GST_CODE_STATS_RECENT); i++)
        slowest = MAX(slowest, stats->recent[i]);
    return (GstClockTime)(slowest * HEADROOM * GST_SECOND);
}

GstClockTime gst_code_stats_expected(GstCodeStats *stats)
{
    GstClockTime time;

    g_mutex_lock(&stats->lock);
    time = expected(stats);
    g_mutex_unlock(&stats->lock);
    return time;
}

gboolean gst_code_stats_update_latency(GstCodeStats *stats)
{
    GstClockTime now;
    gboolean changed;

    g_mutex_lock(&stats->lock);
    now = expected(stats);
    changed = now > stats->latency || now < (1.0 - DEVIATION) * stats->latency;
    if (changed)
        stats->latency = now;
    g_mutex_unlock(&stats->lock);
    return changed;
}

GstClockTime gst_code_stats_latency(GstCodeStats *stats)
{
    GstClockTime latency;

    g_mutex_lock(&stats->lock);
    latency = stats->latency;
    g_mutex_unlock(&stats->lock);
    return latency;
}

static void add_plan(GstStructure *structure, const CodesrcModel *model, guint steps, guint batch)
{
    CodesrcPlan plan;
    CodesrcError error;

    if (codesrc_plan(model, steps, batch, &plan, &error))
        gst_structure_set(structure, "planned-bytes", G_TYPE_UINT64, plan.total_bytes,
                          "weight-bytes", G_TYPE_UINT64, plan.weight_bytes, NULL);
}

void gst_code_stats_install(GObjectClass *klass, guint id, const gchar *blurb)
{
    g_object_class_install_property(klass, id,
                                    g_param_spec_boxed("stats", "Statistics", blurb,
                                                       GST_TYPE_STRUCTURE,
                                                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

GstStructure *gst_code_stats_structure(GstCodeStats *stats)
{
    GstStructure *structure;
    CodesrcModel *model = gst_code_stats_model(stats);
    const CodesrcModelInfo *info = model ? codesrc_model_info(model) : NULL;
    GstCodeRecord last;
    gboolean any;
    guint batch;

    g_mutex_lock(&stats->lock);
    if (stats->closed && !model) {
        structure = gst_structure_copy(stats->closed);
        g_mutex_unlock(&stats->lock);
        return structure;
    }
    structure = gst_structure_new_empty(stats->name);
    gst_structure_set(structure, "processed", G_TYPE_UINT64, stats->processed, "dropped",
                      G_TYPE_UINT64, stats->dropped, "repeated", G_TYPE_UINT64, stats->repeated,
                      "latency", G_TYPE_UINT64, stats->latency, NULL);
    any = stats->any;
    last = stats->last;
    batch = stats->batch;
    g_mutex_unlock(&stats->lock);

    if (model) {
        guint steps = any ? last.request.settings.drafting_steps : info->defaults.drafting_steps;

        gst_structure_set(structure, "model", G_TYPE_STRING, info->name, "device", G_TYPE_STRING,
                          info->device, "precision", G_TYPE_STRING, info->precision, "threads",
                          G_TYPE_UINT, info->threads, NULL);
        add_plan(structure, model, steps, batch);
    }
    if (model && any) {
        gst_code_record_describe(&last, info, structure);
        gst_structure_set(structure, "seconds-drafter", G_TYPE_DOUBLE, last.times.drafter,
                          "seconds-refiner", G_TYPE_DOUBLE, last.times.refiner, "seconds-vae",
                          G_TYPE_DOUBLE, last.times.vae, NULL);
    }
    codesrc_model_unref(model);
    return structure;
}

void gst_code_stats_close(GstCodeStats *stats)
{
    GstStructure *closed = gst_code_stats_structure(stats);

    g_mutex_lock(&stats->lock);
    let_go(stats);
    stats->closed = closed;
    g_mutex_unlock(&stats->lock);
}
