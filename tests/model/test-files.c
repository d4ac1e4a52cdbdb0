/* test-files.c - unsuitable files: paths that lead elsewhere, names in manifests, links, and
 * files that change while being read. */
#include "../test.h"
#include "hostile.h"
#include "model/checkpoint.h"
#include "model/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char good[] = "{\"pos_1LC\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

/* A .safetensors file of one tensor. */
static void write_good(const char *name)
{
    Bytes file = {0};

    put_number(&file, sizeof good - 1, 8);
    put_text(&file, good);
    put_number(&file, 0x400000003F800000, 8);
    write_file(name, file.data, file.size);
    clear(&file);
}

/* ---- paths that a user gives ----------------------------------------------------------------- */

static void make_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch(name));
    CHECK(sock >= 0 && !bind(sock, (struct sockaddr *)&address, sizeof address), "no socket");
    close(sock);
}

static void make_hole(const char *name, uint64_t size)
{
    int file = open(scratch(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    while (ftruncate(file, (off_t)size) && size > (1 << 20))
        size /= 2; /* as large as this file system can */
    close(file);
}

static void link_to(const char *target, const char *name)
{
    CHECK(!symlink(target, scratch(name)), "no link %s", name);
}

static void test_paths(CaseKind kind)
{
    static const struct {
        const char *label, *name;
        CodesrcStatus status;
        const char *text;
    } cases[] = {
        {"missing file", "missing", CODESRC_NOT_FOUND, "cannot be opened"},
        {"file as a folder", "good/x", CODESRC_NOT_FOUND, "cannot be opened"},
        {"folder", "folder", CODESRC_UNREADABLE, "found a folder, expected a regular file"},
        {"FIFO", "fifo", CODESRC_UNREADABLE, "found a FIFO, expected a regular file"},
        {"socket", "socket", CODESRC_UNREADABLE, "found a socket or a device"},
        {"/dev/zero", "/dev/zero", CODESRC_UNREADABLE, "found a device, expected a regular file"},
        {"/dev/null", "/dev/null", CODESRC_UNREADABLE, "found a device"},
        {"/proc/self/mem", "/proc/self/mem", CODESRC_TRUNCATED, "found an empty file"},
        {"/proc/self/maps", "/proc/self/maps", CODESRC_TRUNCATED, "found an empty file"},
        {"empty file", "empty", CODESRC_TRUNCATED, "found an empty file"},
        {"link to nothing", "dangling", CODESRC_NOT_FOUND, "cannot be opened"},
        {"link to itself", "circle", CODESRC_UNREADABLE, "cannot be opened"},
        {"link to a FIFO", "link-fifo", CODESRC_UNREADABLE, "found a FIFO"},
        {"8 TiB of nothing", "hole", CODESRC_MALFORMED, "found "},
    };
    char name[300];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(name, sizeof name, "%s",
                 *cases[i].name == '/' ? cases[i].name : scratch(cases[i].name));
        expect_refused(kind, cases[i].label, name, cases[i].status, cases[i].text);
    }
    if (geteuid()) /* root can read everything */
        expect_refused(kind, "unreadable file", scratch("closed"), CODESRC_UNREADABLE,
                       "cannot be opened");
    memset(name, 'x', 290);
    name[290] = '\0';
    expect_refused(kind, "name of 290 bytes", scratch(name), CODESRC_UNREADABLE,
                   "cannot be opened");
}

/* What stands for another open file: a pipe, here. */
static void test_stdin(void)
{
    int ends[2];

    CHECK(!pipe(ends) && dup2(ends[0], 0) == 0, "no pipe");
    expect_refused(CASE_WEIGHTS, "a pipe as /dev/stdin", "/dev/stdin", CODESRC_UNREADABLE,
                   "found a FIFO");
    expect_refused(CASE_MANIFEST, "a pipe as /dev/stdin", "/dev/stdin", CODESRC_UNREADABLE,
                   "found a FIFO");
    close(ends[0]);
    close(ends[1]);
}

/* ---- names in manifests ---------------------------------------------------------------------- */

/* Opens `name` under the temporary folder, as a manifest would; `text`: a part of the expected
 * error. */
static void open_at(const char *label, const char *name, CodesrcStatus status, const char *text)
{
    char place[300];
    CodesrcError error = {.status = CODESRC_OK, .text = "accepted"};
    CodeWeightsFile file = {.name = (char *)name};
    CodeWeights *weights;
    int folder;

    snprintf(place, sizeof place, "%s", scratch("sub"));
    folder = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    weights = code_weights_open_at(folder, "sub", &file, CODE_ROLE_VAR, &error);
    printf("%-44s %s\n", label, error.text);
    CHECK(!weights == (text != NULL), "%s: %s", label, error.text);
    CHECK(!text || error.status == status, "%s: status %d, expected %d", label, error.status,
          status);
    CHECK(!text || strstr(error.text, text), "%s: expected '%s'", label, text);
    CHECK(!strchr(error.text, '\n'), "%s: more than a line", label);
    code_weights_close(weights);
    close(folder);
}

static void test_names(void)
{
    char long_name[260], path[300];

    CHECK(!mkdir(scratch("sub"), 0700) && !mkdir(scratch("sub/deeper"), 0700) &&
              !mkdir(scratch("blobs"), 0700),
          "folders");
    write_good("sub/plain");
    write_good("sub/deeper/plain");
    write_good("blobs/0123");
    link_to("../blobs/0123", "sub/cached");
    link_to("../blobs", "sub/folder-link");
    link_to("../fifo", "sub/fifo-link");
    link_to("../folder", "sub/dir-link");
    link_to("/dev/zero", "sub/zero-link");
    link_to("nothing", "sub/dangling");
    link_to("circle", "sub/circle");
    open_at("plain name", "plain", CODESRC_OK, NULL);
    open_at("name in a folder", "deeper/plain", CODESRC_OK, NULL);
    open_at("link into a cache", "cached", CODESRC_OK, NULL);
    open_at("folder that is a link", "folder-link/0123", CODESRC_NOT_FOUND, "must not be a link");
    open_at("link to a FIFO", "fifo-link", CODESRC_UNREADABLE, "found a FIFO");
    open_at("link to a folder", "dir-link", CODESRC_UNREADABLE, "found a folder");
    open_at("link to /dev/zero", "zero-link", CODESRC_UNREADABLE, "found a device");
    open_at("link to nothing", "dangling", CODESRC_NOT_FOUND, "cannot be opened");
    open_at("link to itself", "circle", CODESRC_UNREADABLE, "cannot be opened");
    open_at("missing file", "missing", CODESRC_NOT_FOUND, "sub/missing: cannot be opened");
    open_at("missing folder", "missing/plain", CODESRC_NOT_FOUND, "cannot be opened");
    open_at("empty name", "", CODESRC_MALFORMED, "is empty");
    open_at("absolute name", "/etc/passwd", CODESRC_MALFORMED, "is absolute");
    open_at("..", "..", CODESRC_MALFORMED, "leads out of the folder");
    open_at("../blobs/0123", "../blobs/0123", CODESRC_MALFORMED, "leads out of the folder");
    open_at("deeper/../../blobs/0123", "deeper/../../blobs/0123", CODESRC_MALFORMED, "leads out");
    open_at("./plain", "./plain", CODESRC_MALFORMED, "has a part '.'");
    open_at("deeper//plain", "deeper//plain", CODESRC_MALFORMED, "has an empty part");
    open_at("deeper/", "deeper/", CODESRC_MALFORMED, "has an empty part");
    open_at("backslash", "deeper\\plain", CODESRC_MALFORMED, "has a backslash");
    open_at("line feed", "pla\nin", CODESRC_MALFORMED, "has control characters or is not UTF-8");
    open_at("no UTF-8", "pla\xFFin", CODESRC_MALFORMED, "has control characters or is not UTF-8");
    memset(long_name, 'x', 256);
    long_name[256] = '\0';
    open_at("256 bytes", long_name, CODESRC_MALFORMED, "is longer than 255 bytes");
    long_name[255] = '\0';
    open_at("255 bytes", long_name, CODESRC_NOT_FOUND, "cannot be opened");
    {
        int other = open(scratch("good"), O_RDONLY | O_CLOEXEC);

        snprintf(path, sizeof path, "/proc/self/fd/%d", other);
        link_to(path, "sub/magic");
        open_at("link to another open file", "magic", CODESRC_UNREADABLE, "cannot be opened");
        close(other);
    }
}

/* ---- files that change ----------------------------------------------------------------------- */

typedef enum Change { GROW, SHRINK, REWRITE, REPLACE } Change;

static void change_file(Change change)
{
    struct timespec later[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int file = open(scratch("changing"), O_WRONLY | O_CLOEXEC);

    switch (change) {
    case GROW:
        CHECK(pwrite(file, "x", 1, (off_t)(8 + sizeof good - 1 + 8)) == 1, "grow");
        break;
    case SHRINK:
        CHECK(!ftruncate(file, 20), "shrink");
        break;
    case REWRITE: /* the clock of a file system may be too coarse for a write to show */
        CHECK(!futimens(file, later), "rewrite");
        break;
    case REPLACE:
        write_good("other");
        CHECK(!rename(scratch("other"), scratch("changing")), "replace");
    }
    close(file);
}

static void test_change(const char *label, Change change, bool readable, const char *text)
{
    CodesrcError error = {.status = CODESRC_OK, .text = "unchanged"};
    CodeWeights *weights;
    float values[2] = {0};
    bool ok;

    write_good("changing");
    weights = code_weights_open(scratch("changing"), CODE_ROLE_VAR, &error);
    CHECK(weights && code_weights_unchanged(weights, &error), "%s", error.text);
    change_file(change);
    ok = code_weights_read(weights, "pos_1LC", 1, (uint64_t[]){2}, values, &error);
    CHECK(ok == readable, "%s: %s", label, error.text);
    CHECK(ok ? values[0] == 1.0f && values[1] == 2.0f : error.status == CODESRC_TRUNCATED, "%s: %s",
          label, error.text);
    ok = code_weights_unchanged(weights, &error);
    printf("%-44s %s\n", label, error.text);
    CHECK(ok == !text, "%s: %s", label, error.text);
    CHECK(!text || (error.status == CODESRC_TRUNCATED && strstr(error.text, text)), "%s: %s", label,
          error.text);
    code_weights_close(weights);
}

int main(void)
{
    write_good("good");
    write_file("empty", "", 0);
    write_good("closed");
    CHECK(!mkdir(scratch("folder"), 0700) && !mkfifo(scratch("fifo"), 0600) &&
              !chmod(scratch("closed"), 0),
          "files");
    make_socket("socket");
    make_hole("hole", (uint64_t)8 << 40);
    link_to("nothing", "dangling");
    link_to("circle", "circle");
    link_to("fifo", "link-fifo");
    test_paths(CASE_WEIGHTS);
    test_paths(CASE_MANIFEST);
    test_stdin();
    test_names();
    test_change("file that grows", GROW, true, "changed while being read");
    test_change("file that shrinks", SHRINK, false, "changed while being read");
    test_change("file that is written to", REWRITE, true, "written to while being read");
    test_change("file that is replaced", REPLACE, true, NULL);
    return cases_end() | test_end();
}
