/* npz-file.c - a .npz file is a zip archive of .npy files, stored as they are; format of the
 * latter: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0. */
#include "npz-file.h"

#include <minizip/unzip.h>
#include <minizip/zip.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct NpzFile {
    zipFile zip;
    bool in_array, failed;
};

NpzFile *npz_file_create(const char *path)
{
    NpzFile *npz = calloc(1, sizeof *npz);

    if (npz)
        npz->zip = zipOpen64(path, APPEND_STATUS_CREATE);
    if (npz && npz->zip)
        return npz;
    free(npz);
    return NULL;
}

static bool end_array(NpzFile *npz)
{
    if (npz->in_array && zipCloseFileInZip(npz->zip) != ZIP_OK)
        npz->failed = true;
    npz->in_array = false;
    return !npz->failed;
}

/* Magic, version, length, and a dictionary padded with spaces to a multiple of 64 bytes. */
static bool write_header(NpzFile *npz, const char *type, const uint64_t *shape, unsigned rank)
{
    char header[256] = "\x93NUMPY\x01";
    const size_t start = 10;
    size_t length = start, whole;

    length += (size_t)snprintf(header + length, sizeof header - length,
                               "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (unsigned i = 0; i < rank; i++)
        length += (size_t)snprintf(header + length, sizeof header - length, "%s%" PRIu64 "%s",
                                   i ? " " : "", shape[i], i + 1 < rank || rank == 1 ? "," : "");
    length += (size_t)snprintf(header + length, sizeof header - length, "), }");
    whole = (length + 1 + 63) / 64 * 64;
    memset(header + length, ' ', whole - 1 - length);
    header[whole - 1] = '\n';
    header[8] = (char)(uint8_t)(whole - start);
    header[9] = (char)((whole - start) >> 8);
    return npz_file_write(npz, header, whole);
}

bool npz_file_array(NpzFile *npz, const char *name, const char *type, const uint64_t *shape,
                    unsigned rank)
{
    /* A fixed date, the first in zip's calendar, so that the bytes are always the same. */
    const zip_fileinfo info = {.tmz_date = {.tm_mday = 1, .tm_year = 1980}};
    const int zip64 = 1; /* an array may exceed 4 GiB */
    char member[64];

    snprintf(member, sizeof member, "%s.npy", name);
    if (!end_array(npz) || zipOpenNewFileInZip64(npz->zip, member, &info, NULL, 0, NULL, 0, NULL, 0,
                                                 0, zip64) != ZIP_OK) {
        npz->failed = true;
        return false;
    }
    npz->in_array = true;
    return write_header(npz, type, shape, rank);
}

bool npz_file_write(NpzFile *npz, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;

    while (count && !npz->failed) {
        unsigned part = count < 1u << 30 ? (unsigned)count : 1u << 30;

        npz->failed = zipWriteInFileInZip(npz->zip, from, part) != ZIP_OK;
        from += part;
        count -= part;
    }
    return !npz->failed;
}

bool npz_file_close(NpzFile *npz)
{
    bool good = end_array(npz);

    good = zipClose(npz->zip, NULL) == ZIP_OK && good;
    free(npz);
    return good;
}

/* Closing compares the checksum, once all is read. */
static bool verify_array(unzFile zip)
{
    static char bytes[1 << 16];
    int count;

    if (unzOpenCurrentFile(zip) != UNZ_OK)
        return false;
    while ((count = unzReadCurrentFile(zip, bytes, sizeof bytes)) > 0)
        continue;
    return unzCloseCurrentFile(zip) == UNZ_OK && count == 0;
}

bool npz_file_verify(const char *path, unsigned arrays)
{
    unzFile zip = unzOpen64(path);
    int status = zip ? unzGoToFirstFile(zip) : UNZ_ERRNO;
    unsigned good = 0;

    while (status == UNZ_OK && verify_array(zip)) {
        good++;
        status = unzGoToNextFile(zip);
    }
    if (zip)
        unzClose(zip);
    return status == UNZ_END_OF_LIST_OF_FILE && good == arrays;
}
