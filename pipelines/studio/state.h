/* state.h - the read-out: the current picture, its speed and the memory in use. */
#ifndef STUDIO_STATE_H
#define STUDIO_STATE_H

#include <glib.h>
#include <gst/gst.h>
#include <jansson.h>

#define STATE_WINDOW 16 /* pictures over which their rate is measured */

/* Times of the last pictures; all zeros at first. */
typedef struct StateRate {
    gint64 times[STATE_WINDOW]; /* microseconds */
    guint64 count;
} StateRate;

void state_rate_note(StateRate *rate, gint64 now);
void state_rate_reset(StateRate *rate);

/* How a picture was made, from its meta; a new reference, null for NULL. */
json_t *state_picture(const GstStructure *made);

/* Times, counts, memory and device, from codesrc's `stats`; a new reference. */
json_t *state_performance(const GstStructure *stats, const StateRate *rate);

#endif
