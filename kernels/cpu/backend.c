/* backend.c - the CPU backend's table: devices, memory, streams, and the choice of inner loops.
 *
 * CODESRC_CPU=LEVEL in the environment overrides the choice, for tests. */
#include "cpu.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* ---- the choice of inner loops --------------------------------------------------------------- */

typedef struct Level {
    const CpuBody *body;
    bool runs; /* on this processor */
} Level;

enum { LEVELS = 4 };

static void find_levels(Level levels[LEVELS])
{
    levels[0] = (Level){&cpu_body_sse2, true};
    levels[1] = (Level){&cpu_body_avx2, __builtin_cpu_supports("avx2")};
    levels[2] = (Level){
        &cpu_body_avx512,
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"),
    };
    levels[3] = (Level){
        &cpu_body_avx512_bf16,
        levels[2].runs && __builtin_cpu_supports("avx512bf16") &&
            __builtin_cpu_supports("avx512vnni"),
    };
}

/* The best level, or that which CODESRC_CPU names. NULL on failure. */
static const CpuBody *choose_body(const char *name, CodesrcError *error)
{
    Level levels[LEVELS];
    const CpuBody *best = NULL;

    find_levels(levels);
    for (int i = 0; i < LEVELS; i++) {
        if (!name && levels[i].runs)
            best = levels[i].body;
        if (!name || strcmp(name, levels[i].body->name))
            continue;
        if (levels[i].runs)
            return levels[i].body;
        code_fail(error, CODESRC_NO_DEVICE, "CODESRC_CPU=%s: this processor lacks it", name);
        return NULL;
    }
    if (!best)
        code_fail(error, CODESRC_SETTINGS,
                  "CODESRC_CPU=%.40s: expected sse2, avx2, avx512 or avx512_bf16", name);
    return best;
}

/* The name of the precision, with device->half, bytes and body set for it. NULL on failure. */
static const char *choose_precision(CodeDevice *device, const char *wanted, CodesrcError *error)
{
    bool able = device->body == &cpu_body_avx512_bf16;
    bool any = !wanted || !strcmp(wanted, "auto");

    if ((any && !able) || (wanted && !strcmp(wanted, "f32"))) {
        if (able)
            device->body = &cpu_body_avx512; /* the same, for float32 */
        return "f32";
    }
    device->bytes = !any && !strcmp(wanted, "int8");
    device->half = any || device->bytes || !strcmp(wanted, "bf16");
    if (device->half && able)
        return device->bytes ? "int8" : "bf16";
    if (device->half)
        code_fail(error, CODESRC_SETTINGS,
                  "precision \"%s\": needs AVX-512 BF16 and VNNI; \"%s\" is used, which has f32",
                  wanted, device->body->name);
    else
        code_fail(error, CODESRC_SETTINGS,
                  "precision \"%.40s\": device \"cpu\" has f32, bf16 and int8", wanted);
    return NULL;
}

/* ---- devices and memory ---------------------------------------------------------------------- */

static void device_close(CodeDevice *device)
{
    if (!device)
        return;
    if (device->pool)
        cpu_pool_free(device->pool);
    if (device->engine)
        cpu_engine_free(device->engine);
    pthread_mutex_destroy(&device->pack_lock);
    free(device);
}

static bool open_cpu(CodeDevice *device, const CodeDeviceOptions *options, const char *level,
                     CodeDeviceInfo *info, CodesrcError *error)
{
    const char *precision = options->precision;

    device->body = choose_body(level, error);
    if (!device->body || !(precision = choose_precision(device, precision, error)))
        return false;
    device->engine = device->body ? cpu_engine_new(error) : NULL;
    if (!device->engine || !cpu_pool_new(device, options->threads, error))
        return false;
    *info = (CodeDeviceInfo){
        .threads = cpu_pool_threads(device->pool),
        .precision = precision,
        .host_memory = true,
        .activation_size = device->half ? 2 : 4,
    };
    return true;
}

static CodeDevice *device_open(const CodeDeviceOptions *options, CodeDeviceInfo *info,
                               CodesrcError *error)
{
    const char *level = getenv("CODESRC_CPU");
    CodeDevice *device = calloc(1, sizeof *device);

    if (!device) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a device");
        return NULL;
    }
    pthread_mutex_init(&device->pack_lock, NULL);
    if (open_cpu(device, options, level && *level ? level : NULL, info, error))
        return device;
    device_close(device);
    return NULL;
}

static void *allocate(CodeDevice *device, size_t bytes, CodesrcError *error)
{
    (void)device;
    return cpu_allocate(bytes, error);
}

static void release(CodeDevice *device, void *memory)
{
    (void)device;
    free(memory);
}

/* ---- streams --------------------------------------------------------------------------------- */

static CodeStream *stream_open(CodeDevice *device, const atomic_bool *cancelled,
                               CodesrcError *error)
{
    CpuStream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a stream");
        return NULL;
    }
    stream->head.backend = &code_backend_cpu;
    stream->head.device = device;
    stream->head.cancelled = cancelled;
    return &stream->head;
}

static void stream_close(CodeStream *stream)
{
    if (!stream)
        return;
    free(((CpuStream *)stream)->shared);
    free(stream);
}

/* Host and device memory are the same, and the stream has nothing under way between operations. */
static bool copy(CodeStream *stream, void *to, const void *from, size_t bytes, CodeCopy direction)
{
    if (stream->rehearsing || !bytes)
        return true;
    if (direction == CODE_CLEAR)
        memset(to, 0, bytes);
    else
        memcpy(to, from, bytes);
    return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define ENTRY(name, Arguments) .name = cpu_##name,

const CodeBackend code_backend_cpu = {.name = "cpu",
                                      .device_open = device_open,
                                      .device_close = device_close,
                                      .alloc = allocate,
                                      .release = release,
                                      .weight_pack = cpu_weight_pack,
                                      .weight_free = cpu_weight_free,
                                      .weight_bytes = cpu_weight_bytes,
                                      .stream_open = stream_open,
                                      .stream_close = stream_close,
                                      .copy = copy,
                                      CODE_OPERATIONS(ENTRY)};
