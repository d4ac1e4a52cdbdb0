/* tensors.c - the tensors of a weight file: their list, their types, and reading their values. */
#include "model/tensors.h"

#include "checked.h"
#include "error.h"
#include "model/bytes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- types ----------------------------------------------------------------------------------- */

const CodeType *code_type_find(const char *name, size_t length)
{
    static const CodeType types[] = {
        {"F32", CODE_F32, 4},        {"F16", CODE_F16, 2},         {"BF16", CODE_BF16, 2},
        {"F64", CODE_F64, 8},        {"I64", CODE_OPAQUE, 8},      {"I32", CODE_OPAQUE, 4},
        {"I16", CODE_OPAQUE, 2},     {"I8", CODE_OPAQUE, 1},       {"U64", CODE_OPAQUE, 8},
        {"U32", CODE_OPAQUE, 4},     {"U16", CODE_OPAQUE, 2},      {"U8", CODE_OPAQUE, 1},
        {"BOOL", CODE_OPAQUE, 1},    {"F8_E4M3", CODE_F8_E4M3, 1}, {"F8_E5M2", CODE_F8_E5M2, 1},
        {"F8_E8M0", CODE_OPAQUE, 1}, {"C64", CODE_OPAQUE, 8},      {"F4", CODE_OPAQUE, 0},
        {"F6_E2M3", CODE_OPAQUE, 0}, {"F6_E3M2", CODE_OPAQUE, 0},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i].name) == length && !memcmp(types[i].name, name, length))
            return &types[i];
    }
    return NULL;
}

static float float_of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;

    if (exponent == 0x1F)
        return float_of_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent)
        return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    return (sign ? -1.0f : 1.0f) * ((float)fraction * 0x1p-24f);
}

float code_float_of_bf16(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

/* 4 bits of exponent, no infinity; 0x7F and 0xFF are NaN. */
static float float_of_e4m3(uint8_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x80) << 24, exponent = bits >> 3 & 0xF, fraction = bits & 7;

    if (exponent == 0xF && fraction == 7)
        return float_of_bits(sign | 0x7FC00000);
    if (exponent)
        return float_of_bits(sign | (exponent + 120) << 23 | fraction << 20);
    return (sign ? -1.0f : 1.0f) * ((float)fraction * 0x1p-9f);
}

/* The upper half of an F16. */
static float float_of_e5m2(uint8_t bits)
{
    return float_of_f16((uint16_t)(bits << 8));
}

/* ---- the list -------------------------------------------------------------------------------- */

bool code_elements(unsigned rank, const uint64_t *dims, uint64_t *elements)
{
    uint64_t product = 1;

    /* Leave dimensions of 0 to the end, so that they do not hide an overflow of the others. */
    for (unsigned i = 0; i < rank; i++) {
        if (dims[i] && !code_mul_u64(product, dims[i], &product))
            return false;
    }
    for (unsigned i = 0; i < rank; i++) {
        if (!dims[i])
            product = 0;
    }
    *elements = product;
    return true;
}

void code_dense_strides(unsigned rank, const uint64_t *dims, uint64_t *strides)
{
    uint64_t stride = 1;

    for (unsigned i = rank; i-- > 0;) {
        strides[i] = stride;
        stride *= dims[i] ? dims[i] : 1; /* code_elements() has checked that this fits */
    }
}

bool code_tensors_add(CodeTensors *tensors, const CodeTensor *tensor, const char *name,
                      size_t length, const char *file, CodesrcError *error)
{
    CodeQuoted quoted;
    CodeTensor *added;
    char *copy;

    if (!length || length > CODE_MAX_TENSOR_NAME || !code_text_plain(name, length))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found a tensor named '%s', expected a name of 1 to %d bytes of UTF-8 "
                         "without control characters",
                         file, code_quote(&quoted, name, length), CODE_MAX_TENSOR_NAME);
    if (tensors->count == CODE_MAX_TENSORS)
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found more than the %d tensors expected at most", file,
                         CODE_MAX_TENSORS);
    if (tensors->count == tensors->room) {
        size_t room = tensors->room ? 2 * tensors->room : 64;
        CodeTensor *all = realloc(tensors->all, room * sizeof *all);

        if (!all)
            return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu tensors", file, room);
        tensors->all = all;
        tensors->room = room;
    }
    copy = malloc(length + 1);
    if (!copy)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for a tensor's name", file);
    memcpy(copy, name, length);
    copy[length] = '\0';
    added = &tensors->all[tensors->count++];
    *added = *tensor;
    added->info.name = copy;
    added->info.type = tensor->type->name;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool code_tensors_check(const CodeTensors *tensors, const char *file, CodesrcError *error)
{
    const char **names, *twice = NULL;
    CodeQuoted quoted;

    if (!tensors->count)
        return code_fail(error, CODESRC_MALFORMED, "%s: found no tensor", file);
    names = malloc(tensors->count * sizeof *names);
    if (!names)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for %zu names", file,
                         tensors->count);
    for (size_t i = 0; i < tensors->count; i++)
        names[i] = tensors->all[i].info.name;
    qsort(names, tensors->count, sizeof *names, compare_names);
    for (size_t i = 1; i < tensors->count && !twice; i++) {
        if (!strcmp(names[i - 1], names[i]))
            twice = names[i];
    }
    free(names);
    if (twice)
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found tensor '%s' twice, expected each name once", file,
                         code_quote_string(&quoted, twice));
    return true;
}

void code_tensors_keep(CodeTensors *tensors, const char *prefix)
{
    size_t length = strlen(prefix), kept = 0;

    for (size_t i = 0; i < tensors->count; i++) {
        CodeTensor tensor = tensors->all[i];
        char *name = (char *)tensor.info.name;

        if (strncmp(name, prefix, length)) {
            free(name);
        } else {
            memmove(name, name + length, strlen(name) - length + 1);
            tensors->all[kept++] = tensor;
        }
    }
    tensors->count = kept;
}

void code_tensors_free(CodeTensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        free((char *)tensors->all[i].info.name);
    free(tensors->all);
    memset(tensors, 0, sizeof *tensors);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* One dimension of a view: `step` elements apart in the file, `place` apart in the result. */
typedef struct Axis {
    uint64_t size, step, place;
} Axis;

/* A walk over a view in file order, so that any transposition takes one pass over the file. */
typedef struct Walk {
    const CodeTensorSource *source;
    const CodeTensor *tensor;
    Axis axes[CODE_MAX_RANK]; /* from the longest step to the shortest */
    unsigned rank;
    unsigned dense;       /* axes from this one on are close enough to read through */
    uint64_t run;         /* elements of the file that these axes span */
    uint64_t first, last; /* elements of the file in the staging buffer: first <= e < last */
    CodeZipRecord *whole; /* the record, if this walk reads all of it and can check its CRC */
    uint32_t crc;
} Walk;

static void plan_walk(Walk *walk)
{
    const CodeTensor *tensor = walk->tensor;
    uint64_t places[CODE_MAX_RANK], elements = 1;

    code_dense_strides(tensor->info.rank, tensor->info.dims, places);
    for (unsigned i = 0; i < tensor->info.rank; i++) {
        Axis axis = {tensor->info.dims[i], tensor->strides[i], places[i]};
        unsigned at = walk->rank;

        if (axis.size == 1)
            continue;
        for (; at && walk->axes[at - 1].step < axis.step; at--)
            walk->axes[at] = walk->axes[at - 1];
        walk->axes[at] = axis;
        walk->rank++;
    }
    for (unsigned i = 0; i + 1 < walk->rank;) {
        Axis *outer = &walk->axes[i], *inner = outer + 1;

        if (outer->step == inner->step * inner->size &&
            outer->place == inner->place * inner->size) {
            inner->size *= outer->size;
            memmove(outer, inner, (walk->rank - i - 1) * sizeof *outer);
            walk->rank--;
            i = i ? i - 1 : 0;
        } else {
            i++;
        }
    }
    if (!walk->rank)
        walk->axes[walk->rank++] = (Axis){1, 1, 1};
    walk->run = 1;
    for (walk->dense = walk->rank; walk->dense; walk->dense--) {
        const Axis *axis = &walk->axes[walk->dense - 1];
        uint64_t run = walk->run + (axis->size - 1) * axis->step;

        elements *= axis->size;
        if (run / 16 > elements)
            break;
        walk->run = run;
    }
}

/* Makes sure that element `at` of the file is in the staging buffer, followed by at most `ahead`
 * useful ones. */
static bool fill(Walk *walk, uint64_t at, uint64_t ahead, CodesrcError *error)
{
    const CodeTensorSource *source = walk->source;
    unsigned bytes = walk->tensor->type->bytes;
    uint64_t count = CODE_STAGING / bytes;

    if (at >= walk->first && at < walk->last)
        return true;
    if (count > ahead)
        count = ahead;
    if (!code_file_read(source->file, walk->tensor->offset + at * bytes, source->staging,
                        (size_t)count * bytes, error))
        return false;
    if (walk->whole)
        walk->crc = code_zip_crc(source->zip, walk->crc, source->staging, (size_t)count * bytes);
    walk->first = at;
    walk->last = at + count;
    return true;
}

static bool finite_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7F800000) != 0x7F800000;
}

static float float_of_f64(const uint8_t *bytes)
{
    uint64_t bits = code_le64(bytes);
    double value;

    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* As float_of_f16(), without branches. */
static bool convert_dense_f16(const uint8_t *from, float *to, size_t count)
{
    uint32_t infinite = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits = code_le16(from + 2 * i), rest = bits & 0x7FFF, small;
        float tiny = (float)(int32_t)rest * 0x1p-24f;

        memcpy(&small, &tiny, sizeof small);
        infinite |= rest >= 0x7C00;
        bits = (bits & 0x8000) << 16 | (rest < 0x400 ? small : (rest << 13) + (112u << 23));
        memcpy(&to[i], &bits, sizeof bits);
    }
    return !infinite;
}

/* Converts adjacent elements of the types that models have, in loops that compilers vectorise.
 * False if one is not finite. */
static bool convert_dense(CodeElement element, const uint8_t *from, float *to, size_t count)
{
    uint32_t infinite = 0;

    if (element == CODE_F16)
        return convert_dense_f16(from, to, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits =
            element == CODE_F32 ? code_le32(from + 4 * i) : (uint32_t)code_le16(from + 2 * i) << 16;

        infinite |= (bits & 0x7F800000) == 0x7F800000;
        memcpy(&to[i], &bits, sizeof bits);
    }
    return !infinite;
}

/* Converts up to `count` elements; returns the number before the first that is not finite. Steps
 * are bytes in `from` and elements in `to`. */
static size_t convert(CodeElement element, const uint8_t *from, size_t step, float *to,
                      size_t place, size_t count)
{
    if ((element == CODE_F32 || element == CODE_BF16 || element == CODE_F16) && place == 1 &&
        step == (element == CODE_F32 ? 4 : 2) && convert_dense(element, from, to, count))
        return count;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = from + i * step;
        float value;

        switch (element) {
        case CODE_F64:
            value = float_of_f64(bytes);
            break;
        case CODE_F16:
            value = float_of_f16(code_le16(bytes));
            break;
        case CODE_BF16:
            value = code_float_of_bf16(code_le16(bytes));
            break;
        case CODE_F8_E4M3:
            value = float_of_e4m3(*bytes);
            break;
        case CODE_F8_E5M2:
            value = float_of_e5m2(*bytes);
            break;
        default:
            value = float_of_bits(code_le32(bytes));
        }
        if (!finite_float(value))
            return i;
        to[i * place] = value;
    }
    return count;
}

/* The innermost axis, beginning at element `at` of the file and `to` of the result. */
static bool walk_row(Walk *walk, uint64_t at, uint64_t end, uint64_t to, float *out,
                     CodesrcError *error)
{
    const Axis *axis = &walk->axes[walk->rank - 1];
    const CodeTensor *tensor = walk->tensor;
    size_t bytes = tensor->type->bytes, step = (size_t)(axis->step * bytes);
    float unused;

    for (uint64_t done = 0; done < axis->size;) {
        uint64_t element = at + done * axis->step, count, good;

        if (!fill(walk, element, walk->dense < walk->rank ? end - element : 1, error))
            return false;
        count = (walk->last - 1 - element) / axis->step + 1;
        if (count > axis->size - done)
            count = axis->size - done;
        good = convert(tensor->type->element,
                       walk->source->staging + (size_t)(element - walk->first) * bytes, step,
                       out ? out + to + done * axis->place : &unused, out ? (size_t)axis->place : 0,
                       (size_t)count);
        done += good;
        if (good < count) {
            CodeQuoted quoted;

            return code_fail(
                error, CODESRC_MISMATCH,
                "%s: tensor '%s': found a value that is no finite float32 at element %llu",
                walk->source->file->name, code_quote_string(&quoted, tensor->info.name),
                (unsigned long long)(walk->source->first + to + done * axis->place));
        }
    }
    return true;
}

static bool walk_all(Walk *walk, float *out, CodesrcError *error)
{
    uint64_t index[CODE_MAX_RANK] = {0};

    for (;;) {
        uint64_t at = 0, run_begin = 0, to = 0;
        unsigned axis = walk->rank - 1;

        for (unsigned i = 0; i < axis; i++) {
            at += index[i] * walk->axes[i].step;
            to += index[i] * walk->axes[i].place;
            if (i < walk->dense)
                run_begin = at;
        }
        if (!walk_row(walk, at, run_begin + walk->run, to, out, error))
            return false;
        for (; axis; axis--) {
            if (++index[axis - 1] < walk->axes[axis - 1].size)
                break;
            index[axis - 1] = 0;
        }
        if (!axis)
            return true;
    }
}

bool code_tensor_read(const CodeTensorSource *source, const CodeTensor *tensor, float *out,
                      CodesrcError *error)
{
    Walk walk = {.source = source, .tensor = tensor};

    if (!tensor->info.elements)
        return true;
    plan_walk(&walk);
    if (tensor->record != CODE_NO_RECORD) {
        CodeZipRecord *record = &source->zip->records[tensor->record];

        if (!record->checked && tensor->offset == record->offset &&
            walk.run == tensor->info.elements && walk.run * tensor->type->bytes == record->size)
            walk.whole = record;
        else if (!code_zip_check(source->zip, source->file, record, source->staging, CODE_STAGING,
                                 error))
            return false;
    }
    if (!walk_all(&walk, out, error))
        return false;
    return !walk.whole || code_zip_compare(walk.whole, walk.crc, source->file->name, error);
}
