/* arena.h - many arrays in one allocation. The same layout function runs twice: with base NULL it
 * measures, with the allocated base it hands out addresses. */
#ifndef CODE_COMMON_ARENA_H
#define CODE_COMMON_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CodeArena {
    char *base;    /* NULL while measuring */
    size_t used;   /* bytes up to here are taken */
    size_t peak;   /* largest `used` there was */
    bool overflow; /* a size did not fit size_t; peak is then meaningless */
} CodeArena;

/* count * size bytes, aligned to 64; NULL while measuring. */
void *code_arena_take(CodeArena *arena, size_t count, size_t size);

/* Goes back to an earlier `used`: what is taken from there on shares bytes with what was. */
void code_arena_rewind(CodeArena *arena, size_t used);

#endif
