/* levels.h - the instruction sets that inner loops were compiled for. */
#ifndef CODE_KERNELS_CPU_LEVELS_H
#define CODE_KERNELS_CPU_LEVELS_H

#include "codesrc.h"
#include "product/tiles/gemm.h"
#include "simd/body.h"
#include "simd/multiply.h"

/* How a level adds the products of a step in float32: levels that do it the same way give the same
 * bits. */
typedef enum CpuSums {
    CPU_ROUNDS_TWICE, /* multiplication and addition apart */
    CPU_FUSES,        /* one rounding */
    CPU_PAIRS,        /* bfloat16 alone: two products at a time, by VDPBF16PS or BFMMLA */
    CPU_BLOCKS,       /* bfloat16 alone: 32 products at a time, by TDPBF16PS */
} CpuSums;

typedef struct CpuLevel {
    const char *name;      /* as in CODESRC_CPU */
    const CpuBody *floats; /* for activations of float32; NULL: no such precision */
    const CpuBody *halves; /* for activations of bfloat16 */
    const CpuMultiplier *multiplier;
    const CpuGemm *gemm; /* instructions for products of bfloat16, or NULL */
    CpuSums sums;
    bool (*runs)(void);        /* this processor has the instructions */
    const char *precisions[4]; /* the best choice first; up to a NULL */
} CpuLevel;

/* In ascending order, up to one without a name. */
extern const CpuLevel cpu_levels[];

/* The best level that this processor runs and that has the precision; NULL or "auto" stands for the
 * first precision of the best level. `most`: the name of a level, and none above it is taken; NULL:
 * no limit. *chosen is the precision. NULL, with `error` filled in, on failure. */
const CpuLevel *cpu_level_choose(const char *most, const char *precision, const char **chosen,
                                 CodesrcError *error);

#endif
