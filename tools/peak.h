/* peak.h - the processor's peak rate of multiply-adds: the yardstick of code-bench and the kernel
 * benchmarks. */
#ifndef CODE_TOOLS_PEAK_H
#define CODE_TOOLS_PEAK_H

typedef enum PeakType {
    PEAK_F32,  /* float32 */
    PEAK_BF16, /* products of bfloat16 into float32 */
    PEAK_INT8, /* products of bytes into int32 */
} PeakType;

/* Operations a second (two a multiply-add) of `threads` threads together, from independent sums
 * in registers: no program does more. Takes about a second; 0 if the processor has no such
 * instruction. */
double peak_measure(PeakType type, unsigned threads);

#endif
