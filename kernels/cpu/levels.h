/* levels.h - the instruction sets that inner loops were compiled for. */
#ifndef CODE_KERNELS_CPU_LEVELS_H
#define CODE_KERNELS_CPU_LEVELS_H

#include "codesrc.h"
#include "product/tiles/gemm.h"
#include "simd/body.h"

typedef struct CpuLevel {
    const char *name;         /* as in CODESRC_CPU */
    const char *instructions; /* as processors' documents call them */
    const CpuBody *body;
    const CpuGemm *gemm;       /* products of 16 and 8 bits; NULL: float32 only */
    bool fuses;                /* products multiply and add with one rounding */
    bool (*runs)(void);        /* this processor has the instructions */
    const char *precisions[3]; /* that activations may have, the best choice first; up to a NULL */
} CpuLevel;

/* In ascending order, up to one without a name. */
extern const CpuLevel cpu_levels[];

/* The best level that this processor runs and that has the precision; NULL or "auto" stands for the
 * first precision of the best level. `most`: the name of a level, and none above it is taken; NULL:
 * no limit. *chosen is the precision. NULL, with `error` filled in, on failure. */
const CpuLevel *cpu_level_choose(const char *most, const char *precision, const char **chosen,
                                 CodesrcError *error);

#endif
