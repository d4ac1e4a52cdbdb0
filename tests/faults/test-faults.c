/* test-faults.c - runs the programs while one of their calls fails: the first, the second, and so
 * on, once and from then on. Each run must give the right result, or an error that names its
 * reason, leave nothing unfinished, and lose nothing that was finished. Arguments: the library of
 * faults, the most calls to fail in each sweep (0: all, and each run that failed is done again),
 * and the programs code-image, code-sample and code-model, and, if they are built, frames, visit
 * and code-studio. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_ARGUMENTS = 16,
    MOST_TEXT = 4096,
    MOST_SECONDS = 60,
    FRAMES = 3,
    VISIT,
    STUDIO,
    PROGRAMS
};

/* What a program does in a folder of its own, a copy of one that an earlier row left. */
typedef struct Scenario {
    const char *name;
    unsigned program; /* 0 code-image, 1 code-sample, 2 code-model, 3 frames, 4 visit */
    const char *arguments[MOST_ARGUMENTS];
    const char *before; /* scenario whose result it begins with; NULL: the manifest alone */
    bool whole;         /* all of its files appear, or none */
    unsigned syncs;     /* how often a tool waits for the disk */
} Scenario;

/* clang-format off */
static const Scenario scenarios[] = {
    {"image", 0, {"--model", "tiny.yaml", "--threads", "1", "--output", "picture.png"}, NULL, true,
     0},
    {"draw", 1, {"draw", "--model", "tiny.yaml", "--threads", "1", "--per-class", "1", "--output",
                 "samples"}, NULL, false, 2},
    {"pack", 1, {"pack", "samples"}, "draw", false, 4},
    {"again", 1, {"draw", "--model", "tiny.yaml", "--threads", "1", "--per-class", "1", "--output",
                  "samples"}, "draw", false, 1},
    {"convert", 2, {"convert", "tiny.yaml", "made"}, NULL, true, 6},
    {"open", 2, {"verify", "made"}, "convert", false, 0},
    {"element", FRAMES, {"codesrc model=made threads=1 num-buffers=2 ! fakesink name=sink "
                         "signal-handoffs=true"}, "convert", false, 0},
    {"paint", FRAMES, {"fakesrc num-buffers=1 sizetype=fixed sizemax=48 filltype=zero "
                       "format=time ! video/x-raw,format=RGB,width=4,height=4,framerate=1/1 ! "
                       "codepaint model=made threads=1 mask=0,0,2,2 ! "
                       "fakesink name=sink signal-handoffs=true"},
     "convert", false, 0},
    {"studio", VISIT, {"", "--port", "0", "--model", "made", "--threads", "1"},
     "convert", false, 0},
};

static const struct {
    const char *kind;
    int error;
    const char *text; /* that an error gives as its reason; "": any */
} faults[] = {
    {"malloc", ENOMEM, ""},
    {"open", EIO, "Input/output error"}, {"open", EMFILE, "Too many open files"},
    {"read", EIO, ""}, {"read", EINTR, ""}, {"read", 0, ""},
    {"write", EIO, "Input/output error"}, {"write", ENOSPC, "No space left on device"},
    {"write", 0, ""},
    {"sync", EIO, "Input/output error"},
    {"rename", EIO, "Input/output error"},
    {"stat", EIO, ""},
};
/* clang-format on */

static const char manifest[] =
    "name: tiny\npatch_nums: [1, 2]\nclass_names: [fox, owl]\nsynthetic: 11\n"
    "vae: {codes: 16, channels: 4, ch: 4, ch_mult: [1, 2], res_blocks: 1, groups: 2}\n"
    "drafter: {depth: 2, width: 64, heads: 1}\nrefiner: {depth: 1, width: 64, heads: 1}\n"
    "defaults: {drafting_steps: 1}\n";

static const char *library, *programs[PROGRAMS]; /* NULL from FRAMES on: those are not built */
static unsigned most, runs, harmless, refused, outside;

/* ---- folders --------------------------------------------------------------------------------- */

static void shell(const char *format, const char *a, const char *b)
{
    char command[2000];

    snprintf(command, sizeof command, format, a, b);
    if (system(command)) {
        printf("cannot do: %s\n", command);
        exit(99);
    }
}

/* The comparison of the folder `run` with the result of a scenario. */
static struct {
    char good[100];
    unsigned files, wrong;
    char name[200];
} look;

static bool same_bytes(const char *a, const char *b)
{
    FILE *one = fopen(a, "rb"), *other = fopen(b, "rb");
    int c = 0, d = 0;

    while (one && other && c == d && c != EOF) {
        c = getc(one);
        d = getc(other);
    }
    if (one)
        fclose(one);
    if (other)
        fclose(other);
    return one && other && c == d;
}

static int look_at(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    char good[400];

    (void)status, (void)walk;
    snprintf(good, sizeof good, "%s%s", look.good, path + strlen("run"));
    look.files += flag == FTW_F;
    if (!strncmp(path, look.good, strlen(look.good)))
        return 0;
    if (strstr(path, ".part") || (flag == FTW_F && !same_bytes(path, good))) {
        look.wrong++;
        snprintf(look.name, sizeof look.name, "%.199s", path);
    }
    return 0;
}

static unsigned files_in(const char *folder)
{
    look.files = look.wrong = 0;
    nftw(folder, look_at, 8, FTW_PHYS);
    return look.files;
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct Run {
    int status;
    unsigned calls;
    char error[MOST_TEXT]; /* what it wrote to standard error */
} Run;

static void set_number(const char *name, int value)
{
    char text[20];

    snprintf(text, sizeof text, "%d", value);
    setenv(name, text, 1);
}

/* In the child. */
static void become(const Scenario *scenario, const char *kind, int at, int error, bool ever)
{
    const char *arguments[MOST_ARGUMENTS + 1] = {programs[scenario->program]};
    int counts = open("../counts", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int out = open("../out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int messages = open("../messages", O_WRONLY | O_CREAT | O_TRUNC, 0666);

    for (unsigned i = 0; i + 1 < MOST_ARGUMENTS && scenario->arguments[i]; i++)
        arguments[i + 1] = scenario->arguments[i];
    if (scenario->program == VISIT)
        arguments[1] = programs[STUDIO];
    alarm(MOST_SECONDS);
    dup2(out, 1);
    dup2(messages, 2);
    if (kind) {
        setenv(scenario->program == VISIT ? "FAULT_LIBRARY" : "LD_PRELOAD", library, 1);
        setenv("FAULT_KIND", kind, 1);
        set_number("FAULT_AT", at);
        set_number("FAULT_ERROR", error);
        set_number("FAULT_EVER", ever);
        set_number("FAULT_FILE", counts);
        set_number("FAULT_LATE", scenario->program == FRAMES);
        set_number("FAULT_FILES", scenario->program >= FRAMES);
    }
    execv(arguments[0], (char **)arguments);
    _exit(99);
}

static Run run(const Scenario *scenario, const char *kind, int at, int error, bool ever)
{
    Run result = {.status = 0};
    pid_t child = fork();
    FILE *file;

    if (!child) {
        if (chdir("run"))
            _exit(99);
        become(scenario, kind, at, error, ever);
    }
    waitpid(child, &result.status, 0);
    file = fopen("counts", "rb");
    if (file && fread(&result.calls, sizeof result.calls, 1, file) != 1)
        result.calls = 0;
    if (file)
        fclose(file);
    file = fopen("messages", "rb");
    if (file)
        result.error[fread(result.error, 1, MOST_TEXT - 1, file)] = '\0';
    if (file)
        fclose(file);
    return result;
}

static void begin(const Scenario *scenario)
{
    shell("rm -rf run && cp -r %s%s run", scenario->before ? "good-" : "manifest",
          scenario->before ? scenario->before : "");
}

/* What an error calls complete is there. */
static bool says_true(const char *error)
{
    const char *end = strstr(error, ": is complete"), *begin = end;
    char path[400];

    while (begin && begin > error && begin[-1] != ' ')
        begin--;
    if (end)
        snprintf(path, sizeof path, "run/%.*s", (int)(end - begin), begin);
    return !end || access(path, F_OK) == 0;
}

/* ---- one fault ------------------------------------------------------------------------------- */

/* minizip 1.1 may end the program if memory runs out. The next run removes the unfinished part. */
static bool is_outside(const Scenario *scenario, size_t f, int status)
{
    return !strcmp(scenario->name, "pack") && !strcmp(faults[f].kind, "malloc") &&
           WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void try_fault(const Scenario *scenario, size_t f, unsigned at, bool ever)
{
    char label[100];
    unsigned before, all, now;
    Run result;

    snprintf(label, sizeof label, "%s: %s %u %s, %s", scenario->name, faults[f].kind, at,
             ever ? "and all after it" : "alone",
             faults[f].error ? strerror(faults[f].error) : "short");
    begin(scenario);
    before = files_in("run");
    result = run(scenario, faults[f].kind, (int)at, faults[f].error, ever);
    snprintf(look.good, sizeof look.good, "good-%s", scenario->name);
    all = files_in(look.good);
    now = files_in("run");
    runs++;
    if (is_outside(scenario, f, result.status)) {
        outside++;
        CHECK(now == before + 1, "%s: %u files of %u", label, now, before);
        return;
    }
    CHECK(WIFEXITED(result.status), "%s: ended by signal %d: %s", label, WTERMSIG(result.status),
          result.error);
    CHECK(!look.wrong, "%s: %s is left behind: %s", label, look.name, result.error);
    CHECK(now >= before, "%s: something finished is lost", label);
    if (!WEXITSTATUS(result.status)) {
        harmless++;
        CHECK(now == all, "%s: %u of %u files, and no error", label, now, all);
        CHECK(same_bytes("out", scenario->name), "%s: printed something else", label);
        return;
    }
    refused++;
    /* GStreamer does not say why it finds an element no more. */
    CHECK(result.error[0] && (scenario->program == VISIT || strstr(result.error, faults[f].text)),
          "%s: says '%s'", label, result.error);
    CHECK(says_true(result.error), "%s: says '%s'", label, result.error);
    CHECK(!scenario->whole || now == before || now == all, "%s: %u of %u files", label, now, all);
    if (most)
        return;
    result = run(scenario, NULL, 0, 0, false);
    CHECK(now == all || !result.status, "%s: not again: %s", label, result.error);
}

/* Calls 1, 2, 3 ... of a run without faults; at most so many, spread over all of them. */
static void sweep(const Scenario *scenario, size_t f)
{
    unsigned calls, step;
    Run clean;

    begin(scenario);
    clean = run(scenario, faults[f].kind, 0, 0, false);
    if (WIFEXITED(clean.status) && WEXITSTATUS(clean.status) == 77) {
        printf("skipped: this system does not let a program trap its own system calls\n");
        exit(77);
    }
    CHECK(!clean.status, "%s, %s counted: status %#x: %s", scenario->name, faults[f].kind,
          (unsigned)clean.status, clean.error);
    calls = clean.calls;
    CHECK(scenario->program >= FRAMES || strcmp(faults[f].kind, "sync") || calls == scenario->syncs,
          "%s waits %u times for the disk, expected %u", scenario->name, calls, scenario->syncs);
    step = most && calls > most ? (calls + most - 1) / most : 1;
    for (unsigned at = 1; at <= calls; at += step)
        for (int ever = 0; ever < (faults[f].error == EINTR || !faults[f].error ? 1 : 2); ever++)
            try_fault(scenario, f, at, ever);
}

static void prepare(const Scenario *scenario)
{
    Run result;

    begin(scenario);
    result = run(scenario, NULL, 0, 0, false);
    CHECK(!result.status, "%s: %s", scenario->name, result.error);
    shell("cp -r run good-%s && cp out %s", scenario->name, scenario->name);
}

static void all_scenarios(void)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        bool glib = scenarios[i].program >= FRAMES;
        unsigned first = runs;

        if (!programs[scenarios[i].program])
            continue;
        prepare(&scenarios[i]);
        for (size_t f = glib; f < sizeof faults / sizeof *faults; f++) /* no allocations of GLib */
            sweep(&scenarios[i], f);
        printf("%-10s %u faults\n", scenarios[i].name, runs - first);
    }
}

int main(int argc, char **argv)
{
    char folder[300];
    const char *place = getenv("TMPDIR");
    FILE *file;

    if (argc != 3 + FRAMES && argc != 3 + VISIT && argc != 3 + PROGRAMS) {
        fprintf(stderr,
                "usage: %s LIBRARY MOST CODE-IMAGE CODE-SAMPLE CODE-MODEL [FRAMES "
                "[VISIT CODE-STUDIO]]\n",
                argv[0]);
        return 2;
    }
    library = realpath(argv[1], NULL);
    most = (unsigned)atoi(argv[2]);
    for (int i = 0; i < argc - 3; i++)
        programs[i] = realpath(argv[3 + i], NULL);
    if (!library || !programs[0] || !programs[1] || !programs[2]) {
        fprintf(stderr, "%s: a file that is named is not there\n", argv[0]);
        return 2;
    }
    /* In memory, where nothing waits for a disk, if the system has such a folder. */
    snprintf(folder, sizeof folder, "%s/codesrc-faults-XXXXXX",
             place                      ? place
             : access("/dev/shm", W_OK) ? "/tmp"
                                        : "/dev/shm");
    if (!mkdtemp(folder) || chdir(folder) || mkdir("manifest", 0777)) {
        perror(folder);
        return 99;
    }
    file = fopen("manifest/tiny.yaml", "w");
    if (!file || fputs(manifest, file) < 0 || fclose(file))
        return 99;
    all_scenarios();
    CHECK(outside <= 4, "%u ends inside minizip, at most 4 are known", outside);
    printf(
        "%u faults: %u without effect on the result, %u reported as errors, %u ends in minizip\n",
        runs, harmless, refused, outside);
    shell("cd / && rm -rf %s%s", folder, "");
    return test_end();
}
