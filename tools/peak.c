/* peak.c - the multiply-add peak of the processor, by loops that touch no memory. */
#include "peak.h"

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { ROUNDS = 1000000, SUMS = 12, WINDOWS = 20, MOST_THREADS = 256 };

/* A loop over independent sums, which stay in registers only if each has a name; returns the number
 * of operations. `zero` is 0, which the compiler must not know. */
typedef double Spin(float zero, float *sink);

#define SUMS_DO(step)                                                                              \
    step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10)       \
        step(11)

#ifdef __x86_64__
#define SPIN(Vector, lanes, begin, step, add, last)                                                \
    do {                                                                                           \
        Vector SUMS_DO(NAME) a = begin(zero), all = a;                                             \
                                                                                                   \
        SUMS_DO(START)                                                                             \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            SUMS_DO(step)                                                                          \
        }                                                                                          \
        SUMS_DO(add)                                                                               \
        *sink = (last);                                                                            \
        return 2.0 * (lanes)*SUMS * ROUNDS;                                                        \
    } while (0)
#define NAME(i)  sum##i,
#define START(i) sum##i = BEGIN(zero + (i)); /* or the compiler would merge identical sums */

__attribute__((target("sse2"))) static double spin_f32_sse2(float zero, float *sink)
{
#define BEGIN(x) _mm_set1_ps((x))
#define STEP(i)  sum##i = _mm_add_ps(_mm_mul_ps(sum##i, a), a);
#define ADD(i)   all = _mm_add_ps(all, sum##i);
    SPIN(__m128, 4, BEGIN, STEP, ADD, _mm_cvtss_f32(all));
#undef BEGIN
#undef STEP
#undef ADD
}

__attribute__((target("avx2,fma"))) static double spin_f32_avx2(float zero, float *sink)
{
#define BEGIN(x) _mm256_set1_ps((x))
#define STEP(i)  sum##i = _mm256_fmadd_ps(sum##i, a, a);
#define ADD(i)   all = _mm256_add_ps(all, sum##i);
    SPIN(__m256, 8, BEGIN, STEP, ADD, _mm256_cvtss_f32(all));
#undef BEGIN
#undef STEP
#undef ADD
}

__attribute__((target("avx512f"))) static double spin_f32_avx512(float zero, float *sink)
{
#define BEGIN(x) _mm512_set1_ps((x))
#define STEP(i)  sum##i = _mm512_fmadd_ps(sum##i, a, a);
#define ADD(i)   all = _mm512_add_ps(all, sum##i);
    SPIN(__m512, 16, BEGIN, STEP, ADD, _mm512_cvtss_f32(all));
#undef BEGIN
#undef STEP
#undef ADD
}

__attribute__((target("avx512f,avx512bf16"))) static double spin_bf16(float zero, float *sink)
{
#define BEGIN(x) _mm512_set1_ps((x))
#define STEP(i)  sum##i = _mm512_dpbf16_ps(sum##i, (__m512bh)a, (__m512bh)a);
#define ADD(i)   all = _mm512_add_ps(all, sum##i);
    SPIN(__m512, 32, BEGIN, STEP, ADD, _mm512_cvtss_f32(all));
#undef BEGIN
#undef STEP
#undef ADD
}

__attribute__((target("avx512f,avx512vnni"))) static double spin_int8(float zero, float *sink)
{
#define BEGIN(x) _mm512_set1_epi32((int)(x))
#define STEP(i)  sum##i = _mm512_dpbusd_epi32(sum##i, a, a);
#define ADD(i)   all = _mm512_add_epi32(all, sum##i);
    SPIN(__m512i, 64, BEGIN, STEP, ADD, (float)_mm512_cvtsi512_si32(all));
#undef BEGIN
#undef STEP
#undef ADD
}
#endif

static Spin *spin_of(PeakType type)
{
#ifdef __x86_64__
    if (type == PEAK_BF16)
        return __builtin_cpu_supports("avx512bf16") ? spin_bf16 : NULL;
    if (type == PEAK_INT8)
        return __builtin_cpu_supports("avx512vnni") ? spin_int8 : NULL;
    if (__builtin_cpu_supports("avx512f"))
        return spin_f32_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return spin_f32_avx2;
    return spin_f32_sse2;
#else
    (void)type;
    return NULL;
#endif
}

typedef struct Worker {
    Spin *spin;
    volatile float zero, sink; /* volatile: keeps the compiler from removing the loop */
    double operations;
} Worker;

static void *work(void *argument)
{
    Worker *worker = argument;
    float sink;

    worker->operations = worker->spin(worker->zero, &sink);
    worker->sink = sink;
    return NULL;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double peak_measure(PeakType type, unsigned threads)
{
    Spin *spin = spin_of(type);
    pthread_t thread[MOST_THREADS];
    Worker worker[MOST_THREADS];
    double best = 0;

    if (!spin || threads > MOST_THREADS)
        return 0;
    for (int window = 0; window < WINDOWS; window++) {
        double begin = now(), all = 0;
        unsigned started = 0;

        for (; started < threads; started++) {
            worker[started] = (Worker){.spin = spin};
            if (pthread_create(&thread[started], NULL, work, &worker[started]))
                break;
        }
        for (unsigned i = 0; i < started; i++) {
            pthread_join(thread[i], NULL);
            all += worker[i].operations;
        }
        if (started == threads)
            best = fmax(best, all / (now() - begin));
    }
    return best;
}
