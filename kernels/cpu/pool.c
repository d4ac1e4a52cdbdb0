/* pool.c - the workers of a device: one job at a time, tasks handed out by a counter.
 *
 * The thread that asks for a job is its first worker; the others are threads of the pool. A picture
 * is thousands of jobs of some 100 us, so both sides spin briefly before they block. */
#include "cpu.h"
#include "simd/processor.h"

#include "error.h"
#include "host.h"
#include "signals.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MAX_WORKERS = 256, HUGE_PAGE = 2 << 20 };
enum { SPINS = 2000 }; /* before a thread blocks: some 40 us */

struct CpuPool {
    pthread_mutex_t turn; /* held by the caller whose job runs */

    pthread_mutex_t lock; /* guards everything below except `next` */
    pthread_cond_t begin, done;
    atomic_ulong job;    /* counts jobs, so that a worker joins each one once */
    unsigned seats;      /* threads that may still join the job */
    atomic_uint running; /* threads that have not finished it */
    bool closing, failed;
    CodesrcError error; /* of the first task that failed */

    CpuTask *task;
    const void *args;
    size_t count;
    const atomic_bool *cancelled; /* NULL: it cannot be */
    atomic_bool cut_short; /* tasks were left out, even if the cancellation is withdrawn by now */
    atomic_size_t next;

    unsigned threads;   /* of the pool's own */
    CpuWorker worker[]; /* the caller's, and one for each of them */
};

static bool is_cancelled(const CpuPool *pool)
{
    return pool->cancelled && atomic_load_explicit(pool->cancelled, memory_order_relaxed);
}

static void fail_job(CpuPool *pool, const CodesrcError *error)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->failed)
        pool->error = *error;
    pool->failed = true;
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->next, pool->count);
}

static void take_tasks(CpuWorker *worker)
{
    CpuPool *pool = worker->pool;
    CodesrcError error;

    for (;;) {
        size_t task = atomic_fetch_add(&pool->next, 1);

        if (task >= pool->count)
            return;
        if (is_cancelled(pool)) {
            atomic_store(&pool->cut_short, true);
            return;
        }
        if (!pool->task(worker, pool->args, task, &error))
            fail_job(pool, &error);
    }
}

static void work(CpuWorker *worker)
{
    const CpuMultiplier *multiplier = worker->device->multiplier;

    take_tasks(worker);
    if (multiplier->release)
        multiplier->release();
}

static void *worker_main(void *argument)
{
    CpuWorker *worker = argument;
    CpuPool *pool = worker->pool;
    unsigned long seen = 0;

    cpu_set_float_settings(CPU_FLOAT_DEFAULT); /* a new thread inherits its creator's */
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load(&pool->job) == seen; i++)
            cpu_pause();
        pthread_mutex_lock(&pool->lock);
        while ((pool->job == seen || !pool->seats) && !pool->closing)
            pthread_cond_wait(&pool->begin, &pool->lock);
        if (pool->closing) {
            pthread_mutex_unlock(&pool->lock);
            return NULL;
        }
        seen = pool->job;
        pool->seats--;
        pthread_mutex_unlock(&pool->lock);
        work(worker);
        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub(&pool->running, 1) == 1)
            pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
}

/* The caller's part. Its thread's floating-point settings are those of workers meanwhile, and
 * restored afterwards. */
static void work_as_caller(CpuPool *pool)
{
    unsigned settings = cpu_float_settings();

    cpu_set_float_settings(CPU_FLOAT_DEFAULT);
    work(&pool->worker[0]);
    cpu_set_float_settings(settings);
}

/* All tasks are taken: release the seats of workers still asleep. */
static void release_seats(CpuPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_sub(&pool->running, pool->seats);
    pool->seats = 0;
    pthread_mutex_unlock(&pool->lock);
}

/* Runs the job that is set up, holding `turn`. False on failure. */
static bool run(CpuPool *pool, CodesrcError *error)
{
    unsigned others;
    bool failed;

    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->next, 0);
    atomic_store(&pool->cut_short, false);
    pool->failed = false;
    others = (unsigned)least(pool->threads, pool->count - 1);
    atomic_store(&pool->running, others);
    pool->seats = others;
    atomic_fetch_add(&pool->job, 1);
    if (others == pool->threads)
        pthread_cond_broadcast(&pool->begin);
    else /* a worker finishing the last job rechecks `seats` before sleeping: it needs no signal */
        for (unsigned i = 0; i < others; i++)
            pthread_cond_signal(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
    work_as_caller(pool);
    release_seats(pool);
    for (int i = 0; i < SPINS && atomic_load(&pool->running); i++)
        cpu_pause();
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->running))
        pthread_cond_wait(&pool->done, &pool->lock);
    failed = pool->failed;
    if (failed)
        *error = pool->error;
    pthread_mutex_unlock(&pool->lock);
    return !failed;
}

bool cpu_run(CodeStream *stream, CpuTask *task, const void *args, size_t count)
{
    CpuPool *pool = stream->device->pool;
    bool done;

    if (!code_host_goes_on(stream))
        return false;
    if (!count)
        return true;
    pthread_mutex_lock(&pool->turn);
    pool->task = task, pool->args = args, pool->count = count;
    pool->cancelled = stream->cancelled;
    done = run(pool, &stream->error);
    if (done && atomic_load(&pool->cut_short))
        done = code_fail(&stream->error, CODESRC_CANCELLED, "cancelled");
    pthread_mutex_unlock(&pool->turn);
    return done;
}

/* A worker's memory needs no thread of its own to be allocated: a rehearsal is thousands of
 * operations, and waiting for all workers at each would take longer than a picture. */
bool cpu_prepare(CodeStream *stream, CpuTask *task, const void *args)
{
    CpuPool *pool = stream->device->pool;
    bool good = code_host_goes_on(stream);

    pthread_mutex_lock(&pool->turn);
    for (unsigned i = 0; good && i <= pool->threads; i++)
        good = task(&pool->worker[i], args, i, &stream->error);
    pthread_mutex_unlock(&pool->turn);
    return good;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void start_workers(CpuPool *pool, unsigned threads)
{
    sigset_t old;

    code_signals_block(&old);
    while (pool->threads < threads) {
        CpuWorker *worker = &pool->worker[pool->threads + 1];

        if (pthread_create(&worker->thread, NULL, worker_main, worker))
            break;
        pool->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static unsigned cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

CpuPool *cpu_pool_new(CodeDevice *device, unsigned threads, CodesrcError *error)
{
    CpuPool *pool;

    threads = (unsigned)least(threads ? threads : cores(), MAX_WORKERS);
    pool = calloc(1, sizeof *pool + threads * sizeof *pool->worker);
    if (!pool) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for %u threads", threads);
        return NULL;
    }
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (unsigned i = 0; i < threads; i++) {
        pool->worker[i].pool = pool;
        pool->worker[i].device = device;
    }
    device->pool = pool;
    start_workers(pool, threads - 1);
    if (pool->threads < threads - 1) {
        code_fail(error, CODESRC_NO_DEVICE, "could start only %u of %u threads", pool->threads + 1,
                  threads);
    } else {
        return pool;
    }
    cpu_pool_free(pool);
    device->pool = NULL;
    return NULL;
}

void cpu_pool_free(CpuPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i <= pool->threads; i++)
        pthread_join(pool->worker[i].thread, NULL);
    for (unsigned i = 0; i <= pool->threads; i++)
        free(pool->worker[i].scratch);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

unsigned cpu_pool_threads(const CpuPool *pool)
{
    return pool->threads + 1;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *cpu_allocate(size_t bytes, CodesrcError *error)
{
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    void *memory = NULL;

    if (bytes > SIZE_MAX / 2 || posix_memalign(&memory, alignment, bytes ? bytes : 64)) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory: %zu bytes were asked for", bytes);
        return NULL;
    }
    if (bytes >= HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE); /* only advice: a refusal costs speed, no more */
    return memory;
}

/* Replaces *memory by one of at least `bytes`. */
static void *grow(void **memory, size_t *size, size_t bytes, CodesrcError *error)
{
    if (bytes > *size) {
        void *larger = cpu_allocate(bytes, error);

        if (!larger)
            return NULL;
        free(*memory);
        *memory = larger;
        *size = bytes;
    }
    return *memory;
}

void *cpu_scratch(CpuWorker *worker, size_t bytes, CodesrcError *error)
{
    return grow(&worker->scratch, &worker->scratch_bytes, bytes ? bytes : 64, error);
}

void *cpu_shared(CodeStream *stream, size_t bytes)
{
    CpuStream *own = (CpuStream *)stream;

    return grow(&own->shared, &own->shared_bytes, bytes, &stream->error);
}
