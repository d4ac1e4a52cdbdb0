/* gstcodesrcprivate.h - the element's struct, shared by the files that make it up: gstcodesrc.c
 * (states, frames), gstcodebuffer.c, gstcodenegotiate.c, gstcodeproperties.c, gstcodeseek.c (seeks
 * and queries) and gstcodeclock.c (real time). */
#ifndef GST_CODE_SRC_PRIVATE_H
#define GST_CODE_SRC_PRIVATE_H

#include <gst/video/video.h>

#include "codesrc/gstcodesrc.h"
#include "draw/gstcodeflow.h"
#include "draw/gstcodeprefetch.h"
#include "draw/gstcodetimeline.h"
#include "model/gstcodeengine.h"
#include "report/gstcodeerror.h"
#include "report/gstcodelog.h"
#include "video/gstcodecuda.h"
#include "video/gstcodewriter.h"

#define GST_CAT_DEFAULT gst_code_src_debug

/* To chain up to. */
#define GST_CODE_SRC_PARENT GST_BASE_SRC_CLASS(g_type_class_peek(GST_TYPE_PUSH_SRC))

struct _GstCodeSrc {
    GstPushSrc parent;

    /* Guarded by the object lock. */
    gchar *uri;       /* as set; NULL: none */
    guint serial;     /* grows when the user changes the settings */
    GThread *syncing; /* a GstController changes them on this thread */
    guint queue_depth;
    gboolean qos, progressive, anytime;
    GstCodeTags tags;
    GstCodeMotion motion;
    gboolean live;              /* as set; the base class knows it when it stops and starts */
    guint side;                 /* of the model's pictures; 0: not started */
    gint length;                /* num-buffers at the start */
    gboolean makes_cuda;        /* CUDA memory is available */
    CodesrcOutput output;       /* their memory and format, as negotiated */
    GstVideoInfo info;          /* as negotiated; fps_d 0: not yet */
    GstClockTime qos_earliest;  /* running time before which frames are late; NONE: none are */
    GstSeekFlags seek_flags;    /* of the seek that is under way */
    gboolean seek_from_here;    /* it changes the rate alone */
    gdouble qos_proportion;     /* as last heard */
    GstClockID clock_id;        /* that is waited for; NULL: none */
    gboolean clock_interrupted; /* no thread may wait */
    gboolean clock_paused;      /* nor until the element plays again */
    GstClockTime paused_at;     /* the running time when it last paused */
    GCond clock_changed;
    GThread *pausing; /* atomic: the thread that changes the state from PLAYING to PAUSED */

    GstCodeEngine engine; /* its properties: guarded by the object lock */

    /* From start to stop: the streaming thread's, except for interruptions. */
    GMutex prefetch_lock; /* of the pointer that follows; taken before all other locks */
    GstCodePrefetch *prefetch;
    GstCodeWriter writer; /* into the host's memory */
    GstCodeCuda cuda;     /* into CUDA's */
    GstCodeTimeline timeline;
    guint64 end;       /* the frame after the stream's last one; GST_CODE_NO_FRAME: no end */
    gboolean anchored; /* live: the timeline has its beginning in running time */
    gboolean discont;  /* frames were dropped before the next one */
    gboolean tags_sent;
    gboolean flows;   /* the stream is a film: frames stand still, or are between pictures */
    gboolean repeats; /* a film that repeats the last frame if the next one is not there in time */
    GstCodeFrame *frame; /* of a film: pulled and not pushed yet; NULL: none */
    GstBuffer *standing; /* of a film: the last pixels, for frames that show the same; NULL: none */
    GstCodeRecord shown; /* what they show */
    guint shown_serial;  /* of the settings that it was drawn with */
};

/* ---- gstcodesrc.c ---- */

/* Of a film: its time has come, and there is no frame. */
#define GST_CODE_FLOW_REPEAT GST_FLOW_CUSTOM_SUCCESS

/* The streaming thread's: the next finished frame, to be recycled. NULL: *flow is FLUSHING, EOS,
 * ERROR or REPEAT. */
GstCodeFrame *gst_code_src_next_frame(GstCodeSrc *self, GstFlowReturn *flow);

/* ---- gstcodebuffer.c ---- */

/* Pulls the next frame, unless a film has done so already, and makes its buffer. */
GstFlowReturn gst_code_src_fill(GstPushSrc *src, GstBuffer *buffer);

/* The next buffer of a film. Its frame is pulled before there is a buffer, because it may need
 * none. */
GstFlowReturn gst_code_src_create_film(GstCodeSrc *self, guint64 offset, guint size,
                                       GstBuffer **buffer);

/* ---- gstcodenegotiate.c ---- */

gboolean gst_code_src_negotiate(GstBaseSrc *src);
GstCaps *gst_code_src_get_caps(GstBaseSrc *src, GstCaps *filter);
GstCaps *gst_code_src_fixate(GstBaseSrc *src, GstCaps *caps);
gboolean gst_code_src_set_caps(GstBaseSrc *src, GstCaps *caps);
gboolean gst_code_src_decide_allocation(GstBaseSrc *src, GstQuery *query);
void gst_code_src_set_context(GstElement *element, GstContext *context);

/* ---- gstcodeproperties.c ---- */

/* Whether the numbers of the stream's properties are in their ranges; else an error is posted. */
gboolean gst_code_src_check_properties(GstCodeSrc *self);
void gst_code_src_install_properties(GObjectClass *klass);
void gst_code_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec);
void gst_code_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec);
void gst_code_src_init_properties(GstCodeSrc *self);

/* Makes the property is-live take effect. */
void gst_code_src_update_live(GstCodeSrc *self);

/* ---- gstcodeseek.c ---- */

/* At a start: takes the end of the stream from num-buffers. */
void gst_code_src_find_end(GstCodeSrc *self);

/* Tells the base class, which needs it for seeks from the end, how long the stream is in time, once
 * the frame rate is known or can be foreseen. FALSE: it has no end. */
gboolean gst_code_src_set_duration(GstCodeSrc *self);

gboolean gst_code_src_is_seekable(GstBaseSrc *src);
gboolean gst_code_src_note_seek(GstCodeSrc *self, GstEvent *seek); /* FALSE: impossible */
gboolean gst_code_src_send_event(GstElement *element, GstEvent *event);
gboolean gst_code_src_do_seek(GstBaseSrc *src, GstSegment *segment);
gboolean gst_code_src_query(GstBaseSrc *src, GstQuery *query);

/* ---- gstcodeclock.c ---- */

/* Before a new stream, and after a flush. */
void gst_code_src_reset_qos(GstCodeSrc *self);

/* Keeps the contents of QoS and seek events. */
gboolean gst_code_src_event(GstBaseSrc *src, GstEvent *event);

/* Live: has frame 0 begin at the running time of now and a lead. */
void gst_code_src_anchor(GstCodeSrc *self, const GstSegment *segment, GstClockTime lead);

/* For the drawing thread: the position before which a frame not drawn yet comes too late, or
 * NONE. */
GstClockTime gst_code_src_earliest(gpointer self, const GstSegment *segment);

/* The position before which a frame that is drawn already comes too late, or NONE. */
GstClockTime gst_code_src_too_late(GstCodeSrc *self, const GstSegment *segment);

/* For the drawing thread: when a frame is due, and the proportion of the last QoS event. */
gint64 gst_code_src_deadline(gpointer self, const GstSegment *segment, const GstCodeTiming *timing);
gdouble gst_code_src_proportion(gpointer self);

/* Counts and reports `dropped` frames before the one at `timing`. */
void gst_code_src_note_dropped(GstCodeSrc *self, const GstSegment *segment,
                               const GstCodeTiming *timing, guint64 dropped);

/* Until when to wait for a frame, on the clock of g_get_monotonic_time(): nearly the end of the
 * latency; G_MAXINT64: as long as it takes. */
gint64 gst_code_src_patience(GstCodeSrc *self, const GstSegment *segment,
                             const GstCodeTiming *timing);

/* Live: waits until the time of `timing` has come, and as long as the element is paused. FALSE:
 * interrupted. */
gboolean gst_code_src_wait_for_clock(GstCodeSrc *self, const GstSegment *segment,
                                     const GstCodeTiming *timing);
void gst_code_src_interrupt_clock(GstCodeSrc *self, gboolean interrupted);
void gst_code_src_pause_clock(GstCodeSrc *self, gboolean paused);

/* Live: reports to the pipeline that pictures take longer, or much less long. */
void gst_code_src_update_latency(GstCodeSrc *self);

#endif
