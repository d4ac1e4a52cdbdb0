/* arena.h - many arrays in one allocation. The same layout function runs twice: with base NULL it
 * measures, with the allocated base it hands out addresses. */
#ifndef CODE_COMMON_ARENA_H
#define CODE_COMMON_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CodeArena {
    char *base;    /* NULL while measuring */
    size_t used;   /* bytes in use */
    size_t peak;   /* largest `used` so far */
    bool overflow; /* a size did not fit size_t; peak is then meaningless */
} CodeArena;

/* Takes count * size bytes, aligned to 64. Returns NULL while measuring. */
void *code_arena_take(CodeArena *arena, size_t count, size_t size);

/* Returns to an earlier `used`: arrays taken from now on share bytes with those taken since. */
void code_arena_rewind(CodeArena *arena, size_t used);

#endif
