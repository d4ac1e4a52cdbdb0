/* fetch.c - the list of files, and curl, which does the rest. */
#include "fetch.h"

#include "digest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VAR  "https://huggingface.co/FoundationVision/var/resolve/main"
#define CODE "https://huggingface.co/Zigeng/VAR_CoDe/resolve/main"

enum { PATH = 4096, ANY = ~0, FREE = ~(1 << 6 | 1 << 7 | 1 << 8 | 1 << 9) };

/* The files of each published model; bit N of `steps`: for N drafting steps. The first row of a
 * model has its default. */
static const struct {
    const char *model, *file;
    int steps;
    unsigned initial;
} needs[] = {
    {"official-256", "vae_ch160v4096z32.pth", ANY, 8},
    {"official-256", "drafter_6.pth", 1 << 6, 0},
    {"official-256", "refiner_6.pth", 1 << 6, 0},
    {"official-256", "drafter_7.pth", 1 << 7, 0},
    {"official-256", "refiner_7.pth", 1 << 7, 0},
    {"official-256", "drafter_8.pth", 1 << 8, 0},
    {"official-256", "refiner_8.pth", 1 << 8, 0},
    {"official-256", "drafter_9.pth", 1 << 9, 0},
    {"official-256", "refiner_9.pth", 1 << 9, 0},
    {"official-256", "var_d30.pth", FREE, 0},
    {"official-256", "var_d16.pth", FREE, 0},
    {"code-d30-d16", "vae_ch160v4096z32.pth", ANY, 8},
    {"code-d30-d16", "var_d30.pth", ANY, 0},
    {"code-d30-d16", "var_d16.pth", ANY, 0},
    {"var-d16", "vae_ch160v4096z32.pth", ANY, 10},
    {"var-d16", "var_d16.pth", ANY, 0},
    {"var-d20", "vae_ch160v4096z32.pth", ANY, 10},
    {"var-d20", "var_d20.pth", ANY, 0},
    {"var-d24", "vae_ch160v4096z32.pth", ANY, 10},
    {"var-d24", "var_d24.pth", ANY, 0},
    {"var-d30", "vae_ch160v4096z32.pth", ANY, 10},
    {"var-d30", "var_d30.pth", ANY, 0},
    {"var-d36", "vae_ch160v4096z32.pth", ANY, 10},
    {"var-d36", "var_d36.pth", ANY, 0},
};

/* Those of the tensors in float32: the publishers' servers state the exact ones. */
static const struct {
    const char *file, *from, *size;
} places[] = {
    {"vae_", VAR, "0.4 GB"},      {"var_d16", VAR, "1.2 GB"},   {"var_d20", VAR, "2.4 GB"},
    {"var_d24", VAR, "4.1 GB"},   {"var_d30", VAR, "8.0 GB"},   {"var_d36", VAR, "9.4 GB"},
    {"drafter_", CODE, "8.0 GB"}, {"refiner_", CODE, "1.2 GB"},
};

/* What a server says about a file. */
typedef struct Stated {
    uint64_t size;            /* 0: nothing */
    char digest[DIGEST_TEXT]; /* "": nothing */
} Stated;

__attribute__((format(printf, 3, 4))) static bool fail(CodesrcError *error, CodesrcStatus status,
                                                       const char *format, ...)
{
    va_list list;

    error->status = status;
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    return false;
}

/* ---- curl ------------------------------------------------------------------------------------ */

/* Starts it with its standard output into `output`, or as ours if that is negative. */
static pid_t start(const char *const *words, int output)
{
    pid_t child = fork();

    if (child == 0) {
        if (output >= 0)
            dup2(output, STDOUT_FILENO);
        execvp(words[0], (char *const *)words);
        _exit(127);
    }
    return child;
}

/* Its exit status: 127 if there is no curl. */
static int end(pid_t child)
{
    int status = 0;

    while (child >= 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The value of a header, without quotation marks; NULL: the line has another one. */
static char *value_of(char *line, const char *header)
{
    size_t length = strlen(header);

    if (strncasecmp(line, header, length) || line[length] != ':')
        return NULL;
    line += length + 1;
    line += strspn(line, " \"");
    line[strcspn(line, "\"\r\n")] = '\0';
    return line;
}

/* Hugging Face names the size and the SHA-256 of a large file before it redirects to its store. */
static void read_header(Stated *stated, char *line, bool *linked)
{
    char *value;

    if ((value = value_of(line, "X-Linked-Size"))) {
        stated->size = strtoull(value, NULL, 10);
        *linked = true;
    } else if (!*linked && (value = value_of(line, "Content-Length"))) {
        stated->size = strtoull(value, NULL, 10);
    } else if ((value = value_of(line, "X-Linked-ETag")) && strlen(value) == DIGEST_TEXT - 1) {
        for (unsigned i = 0; i < DIGEST_TEXT; i++)
            stated->digest[i] = (char)tolower((unsigned char)value[i]);
    }
}

static bool ask(const char *address, Stated *stated, CodesrcError *error)
{
    const char *words[] = {"curl",       "--silent", "--show-error", "--fail",
                           "--location", "--head",   address,        NULL};
    bool linked = false;
    char line[1024];
    int ends[2], status;
    FILE *headers;
    pid_t child;

    *stated = (Stated){0};
    if (pipe(ends))
        return fail(error, CODESRC_FAILED, "no pipe to curl: %s", strerror(errno));
    child = start(words, ends[1]);
    close(ends[1]);
    headers = fdopen(ends[0], "r");
    while (headers && fgets(line, sizeof line, headers))
        read_header(stated, line, &linked);
    if (headers)
        fclose(headers);
    status = end(child);
    if (status == 127)
        return fail(error, CODESRC_NOT_FOUND,
                    "curl was not found: install it, or fetch the files listed above into the "
                    "folder in another way");
    if (status)
        return fail(error, CODESRC_NOT_FOUND,
                    "%.200s: curl ended with status %d: without a way to that server, fetch the "
                    "files listed above into the folder in another way",
                    address, status);
    return true;
}

static bool transfer(const char *address, const char *path, CodesrcError *error)
{
    const char *words[] = {"curl",
                           "--fail",
                           "--location",
                           "--continue-at",
                           "-",
                           "--retry",
                           "3",
                           isatty(2) ? "--progress-bar" : "--silent",
                           "--show-error",
                           "--output",
                           path,
                           address,
                           NULL};
    int status = end(start(words, -1));

    return !status || fail(error, CODESRC_TRUNCATED,
                           "%.200s: curl ended with status %d; the same command goes on where it "
                           "broke off",
                           address, status);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool size_of(const char *path, uint64_t *size)
{
    struct stat status;

    *size = 0;
    if (stat(path, &status))
        return false;
    *size = (uint64_t)status.st_size;
    return true;
}

static bool check(const char *path, const Stated *stated, CodesrcError *error)
{
    char digest[DIGEST_TEXT];
    uint64_t size;

    if (!size_of(path, &size))
        return fail(error, CODESRC_NOT_FOUND, "%s: curl wrote no file", path);
    if (stated->size && size != stated->size)
        return fail(error, CODESRC_TRUNCATED,
                    "%s: found %" PRIu64 " bytes, expected %" PRIu64 ", as the server states; "
                    "remove it and try again",
                    path, size, stated->size);
    if (!*stated->digest)
        return true;
    if (!digest_file(digest, path))
        return fail(error, CODESRC_UNREADABLE, "%s: %s", path, strerror(errno));
    if (strcmp(digest, stated->digest))
        return fail(
            error, CODESRC_MALFORMED,
            "%s: found SHA-256 %.12s..., expected %.12s..., as the server states; remove it "
            "and try again",
            path, digest, stated->digest);
    return true;
}

/* Into NAME.part, which becomes NAME once it is right. */
static bool fetch_file(const char *name, const char *folder, const char *from, CodesrcError *error)
{
    char path[PATH], part[PATH + 8], address[PATH];
    uint64_t size, begun;
    Stated stated;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(address, sizeof address, "%s/%s", from, name);
    if (size_of(path, &size)) {
        printf("%s: is there\n", path);
        return true;
    }
    if (!ask(address, &stated, error))
        return false;
    /* A server refuses to go on behind the end. */
    size_of(part, &begun);
    if ((!stated.size || begun != stated.size) && !transfer(address, part, error))
        return false;
    if (!check(part, &stated, error))
        return false;
    if (rename(part, path))
        return fail(error, CODESRC_UNREADABLE, "%s: %s", path, strerror(errno));
    size_of(path, &size);
    printf("%s: fetched, %" PRIu64 " bytes%s\n", path, size,
           *stated.digest ? ", SHA-256 as stated" : "");
    return true;
}

/* ---- manifests ------------------------------------------------------------------------------- */

/* Into NAME.part, which becomes NAME once it is whole. */
static bool write_copy(FILE *source, const char *to)
{
    char bytes[4096], part[PATH + 8];
    size_t count;
    FILE *target;
    bool good;

    snprintf(part, sizeof part, "%s.part", to);
    target = fopen(part, "wb");
    good = target != NULL;
    while (good && (count = fread(bytes, 1, sizeof bytes, source)))
        good = fwrite(bytes, 1, count, target) == count;
    good = good && !ferror(source);
    good = target && !fclose(target) && good;
    return good && !rename(part, to);
}

/* A file at `to` stays as it is: it may be the one at `from`, or edited. True also if there is none
 * at `from`. */
static bool copy_file(const char *from, const char *to, CodesrcError *error)
{
    FILE *source;
    uint64_t size;
    bool good;

    if (size_of(to, &size)) {
        printf("%s: is there\n", to);
        return true;
    }
    source = fopen(from, "rb");
    if (!source)
        return errno == ENOENT || fail(error, CODESRC_UNREADABLE, "%s: %s", from, strerror(errno));
    good = write_copy(source, to) ||
           fail(error, CODESRC_UNREADABLE, "%s: cannot be written: %s", to, strerror(errno));
    fclose(source);
    return good;
}

/* The manifest of that name, and the classes' names next to it. */
static bool copy_manifest(const char *name, const char *folder, CodesrcError *error)
{
    char *from = codesrc_model_locate(name, error), *slash, to[PATH], names[PATH];
    bool good;

    if (!from)
        return false;
    snprintf(to, sizeof to, "%s/%s.yaml", folder, name);
    good = copy_file(from, to, error);
    slash = strrchr(from, '/');
    snprintf(names, sizeof names, "%.*s/imagenet-classes.txt", (int)(slash ? slash - from : 1),
             slash ? from : ".");
    snprintf(to, sizeof to, "%s/imagenet-classes.txt", folder);
    free(from);
    return good && copy_file(names, to, error);
}

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct List {
    const char *file[8], *from[8];
    unsigned count;
} List;

static bool list_files(List *list, const char *name, unsigned steps, const char *from,
                       CodesrcError *error)
{
    for (unsigned i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        unsigned place = 0;

        if (strcmp(needs[i].model, name))
            continue;
        steps = steps ? steps : needs[i].initial;
        if (!(needs[i].steps >> steps & 1))
            continue;
        while (strncmp(places[place].file, needs[i].file, strlen(places[place].file)))
            place++;
        list->file[list->count] = needs[i].file;
        list->from[list->count] = from ? from : places[place].from;
        printf("%-22s about %-7s %s/%s\n", needs[i].file, places[place].size,
               list->from[list->count], needs[i].file);
        list->count++;
    }
    fflush(stdout);
    return list->count || fail(error, CODESRC_SETTINGS,
                               "model \"%.100s\" is not published anywhere that is known here, "
                               "expected official-256, code-d30-d16, or var-d16, -d20, -d24, -d30 "
                               "or -d36",
                               name);
}

bool fetch_model(const char *name, const char *folder, unsigned drafting_steps, const char *from,
                 CodesrcError *error)
{
    List list = {.count = 0};

    if (drafting_steps > 10)
        return fail(error, CODESRC_SETTINGS, "drafting-steps %u, expected 1 to 10", drafting_steps);
    if (!list_files(&list, name, drafting_steps, from, error))
        return false;
    if (mkdir(folder, 0777) && errno != EEXIST)
        return fail(error, CODESRC_UNREADABLE, "%.300s: %s", folder, strerror(errno));
    if (!copy_manifest(name, folder, error))
        return false;
    for (unsigned i = 0; i < list.count; i++)
        if (!fetch_file(list.file[i], folder, list.from[i], error))
            return false;
    printf("%s: complete; give it to --model, or to codesrc as model=\n", folder);
    return true;
}
