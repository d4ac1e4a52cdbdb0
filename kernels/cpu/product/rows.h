/* rows.h - rows of a map as convolutions read them: float32, with a position of zeros at either
 * end and rows of zeros above and below, and normalised if a group norm comes first. So maps are
 * neither padded nor normalised in memory. A task makes each row once, and keeps those that it
 * needs. */
#ifndef CODE_KERNELS_CPU_ROWS_H
#define CODE_KERNELS_CPU_ROWS_H

#include "cpu.h"

typedef struct CpuRows {
    const CpuGroupNorm *norm; /* of activations; NULL: x is read as it is */
    const void *x;            /* (images, side, side, in) */
    bool f32;                 /* x is float32, else bfloat16 */
    bool rounded;             /* float32 is rounded to bfloat16 */
    size_t side, in;
    size_t kept;  /* rows */
    size_t image; /* of x */
    size_t next;  /* the row that is made next; row -1 is above the map */
    float *data;  /* cpu_rows_floats() */
} CpuRows;

/* Elements from one row to the next. */
static inline size_t cpu_row_size(const CpuRows *rows)
{
    return (rows->side + 2) * rows->in;
}

static inline size_t cpu_rows_floats(const CpuRows *rows)
{
    return rows->kept * cpu_row_size(rows);
}

/* Row `y`, one of the last `kept` that were made, from the zeros at its left on. */
static inline float *cpu_row(const CpuRows *rows, size_t y)
{
    return rows->data + (y + 1) % rows->kept * cpu_row_size(rows);
}

/* Makes the rows before row `end`. */
void cpu_make_rows(const CodeDevice *device, CpuRows *rows, size_t end);

#endif
