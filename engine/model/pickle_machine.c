/* pickle_machine.c - the pickle interpreter's memory: arena, stack, memo, and the bytes not yet
 * read. */
#include "model/pickle_machine.h"

#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_LIMIT ((size_t)16 << 20)
#define BLOCK_SIZE  ((size_t)64 << 10)
#define MAX_STACK   ((size_t)1 << 18)
#define MAX_MEMO    ((size_t)1 << 18)

const char *pickle_kind(Kind kind)
{
    static const char *const names[] = {
        [MARK] = "a mark",
        [INTEGER] = "an integer",
        [FALSE_VALUE] = "False",
        [STRING] = "a string",
        [TUPLE] = "a tuple",
        [DICT] = "a dictionary",
        [GLOBAL] = "a function",
        [STORAGE] = "a storage",
        [ORDERED_DICT] = "an OrderedDict",
        [TENSOR] = "a tensor",
        [TRUE_VALUE] = "True",
        [LIST_VALUE] = "a list",
        [SET_VALUE] = "a set",
        [OTHER_VALUE] = "another value",
    };

    return names[kind];
}

bool pickle_fail(Machine *machine, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return code_fail(machine->error, CODESRC_MALFORMED, "%s: pickle, byte %zu: %s", machine->file,
                     machine->opcode_at, text);
}

bool pickle_fail_kind(Machine *machine, const char *what, Kind found, const char *expected)
{
    return pickle_fail(machine, "%s: found %s, expected %s", what, pickle_kind(found), expected);
}

void *pickle_allocate(Machine *machine, size_t bytes)
{
    size_t unit = sizeof(max_align_t), size;
    Block *block;

    if (bytes > ARENA_LIMIT) {
        pickle_fail(machine, "found a value of %zu bytes, expected at most %zu", bytes,
                    ARENA_LIMIT);
        return NULL;
    }
    bytes = (bytes + unit - 1) / unit * unit;
    if (bytes > machine->block_left) {
        size = bytes > BLOCK_SIZE ? bytes : BLOCK_SIZE;
        if (size > ARENA_LIMIT - machine->arena_size) {
            pickle_fail(machine, "needs more than the %zu bytes of memory that a pickle may take",
                        ARENA_LIMIT);
            return NULL;
        }
        block = malloc(sizeof *block + size);
        if (!block) {
            code_fail(machine->error, CODESRC_NO_MEMORY, "%s: no memory for its pickle",
                      machine->file);
            return NULL;
        }
        block->next = machine->blocks;
        machine->blocks = block;
        machine->block_left = size;
        machine->arena_size += size;
    }
    machine->block_left -= bytes;
    return (char *)machine->blocks->bytes + machine->block_left;
}

/* Room for one more value in the stack or the memo. */
static bool reserve(Machine *machine, Value **values, size_t count, size_t *room, size_t limit,
                    const char *what)
{
    Value *more;
    size_t wanted;

    if (count < *room)
        return true;
    if (count == limit)
        return pickle_fail(machine, "found more than %zu %s, expected fewer", limit, what);
    wanted = *room ? 2 * *room : 256;
    more = realloc(*values, wanted * sizeof **values);
    if (!more)
        return code_fail(machine->error, CODESRC_NO_MEMORY, "%s: no memory for its pickle",
                         machine->file);
    *values = more;
    *room = wanted;
    return true;
}

/* ---- stack and bytes ------------------------------------------------------------------------- */

bool pickle_push(Machine *machine, Value value)
{
    if (!reserve(machine, &machine->stack, machine->stack_count, &machine->stack_room, MAX_STACK,
                 "values on the stack"))
        return false;
    machine->stack[machine->stack_count++] = value;
    return true;
}

Value *pickle_peek(Machine *machine, size_t depth)
{
    for (size_t i = 0; i <= depth; i++) {
        if (i >= machine->stack_count ||
            machine->stack[machine->stack_count - 1 - i].kind == MARK) {
            pickle_fail(machine, "found %zu values on the stack, expected %zu", i, depth + 1);
            return NULL;
        }
    }
    return &machine->stack[machine->stack_count - 1 - depth];
}

bool pickle_find_mark(Machine *machine, size_t *mark)
{
    for (size_t i = machine->stack_count; i-- > 0;) {
        if (machine->stack[i].kind == MARK) {
            *mark = i;
            return true;
        }
    }
    return pickle_fail(machine, "found no mark on the stack, expected one");
}

const uint8_t *pickle_take(Machine *machine, size_t count)
{
    const uint8_t *bytes = machine->code + machine->at;

    if (count > machine->length - machine->at) {
        pickle_fail(machine, "found %zu bytes until the end, expected %zu: cut short",
                    machine->length - machine->at, count);
        return NULL;
    }
    machine->at += count;
    return bytes;
}

bool pickle_take_number(Machine *machine, size_t count, uint64_t *number)
{
    const uint8_t *bytes = pickle_take(machine, count);

    if (!bytes)
        return false;
    *number = 0;
    for (size_t i = count; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return true;
}

bool pickle_remember(Machine *machine, Value value)
{
    if (!reserve(machine, &machine->memo, machine->memo_count, &machine->memo_room, MAX_MEMO,
                 "remembered values"))
        return false;
    machine->memo[machine->memo_count++] = value;
    return true;
}

void pickle_free(Machine *machine)
{
    while (machine->blocks) {
        Block *next = machine->blocks->next;

        free(machine->blocks);
        machine->blocks = next;
    }
    free(machine->stack);
    free(machine->memo);
}
