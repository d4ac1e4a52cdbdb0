/* processor.h - the two things that threads ask of a processor besides vectors: its settings for
 * floating point, and a pause. */
#ifndef CODE_KERNELS_CPU_PROCESSOR_H
#define CODE_KERNELS_CPU_PROCESSOR_H

#if defined __x86_64__

#include <xmmintrin.h>

/* Round to nearest, denormals on, no traps. */
enum { CPU_FLOAT_DEFAULT = 0x1F80 };

static inline unsigned cpu_float_settings(void)
{
    return _mm_getcsr();
}

static inline void cpu_set_float_settings(unsigned settings)
{
    _mm_setcsr(settings);
}

/* Between two looks at a variable that another thread will change. */
static inline void cpu_pause(void)
{
    _mm_pause();
}

#elif defined __aarch64__

/* Round to nearest, denormals on, no traps. */
enum { CPU_FLOAT_DEFAULT = 0 };

static inline unsigned cpu_float_settings(void)
{
    unsigned long settings;

    __asm__ volatile("mrs %0, fpcr" : "=r"(settings));
    return (unsigned)settings;
}

static inline void cpu_set_float_settings(unsigned settings)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)settings));
}

static inline void cpu_pause(void)
{
    __asm__ volatile("yield");
}

#else

#include <fenv.h>

/* Only the rounding is ours to set. */
enum { CPU_FLOAT_DEFAULT = FE_TONEAREST };

static inline unsigned cpu_float_settings(void)
{
    return (unsigned)fegetround();
}

static inline void cpu_set_float_settings(unsigned settings)
{
    fesetround((int)settings);
}

static inline void cpu_pause(void)
{
}

#endif

#endif
