/* whole-file.c - files that appear whole or not at all, even if several processes write them. */
#include "whole-file.h"

#include "complain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART ".part"

/* MOST_KEPT: bytes of a file's name that its part's name has, which may have 255. STALE: seconds
 * since a part was last written to. */
enum { MACHINE = 100, MOST_KEPT = 120, STALE = 3600 };

/* Containers of one machine may share its host name, and each counts processes from 1. Their
 * process namespaces differ. */
static void machine_name(char name[MACHINE])
{
    struct stat processes = {0};
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    if (stat("/proc/self/ns/pid", &processes) != 0)
        processes.st_ino = 0;
    snprintf(name, MACHINE, "%s-%ju", host, (uintmax_t)processes.st_ino);
}

/* As much of a name as fits into that of a part, and ends with a whole character. */
static size_t kept_length(const char *name)
{
    size_t length = strlen(name);

    if (length <= MOST_KEPT)
        return length;
    length = MOST_KEPT;
    while (length > MOST_KEPT - 4 && (name[length] & 0xC0) == 0x80)
        length--;
    return length;
}

void whole_file_part(char part[WHOLE_FILE_NAME], const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char machine[MACHINE];

    machine_name(machine);
    snprintf(part, WHOLE_FILE_NAME, "%.*s.%.*s.%s.%ld" PART, (int)(name - path), path,
             (int)kept_length(name), name, machine, (long)getpid());
}

static bool to_disk(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && fsync(file) == 0;

    if (file >= 0)
        close(file);
    return good;
}

/* Some file systems have no such thing for folders, and a folder may forbid to be read. */
static bool folder_to_disk(const char *path)
{
    char *copy = strdup(path);
    bool good = copy && (to_disk(dirname(copy)) || errno == EINVAL || errno == EACCES);

    free(copy);
    return good;
}

bool whole_file_keep(const char *part, const char *path, bool durable)
{
    if ((!durable || to_disk(part)) && rename(part, path) == 0) {
        if (!durable || folder_to_disk(path))
            return true;
        complain("%s: is complete, but may not survive a crash of the machine: %s", path,
                 strerror(errno));
        return false;
    }
    complain("%s: cannot be written: %s", path, strerror(errno));
    unlink(part);
    return false;
}

uint8_t *whole_file_read(const char *path, size_t most, size_t *size)
{
    struct stat status = {0};
    uint8_t *bytes = NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait */
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    int error;

    if (!file) {
        error = errno;
        if (descriptor >= 0)
            close(descriptor);
        errno = error;
        return NULL;
    }
    if (fstat(fileno(file), &status) != 0)
        ; /* errno says why */
    else if (!S_ISREG(status.st_mode))
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    else if ((uint64_t)status.st_size > most)
        errno = EFBIG;
    else
        bytes = malloc((size_t)status.st_size + 1);
    if (bytes) {
        *size = fread(bytes, 1, (size_t)status.st_size, file);
        bytes[*size] = 0;
        if (ferror(file)) {
            error = errno;
            free(bytes);
            bytes = NULL;
            errno = error;
        }
    }
    error = errno;
    fclose(file);
    errno = error;
    return bytes;
}

bool whole_file_is_abandoned(int folder, const char *name)
{
    size_t length = strlen(name);
    const char *end, *dot;
    struct stat status;
    char machine[MACHINE];
    long process;

    if (length <= strlen(PART) || strcmp(name + length - strlen(PART), PART) != 0)
        return false;
    dot = end = name + length - strlen(PART);
    while (dot > name && dot[-1] >= '0' && dot[-1] <= '9')
        dot--;
    if (dot == name || dot == end || *--dot != '.')
        return false;
    machine_name(machine);
    length = strlen(machine);
    if ((size_t)(dot - name) > length && dot[-(ptrdiff_t)length - 1] == '.' &&
        !strncmp(dot - length, machine, length)) {
        process = strtol(dot + 1, NULL, 10);
        return process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
    }
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - status.st_mtime > STALE;
}

void whole_file_clean(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *copy = strdup(path);
    DIR *list = copy ? opendir(dirname(copy)) : NULL;
    size_t length = kept_length(name);
    struct dirent *entry;

    while (list && (entry = readdir(list)))
        if (entry->d_name[0] == '.' && !strncmp(entry->d_name + 1, name, length) &&
            entry->d_name[1 + length] == '.' && whole_file_is_abandoned(dirfd(list), entry->d_name))
            unlinkat(dirfd(list), entry->d_name, 0);
    if (list)
        closedir(list);
    free(copy);
}

char *whole_file_behind(const char *path)
{
    struct stat status;
    bool link = lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
    char *file = link ? realpath(path, NULL) : NULL;

    return file ? file : strdup(path);
}

bool whole_file_replaces(const char *path)
{
    struct stat status;

    return lstat(path, &status) != 0 || S_ISREG(status.st_mode);
}
