/* file.c - reads files whose names and contents are not trusted. */
#include "model/file.h"

#include "error.h"
#include "model/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#define MAX_SIZE   (1ull << 40) /* 1 TiB: a hundred times the largest VAR model */
#define SHOWN_PATH 180

/* O_NONBLOCK: opening a FIFO returns at once. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

const char *code_reason(CodeReason *out, int number)
{
    return strerror_r(number, out->text, sizeof out->text);
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a folder";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    case S_IFCHR:
    case S_IFBLK:
        return "a device";
    default:
        return "no regular file";
    }
}

static bool fail_open(const CodeFile *file, int number, CodesrcError *error)
{
    CodeReason reason;

    if (number == ENXIO) /* open() reports this for a socket */
        return code_fail(error, CODESRC_UNREADABLE,
                         "%s: found a socket or a device, expected a regular file", file->name);
    if (number == ENOTDIR)
        return code_fail(error, CODESRC_NOT_FOUND,
                         "%s: cannot be opened: found a part of its path that is no folder (in a "
                         "manifest it must not be a link to one either)",
                         file->name);
    return code_fail(error, number == ENOENT ? CODESRC_NOT_FOUND : CODESRC_UNREADABLE,
                     "%s: cannot be opened: %s", file->name, code_reason(&reason, number));
}

/* Checks the opened file: the last step of both ways to open. Closes it on failure. */
static bool accept_file(CodeFile *file, CodesrcError *error)
{
    struct stat status;
    bool ok;

    if (fstat(file->descriptor, &status)) {
        ok = fail_open(file, errno, error);
    } else if (!S_ISREG(status.st_mode)) {
        ok = code_fail(error, CODESRC_UNREADABLE, "%s: found %s, expected a regular file",
                       file->name, kind_of(status.st_mode));
    } else if (status.st_size <= 0) {
        ok = code_fail(error, CODESRC_TRUNCATED, "%s: found an empty file", file->name);
    } else if ((uint64_t)status.st_size > MAX_SIZE) {
        ok = code_fail(error, CODESRC_MALFORMED, "%s: found %llu bytes, expected at most %llu",
                       file->name, (unsigned long long)status.st_size, MAX_SIZE);
    } else {
        file->size = (uint64_t)status.st_size;
        file->modified = status.st_mtim;
        ok = true;
    }
    if (!ok)
        code_file_close(file);
    return ok;
}

static bool name_file(CodeFile *file, const char *path, CodesrcError *error)
{
    memset(file, 0, sizeof *file);
    file->descriptor = -1;
    file->name = malloc(SHOWN_PATH);
    if (!file->name)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a file's name");
    code_text_escape(file->name, SHOWN_PATH, path, strlen(path));
    return true;
}

bool code_file_open(CodeFile *file, const char *path, CodesrcError *error)
{
    if (!name_file(file, path, error))
        return false;
    file->descriptor = open(path, OPEN_FLAGS);
    if (file->descriptor < 0) {
        fail_open(file, errno, error);
        code_file_close(file);
        return false;
    }
    return accept_file(file, error);
}

const char *code_file_name_flaw(const char *name, size_t length)
{
    if (!length)
        return "is empty";
    if (length > 255)
        return "is longer than 255 bytes";
    if (!code_text_plain(name, length))
        return "has control characters or is not UTF-8";
    if (memchr(name, '\\', length))
        return "has a backslash";
    if (name[0] == '/')
        return "is absolute";
    for (size_t begin = 0, end; begin <= length; begin = end + 1) {
        const char *slash = memchr(name + begin, '/', length - begin);

        end = slash ? (size_t)(slash - name) : length;
        if (end == begin)
            return "has an empty part";
        if (end - begin <= 2 && !memcmp(name + begin, "..", end - begin))
            return end - begin == 2 ? "leads out of the folder with '..'" : "has a part '.'";
    }
    return NULL;
}

/* The last part of a manifest's file name. It may be a symbolic link to anywhere (a Hugging Face
 * cache is made of links to ../../blobs), but not a link in /proc, which leads to files that
 * other programs opened. */
static int open_last(int folder, const char *name)
{
#ifdef SYS_openat2
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_NO_MAGICLINKS};
    long descriptor = syscall(SYS_openat2, folder, name, &how, sizeof how);

    if (descriptor >= 0 || (errno != ENOSYS && errno != EPERM))
        return (int)descriptor;
#endif
    return openat(folder, name, OPEN_FLAGS);
}

/* Descends one folder at a time, following no link. Splits `name` into its parts. */
static int open_beneath(int folder, char *name)
{
    int at = folder, descriptor, number;
    char *slash;

    while ((slash = strchr(name, '/'))) {
        *slash = '\0';
        descriptor = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        number = errno;
        if (at != folder)
            close(at);
        errno = number;
        if (descriptor < 0)
            return -1;
        at = descriptor;
        name = slash + 1;
    }
    descriptor = open_last(at, name);
    number = errno;
    if (at != folder)
        close(at);
    errno = number;
    return descriptor;
}

bool code_file_open_at(CodeFile *file, int folder, const char *folder_name, const char *name,
                       CodesrcError *error)
{
    const char *flaw = code_file_name_flaw(name, strlen(name));
    char *path = NULL, parts[256];
    bool named;

    memset(file, 0, sizeof *file);
    file->descriptor = -1;
    if (flaw) {
        CodeQuoted quoted, where;

        return code_fail(error, CODESRC_MALFORMED, "file name '%s' %s, expected a name under %s",
                         code_quote_string(&quoted, name), flaw,
                         code_quote_string(&where, folder_name));
    }
    if (asprintf(&path, "%s/%s", folder_name, name) < 0)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a file's name");
    named = name_file(file, path, error);
    free(path);
    if (!named)
        return false;
    memcpy(parts, name, strlen(name) + 1);
    file->descriptor = open_beneath(folder, parts);
    if (file->descriptor < 0) {
        fail_open(file, errno, error);
        code_file_close(file);
        return false;
    }
    return accept_file(file, error);
}

bool code_file_read(const CodeFile *file, uint64_t offset, void *to, size_t bytes,
                    CodesrcError *error)
{
    char *at = to;
    CodeReason reason;

    if (offset > file->size || bytes > file->size - offset)
        return code_fail(error, CODESRC_TRUNCATED,
                         "%s: found %llu bytes, expected %zu more at byte %llu", file->name,
                         (unsigned long long)file->size, bytes, (unsigned long long)offset);
    while (bytes) {
        ssize_t got = pread(file->descriptor, at, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return code_fail(error, CODESRC_TRUNCATED, "%s: reading at byte %llu failed: %s",
                             file->name, (unsigned long long)offset, code_reason(&reason, errno));
        if (!got)
            return code_fail(error, CODESRC_TRUNCATED,
                             "%s: found its end at byte %llu, expected %llu bytes: changed while "
                             "being read",
                             file->name, (unsigned long long)offset,
                             (unsigned long long)file->size);
        at += got;
        bytes -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

bool code_file_unchanged(const CodeFile *file, CodesrcError *error)
{
    struct stat status;
    CodeReason reason;

    if (fstat(file->descriptor, &status))
        return code_fail(error, CODESRC_TRUNCATED, "%s: cannot be looked at again: %s", file->name,
                         code_reason(&reason, errno));
    if ((uint64_t)status.st_size != file->size)
        return code_fail(error, CODESRC_TRUNCATED,
                         "%s: found %lld bytes, expected %llu: changed while being read",
                         file->name, (long long)status.st_size, (unsigned long long)file->size);
    if (status.st_mtim.tv_sec != file->modified.tv_sec ||
        status.st_mtim.tv_nsec != file->modified.tv_nsec)
        return code_fail(error, CODESRC_TRUNCATED, "%s: written to while being read", file->name);
    return true;
}

void code_file_close(CodeFile *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file->name);
    file->descriptor = -1;
    file->name = NULL;
}
