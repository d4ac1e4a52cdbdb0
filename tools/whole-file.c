/* whole-file.c - files that appear whole or not at all, even if several processes write them. */
#include "whole-file.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void whole_file_part(char part[WHOLE_FILE_NAME], const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    snprintf(part, WHOLE_FILE_NAME, "%.*s.%s.%s.%ld.part", (int)(name - path), path, name, host,
             (long)getpid());
}

static bool to_disk(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && fsync(file) == 0;

    if (file >= 0)
        close(file);
    return good;
}

bool whole_file_keep(const char *part, const char *path, bool durable)
{
    if ((!durable || to_disk(part)) && rename(part, path) == 0)
        return true;
    complain("%s: cannot be written: %s", path, strerror(errno));
    unlink(part);
    return false;
}

uint8_t *whole_file_read(const char *path, size_t most, size_t *size)
{
    struct stat status = {0};
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");

    if (!file)
        return NULL;
    if (fstat(fileno(file), &status) == 0 && !S_ISREG(status.st_mode))
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    else if ((uint64_t)status.st_size > most)
        errno = EFBIG;
    else
        bytes = malloc((size_t)status.st_size + 1);
    if (bytes) {
        *size = fread(bytes, 1, (size_t)status.st_size, file);
        bytes[*size] = 0;
        if (ferror(file)) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}
