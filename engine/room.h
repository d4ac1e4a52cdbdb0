/* room.h - the capacity of a generator, and the arenas from which its stages take memory. The
 * same layout runs twice: first with both bases NULL, to measure, then to assign addresses. */
#ifndef CODE_ENGINE_ROOM_H
#define CODE_ENGINE_ROOM_H

#include "arena.h"
#include "model/model.h"

typedef struct CodeRoom {
    const CodesrcModel *model;
    unsigned batch; /* B: images of a run, at most */
    uint32_t steps; /* bit N: runs may have N drafting steps */
    CodeArena device, host;
} CodeRoom;

static inline size_t code_larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
