/* fuzz-weights.c - weight files: .safetensors, zip and pickle, and the index of shards, whose files
 * are a.safetensors and b.safetensors. The mutator repairs what would hide the rest: lengths of
 * headers and CRCs. */
#include "../model/archive.h"
#include "../model/hostile.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* ---- the target ------------------------------------------------------------------------------ */

static void write_shard(const char *name, const char *tensor)
{
    Bytes header = {0}, file = {0};

    put_text(&header, "{\"");
    put_text(&header, tensor);
    put_text(&header, "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    put_fill(&file, '\0', 8);
    write_file(name, file.data, file.size);
    clear(&header);
    clear(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool prepared;
    CodesrcError error = {.status = CODESRC_OK};
    Outcome outcome;
    char *outline;

    if (!prepared) {
        write_shard("a.safetensors", "pos_1LC");
        write_shard("b.safetensors", "head.weight");
        prepared = true;
    }
    write_file("case", data, size);
    outcome = read_case(CASE_WEIGHTS, scratch("case"));
    if (!outcome.accepted)
        fuzz_check_error(&outcome.error);
    outline = codesrc_weights_outline(scratch("case"), &error);
    if (!outline)
        fuzz_check_error(&error);
    free(outline);
    if (!codesrc_weights_inspect(scratch("case"), true, NULL, NULL, &error))
        fuzz_check_error(&error);
    (void)codesrc_weights_recognised(scratch("case"));
    return 0;
}

/* ---- the mutator ----------------------------------------------------------------------------- */

static uint64_t number_at(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static void set_at(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* The CRC of an entry of the directory at `central`, wherever it stands. */
static void seal(uint8_t *data, size_t size, size_t central)
{
    uint64_t length = number_at(data + central + 24, 4), local = number_at(data + central + 42, 4);
    uint64_t start, crc;

    if (local > size || size - local < 30)
        return;
    start = local + 30 + number_at(data + local + 26, 2) + number_at(data + local + 28, 2);
    if (start > size || length > size - start)
        return;
    crc = archive_crc(data + start, length);
    set_at(data + central + 16, crc, 4);
    if (!(data[local + 6] & 8))
        set_at(data + local + 14, crc, 4);
    else if (size - start - length >= 8 && !memcmp(data + start + length, "PK\7\10", 4))
        set_at(data + start + length + 4, crc, 4);
}

static void seal_zip(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 46 <= size; at++)
        if (!memcmp(data + at, "PK\1\2", 4))
            seal(data, size, at);
}

/* The header ends with its last brace before the values. */
static void set_length(uint8_t *data, size_t size)
{
    size_t depth = 0;

    for (size_t at = 8; at < size; at++) {
        depth += data[at] == '{';
        depth -= data[at] == '}' && depth;
        if (!depth) {
            set_at(data, at + 1 - 8, 8);
            return;
        }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 == 0) /* broken ones, too */
        return size;
    if (size > 4 && !memcmp(data, "PK\3\4", 4))
        seal_zip(data, size);
    else if (size > 9 && data[8] == '{')
        set_length(data, size);
    return size;
}
