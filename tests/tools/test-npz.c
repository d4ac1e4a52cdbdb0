/* test-npz.c - what npz-file writes, read by an independent implementation of zip, libarchive; with
 * --large an array of more than 4 GiB. */
#include "../test.h"
#include "npz-file.h"

#include <archive.h>
#include <archive_entry.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

/* Byte `at` of the test's array. */
static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)((at ^ at >> 8 ^ at >> 23) * 131 >> 3);
}

static void fill(uint8_t *bytes, uint64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = byte_at(first + i);
}

static void write_array(NpzFile *npz, const char *name, const uint64_t *shape, unsigned rank)
{
    static uint8_t piece[PIECE];
    uint64_t total = 1;

    for (unsigned i = 0; i < rank; i++)
        total *= shape[i];
    CHECK(npz_file_array(npz, name, "|u1", shape, rank), "%s", name);
    for (uint64_t at = 0; at < total;) {
        size_t count = total - at < PIECE ? (size_t)(total - at) : PIECE;

        fill(piece, at, count);
        CHECK(npz_file_write(npz, piece, count), "%s at %" PRIu64, name, at);
        at += count;
    }
}

/* The next member: its name, numpy's header as a text, and every byte behind it. */
static void read_array(struct archive *archive, const char *name, const char *header,
                       uint64_t total)
{
    static uint8_t piece[PIECE], expected[PIECE];
    struct archive_entry *entry;
    unsigned length;
    uint64_t at = 0;
    la_ssize_t count;

    if (archive_read_next_header(archive, &entry) != ARCHIVE_OK ||
        archive_read_data(archive, piece, 10) != 10) {
        CHECK(false, "%s: %s", name, archive_error_string(archive));
        return;
    }
    CHECK(!strcmp(archive_entry_pathname(entry), name), "%s", archive_entry_pathname(entry));
    CHECK(!memcmp(piece, "\x93NUMPY\x01\x00", 8), "%.6s", (const char *)piece);
    length = piece[8] + 256u * piece[9];
    CHECK((10 + length) % 64 == 0, "a header of %u bytes", length);
    CHECK(archive_read_data(archive, piece, length) == (la_ssize_t)length, "%u", length);
    CHECK(strlen(header) < length && !memcmp(piece, header, strlen(header)), "%.*s", (int)length,
          (const char *)piece);
    CHECK(strspn((const char *)piece + strlen(header), " ") == length - strlen(header) - 1,
          "other than spaces behind it");
    CHECK(piece[length - 1] == '\n', "%d", piece[length - 1]);
    CHECK(!archive_entry_size_is_set(entry) ||
              (uint64_t)archive_entry_size(entry) == 10 + length + total,
          "%" PRId64 " bytes", (int64_t)archive_entry_size(entry));
    while ((count = archive_read_data(archive, piece, PIECE)) > 0) {
        fill(expected, at, (size_t)count);
        CHECK(!memcmp(piece, expected, (size_t)count), "%s at %" PRIu64, name, at);
        at += (uint64_t)count;
    }
    /* At the end libarchive has compared the CRC. */
    CHECK(count == 0, "%s: %s", name, archive_error_string(archive));
    CHECK(at == total, "%s: %" PRIu64 " bytes", name, at);
}

static struct archive *open_archive(const char *path)
{
    struct archive *archive = archive_read_new();

    archive_read_support_format_zip_seekable(archive);
    CHECK(archive_read_open_filename(archive, path, 65536) == ARCHIVE_OK, "%s",
          archive_error_string(archive));
    return archive;
}

static void close_archive(struct archive *archive)
{
    struct archive_entry *entry;

    CHECK(archive_read_next_header(archive, &entry) == ARCHIVE_EOF, "there is more");
    archive_read_free(archive);
}

/* Pictures of that shape, and so many labels: bytes as NumPy reads them. */
static void test_arrays(const char *path, const uint64_t pictures[4], uint64_t labels)
{
    NpzFile *npz = npz_file_create(path);
    struct archive *archive;
    char header[200];

    if (!npz) {
        CHECK(false, "%s", path);
        return;
    }
    write_array(npz, "arr_0", pictures, 4);
    write_array(npz, "arr_1", &labels, 1);
    CHECK(npz_file_close(npz), "%s", path);
    archive = open_archive(path);
    snprintf(header, sizeof header,
             "{'descr': '|u1', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 ", %" PRIu64
             ", %" PRIu64 "), }",
             pictures[0], pictures[1], pictures[2], pictures[3]);
    read_array(archive, "arr_0.npy", header, pictures[0] * pictures[1] * pictures[2] * pictures[3]);
    snprintf(header, sizeof header,
             "{'descr': '|u1', 'fortran_order': False, 'shape': (%" PRIu64 ",), }", labels);
    read_array(archive, "arr_1.npy", header, labels);
    close_archive(archive);
}

/* A disk that is full is told, at the latest when the file is closed. */
static void test_full_disk(void)
{
    const uint64_t shape[1] = {PIECE};
    static uint8_t piece[PIECE];
    NpzFile *npz = npz_file_create("/dev/full");

    if (!npz)
        return; /* at once */
    npz_file_array(npz, "arr_0", "|u1", shape, 1);
    npz_file_write(npz, piece, sizeof piece);
    CHECK(!npz_file_close(npz), "a full disk went unnoticed");
}

int main(int argc, char **argv)
{
    char path[] = "test-npz-XXXXXX";
    int file = mkstemp(path);

    if (file < 0) {
        perror(path);
        return 1;
    }
    close(file);
    CHECK(!npz_file_create("/nowhere/a.npz"), "a folder that does not exist");
    if (argc > 1 && !strcmp(argv[1], "--large")) /* the second array begins beyond 4 GiB, too */
        test_arrays(path, (const uint64_t[]){22000, 256, 256, 3}, 1000);
    else
        test_arrays(path, (const uint64_t[]){3, 5, 5, 3}, 17);
    test_full_disk();
    unlink(path);
    return test_end();
}
