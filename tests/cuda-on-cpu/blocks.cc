/* blocks.cc - runs the threads of a block on the host. Each thread is a fiber that runs until it
 * ends or waits at a barrier; one that never waits costs two switches. */
#include "cuda_runtime.h"
#include "device.h"

#include <functional>
#include <memory>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <vector>

#if !defined __x86_64__ || defined CUDA_ON_CPU_UCONTEXT
#define WITH_UCONTEXT
#include <ucontext.h>
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_on_cpu
{
namespace
{

constexpr size_t stack_size = 64 << 10;
constexpr unsigned max_threads = 1024;

enum class State { ready, at_block, at_warp, ended };

/* A suspended context. */
struct Context {
#ifdef WITH_UCONTEXT
    ucontext_t context;
#else
    void *stack_pointer;
#endif
    void *fake_stack;   /* of the address sanitizer */
    const void *bottom; /* of its stack, as the sanitizer wants it */
    size_t size;
};

struct Thread {
    uint3 index;
    State state;
    unsigned generation; /* of the barrier that it waits at */
    int fiber;
};

struct Fiber {
    Context context;
    std::unique_ptr<char[]> stack;
};

struct Warp {
    unsigned generation, arrived;
    alignas(16) unsigned char given[2][warp_size][exchange_size];
};

std::mutex launching; /* guards everything below */
Context scheduler;
std::vector<Fiber> fibers;
std::vector<int> idle;
std::vector<Thread> threads;
std::vector<Warp> warps;
unsigned order, current, started, threads_left, block_generation, block_arrived;
const std::function<void()> *thread_body;
char *shared;

[[noreturn]] void give_up(const char *why)
{
    fprintf(stderr, "cuda-on-cpu: block (%u, %u, %u): %s\n", blockIdx.x, blockIdx.y, blockIdx.z,
            why);
    abort();
}

/* ---- switching stacks ------------------------------------------------------------------------ */

#ifndef WITH_UCONTEXT
extern "C" void cuda_on_cpu_switch(void **from, void *to);
asm(R"(
    .text
    .globl cuda_on_cpu_switch
    .hidden cuda_on_cpu_switch
    .type cuda_on_cpu_switch, @function
cuda_on_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_on_cpu_switch, . - cuda_on_cpu_switch
)");
#endif

void switch_to(Context &from, Context &to)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
#ifdef WITH_UCONTEXT
    swapcontext(&from.context, &to.context);
#else
    cuda_on_cpu_switch(&from.stack_pointer, to.stack_pointer);
#endif
#ifdef __SANITIZE_ADDRESS__
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(from.fake_stack, &bottom, &size);
    if (&from != &scheduler) {
        scheduler.bottom = bottom;
        scheduler.size = size;
    }
#endif
}

/* Thread number i of the block, in the order that was asked for. */
unsigned place(unsigned i)
{
    unsigned count = static_cast<unsigned>(threads.size()), odd = count / 2;

    return order == 0 ? i : order == 1 ? count - 1 - i : i < odd ? 2 * i + 1 : 2 * (i - odd);
}

/* The next thread becomes the current one, on a fiber. */
void begin_thread(int fiber)
{
    current = place(started++);
    threads[current].index = {current % blockDim.x, current / blockDim.x % blockDim.y,
                              current / blockDim.x / blockDim.y};
    threads[current].state = State::ready;
    threads[current].fiber = fiber;
    threadIdx = threads[current].index;
}

void run_threads()
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.bottom, &scheduler.size);
#endif
    for (;;) { /* a fiber serves one thread after another */
        int fiber = threads[current].fiber;

        (*thread_body)();
        threads[current].state = State::ended;
        threads_left--;
        if (started < threads.size())
            begin_thread(fiber);
        else
            switch_to(fibers[fiber].context, scheduler);
    }
}

void prepare(Fiber &fiber)
{
    fiber.stack.reset(new char[stack_size]);
    fiber.context = {};
    fiber.context.bottom = fiber.stack.get();
    fiber.context.size = stack_size;
#ifdef WITH_UCONTEXT
    getcontext(&fiber.context.context);
    fiber.context.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.context.uc_stack.ss_size = stack_size;
    makecontext(&fiber.context.context, run_threads, 0);
#else
    /* Six saved registers, and run_threads to return to, as if it had been called. */
    uintptr_t top = (reinterpret_cast<uintptr_t>(fiber.stack.get()) + stack_size) / 16 * 16 - 8;
    void **at = reinterpret_cast<void **>(top) - 7;

    memset(at, 0, 6 * sizeof *at);
    at[6] = reinterpret_cast<void *>(run_threads);
    fiber.context.stack_pointer = at;
#endif
}

/* ---- one block ------------------------------------------------------------------------------- */

/* Runs a fiber until a thread of it waits, or all of them ended. */
void resume(int fiber)
{
    switch_to(scheduler, fibers[fiber].context);
    if (threads[current].state == State::ended)
        idle.push_back(fiber);
}

/* Goes on with a thread that waited. */
void go_on(unsigned thread)
{
    current = thread;
    threadIdx = threads[thread].index;
    threads[thread].state = State::ready;
    resume(threads[thread].fiber);
}

bool may_go_on(const Thread &t, unsigned thread)
{
    return t.state == State::at_block
               ? t.generation != block_generation
               : t.state == State::at_warp && t.generation != warps[thread / warp_size].generation;
}

void wait(State state, unsigned generation)
{
    Thread &t = threads[current];

    t.state = state;
    t.generation = generation;
    switch_to(fibers[t.fiber].context, scheduler);
}

void run_block()
{
    unsigned count = static_cast<unsigned>(threads.size());

    threads_left = count;
    block_arrived = started = 0;
    for (Warp &warp : warps)
        warp.arrived = 0;
    while (started < count) {
        int fiber = idle.back();

        idle.pop_back();
        begin_thread(fiber);
        resume(fiber);
    }
    while (threads_left) {
        bool moved = false;

        for (unsigned i = 0; i < count; i++) {
            unsigned thread = place(i);

            if (may_go_on(threads[thread], thread)) {
                go_on(thread);
                moved = true;
            }
        }
        if (!moved)
            give_up("threads wait at a barrier that others never reach");
    }
}

bool fits(dim3 grid, dim3 block, size_t bytes)
{
    size_t count = static_cast<size_t>(block.x) * block.y * block.z;

    return count && count <= max_threads && block.z <= 64 && grid.x && grid.y && grid.z &&
           grid.x <= 0x7FFFFFFF && grid.y <= 65535 && grid.z <= 65535 && bytes <= 48 << 10;
}

} // namespace

static cudaError_t run_grid(dim3 grid, dim3 block, size_t bytes,
                            const std::function<void()> &thread)
{
    std::lock_guard<std::mutex> lock(launching);
    unsigned count = block.x * block.y * block.z;
    size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;

    if (cudaError_t error = device_launch(); error != cudaSuccess)
        return error;
    order = device_order();
    thread_body = &thread;
    gridDim = grid;
    blockDim = block;
    fibers.reserve(max_threads); /* keeps their addresses fixed */
    threads.resize(count);
    warps.resize((count + warp_size - 1) / warp_size);
    while (fibers.size() < count) {
        fibers.emplace_back();
        prepare(fibers.back());
        idle.push_back(static_cast<int>(fibers.size()) - 1);
    }
    for (size_t i = 0; i < blocks; i++) {
        size_t at = order == 1 ? blocks - 1 - i : i;

        blockIdx = {static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                    static_cast<unsigned>(at / grid.x / grid.y)};
        /* Its own allocation for each block, so that the sanitizer knows its ends. */
        shared = static_cast<char *>(aligned_alloc(16, (bytes + 15) / 16 * 16));
        if (bytes)
            memset(shared, 0xFF, bytes);
        run_block();
        free(shared);
    }
    return cudaSuccess;
}

cudaError_t run(dim3 grid, dim3 block, size_t bytes, cudaStream_t stream,
                std::function<void()> thread)
{
    if (!fits(grid, block, bytes))
        return device_fail(cudaErrorInvalidConfiguration);
    return submit(stream, [=] { return run_grid(grid, block, bytes, thread); });
}

void *shared_memory()
{
    return shared;
}

/* The sanitizers' own memcpy would take most of the time of a product on tensor cores. */
__attribute__((no_sanitize("address", "undefined"))) Exchanged exchange(const Given &mine)
{
    unsigned lane = current % warp_size;
    Warp &warp = warps[current / warp_size];
    unsigned generation = warp.generation;
    auto given = warp.given[generation % 2]; /* the next exchange has the other one */

    if (threads.size() % warp_size)
        give_up("a shuffle in a block that is no multiple of 32 threads");
    *reinterpret_cast<Given *>(given[lane]) = mine;
    if (++warp.arrived == warp_size) {
        warp.arrived = 0;
        warp.generation++;
    } else {
        wait(State::at_warp, generation);
    }
    return {given};
}

} // namespace cuda_on_cpu

void __syncthreads()
{
    using namespace cuda_on_cpu;
    unsigned generation = block_generation;

    if (++block_arrived == threads.size()) {
        block_arrived = 0;
        block_generation++;
    } else {
        wait(State::at_block, generation);
    }
}

void __syncwarp(unsigned)
{
    cuda_on_cpu::exchange(char());
}
