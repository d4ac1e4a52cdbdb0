/* bench-report.c - prints code-bench's measurements. */
#include "bench-report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const stage_names[] = {"drafter", "handover", "refiner", "vae"};

/* The work of a stage: operations, and their seconds at the peak. */
typedef struct Work {
    double operations, ideal;
} Work;

static void add_work(const Report *report, Work *work, double products, double rest)
{
    double pictures = report->plan.batch;

    work->operations += pictures * (products + rest);
    if (report->peak_products > 0 && report->peak_rest > 0)
        work->ideal += pictures * (products / report->peak_products + rest / report->peak_rest);
}

static Work scale_work(const Report *report, unsigned k)
{
    Work work = {0};

    add_work(report, &work, (double)report->plan.scale[k].product_operations,
             (double)report->plan.scale[k].attention_operations);
    return work;
}

static Work render_work(const Report *report)
{
    Work work = {0};

    add_work(report, &work, 0, (double)report->plan.render_operations);
    return work;
}

static Work stage_work(const Report *report, Stage stage)
{
    unsigned n = report->plan.drafting_steps, end = report->plan.scales;
    unsigned first = stage == DRAFTER ? 0 : stage == HAND_OVER ? n : n + 1;
    Work sum = {0};

    if (stage == VAE)
        return render_work(report);
    if (stage != REFINER)
        end = stage == DRAFTER ? n : n < end ? n + 1 : end;
    for (unsigned k = first; k < end; k++) {
        Work work = scale_work(report, k);

        sum.operations += work.operations;
        sum.ideal += work.ideal;
    }
    return sum;
}

static Work all_work(const Report *report)
{
    Work sum = {0};

    for (Stage stage = 0; stage < STAGES; stage++) {
        Work work = stage_work(report, stage);

        sum.operations += work.operations;
        sum.ideal += work.ideal;
    }
    return sum;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Stages that were not measured separately took no time. */
static void print_row(const char *what, const Spread *spread, Work work)
{
    if (spread->most <= 0)
        return;
    printf("%-20s %10.2f %10.2f %10.2f", what, spread->median, spread->least, spread->most);
    if (spread->median > 0 && work.operations > 0) {
        printf(" %10.1f", 1e-6 * work.operations / spread->median);
        if (work.ideal > 0)
            printf(" %8.1f %%", 100e3 * work.ideal / spread->median);
    }
    putchar('\n');
}

static void print_megabytes(const char *what, uint64_t bytes)
{
    if (bytes)
        printf("%s %.1f MB", what, 1e-6 * (double)bytes);
}

static void print_parts(const Report *report)
{
    printf("\n%-20s %10s %10s %10s\n", "stages, milliseconds", "median", "least", "most");
    for (unsigned k = 0; k < report->plan.scales; k++)
        for (unsigned part = 0; part < PARTS; part++) {
            char name[48];

            snprintf(name, sizeof name, "  %2u %s", k, codesrc_stage_name((CodesrcStage)part));
            print_row(name, &report->part[k][part], (Work){0});
        }
}

void report_text(const Report *report)
{
    const CodesrcPlan *plan = &report->plan;
    double seconds = 1e-3 * report->total.median;
    Work all = all_work(report);

    printf("%s: %s, %s, %u threads, N = %u, batch %u, %u runs\n", report->name,
           report->info->device, report->info->precision, report->info->threads,
           plan->drafting_steps, plan->batch, report->runs);
    printf("%-20s %10s %10s %10s %10s %10s\n", "milliseconds", "median", "least", "most", "GFLOP/s",
           "of peak");
    for (unsigned k = 0; k < plan->scales; k++) {
        char name[48];

        snprintf(name, sizeof name, "  %2u x %-2u %s", plan->scale[k].side, plan->scale[k].side,
                 !plan->scale[k].refined     ? "drafter"
                 : k == plan->drafting_steps ? "hand-over"
                                             : "refiner");
        /* Scale 0 of a known class is looked up, so a rate has no meaning. */
        print_row(name, &report->scale[k], k ? scale_work(report, k) : (Work){0});
    }
    for (Stage stage = 0; stage < STAGES; stage++)
        print_row(stage_names[stage], &report->stage[stage], stage_work(report, stage));
    print_row("all", &report->total, all);
    printf("speed    %.4g pictures per second, %.3f TFLOP each\n", plan->batch / seconds,
           1e-12 * all.operations / plan->batch);
    if (report->peak_products > 0)
        printf("peak     %.1f GFLOP/s in layers of the transformers, %.1f elsewhere\n",
               1e-9 * report->peak_products, 1e-9 * report->peak_rest);
    print_megabytes("memory   planned", plan->total_bytes);
    print_megabytes(", resident while generating", report->peak_bytes);
    print_megabytes(", while loading", report->load_peak_bytes);
    if (report->traced)
        print_parts(report);
    printf("\nstart    %.1f ms to load, %.1f ms for the first call\n", report->load_ms,
           report->first_ms);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_text(const char *key, const char *text)
{
    printf("  \"%s\": \"", key);
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
            printf("\\u%04x", (unsigned)*text);
        else
            putchar(*text);
    }
    printf("\",\n");
}

/* 0 means unknown. */
static void json_number(const char *key, double number)
{
    if (number > 0)
        printf("  \"%s\": %.9g,\n", key, number);
    else
        printf("  \"%s\": null,\n", key);
}

static void json_spread(const char *key, const Spread *spread)
{
    printf("  \"%s_ms\": %.6g, \"%s_ms_min\": %.6g, \"%s_ms_max\": %.6g,\n", key, spread->median,
           key, spread->least, key, spread->most);
}

static void json_scales(const Report *report)
{
    printf("  \"scales\": [\n");
    for (unsigned k = 0; k < report->plan.scales; k++) {
        Work work = scale_work(report, k);

        printf("    {\"side\": %u, \"refined\": %s, \"ms\": %.6g, \"flops\": %.15g}%s\n",
               report->plan.scale[k].side, report->plan.scale[k].refined ? "true" : "false",
               report->scale[k].median, work.operations / report->plan.batch,
               k + 1 < report->plan.scales ? "," : "");
    }
    printf("  ]\n");
}

static void json_parts(const Report *report)
{
    const char *before = "";

    printf("  \"trace\": [\n");
    for (unsigned k = 0; k < report->plan.scales; k++)
        for (unsigned part = 0; part < PARTS; part++)
            if (report->part[k][part].most > 0) {
                printf("%s    {\"scale\": %u, \"stage\": \"%s\", \"ms\": %.6g}", before, k,
                       codesrc_stage_name((CodesrcStage)part), report->part[k][part].median);
                before = ",\n";
            }
    printf("\n  ],\n");
}

void report_json(const Report *report)
{
    const CodesrcPlan *plan = &report->plan;
    double seconds = 1e-3 * report->total.median;
    Work all = all_work(report);

    printf("{\n");
    json_text("model", report->name);
    json_text("device", report->info->device);
    json_text("precision", report->info->precision);
    json_number("threads", report->info->threads);
    json_number("drafting_steps", plan->drafting_steps);
    json_number("batch", plan->batch);
    json_number("runs", report->runs);
    json_number("pictures_per_second", plan->batch / seconds);
    json_spread("total", &report->total);
    for (Stage stage = 0; stage < STAGES; stage++)
        json_spread(stage_names[stage], &report->stage[stage]);
    json_number("load_ms", report->load_ms);
    json_number("first_ms", report->first_ms);
    printf("  \"planned_bytes\": %" PRIu64 ",\n", plan->total_bytes);
    printf("  \"planned_weight_bytes\": %" PRIu64 ",\n", plan->weight_bytes);
    json_number("planned_device_bytes", (double)plan->device_bytes);
    json_number("peak_bytes", (double)report->peak_bytes);
    json_number("load_peak_bytes", (double)report->load_peak_bytes);
    printf("  \"flops\": %.15g,\n", all.operations / plan->batch);
    json_number("gflops", 1e-9 * all.operations / seconds);
    json_number("peak_gflops", 1e-9 * report->peak_products);
    json_number("peak_rest_gflops", 1e-9 * report->peak_rest);
    json_number("peak_fraction", all.ideal / seconds);
    if (report->traced)
        json_parts(report);
    json_scales(report);
    printf("}\n");
}
