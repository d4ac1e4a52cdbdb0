/* passes.c - the rows that each pass of a transformer computes and keeps (CoDe, section 3). */
#include "draft/passes.h"

unsigned code_scale_rows(const CodeShape *shape, unsigned k)
{
    return shape->first[k + 1] - shape->first[k];
}

/* The last pass decodes scales from..last; the rows of earlier ones were kept. */
static CodeCacheRows cache_rows(const CodeShape *shape, const CodeVarShape *var, unsigned from,
                                unsigned last)
{
    unsigned kept = shape->first[from];

    return (CodeCacheRows){kept, var->depth * kept + shape->first[last + 1] - kept};
}

CodeCacheRows code_drafter_rows(const CodeShape *shape, unsigned n)
{
    /* Scale 0 alone comes from the class's slot. */
    return n == 1 ? (CodeCacheRows){0, 0} : cache_rows(shape, &shape->drafter, n - 1, n - 1);
}

CodeCacheRows code_refiner_rows(const CodeShape *shape, unsigned n)
{
    unsigned last = shape->scales - 1;

    /* If the hand-over is the last pass, it has all scales but the first. */
    return n > last ? (CodeCacheRows){0, 0}
                    : cache_rows(shape, &shape->refiner, n == last ? 1 : last, last);
}

unsigned code_drafter_largest(const CodeShape *shape, unsigned n)
{
    return code_scale_rows(shape, n - 1);
}

unsigned code_refiner_largest(const CodeShape *shape, unsigned n)
{
    unsigned hand_over, last = shape->scales - 1;

    if (n > last)
        return 0;
    /* Scales 1..N, as scale 0 comes from the class's slot. */
    hand_over = shape->first[n + 1] - shape->first[1];
    return hand_over > code_scale_rows(shape, last) ? hand_over : code_scale_rows(shape, last);
}
