/* fuzz-classes.c - lists of classes, and masks of codepaint. The first byte chooses: 0 a class, 1 a
 * list, 2 a rectangle, from 3 on the alpha of a frame. */
#include "../model/hostile.h"
#include "../model/made.h"
#include "codepaint/gstcodemask.h"
#include "fuzz.h"
#include "model/gstcodeclasses.h"
#include "report/gstcodetext.h"

#include <string.h>

enum { CELLS = 4 };

static const char manifest[] =
    "name: fuzz\npatch_nums: [1, 2, 4]\nsynthetic: 5\n"
    "class_names: [red fox, arctic fox, owl, 'great, grey owl', 7]\n"
    "vae: {codes: 16, channels: 4, ch: 4, ch_mult: [1, 2], res_blocks: 1,"
    " groups: 2}\n"
    "drafter: {depth: 1, width: 64, heads: 1}\n";

static CodesrcModel *model_of_names(void)
{
    static CodesrcModel *model;
    CodesrcError error;

    if (!model) {
        write_file("fuzz.yaml", manifest, sizeof manifest - 1);
        model = made_open(scratch("fuzz.yaml"), true, &error);
    }
    fuzz_promise(model != NULL, "the model opens");
    return model;
}

/* The elements clean a text before they post it. */
static void check_posted(CodesrcError *error)
{
    gchar *text = gst_code_text_clean(error->text);

    g_strlcpy(error->text, text, sizeof error->text);
    g_free(text);
    fuzz_check_error(error);
}

static void try_classes(const char *text, gboolean list)
{
    const CodesrcModel *model = model_of_names();
    GstCodeClasses *classes = gst_code_classes_new(text, list);
    CodesrcError error = {.status = CODESRC_OK};
    gint32 class_id;
    gboolean good;

    if (!classes)
        return;
    good = gst_code_classes_check(classes, model, &error);
    if (!good)
        check_posted(&error);
    for (guint64 frame = 0; frame < 4; frame++) {
        if (gst_code_classes_at(classes, frame * G_MAXUINT32, model, &class_id, &error))
            fuzz_promise(class_id >= -1 && (guint)class_id + 1 <= 6, "a class of the model");
        else
            fuzz_promise(!good, "a list that is good has good entries");
    }
    gst_code_classes_unref(classes);
}

/* Repaints a frame, and counts cells against pixels. */
static void apply_mask(const guint8 *mask, GstVideoFrame *frame, gboolean any)
{
    gfloat cells[CELLS * CELLS];
    gboolean masked = FALSE;
    GstVideoFrame to;
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, frame->info.size, NULL);

    gst_code_mask_to_cells(mask, &frame->info, CELLS, cells);
    for (unsigned i = 0; i < CELLS * CELLS; i++)
        masked = masked || cells[i] != 0;
    fuzz_promise(masked == any, "a masked pixel masks a cell");
    gst_buffer_memset(buffer, 0, 0, frame->info.size);
    if (gst_video_frame_map(&to, &frame->info, buffer, GST_MAP_READWRITE)) {
        gst_code_mask_copy(mask, frame, &to);
        gst_video_frame_unmap(&to);
    }
    gst_buffer_unref(buffer);
}

/* The width and height come first, and the rest fills the frame again and again. */
static void try_frame(FuzzInput *in, GstVideoFormat format, const char *rectangle)
{
    guint width = 1 + (guint)(fuzz_integer(in, 0, 18) & 31);
    guint height = 1 + (guint)(fuzz_integer(in, 0, 18) & 31);
    CodesrcError error = {.status = CODESRC_OK};
    GstVideoRectangle inside;
    GstVideoFrame frame;
    GstVideoInfo info;
    GstBuffer *buffer;
    guint8 *mask;

    gst_video_info_set_format(&info, format, width, height);
    if (rectangle && (!gst_code_mask_parse(rectangle, &inside, &error) ||
                      !gst_code_mask_check(rectangle, &inside, &info, &error))) {
        check_posted(&error);
        return;
    }
    buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
    gst_buffer_memset(buffer, 0, 0, info.size);
    for (gsize at = 0; in->left && at < info.size; at += in->left)
        gst_buffer_fill(buffer, at, in->data, in->left);
    mask = g_malloc((gsize)width * height);
    if (gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ)) {
        apply_mask(mask, &frame,
                   rectangle ? gst_code_mask_from_rectangle(&inside, &info, mask)
                             : gst_code_mask_from_alpha(&frame, mask));
        gst_video_frame_unmap(&frame);
    }
    g_free(mask);
    gst_buffer_unref(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_RGBA,      GST_VIDEO_FORMAT_ARGB,
                                             GST_VIDEO_FORMAT_A420,      GST_VIDEO_FORMAT_AYUV,
                                             GST_VIDEO_FORMAT_ARGB64,    GST_VIDEO_FORMAT_A420_10LE,
                                             GST_VIDEO_FORMAT_RGB10A2_LE};
    static gboolean started;
    FuzzInput in = {data, size};
    uint8_t kind;
    char *text;

    if (!started)
        gst_init(NULL, NULL);
    started = TRUE;
    fuzz_take(&in, &kind, 1);
    if (kind > 2) {
        try_frame(&in, formats[kind % G_N_ELEMENTS(formats)], NULL);
        return 0;
    }
    text = g_strndup((const char *)in.data, in.left);
    if (kind < 2)
        try_classes(text, kind);
    else
        try_frame(&in, GST_VIDEO_FORMAT_I420, text);
    g_free(text);
    return 0;
}
