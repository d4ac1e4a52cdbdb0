/* gstcodepace.c - smoothed times, and a step fewer for each picture that is late. */
#include "draw/gstcodepace.h"

#define NEWEST        0.3 /* weight of the newest measurement */
#define SPARE         0.3 /* with more time to spare than this a picture is easy ... */
#define EASY_IN_A_ROW 5   /* ... and after so many of them there is time for another step */

void gst_code_pace_begin(GstCodePace *pace)
{
    pace->last = g_get_monotonic_time();
}

static void smooth(gdouble *value, gdouble measured)
{
    *value = *value > 0.0 ? (1.0 - NEWEST) * *value + NEWEST * measured : measured;
}

void gst_code_pace_scale(GstCodePace *pace, guint scale)
{
    gint64 now = g_get_monotonic_time();

    smooth(&pace->scale[scale], now - pace->last);
    pace->last = now;
}

void gst_code_pace_rendered(GstCodePace *pace, gdouble microseconds)
{
    smooth(&pace->render, microseconds);
}

gboolean gst_code_pace_is_last(const GstCodePace *pace, guint scale, gint64 deadline)
{
    return pace->last + pace->scale[scale + 1] + pace->render > deadline;
}

void gst_code_pace_done(GstCodePace *pace, gboolean late, gdouble spare)
{
    pace->easy = spare > SPARE ? pace->easy + 1 : 0;
    if (late) {
        pace->fewer++;
    } else if (pace->easy >= EASY_IN_A_ROW && pace->fewer > 0) {
        pace->fewer--;
        pace->easy = 0;
    }
}

guint gst_code_pace_steps(GstCodePace *pace, guint least, guint wanted, guint32 served)
{
    guint steps;

    if (least == 0 || least >= wanted)
        return wanted;
    pace->fewer = MIN(pace->fewer, wanted - least);
    for (steps = wanted - pace->fewer; steps < wanted && !(served >> steps & 1); steps++)
        continue;
    return steps;
}
