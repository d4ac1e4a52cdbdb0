/* backend.h - the contract between engine/ and kernels/: the functions that a device provides.
 *
 * A backend is one CodeBackend table. It creates a CodeDevice for a model (packed weights, threads)
 * and CodeStreams for each generator (scratch memory, prepared kernels). Operations on a model take
 * a stream and one struct of arguments. They may be asynchronous: only `wait`, and `copy` to or
 * from the host, wait for results.
 *
 * Conventions, unless an operation states others:
 * - every pointer in a struct of arguments is device memory from `alloc`; sizes count elements;
 * - arrays are row-major; maps are (images, height, width, channels), channels innermost;
 * - `float *` is float32. `void *` is the device's activation type, float32 or one of 16 bits:
 *   CodeDeviceInfo.activation_size has the bytes of an element. Products state the types of their
 *   inputs and outputs in CodeWeightSpec;
 * - outputs do not overlap inputs;
 * - a lane is one branch of one image (class or "no class"): lane = image * branches + branch;
 * - operations return false if they are cancelled or fail, with stream->error filled in;
 * - the results for one image are the same to the bit for any number of images, number of threads
 *   and alignment (on CUDA devices, multiples of 16 bytes);
 * - while stream->rehearsing is true an operation prepares for its shapes (compiles, allocates) and
 *   computes nothing; outside a rehearsal it allocates only for shapes that were never rehearsed.
 *   A rehearsal ends with `wait`, if the backend has one.
 * Formulas: docs/architecture.md, "The computation". */
#ifndef CODE_COMMON_BACKEND_H
#define CODE_COMMON_BACKEND_H

#include "codesrc.h"
#include "operations.h"

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

/* One vector per lane, taken from a table: lane l has base + slot[l] * stride. */
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
    CODE_WEIGHT_CONV3_X2, /* CONV3 of a map doubled in side, each position repeated 2 x 2 times;
                             ACT_TO_ACT only */
} CodeWeightKind;

/* Width and height of a convolution's kernel; 1 for linear layers. */
static inline unsigned code_kernel_side(CodeWeightKind kind)
{
    return kind == CODE_WEIGHT_LINEAR || kind == CODE_WEIGHT_CONV1 ? 1 : 3;
}

/* Types of a product's inputs and outputs: activations, or float32 at the ends of a network, where
 * precision costs little and matters. A product from float32 to float32 also computes in float32.
 */
typedef enum CodeTypes { ACT_TO_ACT, ACT_TO_F32, F32_TO_ACT, F32_TO_F32 } CodeTypes;

typedef struct CodeWeightSpec {
    CodeWeightKind kind;
    unsigned in, out;
    CodeTypes types;
    bool coarse; /* the device may trade precision for speed. In a 3 x 3 convolution ACT_TO_ACT: a
                    bit or two. In a linear layer F32_TO_F32, with CODE_PLAIN and CODE_GELU only:
                    weights and inputs rounded to the activation type. Else without effect. */
} CodeWeightSpec;

static inline bool code_reads_f32(const CodeWeightSpec *spec)
{
    return spec->types == F32_TO_ACT || spec->types == F32_TO_F32;
}

static inline bool code_writes_f32(const CodeWeightSpec *spec)
{
    return spec->types == ACT_TO_F32 || spec->types == F32_TO_F32;
}

/* Numbers by the rule of engine/model/synthetic.c: code_synthetic_value() of formulas.h. */
typedef struct CodeSynthetic {
    uint32_t key;
    float amplitude, offset;
} CodeSynthetic;

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

/* y (groups * rows, out) from x (groups, rows, in). A row's value may depend on `rows` and on its
 * place in its group, but not on `groups`: the engine makes one group of each image's rows. */
typedef struct CodeLinear {
    const CodeWeight *weight;
    const void *x;  /* x and y have the types of the weight's spec */
    size_t x_group; /* elements from one group of x to the next; y is dense */
    void *y;
    unsigned groups, rows;
    CodeEpilogue epilogue;
    CodePerLane gate;   /* CODE_GATED only */
    unsigned lane_rows; /* CODE_GATED only: of all rows, row r belongs to lane r / lane_rows */
} CodeLinear;

/* y = LN(x) * (1 + scale) + shift, both (lanes, rows, width); LN without affine, eps 1e-6. */
typedef struct CodeModulate {
    const float *x;
    void *y;
    unsigned lanes, rows, width;
    CodePerLane scale, shift;
} CodeModulate;

/* What VAR without attn_l2_norm multiplies q by: 0.25 / sqrt(64). */
#define CODE_PLAIN_Q_SCALE (1.0f / 32)

/* qkv (lanes, rows, 3 * heads * 64): q <- q / |q| * q_scale[head] in place; k / |k| and v go to the
 * caches, (lanes, heads, capacity, 64), from row `first` on. Norms have a floor of 1e-12. The
 * caches may begin inside a larger array: row r of head h of lane l is at element
 * ((l * heads + h) * capacity + r) * 64, and r may exceed `capacity`. Without q_scale,
 * q <- q * CODE_PLAIN_Q_SCALE, and k goes to its cache as it is. */
typedef struct CodeHeads {
    void *qkv;
    const float *q_scale; /* (heads), or NULL */
    void *k_cache, *v_cache;
    unsigned lanes, rows, heads;
    unsigned first, capacity;
} CodeHeads;

/* Copies the keys and values of a class's first scale into the caches of the lanes. They come from
 * (2, heads, layers, rows, 64) activations, keys first, which begin at the float
 * base + slot[l] * stride; the caches are (2, lanes, heads, capacity, 64), where layer i has rows
 * i * kept, i * kept + 1, ... */
typedef struct CodeRecall {
    CodePerLane from;
    void *cache;
    unsigned layers, lanes, heads, rows, kept, capacity;
} CodeRecall;

/* out = softmax(scale * q k^T) v for each lane and head; every query sees every key. Row r of head
 * h of lane l begins at base + l * lane + h * head + r * row. */
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
 * which has `rows` rows, or one row for all if `broadcast`. */
typedef struct CodeEmbed {
    CodePerLane source; /* slot is indexed by source; if NULL, source i is at base + i * stride */
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

/* How to sample the tokens of one image at one scale. Arrays of it are in device memory. */
typedef struct CodeDraw {
    uint64_t seed, frame;
    double top_p;
    float temperature;
    uint32_t top_k;
    uint32_t more_smooth;
} CodeDraw;

/* A row whose logits have no probabilities: one is NaN or +infinity, or all are -infinity. */
enum { CODE_NO_TOKEN = -1 };

/* Samples a token for each row of logits (images, rows, codes) by inverse transform in code order;
 * see kernels/reference/sample.c for the exact rule. Dropped logits become -infinity in place. The
 * token is CODE_NO_TOKEN if the logits have no probabilities; what is left of them is undefined. */
typedef struct CodeSample {
    float *logits;
    int32_t *tokens; /* image i at tokens + i * token_stride */
    size_t token_stride;
    const CodeDraw *draws; /* (images) */
    unsigned images, rows, codes;
    unsigned first; /* position of row 0 in the pyramid */
} CodeSample;

/* map (images, rows, channels) = codebook[token] (code 0 for CODE_NO_TOKEN), or, for images with
 * more_smooth, softmax((logits * (1 + ratio) + Gumbel) / tau) * codebook over the logits that
 * `sample` left, with ratio = scale / (scales - 1) and tau = max(0.27 * (1 - 0.95 * ratio),
 * 0.005). */
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
} CodeResizeMode;

/* Square maps: out (images, out_side, out_side, channels) from in (images, in_side, ...). */
typedef struct CodeResize {
    CodeResizeMode mode;
    const float *in;
    size_t in_image; /* elements from one image to the next */
    float *out;
    size_t out_image;
    unsigned images, in_side, out_side, channels;
} CodeResize;

/* f_hat += 0.5 * h + 0.5 * conv, elementwise. With a mask, one value per position of each image,
 * the result is f_hat * mask + kept * (1 - mask). kept and mask are both NULL or neither is. */
typedef struct CodeAccumulate {
    float *f_hat; /* (images, positions, channels) */
    const float *h, *conv;
    const float *kept; /* (images, positions, channels) */
    const float *mask; /* (images, positions) */
    unsigned images, positions, channels;
} CodeAccumulate;

/* y = a map between a and b, 0 <= t <= 1: at each position m = (1 - t) a + t b with the length
 * (1 - t) |a| + t |b|, or 0 if m is 0. Lengths are those of a position's channels. */
typedef struct CodeBetween {
    const float *a, *b; /* (positions, channels) */
    float *y;
    float t;
    unsigned positions, channels;
} CodeBetween;

/* Group norm, eps 1e-6, affine, then SiLU if `silu`. y may be x. */
typedef struct CodeGroupNorm {
    const void *x;
    const float *weight, *bias; /* (channels) */
    void *y;
    unsigned images, positions, channels, groups;
    bool silu;
} CodeGroupNorm;

/* y = conv(x) + bias (+ add), zero padding. x (images, side, side, in); the output has the same
 * side, half of it for CONV3_S2, twice as much for CONV3_X2. `add` may be NULL, and may be y
 * itself. With `norm`, whose y is x, the group norm comes first; a backend that normalises x as it
 * reads it need not write it. */
typedef struct CodeConv {
    const CodeWeight *weight;
    const CodeGroupNorm *norm; /* or NULL */
    const void *x;             /* x and y have the types of the weight's spec */
    const void *add;           /* as y */
    void *y;
    unsigned images, side;
} CodeConv;

/* x (side, side, 3), clipped to [-1, 1] -> 8-bit RGB in host memory: 255 * (x + 1) / 2, rounded
 * half to even; NaN gives 0. If the backend has `wait`, `wait` writes `out`. */
typedef struct CodePixels {
    const float *x;
    uint8_t *out;
    size_t stride;
    unsigned side;
} CodePixels;

/* x as in CodePixels, clipped and rounded to the same RGB, to `out` in the device's memory, in a
 * format of CodesrcOutput (codesrc.h). NV12 is exact: with integer weights of 2^-16,
 *     Y = (y_zero * 2^16 + y . (R, G, B) + 2^15) >> 16
 *     C = (128 * 2^20 + c . sum of w (R, G, B) + 2^19) >> 20, at most 255, for c = cb, cr
 * where w weighs the 2 or 3 rows and columns that a chroma sample covers, with a sum of 16. The
 * last row and column repeat beyond the edge. */
typedef struct CodeFrame {
    const float *x;
    uint8_t *out;
    size_t stride;
    unsigned side;
    CodesrcFormat format;
    bool cosited_x, cosited_y;
    int32_t y_zero, y[3], cb[3], cr[3];
} CodeFrame;

/* How to continue after series_begin or series_end. */
typedef enum CodeSeries {
    CODE_SERIES_FAILED,  /* stream->error says why */
    CODE_SERIES_PLAIN,   /* call its operations: they compute one by one */
    CODE_SERIES_RECORDS, /* call its operations, then series_end, which computes them */
    CODE_SERIES_DONE,    /* the recording was replayed: call nothing */
} CodeSeries;

typedef struct CodeDeviceOptions {
    unsigned threads;      /* 0: one for each core of the affinity mask */
    const char *precision; /* "auto" or NULL: the backend's choice; else a precision by name */
    int index;             /* which device of this kind; -1: any */
} CodeDeviceOptions;

/* What device_open chose. */
typedef struct CodeDeviceInfo {
    unsigned threads;
    const char *precision;    /* "f32", ...; static */
    size_t stream_bytes;      /* device memory that each stream allocates for itself */
    int index;                /* which device of this kind */
    bool host_memory;         /* device memory is host memory */
    unsigned activation_size; /* bytes: 4 or 2 */
} CodeDeviceInfo;

#define CODE_MEMBER(name, Arguments) bool (*name)(CodeStream * stream, const Arguments *args);

struct CodeBackend {
    const char *name; /* as in CodesrcModelOptions.device */

    /* Opens a device; CODESRC_SETTINGS if it lacks the precision. Thread-safe. NULL on failure. */
    CodeDevice *(*device_open)(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error);
    void (*device_close)(CodeDevice *device);

    /* Device memory, aligned to 64 bytes. Thread-safe. */
    void *(*alloc)(CodeDevice *device, size_t bytes, CodesrcError *error);
    void (*release)(CodeDevice *device, void *memory);

    /* Copies host float32 weights into the device's own layout. bias (out) may be NULL.
     * Thread-safe. NULL on failure. */
    CodeWeight *(*weight_pack)(CodeDevice *device, const CodeWeightSpec *spec, const float *weight,
                               const float *bias, CodesrcError *error);
    void (*weight_free)(CodeDevice *device, CodeWeight *weight);

    /* The same weight as weight_pack makes of the rule's values, which no host computes. May be
     * NULL. */
    CodeWeight *(*weight_synthetic)(CodeDevice *device, const CodeWeightSpec *spec,
                                    const CodeSynthetic *rule, const float *bias,
                                    CodesrcError *error);

    /* Bytes of a packed weight, without its bias and without padding. Thread-safe. */
    uint64_t (*weight_bytes)(CodeDevice *device, const CodeWeightSpec *spec);

    /* One thread uses a stream at a time; several streams of a device may run at once. */
    CodeStream *(*stream_open)(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error);
    void (*stream_close)(CodeStream *stream);
    bool (*copy)(CodeStream *stream, void *to, const void *from, size_t bytes, CodeCopy direction);

    /* bool (*linear)(CodeStream *stream, const CodeLinear *args); and so on: operations.h */
    CODE_ALL_OPERATIONS(CODE_MEMBER)

    /* Asynchronous backends have the rest; it is all NULL if operations compute before they return.
     */

    /* Waits for all work of the stream. On failure, drops the pictures that `pixels` has not yet
     * delivered. */
    bool (*wait)(CodeStream *stream);

    /* Work submitted to `stream` from now on begins after all work submitted to `other` so far. */
    bool (*after)(CodeStream *stream, CodeStream *other);

    /* The device's own clock: time_begin marks a moment of the stream's work; time_end waits for
     * all work and gives the seconds that it took since then. May be NULL, too. */
    bool (*time_begin)(CodeStream *stream);
    bool (*time_end)(CodeStream *stream, double *seconds);

    /* Names the stage of the work that follows, for profilers; NULL ends the stage. May be NULL
     * also in an asynchronous backend. `stage` lives until the next call. */
    void (*mark)(CodeStream *stream, const char *stage);

    /* A series is a run of operations that a stream repeats with the same arguments and addresses,
     * without copies to or from the host. It is recorded once, under a key of the stream, and
     * replayed as a whole from then on. series_begin returns how to go on. series_end takes whether
     * all operations succeeded, and returns DONE, FAILED, or PLAIN: the series cannot be recorded,
     * and none of it was computed. */
    CodeSeries (*series_begin)(CodeStream *stream, unsigned key);
    CodeSeries (*series_end)(CodeStream *stream, bool complete);
};

extern const CodeBackend code_backend_reference; /* kernels/reference */
extern const CodeBackend code_backend_cpu;       /* kernels/cpu, if built */

/* The entry of a backend that is a module of its own. NULL, with *error filled in, if this version
 * of the engine or this machine cannot use it. */
#ifdef __cplusplus
extern "C"
#endif
    CODESRC_API const CodeBackend *
    code_module_backend(const char *version, CodesrcError *error);

#endif
