/* backend.h - the contract between engine/ and kernels/: what a device must be able to do.
 *
 * A backend is one CodeBackend table. It makes a CodeDevice for a model (packed weights, threads)
 * and CodeStreams for each generator (scratch memory, prepared kernels). Model operations take a
 * stream and one argument struct, and may be asynchronous: only `copy` to or from the host and
 * `wait` wait.
 *
 * Conventions, unless an operation says otherwise:
 * - every pointer in an argument struct is device memory from `alloc`; sizes count elements;
 * - arrays are row-major; maps are (images, height, width, channels), channels innermost;
 * - `float *` is float32. `void *` is the device's activation type, of
 * CodeDeviceInfo.activation_size bytes an element: float32, or 16 bits where its precision works
 * with those. What a product takes and gives is told by its CodeWeightSpec;
 * - outputs do not overlap inputs;
 * - a lane is one branch of one image (class or "no class"): lane = image * branches + branch;
 * - operations return false when cancelled or failed, with stream->error filled in;
 * - what is computed for one image does not depend, to the bit, on how many images there are, on
 * the number of threads or on alignment;
 * - while stream->rehearsing is true an operation prepares for its shapes (compiles, allocates) and
 *   computes nothing; outside of a rehearsal it allocates only for shapes not yet rehearsed.
 *   A rehearsal ends with `wait`, where there is one.
 * Formulas: docs/architecture.md, "What is computed". */
#ifndef CODE_COMMON_BACKEND_H
#define CODE_COMMON_BACKEND_H

#include "codesrc.h"

#ifdef __cplusplus /* device code is C++ */
#include <atomic>
using std::atomic_bool;
#else
#include <stdatomic.h>
#endif

#define CODE_HEAD_SIZE 64 /* of every VAR model; attention of the VQ-VAE has other sizes */

typedef struct CodeBackend CodeBackend;
typedef struct CodeDevice CodeDevice; /* the backend's own: one per open model */
typedef struct CodeWeight CodeWeight; /* the backend's own: one packed product or convolution */

/* Head of every backend's stream: embed it as the first member. */
typedef struct CodeStream {
    const CodeBackend *backend;
    CodeDevice *device;
    const atomic_bool *cancelled; /* poll it at least every 20 ms of work */
    bool rehearsing;
    CodesrcError error;
} CodeStream;

/* One vector per lane, out of a table: that of lane l is base + slot[l] * stride. */
typedef struct CodePerLane {
    const float *base;
    size_t stride;
    const int32_t *slot;
} CodePerLane;

typedef enum CodeWeightKind {
    CODE_WEIGHT_LINEAR,   /* weight (out, in): y = W x + bias */
    CODE_WEIGHT_CONV1,    /* weight (out, in, 1, 1) */
    CODE_WEIGHT_CONV3,    /* weight (out, in, 3, 3), padding 1 */
    CODE_WEIGHT_CONV3_S2, /* weight (out, in, 3, 3), stride 2, zeros padded right and below */
    CODE_WEIGHT_CONV3_X2, /* CONV3 of a map that is first doubled in side, as CODE_NEAREST does,
                             from activations to activations; only where CodeDeviceInfo.doubles */
} CodeWeightKind;

/* Of a convolution's kernel; 1 of linear layers. */
static inline unsigned code_kernel_side(CodeWeightKind kind)
{
    return kind == CODE_WEIGHT_LINEAR || kind == CODE_WEIGHT_CONV1 ? 1 : 3;
}

typedef struct CodeWeightSpec {
    CodeWeightKind kind;
    unsigned in, out;
    bool x_f32;     /* the input is float32, not the activation type */
    bool y_f32;     /* the output is; a product with both float32 is also computed in float32 */
    bool may_round; /* or, if it may round, with weights and inputs of the activation type;
                       CODE_PLAIN and CODE_GELU only */
    bool coarse;    /* of a convolution: the device may lose a bit or two for the sake of speed */
} CodeWeightSpec;

typedef enum CodeCopy {
    CODE_UPLOAD,   /* host to device */
    CODE_DOWNLOAD, /* device to host; waits for the stream */
    CODE_INSIDE,   /* device to device */
    CODE_CLEAR,    /* zeros to the device; `from` is not used */
} CodeCopy;

typedef enum CodeEpilogue {
    CODE_PLAIN, /* y = W x + bias */
    CODE_GELU,  /* y = gelu_tanh(W x + bias) */
    CODE_GATED, /* y += gate * (W x + bias), gate: one vector per lane; y is float32 */
} CodeEpilogue;

/* y (groups * rows, out) from x (groups, rows, in). A row's value may depend on `rows` and its
 * place in its group, but not on `groups`: the engine makes a group of what belongs to one image.
 */
typedef struct CodeLinear {
    const CodeWeight *weight;
    const void *x;  /* of the type in the weight's spec, as y */
    size_t x_group; /* elements from one group of x to the next; y is dense */
    void *y;
    unsigned groups, rows;
    CodeEpilogue epilogue;
    CodePerLane gate;   /* CODE_GATED only */
    unsigned lane_rows; /* CODE_GATED only: row r of all belongs to lane r / lane_rows */
} CodeLinear;

/* y = LN(x) * (1 + scale) + shift, both (lanes, rows, width); LN without affine, eps 1e-6. */
typedef struct CodeModulate {
    const float *x;
    void *y;
    unsigned lanes, rows, width;
    CodePerLane scale, shift;
} CodeModulate;

/* qkv (lanes, rows, 3 * heads * 64): q <- q / |q| * q_scale[head] in place; k / |k| and v go to the
 * caches, (lanes, heads, capacity, 64), from row `first` on. Norms have a floor of 1e-12. The
 * caches may begin within a larger array: they have row r of head h of lane l at element
 * ((l * heads + h) * capacity + r) * 64, and r may be more than `capacity`. */
typedef struct CodeHeads {
    void *qkv;
    const float *q_scale; /* (heads) */
    void *k_cache, *v_cache;
    unsigned lanes, rows, heads;
    unsigned first, capacity;
} CodeHeads;

/* Copies the keys and values of a class's first scale into the caches of the lanes: from
 * (2, heads, layers, rows, 64), keys first, of the activations that begin at the float
 * base + slot[l] * stride
 * to (2, lanes, heads, capacity, 64), those of layer i to rows i * kept, i * kept + 1, ... */
typedef struct CodeRecall {
    CodePerLane from;
    void *cache;
    unsigned layers, lanes, heads, rows, kept, capacity;
} CodeRecall;

/* out = softmax(scale * q k^T) v for each lane and head, every query seeing every key. Row r of
 * head h of lane l begins at base + l * lane + h * head + r * row. */
typedef struct CodeAttention {
    const void *q, *k, *v;
    void *out;
    size_t q_lane, q_head, q_row;
    size_t kv_lane, kv_head, kv_row;
    size_t out_lane, out_head, out_row;
    unsigned lanes, heads, dim, queries, keys;
    float scale;
} CodeAttention;

/* x (lanes, rows, width) = source + place (rows, width). Lane l takes source l / lanes_per_source,
 * of `rows` rows or, where `broadcast`, of one row that serves all. */
typedef struct CodeEmbed {
    CodePerLane source; /* slot is indexed by source; NULL slot: source i at base + i * stride */
    bool broadcast;
    unsigned lanes_per_source;
    const float *place;
    float *x;
    unsigned lanes, rows, width;
} CodeEmbed;

/* Input of the head: m(x) = LN(x) * (1 + scale) + shift; with two branches
 * y = (1 + t) m(x_class) - t m(x_none), t per image; with one y = m(x). The head is linear, so
 * guidance before it is guidance of the logits. x row r of lane l: x + l * x_lane + r * width. */
typedef struct CodeGuide {
    const float *x;
    size_t x_lane;
    float *y;       /* (images, rows, width) */
    const float *t; /* (images), unused with one branch */
    CodePerLane scale, shift;
    unsigned images, branches, rows, width;
} CodeGuide;

/* What drawing needs to know of one image; an array of them lies in device memory. */
typedef struct CodeDraw {
    uint64_t seed, frame;
    double top_p;
    float temperature[CODESRC_MAX_SCALES];
    uint32_t top_k;
    uint32_t more_smooth;
} CodeDraw;

/* Draws a token for each row of logits (images, rows, codes) by inverse transform in code order;
 * see kernels/reference/sample.c for the exact rule. Dropped logits become -infinity in place. */
typedef struct CodeSample {
    float *logits;
    int32_t *tokens; /* image i at tokens + i * token_stride */
    size_t token_stride;
    const CodeDraw *draws; /* (images) */
    unsigned images, rows, codes;
    unsigned scale, first; /* k, and the position of row 0 in the pyramid */
} CodeSample;

/* map (images, rows, channels): codebook[token], or for images with more_smooth
 * softmax((logits * (1 + ratio) + Gumbel) / tau) * codebook, ratio = k / (K - 1),
 * tau = max(0.27 * (1 - 0.95 * ratio), 0.005), over the logits that `sample` left. */
typedef struct CodeLookUp {
    const int32_t *tokens;
    size_t token_stride;
    const float *logits;   /* (images, rows, codes) */
    const float *codebook; /* (codes, channels) */
    const CodeDraw *draws;
    float *map;
    unsigned images, rows, codes, channels;
    unsigned scale, scales, first;
} CodeLookUp;

typedef enum CodeResizeMode {
    CODE_BICUBIC, /* A = -0.75, half-pixel centres, border clamp, no antialias */
    CODE_AREA,    /* adaptive average: cell i averages floor(i n / m) .. ceil((i + 1) n / m) - 1 */
    CODE_NEAREST, /* out[i] = in[i * n / m] */
} CodeResizeMode;

/* Square maps: out (images, out_side, out_side, channels) from in (images, in_side, ...). */
typedef struct CodeResize {
    CodeResizeMode mode;
    const void *in;  /* CODE_NEAREST: activations; the other modes: float32 */
    size_t in_image; /* elements from one image to the next */
    void *out;
    size_t out_image;
    unsigned images, in_side, out_side, channels;
} CodeResize;

/* y = conv(x) + bias (+ add), zero padding. x (images, side, side, in); the output has the same
 * side, half of it for CONV3_S2, twice as much for CONV3_X2. `add` may be NULL, and may be y
 * itself. */
typedef struct CodeConv {
    const CodeWeight *weight;
    const void *x;   /* of the type in the weight's spec, as y */
    const void *add; /* of y's type */
    void *y;
    unsigned images, side;
} CodeConv;

/* f_hat += 0.5 * h + 0.5 * conv, elementwise; where a mask is given (one value per position of each
 * image) the result is f_hat * mask + kept * (1 - mask). kept and mask are both NULL or neither. */
typedef struct CodeAccumulate {
    float *f_hat; /* (images, positions, channels) */
    const float *h, *conv;
    const float *kept; /* (images, positions, channels) */
    const float *mask; /* (images, positions) */
    unsigned images, positions, channels;
} CodeAccumulate;

/* Group norm, eps 1e-6, affine, then SiLU if asked for. y may be x. */
typedef struct CodeGroupNorm {
    const void *x;
    const float *weight, *bias; /* (channels) */
    void *y;
    unsigned images, positions, channels, groups;
    bool silu;
} CodeGroupNorm;

/* x (side, side, 3), cut to [-1, 1] -> 8-bit RGB in host memory: 255 * (x + 1) / 2, rounded half to
 * even; NaN gives 0. Where the backend has `wait`, `out` is written by that. */
typedef struct CodePixels {
    const float *x;
    uint8_t *out;
    size_t stride;
    unsigned side;
} CodePixels;

/* The same x, cut and rounded to the same RGB, to `out` in the device's memory, as CodesrcOutput in
 * codesrc.h says. NV12 is exact: with integer weights of 2^-16,
 *     Y = (y_zero * 2^16 + y . (R, G, B) + 2^15) >> 16
 *     C = (128 * 2^20 + c . sum of w (R, G, B) + 2^19) >> 20, at most 255, for c = cb, cr
 * where the weights w of the 2 or 3 rows and columns that a chroma sample stands for have the sum
 * 16, and beyond the last row and column it is repeated. */
typedef struct CodeFrame {
    const float *x;
    uint8_t *out;
    size_t stride;
    unsigned side;
    CodesrcFormat format;
    bool cosited_x, cosited_y;
    int32_t y_zero, y[3], cb[3], cr[3];
} CodeFrame;

/* What became of a series of operations. */
typedef enum CodeSeries {
    CODE_SERIES_FAILED,  /* stream->error says why */
    CODE_SERIES_PLAIN,   /* ask for its operations: they are computed as they come */
    CODE_SERIES_RECORDS, /* ask for its operations, then call series_end: that computes them */
    CODE_SERIES_DONE,    /* it was asked for as a whole: ask for nothing */
} CodeSeries;

typedef struct CodeDeviceOptions {
    unsigned threads;      /* 0: the cores of the affinity mask */
    const char *precision; /* "auto" or NULL: the backend's choice; else a precision by name */
    int index;             /* of the devices of this kind, where there can be more; -1: any */
} CodeDeviceOptions;

/* What the options came to. */
typedef struct CodeDeviceInfo {
    unsigned threads;
    const char *precision;    /* "f32", ...; static */
    bool rounds;              /* products that may round do */
    bool doubles;             /* it has CODE_WEIGHT_CONV3_X2 */
    size_t stream_bytes;      /* device memory that a stream takes for itself */
    int index;                /* of the devices of this kind */
    bool host_memory;         /* the device computes in the host's memory */
    unsigned activation_size; /* bytes: 4 or 2 */
    unsigned linear_size;   /* bytes of a weight of LINEAR layers, other than F32_TO_F32 ones; 0: as
                               all others, which take activation_size */
    unsigned coarse_size;   /* bytes of nine weights of a coarse CONV3; 0: as others */
    unsigned byte_channels; /* coarse convolutions between activations with so many inputs and
                               outputs, or more, have weights of a byte; 0: none do */
} CodeDeviceInfo;

struct CodeBackend {
    const char *name; /* as in CodesrcModelOptions.device */

    /* A device. A precision that it does not have is CODESRC_SETTINGS. Thread-safe. NULL on failure.
     */
    CodeDevice *(*device_open)(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error);
    void (*device_close)(CodeDevice *device);

    /* Device memory, aligned to 64 bytes. Thread-safe. */
    void *(*alloc)(CodeDevice *device, size_t bytes, CodesrcError *error);
    void (*release)(CodeDevice *device, void *memory);

    /* Takes a copy of host float32 weights in the layout that the operations want. bias (out) may
     * be NULL. Thread-safe. NULL on failure. */
    CodeWeight *(*weight_pack)(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                               const float *bias, CodesrcError *error);
    void (*weight_free)(CodeDevice *device, CodeWeight *weight);

    /* One stream is used by one thread at a time; several streams of a device may run at once. */
    CodeStream *(*stream_open)(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error);
    void (*stream_close)(CodeStream *stream);
    bool (*copy)(CodeStream *stream, void *to, const void *from, size_t bytes, CodeCopy direction);

    bool (*linear)(CodeStream *stream, const CodeLinear *args);
    bool (*modulate)(CodeStream *stream, const CodeModulate *args);
    bool (*heads)(CodeStream *stream, const CodeHeads *args);
    bool (*recall)(CodeStream *stream, const CodeRecall *args);
    bool (*attention)(CodeStream *stream, const CodeAttention *args);
    bool (*embed)(CodeStream *stream, const CodeEmbed *args);
    bool (*guide)(CodeStream *stream, const CodeGuide *args);
    bool (*sample)(CodeStream *stream, const CodeSample *args);
    bool (*look_up)(CodeStream *stream, const CodeLookUp *args);
    bool (*resize)(CodeStream *stream, const CodeResize *args);
    bool (*conv)(CodeStream *stream, const CodeConv *args);
    bool (*accumulate)(CodeStream *stream, const CodeAccumulate *args);
    bool (*group_norm)(CodeStream *stream, const CodeGroupNorm *args);
    bool (*pixels)(CodeStream *stream, const CodePixels *args);
    bool (*frame)(CodeStream *stream, const CodeFrame *args); /* NULL: not on this device */

    /* These are of asynchronous backends; all NULL where operations compute before they return. */

    /* Waits for all that was asked of the stream. On failure the pictures that `pixels` still owes
     * are forgotten. */
    bool (*wait)(CodeStream *stream);

    /* What is asked of `stream` from now on begins after what was asked of `other` until now. */
    bool (*after)(CodeStream *stream, CodeStream *other);

    /* A series is some operations of a stream that come again and again with the same arguments and
     * addresses, copies to or from the host not among them. It is recorded once under its key,
     * which is the stream's, and from then on asked for as a whole. See CodeSeries for what
     * series_begin returns; series_end, which is told whether all operations were asked for with
     * success, returns DONE, FAILED or PLAIN: nothing of it was computed, it cannot be recorded. */
    CodeSeries (*series_begin)(CodeStream *stream, unsigned key);
    CodeSeries (*series_end)(CodeStream *stream, bool complete);
};

extern const CodeBackend code_backend_reference; /* kernels/reference */
extern const CodeBackend code_backend_cpu;       /* kernels/cpu, where built */

/* The entry of a backend that is a module of its own: NULL if this version of the engine, or this
 * machine, cannot use it; *error says why. */
#ifdef __cplusplus
extern "C"
#endif
    CODESRC_API const CodeBackend *
    code_module_backend(const char *version, CodesrcError *error);

#endif
