/* product.h - products with weights, convolutions and attention: tiles/ computes those in 16 and 8
 * bits with AVX-512 BF16 and AMX, floats/ all others. product.c chooses. */
#ifndef CODE_KERNELS_CPU_PRODUCT_H
#define CODE_KERNELS_CPU_PRODUCT_H

#include "cpu.h"

enum { CPU_COLUMNS = 64 }; /* outputs of a chunk of packed weights */

/* A way to compute products. */
typedef struct CpuProducts {
    /* NULL, with `error` filled in, on failure. bias may be NULL. */
    CodeWeight *(*pack)(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                        const float *bias, CodesrcError *error);
    void (*free)(CodeWeight *weight);
    size_t (*number_size)(const CodeDevice *device, const CodeWeightSpec *spec); /* of a weight */
    bool (*linear)(CodeStream *stream, const CodeLinear *args);
    bool (*conv)(CodeStream *stream, const CodeConv *args);
    bool (*attention)(CodeStream *stream, const CodeAttention *args);
} CpuProducts;

extern const CpuProducts cpu_floats, cpu_tiles;

/* Head of every weight: the first member of those that CpuProducts.pack makes. */
struct CodeWeight {
    CodeWeightSpec spec;
    const CpuProducts *products;
    float *bias; /* (out, padded to 16), zeros if there is none */
    void *zeros; /* of a convolution: inputs outside the map */
};

/* Whether products with such a weight are those of bytes. */
bool cpu_takes_bytes(const CodeDevice *device, const CodeWeightSpec *spec);

/* Fills in a head. False, with `error` filled in, on failure; cpu_weight_end() frees it anyway. */
bool cpu_weight_begin(CodeWeight *weight, const CpuProducts *products, const CodeWeightSpec *spec,
                      const float *bias, CodesrcError *error);
void cpu_weight_end(CodeWeight *weight);

/* Members of CodeBackend. */
CodeWeight *cpu_weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                            const float *bias, CodesrcError *error);
void cpu_weight_free(CodeDevice *device, CodeWeight *weight);
uint64_t cpu_weight_bytes(CodeDevice *device, const CodeWeightSpec *spec);

#endif
