/* exponential.c - the accuracy of the exponential that all inner loops of the CPU backend share,
 * and of the functions in formulas.h. */
#include "properties.h"

#include "../test.h"

#include "formulas.h"

/* Those of formulas.h: the C library's are right to a double's last bits. */
static void check_formulas(void)
{
    double worst = 0;

    for (float x = -103; x < 88.7f; x += 0.0137f)
        CHECK(code_exponential(x) == (float)exp(x), "e^%g", x);
    CHECK(code_exponential(-200) == 0 && code_exponential(200) == INFINITY &&
              isnan(code_exponential(NAN)),
          "ends of the exponential");
    for (double x = 0x1p-33; x < 30; x *= 1.001)
        worst = fmax(worst, fabs(code_logarithm(x) / log(x) - 1));
    for (double x = 0x1p-33; x < 0.5; x *= 1.01) /* next to 1 */
        worst = fmax(worst, fabs(code_logarithm(1 - x) / log(1 - x) - 1));
    CHECK(worst < 1e-14, "the logarithm is off by %g", worst);
}

#ifdef CODE_HAVE_CPU
#include "simd/vector.h"

/* The bound that vector.h states. */
static const double bound = 1.1;

static double ulps(float x, float found)
{
    double exact = exp(x), unit = ldexp(1, ilogb(exact) - 23);

    return fabs(found - exact) / unit;
}

enum { ENDS = 16 };

void check_exponential(void)
{
    const float ends[ENDS] = {0,      -0.0f, -INFINITY, INFINITY, 88.73f, 89, 1e30f,  -87.34f,
                              -88.0f, -104,  -1e30f,    NAN,      1,      -1, 1e-40f, 88.72f};
    double worst = 0;
    float found[ENDS];

    for (int i = 0; i < ENDS; i += LANES)
        store(found + i, exponential(load(ends + i)));
    CHECK(found[0] == 1 && found[1] == 1 && found[14] == 1, "e^0");
    CHECK(found[2] == 0 && found[7] == 0 && found[8] == 0 && found[9] == 0 && found[10] == 0,
          "e^x where no normal number is");
    CHECK(found[3] == INFINITY && found[4] == INFINITY && found[5] == INFINITY &&
              found[6] == INFINITY,
          "e^x beyond all numbers");
    CHECK(isnan(found[11]) && isfinite(found[15]), "NaN, and the end of the range");
    for (int32_t bits = 0; bits < 0x42b17218; bits += 37 * LANES) /* to ln FLT_MAX */
        for (int sign = 0; sign < 2; sign++) {
            Vector x, e;

            for (int i = 0; i < LANES; i++) {
                int32_t own = bits + 37 * i;
                float value;

                memcpy(&value, &own, sizeof value);
                x[i] = sign ? -value : value;
            }
            e = exponential(x);
            for (int i = 0; i < LANES; i++)
                if (x[i] > -87.336f && x[i] < 88.722f && ulps(x[i], e[i]) > worst)
                    worst = ulps(x[i], e[i]);
        }
    printf("exponential: at most %.3f ulp\n", worst);
    CHECK(worst <= bound, "%g ulp", worst);
    check_formulas();
}
#else
void check_exponential(void)
{
    check_formulas();
}
#endif
