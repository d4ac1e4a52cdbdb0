/* pickle_machine.h - the pickle interpreter's state: values, a stack, a memo, and an arena that
 * holds them. All memory is bounded, whatever the pickle says. */
#ifndef CODE_MODEL_PICKLE_MACHINE_H
#define CODE_MODEL_PICKLE_MACHINE_H

#include "model/pickle.h"

typedef enum Kind {
    MARK,
    INTEGER,
    FALSE_VALUE,
    TRUE_VALUE,
    LIST_VALUE,
    SET_VALUE,
    OTHER_VALUE, /* None, a float, bytes, ...: nothing that leads to a tensor */
    STRING,
    TUPLE,
    DICT,
    ORDERED_DICT, /* of collections */
    GLOBAL,
    STORAGE,
    TENSOR,
} Kind;

typedef enum Meaning {
    MAKE_ORDERED_DICT,
    MAKE_TUPLE,
    MAKE_OTHER,
    REBUILD_TENSOR,
    REBUILD_TYPED_TENSOR, /* whose storage is of bytes */
    REBUILD_PARAMETER,
    STORAGE_TYPE,
    ELEMENT_TYPE,
} Meaning;

typedef struct Global {
    const char *name; /* as it stands in the pickle: module, newline, name */
    Meaning meaning;
    const char *type;
} Global;

typedef struct Value Value;
typedef struct Tuple Tuple;
typedef struct Dict Dict;

struct Value {
    Kind kind;
    uint32_t length; /* STRING */
    union {
        int64_t integer;
        const char *string;
        const Tuple *tuple;
        Dict *dict;
        const Global *global;
        const CodePickled *described; /* STORAGE, TENSOR */
    };
};

struct Tuple {
    size_t count;
    Value items[];
};

typedef struct Pair {
    Value key, value;
    struct Pair *next;
} Pair;

struct Dict {
    Pair *first, *last;
    size_t count;
    bool seen; /* by flatten() */
};

/* A piece of the arena. */
typedef struct Block {
    struct Block *next;
    max_align_t bytes[];
} Block;

typedef struct Machine {
    const char *file;
    CodesrcError *error;
    const uint8_t *code;
    size_t length, at;
    size_t opcode_at;
    Value *stack, *memo;
    size_t stack_count, stack_room, memo_count, memo_room;
    Block *blocks;
    size_t block_left, arena_size;
} Machine;

/* Fails with CODESRC_MALFORMED, naming the file and the byte of the opcode. */
bool pickle_fail(Machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool pickle_fail_kind(Machine *machine, const char *what, Kind found, const char *expected);
const char *pickle_kind(Kind kind); /* "a string", ... */

/* Allocates memory that lives as long as the machine. NULL, with the error filled in, on
 * failure. */
void *pickle_allocate(Machine *machine, size_t bytes);

bool pickle_push(Machine *machine, Value value);

/* The value `depth` below the top, or NULL if it is a mark or below one. */
Value *pickle_peek(Machine *machine, size_t depth);

/* Index of the topmost mark. */
bool pickle_find_mark(Machine *machine, size_t *mark);

bool pickle_remember(Machine *machine, Value value); /* as the next of the memo */

/* The next `count` bytes of the pickle, or NULL. */
const uint8_t *pickle_take(Machine *machine, size_t count);

/* A little-endian number of `count` <= 8 bytes, sign not extended. */
bool pickle_take_number(Machine *machine, size_t count, uint64_t *number);

static inline bool pickle_is_dict(const Value *value)
{
    return value->kind == DICT || value->kind == ORDERED_DICT;
}

/* pickle_list.c: calls `each` for the tensors of nested dictionaries. */
bool pickle_list(Machine *machine, Dict *dict, CodePickleEach each, void *user);

void pickle_free(Machine *machine);

#endif
