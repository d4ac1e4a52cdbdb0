/* gstcodeexit.h - the end of the process.
 *
 * exit() destroys the static objects of libraries, the newest first, while other threads go on. A
 * thread that is inside such a library then crashes. So every call of the engine that computes is
 * counted, and an exit handler cancels these calls, waits for them, and refuses new ones. It has to
 * run before the libraries' own handlers, and is therefore registered after they have initialised
 * themselves: when the engine's device is open, and again when a generator is ready. */
#ifndef GST_CODE_EXIT_H
#define GST_CODE_EXIT_H

#include <gst/gst.h>

#include "codesrc.h"

/* Registers the handler after a step that may have initialised something: once for each step,
 * model, device and precision in the life of the process. */
void gst_code_exit_arm(const gchar *step, const CodesrcModelInfo *info);

/* TRUE from the beginning of the handler on. */
gboolean gst_code_exit_has_begun(void);

/* Around calls of the engine. FALSE: the process ends; *error says CODESRC_CANCELLED. */
gboolean gst_code_exit_enter(CodesrcError *error);
void gst_code_exit_leave(void);

/* While registered, `interrupt` is called at the exit, on whatever thread that runs on, to make
 * calls that are under way return. */
typedef struct GstCodeExitHook {
    void (*interrupt)(gpointer user);
    gpointer user;
} GstCodeExitHook;

void gst_code_exit_add(GstCodeExitHook *hook);
void gst_code_exit_remove(GstCodeExitHook *hook);

#endif
