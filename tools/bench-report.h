/* bench-report.h - code-bench's measurements, as text or as JSON. */
#ifndef CODE_TOOLS_BENCH_REPORT_H
#define CODE_TOOLS_BENCH_REPORT_H

#include <codesrc.h>

/* Of some runs, in milliseconds. */
typedef struct Spread {
    double median, least, most;
} Spread;

typedef enum Stage {
    DRAFTER,   /* scales before N */
    HAND_OVER, /* scale N: the refiner reads everything drafted */
    REFINER,   /* scales after N */
    VAE,       /* the VQ-VAE's decoder and the conversion to pixels */
    STAGES
} Stage;

enum { PARTS = CODESRC_STAGE_WAIT + 1 }; /* by CodesrcStage */

typedef struct Report {
    const char *name;
    const CodesrcModelInfo *info;
    CodesrcPlan plan;
    unsigned runs;
    double load_ms;                   /* from nothing to a generator */
    double first_ms;                  /* the first call, whose class is new */
    Spread total, stage[STAGES];      /* of a call, which draws plan.batch pictures */
    Spread scale[CODESRC_MAX_SCALES]; /* parts of the first three stages */
    bool traced;                      /* print the parts */
    Spread part[CODESRC_MAX_SCALES][PARTS];
    uint64_t load_peak_bytes;        /* resident, at most, while loading */
    uint64_t peak_bytes;             /* and while generating; 0: not known */
    double peak_products, peak_rest; /* operations a second at most, 0: not known */
} Report;

void report_text(const Report *report);
void report_json(const Report *report);

#endif
