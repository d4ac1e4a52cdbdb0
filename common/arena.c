/* arena.c - many arrays in one allocation. */
#include "arena.h"

enum { ALIGNMENT = 64 };

void *code_arena_take(CodeArena *arena, size_t count, size_t size)
{
    void *memory = arena->base ? arena->base + arena->used : NULL;
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)(ALIGNMENT - 1), &bytes) ||
        __builtin_add_overflow(arena->used, bytes / ALIGNMENT * ALIGNMENT, &arena->used))
        arena->overflow = true;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    return memory;
}

void code_arena_rewind(CodeArena *arena, size_t used)
{
    arena->used = used;
}
