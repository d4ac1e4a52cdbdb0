/* faults.c - preloaded into a program, fails one of its calls: an allocation, or a system call of
 * one kind, whichever library makes it. System calls are trapped by seccomp, so those inside the C
 * library count, too. Environment:
 *
 *     FAULT_KIND   malloc, open, read, write, sync, rename or stat
 *     FAULT_AT     number of the call that fails, from 1; 0: none, calls are only counted
 *     FAULT_ERROR  its errno; 0: only half of the bytes are read or written
 *     FAULT_EVER   if set, all calls from that one on
 *     FAULT_FILE   descriptor to which the number of calls goes when the program ends
 *     FAULT_LATE   if set, calls count from faults_begin on, which the program calls
 *     FAULT_FILES  if set, calls that read or write count for regular files only
 *
 * Writes to standard error are left alone. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define VISIBLE __attribute__((visibility("default")))

enum { MOST_CALLS = 8, MOST_STEPS = 32 };

static const struct {
    const char *name;
    int calls[MOST_CALLS]; /* ends with -1 */
} kinds[] = {
    {"malloc", {-1}},
    {"open", {SYS_openat, SYS_open, -1}},
    {"read", {SYS_read, SYS_pread64, SYS_readv, -1}},
    {"write", {SYS_write, SYS_pwrite64, SYS_writev, -1}},
    {"sync", {SYS_fsync, SYS_fdatasync, SYS_syncfs, -1}},
    {"rename", {SYS_rename, SYS_renameat, SYS_renameat2, SYS_link, SYS_linkat, -1}},
    {"stat", {SYS_newfstatat, SYS_fstat, SYS_stat, SYS_lstat, SYS_statx, SYS_access, -1}},
};

static struct {
    bool on, ever, files;
    unsigned at;
    int error, file;
    bool allocations;
    const int *traps;
    atomic_uint calls;
} plan;

/* Whether this call fails. */
static bool strikes(void)
{
    unsigned number = atomic_fetch_add(&plan.calls, 1) + 1;

    return plan.at && (plan.ever ? number >= plan.at : number == plan.at);
}

/* ---- system calls ---------------------------------------------------------------------------- */

/* Makes a system call that the filter lets pass, because of the place that it returns to. */
long fault_call(long number, long a, long b, long c, long d, long e, long f);
extern const char fault_called[];

__asm__(".text\n"
        ".hidden fault_call\n"
        ".globl fault_call\n"
        "fault_call:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        ".hidden fault_called\n"
        ".globl fault_called\n"
        "fault_called:\n"
        "    ret\n");

/* GLib wakes its threads by bytes that it writes to descriptors which never fail. */
static bool is_file(long descriptor)
{
    struct stat status;

    return fault_call(SYS_fstat, descriptor, (long)&status, 0, 0, 0, 0) == 0 &&
           S_ISREG(status.st_mode);
}

static bool is_counted(const greg_t *r, int number)
{
    bool writes = number == SYS_write || number == SYS_pwrite64 || number == SYS_writev;
    bool reads = number == SYS_read || number == SYS_pread64 || number == SYS_readv;

    if (writes && r[REG_RDI] == 2)
        return false;
    return !plan.files || !(reads || writes) || is_file(r[REG_RDI]);
}

static void trap(int signal_number, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    int number = info->si_syscall;
    long size = r[REG_RDX];

    (void)signal_number;
    if (is_counted(r, number) && strikes()) {
        if (plan.error) {
            r[REG_RAX] = -plan.error;
            return;
        }
        size = size > 1 ? size / 2 : size;
    }
    r[REG_RAX] = fault_call(number, r[REG_RDI], r[REG_RSI], size, r[REG_R10], r[REG_R8], r[REG_R9]);
}

static void install(const int *calls)
{
    struct sock_filter steps[MOST_STEPS];
    struct sock_fprog program = {.filter = steps};
    uint64_t place = (uint64_t)(uintptr_t)fault_called;
    struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO | SA_RESTART};
    unsigned n = 0;

    /* The handler of a signal that came while the trap runs would have the trap blocked: its own
     * calls, such as GLib's write on SIGINT, would end the program. */
    sigfillset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                              offsetof(struct seccomp_data, instruction_pointer));
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)place, 0, 3);
    steps[n++] = (struct sock_filter)BPF_STMT(
        BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    steps[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, place >> 32, 0, 1);
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    steps[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; calls[i] >= 0; i++) {
        steps[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
        steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    }
    steps[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = (unsigned short)n;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _Exit(77);
}

/* A thread that blocks the trap would be killed by it. */
VISIBLE int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t without;
    long result;

    if (set) {
        without = *set;
        if (how != SIG_UNBLOCK)
            sigdelset(&without, SIGSYS);
        set = &without;
    }
    result = fault_call(SYS_rt_sigprocmask, how, (long)set, (long)old, 8, 0, 0);
    return (int)-result;
}

/* ---- allocations ----------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool no_memory(void)
{
    if (!plan.allocations || !strikes())
        return false;
    errno = ENOMEM;
    return true;
}

VISIBLE void *malloc(size_t size)
{
    return no_memory() ? NULL : __libc_malloc(size);
}

VISIBLE void *calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(count, size);
}

VISIBLE void *realloc(void *memory, size_t size)
{
    return no_memory() ? NULL : __libc_realloc(memory, size);
}

VISIBLE void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

VISIBLE int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = no_memory() ? NULL : __libc_memalign(alignment, size);

    if (made)
        *memory = made;
    return made ? 0 : ENOMEM;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static int number_of(const char *name)
{
    const char *text = getenv(name);

    return text ? atoi(text) : 0;
}

VISIBLE void faults_begin(void);

VISIBLE void faults_begin(void)
{
    if (plan.on && plan.traps[0] >= 0)
        install(plan.traps);
    else if (plan.on)
        plan.allocations = true;
}

__attribute__((constructor)) static void begin(void)
{
    const char *kind = getenv("FAULT_KIND");

    for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, kind))
            continue;
        plan.at = (unsigned)number_of("FAULT_AT");
        plan.error = number_of("FAULT_ERROR");
        plan.file = number_of("FAULT_FILE");
        plan.ever = number_of("FAULT_EVER");
        plan.on = true;
        plan.files = number_of("FAULT_FILES");
        plan.traps = kinds[i].calls;
        if (!number_of("FAULT_LATE"))
            faults_begin();
    }
}

__attribute__((destructor)) static void end(void)
{
    unsigned calls = atomic_load(&plan.calls);

    plan.allocations = false;
    if (plan.on && plan.file)
        fault_call(SYS_write, plan.file, (long)&calls, sizeof calls, 0, 0, 0);
}
