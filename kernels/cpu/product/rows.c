/* rows.c - see rows.h. */
#include "rows.h"

#include <string.h>

/* One row of the map. */
static void read_row(const CodeDevice *device, const CpuRows *rows, size_t y, float *to)
{
    size_t run = rows->side * rows->in, at = (rows->image * rows->side + y) * run;

    if (rows->norm) {
        CpuNorm norm = cpu_norm_of(rows->norm, rows->image);

        norm.y_f32 = true;
        device->body->normalise(to, cpu_from(device, rows->norm->args->x, at), &norm, rows->side,
                                rows->in);
    } else if (!rows->f32)
        device->multiplier->widen(to, (const uint16_t *)rows->x + at, run);
    else if (rows->rounded)
        device->multiplier->round(to, (const float *)rows->x + at, run);
    else
        memcpy(to, (const float *)rows->x + at, run * sizeof *to);
}

void cpu_make_rows(const CodeDevice *device, CpuRows *rows, size_t end)
{
    for (size_t size = cpu_row_size(rows), in = rows->in; rows->next != end; rows->next++) {
        float *row = cpu_row(rows, rows->next);

        if (rows->next >= rows->side) { /* row -1 wraps */
            memset(row, 0, size * sizeof *row);
            continue;
        }
        memset(row, 0, in * sizeof *row);
        read_row(device, rows, rows->next, row + in);
        memset(row + size - in, 0, in * sizeof *row);
    }
}
