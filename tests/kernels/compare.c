/* compare.c - distances between outputs, and the table of tolerances. */
#include "compare.h"

#include "../test.h"

#include <math.h>

/* Copies cell `index` of a table's line, without the spaces around it. */
static bool cell(const char *line, int index, char *text, size_t size)
{
    const char *begin = line, *end;

    for (int i = 0; i <= index && begin; i++)
        begin = strchr(begin + (i > 0), '|');
    end = begin ? strchr(++begin, '|') : NULL;
    if (!end)
        return false;
    while (begin < end && *begin == ' ')
        begin++;
    while (end > begin && end[-1] == ' ')
        end--;
    snprintf(text, size, "%.*s", (int)(end - begin), begin);
    return true;
}

double tolerance_of(const char *numerics, const char *operation, const char *type,
                    const char *backend)
{
    FILE *table = fopen(numerics, "r");
    char line[1024], text[4][64];
    double tolerance = -1;

    while (table && tolerance < 0 && fgets(line, sizeof line, table)) {
        bool row = line[0] == '|';

        for (int i = 0; i < 4 && row; i++)
            row = cell(line, i, text[i], sizeof text[i]);
        if (row && !strcmp(text[0], operation) && !strcmp(text[1], type) &&
            !strcmp(text[2], backend))
            tolerance = strtod(text[3], NULL);
    }
    if (table)
        fclose(table);
    return tolerance;
}

static double difference(float a, float b)
{
    if (isfinite(a) && isfinite(b))
        return fabs((double)a - b);
    return a == b || (isnan(a) && isnan(b)) ? 0 : INFINITY;
}

double distance(const Output *expected, const Output *found, unsigned images)
{
    size_t count = images * expected->size, window = 64;
    double worst = 0;

    if (expected->size != found->size)
        return INFINITY;
    for (size_t begin = 0, end; begin < count; begin = end) {
        double size = 1e-30, error = 0;

        end = count - begin < 2 * window ? count : begin + window;
        for (size_t i = begin; i < end; i++) {
            if (isfinite(expected->values[i]))
                size = fmax(size, fabs(expected->values[i]));
            error = fmax(error, difference(expected->values[i], found->values[i]));
        }
        worst = fmax(worst, error / size);
    }
    return worst;
}

bool same_bits(const Output *all, unsigned first, const Output *part, unsigned images)
{
    return all->size == part->size && !memcmp(all->values + first * all->size, part->values,
                                              images * part->size * sizeof(float));
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Logits are kept from the least kept one on. If both sides agree except for logits whose mass is
 * below 1e-6 next to the cut, or if the tokens are neighbours and u is that close to their
 * border, both are right. */
static bool is_close(const float *expected, const float *found, unsigned codes)
{
    double total = 0, between = 0, top = -INFINITY, mass = 0, other = 0;
    unsigned a = (unsigned)expected[0], b = (unsigned)found[0], low = a < b ? a : b;

    for (unsigned i = 1; i <= codes; i++)
        top = fmax(top, expected[i]);
    for (unsigned i = 1; i <= codes; i++) {
        double weight = exp(fmax(expected[i], found[i]) - top);

        total += weight;
        between += (expected[i] == -INFINITY) != (found[i] == -INFINITY) ? weight : 0;
        mass += i <= low + 1 ? weight : 0;
        other += i <= (a < b ? b : a) ? weight : 0;
    }
    return between < 1e-6 * total && fabs(other - mass) < 1e-6 * total;
}

unsigned wrong_rows(const Shape *shape, const Output *expected, const Output *found)
{
    unsigned codes = shape->sample.codes, wrong = 0;
    size_t width = codes + 1;

    for (size_t row = 0; row < (size_t)shape->images * shape->sample.rows; row++) {
        const float *a = expected->values + row * width, *b = found->values + row * width;

        wrong += memcmp(a, b, width * sizeof(float)) && !is_close(a, b, codes);
    }
    return wrong;
}
