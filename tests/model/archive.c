/* archive.c - .pth files made byte by byte: see archive.h. */
#include "archive.h"

#include <stdio.h>
#include <string.h>

uint32_t archive_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

void archive_add(Archive *archive, const char *name, const void *data, size_t size)
{
    Bytes *bytes = &archive->bytes;
    size_t head = bytes->size + 30 + strlen(name) + 4;
    size_t padding = archive->zip64_size ? 16 : archive->unaligned ? 1 : (64 - head % 64) % 64;
    bool later = !archive->no_descriptors;
    unsigned i = archive->count++;

    snprintf(archive->entry[i].name, sizeof archive->entry[i].name, "%s", name);
    archive->entry[i].crc = archive_crc(data, size);
    archive->entry[i].size = size;
    archive->entry[i].local = bytes->size;
    put(bytes, "PK\3\4\0\0", 6);
    put_number(bytes, later ? 0x808 : 0x800, 2);
    put_number(bytes, 0, 6); /* method, time, date */
    put_number(bytes, later ? 0 : archive->entry[i].crc, 4);
    put_number(bytes, later ? 0 : size, 4);
    put_number(bytes, later ? 0 : size, 4);
    put_number(bytes, strlen(name), 2);
    put_number(bytes, 4 + padding, 2);
    put_text(bytes, name);
    put(bytes, archive->zip64_size ? "\1\0" : "FB", 2);
    put_number(bytes, padding, 2);
    if (archive->zip64_size) {
        put_number(bytes, archive->zip64_size, 8);
        put_number(bytes, archive->zip64_size, 8);
    } else {
        put_fill(bytes, 'Z', padding);
    }
    archive->entry[i].data = bytes->size;
    put(bytes, data, size);
    archive->entry[i].descriptor = bytes->size;
    if (later) {
        put(bytes, "PK\7\10", 4);
        put_number(bytes, archive->entry[i].crc, 4);
        put_number(bytes, size, 4);
        put_number(bytes, size, 4);
    }
}

void archive_end(Archive *archive)
{
    Bytes *bytes = &archive->bytes;
    size_t size;

    archive->directory = bytes->size;
    for (unsigned i = 0; i < archive->count; i++) {
        archive->entry[i].central = bytes->size;
        put(bytes, "PK\1\2\0\0\0\0", 8);
        put_number(bytes, get_number(bytes, archive->entry[i].local + 6, 8), 8); /* flags to date */
        put_number(bytes, archive->entry[i].crc, 4);
        put_number(bytes, archive->entry[i].size, 4);
        put_number(bytes, archive->entry[i].size, 4);
        put_number(bytes, strlen(archive->entry[i].name), 2);
        put_number(bytes, 0, 12); /* extra, comment, disk, attributes */
        put_number(bytes, archive->entry[i].local, 4);
        put_text(bytes, archive->entry[i].name);
    }
    size = bytes->size - archive->directory;
    archive->end64 = bytes->size;
    if (!archive->no_zip64) {
        put(bytes, "PK\6\6", 4);
        put_number(bytes, 44, 8);
        put(bytes, "\36\3\55\0\0\0\0\0\0\0\0\0", 12);
        put_number(bytes, archive->count, 8);
        put_number(bytes, archive->count, 8);
        put_number(bytes, size, 8);
        put_number(bytes, archive->directory, 8);
        archive->locator = bytes->size;
        put(bytes, "PK\6\7\0\0\0\0", 8);
        put_number(bytes, archive->end64, 8);
        put_number(bytes, 1, 4);
    }
    archive->end = bytes->size;
    put(bytes, "PK\5\6\0\0\0\0", 8);
    put_number(bytes, archive->count, 2);
    put_number(bytes, archive->count, 2);
    put_number(bytes, size, 4);
    put_number(bytes, archive->directory, 4);
    put_number(bytes, 0, 2);
}

Archive archive_of(const Bytes *pickle)
{
    static const float floats[6] = {1, 2, 3, 4, 5, 6};
    static const uint16_t halves[4] = {0x3C00, 0x4000, 0xC200, 0x0001};
    Archive archive = {.count = 0};
    Bytes values = {0};

    archive_add(&archive, "case/data.pkl", pickle->data, pickle->size);
    archive_add(&archive, "case/byteorder", "little", 6);
    for (int i = 0; i < 6; i++) {
        uint32_t bits;

        memcpy(&bits, &floats[i], sizeof bits);
        put_number(&values, bits, 4);
    }
    archive_add(&archive, "case/data/0", values.data, values.size);
    clear(&values);
    for (int i = 0; i < 4; i++)
        put_number(&values, halves[i], 2);
    archive_add(&archive, "case/data/1", values.data, values.size);
    clear(&values);
    archive_add(&archive, "case/version", "3\n", 2);
    archive_end(&archive);
    return archive;
}

void archive_seal(Archive *archive, unsigned entry)
{
    uint32_t crc =
        archive_crc(archive->bytes.data + archive->entry[entry].data, archive->entry[entry].size);

    set_number(&archive->bytes, archive->entry[entry].descriptor + 4, crc, 4);
    set_number(&archive->bytes, archive->entry[entry].central + 16, crc, 4);
}

/* ---- pickles --------------------------------------------------------------------------------- */

void put_pickle_string(Bytes *pickle, const char *text)
{
    put_text(pickle, "X");
    put_number(pickle, strlen(text), 4);
    put_text(pickle, text);
}

/* As Python writes it. */
void put_pickle_integer(Bytes *pickle, int64_t integer)
{
    if (integer >= 0 && integer < 256) {
        put_text(pickle, "K");
        put_number(pickle, (uint64_t)integer, 1);
    } else if (integer >= 0 && integer < 65536) {
        put_text(pickle, "M");
        put_number(pickle, (uint64_t)integer, 2);
    } else if (integer >= INT32_MIN && integer <= INT32_MAX) {
        put_text(pickle, "J");
        put_number(pickle, (uint64_t)integer, 4);
    } else {
        put_text(pickle, "\x8a\x08");
        put_number(pickle, (uint64_t)integer, 8);
    }
}

void put_pickle_global(Bytes *pickle, const char *module, const char *name)
{
    put_text(pickle, "c");
    put_text(pickle, module);
    put_text(pickle, "\n");
    put_text(pickle, name);
    put_text(pickle, "\n");
}

void put_pickle_storage(Bytes *pickle, const View *view)
{
    put_text(pickle, "(");
    put_pickle_string(pickle, "storage");
    put_pickle_global(pickle, "torch", view->type);
    put_pickle_string(pickle, view->key);
    put_pickle_string(pickle, "cpu");
    put_pickle_integer(pickle, view->numel);
    put_text(pickle, "tQ");
}

static void put_numbers(Bytes *pickle, unsigned count, const int64_t *numbers)
{
    static const char *const ends[] = {")", "\x85", "\x86", "\x87"};

    if (count > 3)
        put_text(pickle, "(");
    for (unsigned i = 0; i < count; i++)
        put_pickle_integer(pickle, numbers[i]);
    put_text(pickle, count > 3 ? "t" : ends[count]);
}

void put_pickle_tensor(Bytes *pickle, const View *view)
{
    put_pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    put_text(pickle, "(");
    put_pickle_storage(pickle, view);
    put_pickle_integer(pickle, view->offset);
    put_numbers(pickle, view->rank, view->dims);
    put_numbers(pickle, view->rank, view->strides);
    put_text(pickle, "\x89");
    put_pickle_global(pickle, "collections", "OrderedDict");
    put_text(pickle, ")RtR");
}

Bytes pickle_of(const char *name, const View *view)
{
    Bytes pickle = {0};

    put_text(&pickle, "\x80\x02}");
    put_pickle_string(&pickle, name);
    put_pickle_tensor(&pickle, view);
    put_text(&pickle, "s.");
    return pickle;
}

Bytes pickle_good(void)
{
    static const View floats = {"FloatStorage", "0", 6, 0, 3, {1, 2, 3}, {6, 3, 1}};
    static const View halves = {"HalfStorage", "1", 4, 0, 1, {4}, {1}};
    Bytes pickle = {0};

    put_text(&pickle, "\x80\x02");
    put_pickle_global(&pickle, "collections", "OrderedDict");
    put(&pickle, ")Rq\0(", 5);
    put_pickle_string(&pickle, "pos_1LC");
    put_pickle_tensor(&pickle, &floats);
    put(&pickle, "q\1", 2);
    put_pickle_string(&pickle, "blocks");
    put_text(&pickle, "}");
    put_pickle_string(&pickle, "h");
    put_pickle_tensor(&pickle, &halves);
    put_text(&pickle, "su}");
    put_pickle_string(&pickle, "_metadata");
    put_pickle_global(&pickle, "collections", "OrderedDict");
    put_text(&pickle, ")R");
    put_pickle_string(&pickle, "");
    put_text(&pickle, "}");
    put_pickle_string(&pickle, "version");
    put_text(&pickle, "K\1sssb.");
    return pickle;
}
