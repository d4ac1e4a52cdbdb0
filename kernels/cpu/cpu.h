/* cpu.h - shared by the files of the CPU backend: devices, workers, jobs.
 *
 * A device owns a pool of workers. Every operation is a job of independent tasks whose sizes follow
 * from shapes alone, so results do not depend on the number of workers. Workers run one job at a
 * time. The caller is one of them: its floating-point settings are set for the job and restored
 * afterwards. */
#ifndef CODE_KERNELS_CPU_H
#define CODE_KERNELS_CPU_H

#include "formulas.h"
#include "simd/body.h"
#include "simd/multiply.h"

#include <pthread.h>

typedef struct CpuPool CpuPool;

typedef struct CpuWorker {
    CpuPool *pool;
    CodeDevice *device;
    pthread_t thread;
    void *scratch; /* 64-byte aligned, contents last for one task */
    size_t scratch_bytes;
} CpuWorker;

typedef struct CpuStream {
    CodeStream head;
    void *shared; /* results of one job for the next job of the same operation */
    size_t shared_bytes;
} CpuStream;

struct CodeDevice {
    CpuPool *pool;
    const CpuBody *body;
    const CpuMultiplier *multiplier;
    const struct CpuGemm *gemm; /* instructions for products of bfloat16, or NULL */
    bool bytes;                 /* products of the transformer and of tiles multiply bytes */
    bool halves;                /* activations are bfloat16, else float32 */
    size_t activation_size;
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

/* For an operation that is rehearsed: calls the task, which allocates scratch memory, for each
 * worker on the calling thread. Fails if the stream is cancelled. */
bool cpu_prepare(CodeStream *stream, CpuTask *task, const void *args);

/* Memory that lasts for one task, or for the operation. NULL, with `error` filled in, on
 * failure. */
void *cpu_scratch(CpuWorker *worker, size_t bytes, CodesrcError *error);
void *cpu_shared(CodeStream *stream, size_t bytes);

/* Aligned to 64 bytes, on huge pages if it is large. For free(). */
void *cpu_allocate(size_t bytes, CodesrcError *error);

/* ---- group norms: ops/maps.c ----------------------------------------------------------------- */

/* Blocks of positions are kept small, since their sums are float; sums over blocks are double. */
typedef struct CpuGroupNorm {
    const CodeGroupNorm *args;
    size_t block, blocks;  /* positions of a block; blocks of an image */
    float *sums, *squares; /* (images, blocks, channels) */
    float *mean, *scale;   /* (images, channels) */
} CpuGroupNorm;

/* All of a group norm but for normalising: takes the moments of x. The result lasts for the
 * operation, in the stream's shared memory. */
bool cpu_take_moments(CodeStream *stream, const CodeGroupNorm *args, CpuGroupNorm *norm);
CpuNorm cpu_norm_of(const CpuGroupNorm *norm, size_t image);

/* ---- operations: ops/ and product/product.c -------------------------------------------------- */

#define CPU_PROTOTYPE(name, Arguments) bool cpu_##name(CodeStream *stream, const Arguments *args);

CODE_OPERATIONS(CPU_PROTOTYPE)

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Element `index` of an array of activations. */
static inline void *cpu_at(const CodeDevice *device, void *array, size_t index)
{
    return (char *)array + index * device->activation_size;
}

static inline const void *cpu_from(const CodeDevice *device, const void *array, size_t index)
{
    return (const char *)array + index * device->activation_size;
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
