/* pickle.c - the pickle inside a .pth file.
 *
 * Accepts the 25 opcodes of protocol 2 that torch.save of a state dict comes to, and a dozen global
 * names, each of which stands for a fixed meaning. Values are of few kinds and live in an arena,
 * which is freed as a whole; memory is bounded whatever the pickle says. */
#include "model/pickle.h"

#include "error.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LIMIT ((size_t)24 << 20)
#define BLOCK_SIZE  ((size_t)64 << 10)
#define MAX_STACK   ((size_t)1 << 18)
#define MAX_MEMO    ((size_t)1 << 19)
#define MAX_DEPTH   8 /* of nested dictionaries */
#define MAX_GLOBAL  64

typedef enum Kind {
    MARK,
    INTEGER,
    FALSE_VALUE,
    STRING,
    TUPLE,
    DICT,
    ORDERED_DICT, /* of collections */
    GLOBAL,
    STORAGE,
    TENSOR,
} Kind;

typedef enum Meaning { MAKE_ORDERED_DICT, REBUILD_TENSOR, STORAGE_TYPE } Meaning;

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

typedef struct Block {
    struct Block *next;
    max_align_t bytes[];
} Block;

typedef struct Machine {
    const char *file;
    CodeError *error;
    const uint8_t *code;
    size_t length, at;
    size_t opcode_at;
    Value *stack, *memo;
    size_t stack_count, stack_room, memo_count, memo_room;
    Block *blocks;
    size_t block_left, arena_size;
} Machine;

static const Global globals[] = {
    {"collections\nOrderedDict", MAKE_ORDERED_DICT, NULL},
    {"torch._utils\n_rebuild_tensor_v2", REBUILD_TENSOR, NULL},
    {"torch\nFloatStorage", STORAGE_TYPE, "F32"},
    {"torch\nHalfStorage", STORAGE_TYPE, "F16"},
    {"torch\nBFloat16Storage", STORAGE_TYPE, "BF16"},
    {"torch\nDoubleStorage", STORAGE_TYPE, "F64"},
    {"torch\nLongStorage", STORAGE_TYPE, "I64"},
    {"torch\nIntStorage", STORAGE_TYPE, "I32"},
    {"torch\nShortStorage", STORAGE_TYPE, "I16"},
    {"torch\nCharStorage", STORAGE_TYPE, "I8"},
    {"torch\nByteStorage", STORAGE_TYPE, "U8"},
    {"torch\nBoolStorage", STORAGE_TYPE, "BOOL"},
};

static const char *const kind_names[] = {
    [MARK] = "a mark",       [INTEGER] = "an integer", [FALSE_VALUE] = "False",
    [STRING] = "a string",   [TUPLE] = "a tuple",      [DICT] = "a dictionary",
    [GLOBAL] = "a function", [STORAGE] = "a storage",  [ORDERED_DICT] = "an OrderedDict",
    [TENSOR] = "a tensor",
};

/* ---- errors and memory -------------------------------------------------------------------------
 */

__attribute__((format(printf, 2, 3))) static bool fail(Machine *machine, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return code_fail(machine->error, CODE_MALFORMED, "%s: pickle, byte %zu: %s", machine->file,
                     machine->opcode_at, text);
}

static bool fail_kind(Machine *machine, const char *what, Kind found, const char *expected)
{
    return fail(machine, "%s: found %s, expected %s", what, kind_names[found], expected);
}

static void *allocate(Machine *machine, size_t bytes)
{
    size_t unit = sizeof(max_align_t), size;
    Block *block;

    if (bytes > ARENA_LIMIT) {
        fail(machine, "found a value of %zu bytes, expected at most %zu", bytes, ARENA_LIMIT);
        return NULL;
    }
    bytes = (bytes + unit - 1) / unit * unit;
    if (bytes > machine->block_left) {
        size = bytes > BLOCK_SIZE ? bytes : BLOCK_SIZE;
        if (size > ARENA_LIMIT - machine->arena_size) {
            fail(machine, "needs more than the %zu bytes of memory that a pickle may take",
                 ARENA_LIMIT);
            return NULL;
        }
        block = malloc(sizeof *block + size);
        if (!block) {
            code_fail(machine->error, CODE_NO_MEMORY, "%s: no memory for its pickle",
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
        return fail(machine, "found more than %zu %s, expected fewer", limit, what);
    wanted = *room ? 2 * *room : 256;
    more = realloc(*values, wanted * sizeof **values);
    if (!more)
        return code_fail(machine->error, CODE_NO_MEMORY, "%s: no memory for its pickle",
                         machine->file);
    *values = more;
    *room = wanted;
    return true;
}

/* ---- stack and bytes ---------------------------------------------------------------------------
 */

static bool push(Machine *machine, Value value)
{
    if (!reserve(machine, &machine->stack, machine->stack_count, &machine->stack_room, MAX_STACK,
                 "values on the stack"))
        return false;
    machine->stack[machine->stack_count++] = value;
    return true;
}

static bool push_integer(Machine *machine, int64_t integer)
{
    return push(machine, (Value){.kind = INTEGER, .integer = integer});
}

/* The value `depth` below the top, which must not be a mark nor lie below one. */
static Value *peek(Machine *machine, size_t depth)
{
    for (size_t i = 0; i <= depth; i++) {
        if (i >= machine->stack_count ||
            machine->stack[machine->stack_count - 1 - i].kind == MARK) {
            fail(machine, "found %zu values on the stack, expected %zu", i, depth + 1);
            return NULL;
        }
    }
    return &machine->stack[machine->stack_count - 1 - depth];
}

/* Index of the topmost mark. */
static bool find_mark(Machine *machine, size_t *mark)
{
    for (size_t i = machine->stack_count; i-- > 0;) {
        if (machine->stack[i].kind == MARK) {
            *mark = i;
            return true;
        }
    }
    return fail(machine, "found no mark on the stack, expected one");
}

/* The next `count` bytes of the pickle. */
static const uint8_t *take(Machine *machine, size_t count)
{
    const uint8_t *bytes = machine->code + machine->at;

    if (count > machine->length - machine->at) {
        fail(machine, "found %zu bytes until the end, expected %zu: cut short",
             machine->length - machine->at, count);
        return NULL;
    }
    machine->at += count;
    return bytes;
}

/* A little-endian number of `count` <= 8 bytes, sign not extended. */
static bool take_number(Machine *machine, size_t count, uint64_t *number)
{
    const uint8_t *bytes = take(machine, count);

    if (!bytes)
        return false;
    *number = 0;
    for (size_t i = count; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return true;
}

/* ---- opcodes -----------------------------------------------------------------------------------
 */

static bool push_bytes(Machine *machine, size_t count)
{
    uint64_t number;

    return take_number(machine, count, &number) && push_integer(machine, (int64_t)number);
}

static bool do_binint(Machine *machine)
{
    uint64_t number;

    if (!take_number(machine, 4, &number))
        return false;
    return push_integer(machine, (int64_t)number - (number >> 31 ? (int64_t)1 << 32 : 0));
}

static bool do_long1(Machine *machine)
{
    uint64_t count, number;

    if (!take_number(machine, 1, &count))
        return false;
    if (count > 8)
        return fail(machine, "found an integer of %u bytes, expected at most 8", (unsigned)count);
    if (!take_number(machine, (size_t)count, &number))
        return false;
    if (count && count < 8 && number >> (8 * count - 1))
        number |= UINT64_MAX << (8 * count);
    return push_integer(machine, number >> 63 ? -(int64_t)~number - 1 : (int64_t)number);
}

static bool do_unicode(Machine *machine)
{
    uint64_t length;
    const uint8_t *bytes;

    if (!take_number(machine, 4, &length))
        return false;
    bytes = take(machine, (size_t)length);
    if (!bytes)
        return false;
    if (!code_utf8_valid((const char *)bytes, (size_t)length))
        return fail(machine, "found a string that is not UTF-8");
    return push(machine,
                (Value){.kind = STRING, .length = (uint32_t)length, .string = (const char *)bytes});
}

static bool do_global(Machine *machine)
{
    const char *name = (const char *)machine->code + machine->at;
    size_t left = machine->length - machine->at, length = 0;
    unsigned lines = 0;
    CodeQuoted quoted;

    while (length < left && length < MAX_GLOBAL && lines < 2)
        lines += name[length++] == '\n';
    for (size_t i = 0; lines == 2 && i < sizeof globals / sizeof *globals; i++) {
        if (strlen(globals[i].name) == length - 1 && !memcmp(globals[i].name, name, length - 1)) {
            machine->at += length;
            return push(machine, (Value){.kind = GLOBAL, .global = &globals[i]});
        }
    }
    return fail(machine,
                "found the name '%s', expected one that a state dict needs (OrderedDict, "
                "_rebuild_tensor_v2, a storage): it is not run",
                code_quote(&quoted, name, lines == 2 ? length - 1 : length));
}

static bool do_put(Machine *machine, size_t bytes)
{
    uint64_t index;
    Value *top;

    if (!take_number(machine, bytes, &index) || !(top = peek(machine, 0)))
        return false;
    if (index != machine->memo_count)
        return fail(machine, "found memo %llu, expected the next, %zu", (unsigned long long)index,
                    machine->memo_count);
    if (!reserve(machine, &machine->memo, machine->memo_count, &machine->memo_room, MAX_MEMO,
                 "remembered values"))
        return false;
    machine->memo[machine->memo_count++] = *top;
    return true;
}

static bool do_get(Machine *machine, size_t bytes)
{
    uint64_t index;

    if (!take_number(machine, bytes, &index))
        return false;
    if (index >= machine->memo_count)
        return fail(machine, "found memo %llu, expected one of the %zu so far",
                    (unsigned long long)index, machine->memo_count);
    return push(machine, machine->memo[index]);
}

/* Makes a tuple of the topmost `count` values; `marks` is 1 if there is a mark below them. */
static bool make_tuple(Machine *machine, size_t count, size_t marks)
{
    Tuple *tuple = allocate(machine, sizeof *tuple + count * sizeof(Value));

    if (!tuple)
        return false;
    tuple->count = count;
    machine->stack_count -= count;
    memcpy(tuple->items, machine->stack + machine->stack_count, count * sizeof(Value));
    machine->stack_count -= marks;
    return push(machine, (Value){.kind = TUPLE, .tuple = tuple});
}

static bool do_tuple(Machine *machine)
{
    size_t mark = 0;

    return find_mark(machine, &mark) && make_tuple(machine, machine->stack_count - mark - 1, 1);
}

static bool do_short_tuple(Machine *machine, size_t count)
{
    return (!count || peek(machine, count - 1)) && make_tuple(machine, count, 0);
}

static bool push_dict(Machine *machine, Kind kind)
{
    Dict *dict = allocate(machine, sizeof *dict);

    if (!dict)
        return false;
    *dict = (Dict){0};
    return push(machine, (Value){.kind = kind, .dict = dict});
}

static bool is_dict(const Value *value)
{
    return value->kind == DICT || value->kind == ORDERED_DICT;
}

static bool add_pair(Machine *machine, const Value *target, const Value *key, const Value *value)
{
    Pair *pair;

    if (!is_dict(target))
        return fail_kind(machine, "adding an item", target->kind, "a dictionary");
    if (key->kind != STRING)
        return fail_kind(machine, "key of a dictionary", key->kind, "a string");
    pair = allocate(machine, sizeof *pair);
    if (!pair)
        return false;
    *pair = (Pair){*key, *value, NULL};
    if (target->dict->last)
        target->dict->last->next = pair;
    else
        target->dict->first = pair;
    target->dict->last = pair;
    target->dict->count++;
    return true;
}

static bool do_setitem(Machine *machine)
{
    Value *top = peek(machine, 2);

    if (!top || !add_pair(machine, top, top + 1, top + 2))
        return false;
    machine->stack_count -= 2;
    return true;
}

static bool do_setitems(Machine *machine)
{
    size_t mark = 0, count;
    const Value *items;

    if (!find_mark(machine, &mark))
        return false;
    count = machine->stack_count - mark - 1;
    items = machine->stack + mark + 1;
    if (!mark || machine->stack[mark - 1].kind == MARK)
        return fail(machine, "found no dictionary below the mark");
    if (count % 2)
        return fail(machine, "found %zu keys and values, expected pairs", count);
    if (!is_dict(&machine->stack[mark - 1]))
        return fail_kind(machine, "adding items", machine->stack[mark - 1].kind, "a dictionary");
    for (size_t i = 0; i < count; i += 2) {
        if (!add_pair(machine, &machine->stack[mark - 1], &items[i], &items[i + 1]))
            return false;
    }
    machine->stack_count = mark;
    return true;
}

/* The state of an OrderedDict, {'_metadata': versions of modules}, tells nothing that is needed. */
static bool do_build(Machine *machine)
{
    Value *top = peek(machine, 1);

    if (!top)
        return false;
    if (top[0].kind != ORDERED_DICT)
        return fail_kind(machine, "setting a state", top[0].kind, "an OrderedDict");
    if (!is_dict(&top[1]))
        return fail_kind(machine, "state of an OrderedDict", top[1].kind, "a dictionary");
    machine->stack_count--;
    return true;
}

/* ---- storages and tensors ----------------------------------------------------------------------
 */

static bool is_string(const Value *value, const char *text)
{
    return value->kind == STRING && value->length == strlen(text) &&
           !memcmp(value->string, text, value->length);
}

/* Digits as Python writes a number: a key that names a record and nothing else. */
static bool is_storage_key(const Value *value)
{
    if (value->kind != STRING || !value->length || value->length > 9)
        return false;
    if (value->string[0] == '0' && value->length > 1)
        return false;
    for (uint32_t i = 0; i < value->length; i++) {
        if (value->string[i] < '0' || value->string[i] > '9')
            return false;
    }
    return true;
}

/* ('storage', its type, key, where it was, elements) */
static bool do_persid(Machine *machine)
{
    Value *top = peek(machine, 0);
    const Value *items;
    CodePickled *storage;
    CodeQuoted quoted;

    if (!top)
        return false;
    if (top->kind != TUPLE || top->tuple->count != 5)
        return fail(machine, "found %s, expected the five values of a storage",
                    kind_names[top->kind]);
    items = top->tuple->items;
    if (!is_string(&items[0], "storage") || items[1].kind != GLOBAL ||
        items[1].global->meaning != STORAGE_TYPE || items[3].kind != STRING)
        return fail(machine, "found five values that do not describe a storage");
    if (!is_storage_key(&items[2]))
        return fail(machine, "found the storage key '%s', expected a number",
                    items[2].kind == STRING ? code_quote(&quoted, items[2].string, items[2].length)
                                            : kind_names[items[2].kind]);
    if (items[4].kind != INTEGER || items[4].integer < 0)
        return fail(machine, "found a storage without a number of elements");
    storage = allocate(machine, sizeof *storage);
    if (!storage)
        return false;
    *storage =
        (CodePickled){.key = items[2].string,
                      .key_length = items[2].length,
                      .type = code_type_find(items[1].global->type, strlen(items[1].global->type)),
                      .numel = (uint64_t)items[4].integer};
    *top = (Value){.kind = STORAGE, .described = storage};
    return true;
}

/* A tuple of up to CODE_MAX_RANK numbers. */
static bool read_numbers(Machine *machine, const Value *value, const char *what, unsigned *count,
                         uint64_t *numbers)
{
    if (value->kind != TUPLE)
        return fail_kind(machine, what, value->kind, "a tuple");
    if (value->tuple->count > CODE_MAX_RANK)
        return fail(machine, "%s: found %zu numbers, expected at most %d", what,
                    value->tuple->count, CODE_MAX_RANK);
    *count = (unsigned)value->tuple->count;
    for (unsigned i = 0; i < *count; i++) {
        const Value *item = &value->tuple->items[i];

        if (item->kind != INTEGER)
            return fail_kind(machine, what, item->kind, "integers");
        if (item->integer < 0)
            return fail(machine, "%s: found %lld, expected no negative number", what,
                        (long long)item->integer);
        numbers[i] = (uint64_t)item->integer;
    }
    return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static bool rebuild_tensor(Machine *machine, const Tuple *arguments, Value *result)
{
    const Value *items = arguments->items;
    CodePickled *tensor;
    unsigned strides;

    if (arguments->count != 6 && arguments->count != 7)
        return fail(machine, "found a tensor of %zu arguments, expected 6 or 7", arguments->count);
    if (items[0].kind != STORAGE)
        return fail_kind(machine, "storage of a tensor", items[0].kind, "a storage");
    if (items[1].kind != INTEGER || items[1].integer < 0)
        return fail(machine, "found a tensor whose offset is no number from 0 on");
    if (items[4].kind != FALSE_VALUE)
        return fail_kind(machine, "requires_grad of a tensor", items[4].kind, "False");
    if (items[5].kind != ORDERED_DICT || items[5].dict->count)
        return fail_kind(machine, "hooks of a tensor", items[5].kind, "an empty OrderedDict");
    if (arguments->count == 7 && !is_dict(&items[6]))
        return fail_kind(machine, "metadata of a tensor", items[6].kind, "a dictionary");
    tensor = allocate(machine, sizeof *tensor);
    if (!tensor)
        return false;
    *tensor = *items[0].described;
    tensor->offset = (uint64_t)items[1].integer;
    if (!read_numbers(machine, &items[2], "size of a tensor", &tensor->rank, tensor->dims) ||
        !read_numbers(machine, &items[3], "stride of a tensor", &strides, tensor->strides))
        return false;
    if (strides != tensor->rank)
        return fail(machine, "found a tensor of %u sizes and %u strides, expected as many",
                    tensor->rank, strides);
    *result = (Value){.kind = TENSOR, .described = tensor};
    return true;
}

static bool do_reduce(Machine *machine)
{
    Value *top = peek(machine, 1), made;

    if (!top)
        return false;
    if (top[0].kind != GLOBAL)
        return fail_kind(machine, "calling", top[0].kind, "a known function");
    if (top[1].kind != TUPLE)
        return fail_kind(machine, "arguments", top[1].kind, "a tuple");
    switch (top[0].global->meaning) {
    case REBUILD_TENSOR:
        if (!rebuild_tensor(machine, top[1].tuple, &made))
            return false;
        machine->stack_count -= 2;
        return push(machine, made);
    case MAKE_ORDERED_DICT:
        if (top[1].tuple->count)
            return fail(machine, "found an OrderedDict of %zu arguments, expected none",
                        top[1].tuple->count);
        machine->stack_count -= 2;
        return push_dict(machine, ORDERED_DICT);
    default:
        return fail(machine, "calling: found a storage type, expected a known function");
    }
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

/* Name of an opcode of protocols 0 to 5 that no state dict needs. */
static const char *refused_opcode(uint8_t opcode)
{
    static const struct {
        uint8_t opcode;
        const char *name;
    } names[] = {
        {'0', "POP"},
        {'1', "POP_MARK"},
        {'2', "DUP"},
        {'F', "FLOAT"},
        {'G', "BINFLOAT"},
        {'I', "INT"},
        {'L', "LONG"},
        {'N', "NONE"},
        {'P', "PERSID"},
        {'S', "STRING"},
        {'T', "BINSTRING"},
        {'U', "SHORT_BINSTRING"},
        {'V', "UNICODE"},
        {'B', "BINBYTES"},
        {'C', "SHORT_BINBYTES"},
        {'a', "APPEND"},
        {'d', "DICT"},
        {'e', "APPENDS"},
        {'g', "GET"},
        {'i', "INST"},
        {'l', "LIST"},
        {'o', "OBJ"},
        {'p', "PUT"},
        {']', "EMPTY_LIST"},
        {0x81, "NEWOBJ"},
        {0x82, "EXT1"},
        {0x83, "EXT2"},
        {0x84, "EXT4"},
        {0x88, "NEWTRUE"},
        {0x8b, "LONG4"},
        {0x8c, "SHORT_BINUNICODE"},
        {0x8d, "BINUNICODE8"},
        {0x8e, "BINBYTES8"},
        {0x8f, "EMPTY_SET"},
        {0x90, "ADDITEMS"},
        {0x91, "FROZENSET"},
        {0x92, "NEWOBJ_EX"},
        {0x93, "STACK_GLOBAL"},
        {0x94, "MEMOIZE"},
        {0x95, "FRAME"},
        {0x96, "BYTEARRAY8"},
        {0x97, "NEXT_BUFFER"},
        {0x98, "READONLY_BUFFER"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].opcode == opcode)
            return names[i].name;
    }
    return opcode == 0x80 ? "PROTO, again" : "no opcode";
}

static bool step(Machine *machine, uint8_t opcode)
{
    switch (opcode) {
    case '(':
        return push(machine, (Value){.kind = MARK});
    case ')':
        return do_short_tuple(machine, 0);
    case 0x85:
        return do_short_tuple(machine, 1);
    case 0x86:
        return do_short_tuple(machine, 2);
    case 0x87:
        return do_short_tuple(machine, 3);
    case 't':
        return do_tuple(machine);
    case '}':
        return push_dict(machine, DICT);
    case 's':
        return do_setitem(machine);
    case 'u':
        return do_setitems(machine);
    case 'K':
        return push_bytes(machine, 1);
    case 'M':
        return push_bytes(machine, 2);
    case 'J':
        return do_binint(machine);
    case 0x8a:
        return do_long1(machine);
    case 0x89:
        return push(machine, (Value){.kind = FALSE_VALUE});
    case 'X':
        return do_unicode(machine);
    case 'c':
        return do_global(machine);
    case 'q':
        return do_put(machine, 1);
    case 'r':
        return do_put(machine, 4);
    case 'h':
        return do_get(machine, 1);
    case 'j':
        return do_get(machine, 4);
    case 'Q':
        return do_persid(machine);
    case 'R':
        return do_reduce(machine);
    case 'b':
        return do_build(machine);
    default:
        return fail(machine, "found opcode 0x%02x (%s), expected one that a state dict needs",
                    opcode, refused_opcode(opcode));
    }
}

static bool run(Machine *machine, Value *result)
{
    const uint8_t *opcode = take(machine, 2);

    if (!opcode)
        return false;
    if (opcode[0] != 0x80 || opcode[1] != 2)
        return fail(machine, "found 0x%02x 0x%02x, expected 0x80 0x02: protocol 2", opcode[0],
                    opcode[1]);
    for (;;) {
        machine->opcode_at = machine->at;
        opcode = take(machine, 1);
        if (!opcode)
            return false;
        if (*opcode == '.')
            break;
        if (!step(machine, *opcode))
            return false;
    }
    if (machine->at != machine->length)
        return fail(machine, "found %zu bytes after the end, expected none",
                    machine->length - machine->at);
    if (machine->stack_count != 1)
        return fail(machine, "found %zu values at the end, expected one", machine->stack_count);
    *result = machine->stack[0];
    if (!is_dict(result))
        return fail_kind(machine, "the whole", result->kind, "a dictionary of tensors");
    return true;
}

/* ---- from dictionaries to a list ---------------------------------------------------------------
 */

/* Name so far of a nested dictionary's tensors. */
typedef struct Prefix {
    char text[CODE_MAX_TENSOR_NAME + 1];
    size_t length;
} Prefix;

static int compare_keys(const void *a, const void *b)
{
    const Value *x = &(*(const Pair *const *)a)->key, *y = &(*(const Pair *const *)b)->key;
    int order = memcmp(x->string, y->string, x->length < y->length ? x->length : y->length);

    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static bool check_keys(Machine *machine, const Dict *dict)
{
    const Pair **pairs, *pair = dict->first;
    bool ok = true;
    CodeQuoted quoted;

    if (dict->count < 2)
        return true;
    pairs = malloc(dict->count * sizeof *pairs);
    if (!pairs)
        return code_fail(machine->error, CODE_NO_MEMORY, "%s: no memory for %zu names",
                         machine->file, dict->count);
    for (size_t i = 0; pair; pair = pair->next)
        pairs[i++] = pair;
    qsort(pairs, dict->count, sizeof *pairs, compare_keys);
    for (size_t i = 1; ok && i < dict->count; i++) {
        if (!compare_keys(&pairs[i - 1], &pairs[i]))
            ok = fail(machine, "found '%s' twice in a dictionary, expected each key once",
                      code_quote(&quoted, pairs[i]->key.string, pairs[i]->key.length));
    }
    free(pairs);
    return ok;
}

/* A tensor's name may be too long for the prefix; what is too long is too long for a name anyway.
 */
static bool append(Machine *machine, Prefix *prefix, const char *text, size_t length)
{
    CodeQuoted quoted;

    if (length > CODE_MAX_TENSOR_NAME - prefix->length)
        return fail(machine, "found a tensor named '%s%s', expected at most %d bytes",
                    prefix->length ? "..." : "", code_quote(&quoted, text, length),
                    CODE_MAX_TENSOR_NAME);
    memcpy(prefix->text + prefix->length, text, length);
    prefix->length += length;
    return true;
}

static bool flatten(Machine *machine, Dict *dict, Prefix *prefix, unsigned depth,
                    CodePickleEach each, void *user)
{
    size_t length = prefix->length;

    if (depth > MAX_DEPTH)
        return fail(machine, "found dictionaries nested more than %d deep", MAX_DEPTH);
    if (dict->seen)
        return fail(machine, "found a dictionary in two places, expected one");
    dict->seen = true;
    if (!check_keys(machine, dict))
        return false;
    for (const Pair *pair = dict->first; pair; pair = pair->next) {
        CodePickled tensor;

        if (!is_dict(&pair->value) && pair->value.kind != TENSOR)
            continue;
        if (!append(machine, prefix, pair->key.string, pair->key.length))
            return false;
        if (is_dict(&pair->value)) {
            if (!append(machine, prefix, ".", 1) ||
                !flatten(machine, pair->value.dict, prefix, depth + 1, each, user))
                return false;
        } else {
            tensor = *pair->value.described;
            tensor.name = prefix->text;
            tensor.name_length = prefix->length;
            if (!each(user, &tensor, machine->error))
                return false;
        }
        prefix->length = length;
    }
    return true;
}

bool code_pickle_read(const uint8_t *bytes, size_t length, const char *file, CodePickleEach each,
                      void *user, CodeError *error)
{
    Machine machine = {.file = file, .error = error, .code = bytes, .length = length};
    Prefix prefix = {.length = 0};
    Value result = {.kind = MARK};
    bool ok;

    ok = run(&machine, &result) && flatten(&machine, result.dict, &prefix, 1, each, user);
    while (machine.blocks) {
        Block *next = machine.blocks->next;

        free(machine.blocks);
        machine.blocks = next;
    }
    free(machine.stack);
    free(machine.memo);
    return ok;
}
