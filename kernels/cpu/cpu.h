/* cpu.h - what the files of the CPU backend share.
 *
 * A device owns a pool of workers. Every operation is a job of independent tasks whose sizes follow
 * from shapes alone, so that results do not depend on how many workers there are. Workers run one
 * job at a time; the caller is one of them, with OpenMP settings and rounding set for it and put
 * back afterwards. */
#ifndef CODE_KERNELS_CPU_H
#define CODE_KERNELS_CPU_H

#include "backend.h"
#include "body.h"

#include <pthread.h>

typedef struct CpuPool CpuPool;
typedef struct CpuProducts CpuProducts; /* a worker's oneDNN primitives: products.c */

typedef struct CpuWorker {
    CpuPool *pool;
    CodeDevice *device;
    pthread_t thread;
    CpuProducts *products;
    void *scratch; /* 64-byte aligned, contents last for one task */
    size_t scratch_bytes;
} CpuWorker;

typedef struct CpuStream {
    CodeStream head;
    void *shared; /* what one job leaves for the next one of the same operation */
    size_t shared_bytes;
} CpuStream;

struct CodeDevice {
    CpuPool *pool;
    const CpuBody *body;
    bool half;                 /* activations are bfloat16 */
    bool bytes;                /* and products of the transformer take bytes */
    void *engine;              /* dnnl_engine_t */
    pthread_mutex_t pack_lock; /* guards the layouts of convolution weights */
};

/* One task of a job. False, with `error` filled in, on failure. */
typedef bool CpuTask(CpuWorker *worker, const void *args, size_t task, CodesrcError *error);

/* ---- pool.c ---------------------------------------------------------------------------------- */

CpuPool *cpu_pool_new(CodeDevice *device, unsigned threads, CodesrcError *error);
void cpu_pool_free(CpuPool *pool);
unsigned cpu_pool_threads(const CpuPool *pool);

/* Runs tasks 0..count-1 on the workers and waits. Gives up between tasks when the stream is
 * cancelled. `args` is passed to the tasks. */
bool cpu_run(CodeStream *stream, CpuTask *task, const void *args, size_t count);

/* The same, but each worker runs the task once; ignores cancellation. */
bool cpu_run_on_each(CodeDevice *device, CpuTask *task, const void *args, CodesrcError *error);

/* The same for an operation that is rehearsed, unless the stream is cancelled. */
bool cpu_prepare(CodeStream *stream, CpuTask *task, const void *args);

/* Memory that lasts for one task, or for the operation. NULL, with `error` filled in, on failure.
 */
void *cpu_scratch(CpuWorker *worker, size_t bytes, CodesrcError *error);
void *cpu_shared(CodeStream *stream, size_t bytes);

/* Aligned to 64 bytes, on huge pages where it is large. For free(). */
void *cpu_allocate(size_t bytes, CodesrcError *error);

/* ---- products.c, weights.c, linear.c, conv.c, attention.c: oneDNN ---------------------------- */

void *cpu_engine_new(CodesrcError *error);
void cpu_engine_free(void *engine);
bool cpu_products_open(CpuWorker *worker, CodesrcError *error); /* on the worker's own thread */
void cpu_products_close(CpuWorker *worker);

CodeWeight *cpu_weight_pack(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                            const float *bias, CodesrcError *error);
void cpu_weight_free(CodeDevice *device, CodeWeight *weight);
uint64_t cpu_weight_bytes(CodeDevice *device, const CodeWeightSpec *spec);

/* Convolutions in tiles. How many points there are of a tile; 0: it does not come in tiles. The
 * points of a kernel of 3 x 3, `step` apart. */
unsigned cpu_tile_points(const CodeWeightSpec *spec);
void cpu_tile_weights(const float weight[9], float *points, size_t step, bool doubled);
bool cpu_winograd(CodeStream *stream, const CodeConv *args);

/* ---- operations ------------------------------------------------------------------------------ */

#define CPU_PROTOTYPE(name, Arguments) bool cpu_##name(CodeStream *stream, const Arguments *args);

CODE_OPERATIONS(CPU_PROTOTYPE)

/* Element `index` of an array of activations. */
static inline void *cpu_at(const CodeDevice *device, const void *array, size_t index)
{
    return (char *)array + index * (device->half ? 2 : 4);
}

static inline const float *per_lane(const CodePerLane *vectors, size_t lane)
{
    size_t slot = vectors->slot ? (size_t)vectors->slot[lane] : lane;

    return vectors->base + slot * vectors->stride;
}

static inline size_t pieces(size_t count, size_t size)
{
    return (count + size - 1) / size;
}

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
