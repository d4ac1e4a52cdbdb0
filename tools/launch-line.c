/* launch-line.c - writes the launch line of a picture, and finds it in files. The search needs no
 * demuxer: the line's first words occur by chance in no file, and its grammar says where it
 * ends. */
#include "launch-line.h"

#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char head[] = "gst-launch-1.0", element[] = " codesrc",
                  tail[] = " ! video/x-raw,framerate=0/1 ! videoconvert ! pngenc ! "
                           "filesink location=frame-",
                  ending[] = ".png", remark[] = " # model-digest=";

/* Characters of a value without quotation marks. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+";

enum { DIGEST = 16 };

/* ---- writing --------------------------------------------------------------------------------- */

/* Up to the end of the line at most; a line that is cut has no ending and is not found again. */
__attribute__((format(printf, 2, 3))) static void add(char line[LAUNCH_LINE_MOST],
                                                      const char *format, ...)
{
    size_t length = strlen(line);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + length, LAUNCH_LINE_MOST - length, format, arguments);
    va_end(arguments);
}

/* Quoted as a shell needs it. */
static void add_text(char line[LAUNCH_LINE_MOST], const char *text)
{
    if (*text && !text[strspn(text, plain)]) {
        add(line, "%s", text);
        return;
    }
    add(line, "\"");
    for (; *text; text++)
        add(line, strchr("\"\\$`", *text) ? "\\%c" : "%c", *text);
    add(line, "\"");
}

static void add_real(char line[LAUNCH_LINE_MOST], const char *name, double value)
{
    add(line, " %s=%.*g", name, code_line_digits(value), value);
}

void launch_line_write(char line[LAUNCH_LINE_MOST], const CodesrcModelInfo *info,
                       const CodesrcRequest *request, double temperature)
{
    const CodesrcSettings *settings = &request->settings;

    *line = '\0';
    add(line, "%s%s model=", head, element);
    add_text(line, info->name);
    add(line, " device=%s precision=%s class-id=%" PRId32, info->device, info->precision,
        request->class_id);
    if (request->class_id_2 != CODESRC_CLASS_NONE) {
        add(line, " class-id-2=%" PRId32, request->class_id_2);
        add_real(line, "class-mix", request->class_mix);
    }
    add(line, " seed=%" PRIu64 " first-frame=%" PRIu64 " drafting-steps=%u", request->seed,
        request->frame, settings->drafting_steps);
    add(line, " top-k=%u", settings->top_k);
    add_real(line, "top-p", settings->top_p);
    add_real(line, "guidance", settings->guidance);
    if (temperature > 0)
        add_real(line, "temperature", temperature);
    if (settings->more_smooth)
        add(line, " more-smooth=true");
    add(line, "%s%" PRIu64 "%s%s%s", tail, request->frame, ending, remark, info->digest);
}

/* ---- the grammar of the line ----------------------------------------------------------------- */

/* Moves past a text that has to be there. */
static bool pass(const char **at, const char *text)
{
    bool there = !strncmp(*at, text, strlen(text));

    *at += there ? strlen(text) : 0;
    return there;
}

/* Between quotation marks a shell acts upon nothing but what has a backslash here. */
static bool pass_quoted(const char **at)
{
    for (++*at; **at != '"'; ++*at) {
        if (**at == '\\' && (*at)[1] && strchr("\"\\$`", (*at)[1]))
            ++*at;
        else if (!**at || strchr("\\$`", **at))
            return false;
    }
    ++*at;
    return true;
}

/* " name=value" */
static bool pass_property(const char **at)
{
    size_t name = **at == ' ' ? strspn(*at + 1, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0, value;

    if (!name || (*at)[1 + name] != '=')
        return false;
    *at += 1 + name + 1;
    if (**at == '"')
        return pass_quoted(at);
    value = strspn(*at, plain);
    *at += value;
    return value > 0;
}

/* Ends the line where its grammar does. False if it is none of ours. */
static bool check(char *line)
{
    const char *at = line, *after;
    size_t digits;

    if (!pass(&at, head) || !pass(&at, element))
        return false;
    while (pass_property(&at))
        continue;
    digits = pass(&at, tail) ? strspn(at, "0123456789") : 0;
    at += digits;
    if (!digits || !pass(&at, ending))
        return false;
    after = at;
    if (pass(&after, remark) && strspn(after, "0123456789abcdef") >= DIGEST)
        at = after + DIGEST;
    line[at - line] = '\0';
    return true;
}

/* ---- the text in the file -------------------------------------------------------------------- */

/* What GStreamer's serialisation writes for a character: itself, or behind a backslash itself or
 * three octal digits. Returns the bytes read, 0 at the end of the text. */
static size_t unescape(char *out, const char *bytes, size_t left)
{
    if (left < 4 || *bytes != '\\') {
        *out = *bytes;
        return left && *bytes != '"';
    }
    *out = bytes[1];
    if (bytes[1] < '0' || bytes[1] > '3' || strspn(bytes + 1, "01234567") < 3)
        return 2;
    *out = (char)((bytes[1] - '0') << 6 | (bytes[2] - '0') << 3 | (bytes[3] - '0'));
    return 4;
}

/* Copies the text up to its end, to a control character or to the length of the longest line. */
static void copy(char line[LAUNCH_LINE_MOST], const char *bytes, size_t left)
{
    bool serialised = left > strlen(head) && bytes[strlen(head)] == '\\';
    size_t length = 0, used = 1;

    while (left && length + 1 < LAUNCH_LINE_MOST) {
        char *to = line + length;

        *to = *bytes;
        if (serialised)
            used = unescape(to, bytes, left);
        if (!used || (unsigned char)*to < ' ' || *to == 127)
            break;
        if (length && to[-1] == '\xc2' && (unsigned char)*to < 0xa0) /* a control character too */
            break;
        length++;
        bytes += used;
        left -= used;
    }
    line[length] = '\0';
}

static bool search(char line[LAUNCH_LINE_MOST], const char *bytes, size_t size, size_t starts)
{
    const char *end = bytes + size, *at = bytes;

    while ((at = memmem(at, (size_t)(end - at), head, strlen(head))) && at < bytes + starts) {
        copy(line, at, (size_t)(end - at));
        if (check(line))
            return true;
        at++;
    }
    return false;
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool known(const char *bytes, size_t size)
{
    return (size > 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8)) ||
           (size > 3 && !memcmp(bytes, "\xff\xd8\xff", 3)) ||
           (size > 4 && !memcmp(bytes, "\x1a\x45\xdf\xa3", 4)) ||
           (size > 8 && !memcmp(bytes + 4, "ftyp", 4));
}

__attribute__((format(printf, 3, 4))) static bool refuse(CodesrcError *error, CodesrcStatus status,
                                                         const char *format, ...)
{
    va_list arguments;

    error->status = status;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

/* Reads until `bytes` has `most` of them or the file ends. -1 after an error. */
static ssize_t fill(int file, char *bytes, size_t size, size_t most)
{
    ssize_t got = 1;

    while (size < most && (got = read(file, bytes + size, most - size)) > 0)
        size += (size_t)got;
    return got < 0 ? -1 : (ssize_t)size;
}

/* A window goes over the file; each of its steps leaves room for a line that begins at the end. */
static bool scan(char line[LAUNCH_LINE_MOST], int file, const char *path, CodesrcError *error)
{
    enum { LINE = 4 * LAUNCH_LINE_MOST, WINDOW = 8 * LINE };
    static char bytes[WINDOW + 1]; /* with a zero at the end, for strspn */
    ssize_t size = fill(file, bytes, 0, WINDOW);

    if (size >= 0 && !known(bytes, (size_t)size))
        return refuse(error, CODESRC_MALFORMED,
                      "%s: expected a PNG, JPEG, WebM, Matroska or MP4 file", path);
    while (size >= 0) {
        bool last = size < WINDOW;

        bytes[size] = '\0';
        if (search(line, bytes, (size_t)size, last ? (size_t)size : WINDOW - LINE))
            return true;
        if (last)
            return refuse(error, CODESRC_NOT_FOUND,
                          "%s: no launch line of codesrc in it; its muxer wrote no comment, or "
                          "codesrc had tags=none",
                          path);
        memmove(bytes, bytes + WINDOW - LINE, LINE);
        size = fill(file, bytes, LINE, WINDOW);
    }
    return refuse(error, CODESRC_TRUNCATED, "%s: cannot be read: %s", path, strerror(errno));
}

bool launch_line_find(char line[LAUNCH_LINE_MOST], const char *path, CodesrcError *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    bool found;

    if (file < 0)
        return refuse(error, errno == ENOENT ? CODESRC_NOT_FOUND : CODESRC_UNREADABLE,
                      "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(file, &about) || !S_ISREG(about.st_mode))
        found = refuse(error, CODESRC_UNREADABLE, "%s: is not a regular file", path);
    else
        found = scan(line, file, path, error);
    close(file);
    return found;
}
