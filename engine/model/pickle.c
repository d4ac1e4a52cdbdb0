/* pickle.c - the pickle inside a .pth file.
 *
 * Accepts the 25 opcodes of protocol 2 that torch.save uses for a state dict, and a dozen global
 * names, each with a fixed meaning. Values are of few kinds and live in an arena, which is freed
 * as a whole; memory is bounded, whatever the pickle says. */
#include "model/pickle_machine.h"

#include "model/text.h"

#include <string.h>

#define MAX_GLOBAL 64 /* bytes of a name with its module */

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

static bool push_integer(Machine *machine, int64_t integer)
{
    return pickle_push(machine, (Value){.kind = INTEGER, .integer = integer});
}

/* ---- opcodes --------------------------------------------------------------------------------- */

static bool push_bytes(Machine *machine, size_t count)
{
    uint64_t number;

    return pickle_take_number(machine, count, &number) && push_integer(machine, (int64_t)number);
}

static bool do_binint(Machine *machine)
{
    uint64_t number;

    if (!pickle_take_number(machine, 4, &number))
        return false;
    return push_integer(machine, (int64_t)number - (number >> 31 ? (int64_t)1 << 32 : 0));
}

static bool do_long1(Machine *machine)
{
    uint64_t count, number;

    if (!pickle_take_number(machine, 1, &count))
        return false;
    if (count > 8)
        return pickle_fail(machine, "found an integer of %u bytes, expected at most 8",
                           (unsigned)count);
    if (!pickle_take_number(machine, (size_t)count, &number))
        return false;
    if (count && count < 8 && number >> (8 * count - 1))
        number |= UINT64_MAX << (8 * count);
    return push_integer(machine, number >> 63 ? -(int64_t)~number - 1 : (int64_t)number);
}

static bool do_unicode(Machine *machine)
{
    uint64_t length;
    const uint8_t *bytes;

    if (!pickle_take_number(machine, 4, &length))
        return false;
    bytes = pickle_take(machine, (size_t)length);
    if (!bytes)
        return false;
    if (!code_utf8_valid((const char *)bytes, (size_t)length))
        return pickle_fail(machine, "found a string that is not UTF-8");
    return pickle_push(
        machine,
        (Value){.kind = STRING, .length = (uint32_t)length, .string = (const char *)bytes});
}

static bool do_global(Machine *machine)
{
    const char *name = (const char *)machine->code + machine->at;
    char shown[MAX_GLOBAL];
    size_t left = machine->length - machine->at, length = 0;
    unsigned lines = 0;
    CodeQuoted quoted;

    while (length < left && length < MAX_GLOBAL && lines < 2)
        lines += name[length++] == '\n';
    for (size_t i = 0; lines == 2 && i < sizeof globals / sizeof *globals; i++) {
        if (strlen(globals[i].name) == length - 1 && !memcmp(globals[i].name, name, length - 1)) {
            machine->at += length;
            return pickle_push(machine, (Value){.kind = GLOBAL, .global = &globals[i]});
        }
    }
    for (size_t i = 0; i < length; i++)
        shown[i] = name[i] == '\n' ? ' ' : name[i];
    return pickle_fail(machine,
                       "found the name '%s', expected one that a state dict needs (OrderedDict, "
                       "_rebuild_tensor_v2, a storage): it is not run",
                       code_quote(&quoted, shown, lines == 2 ? length - 1 : length));
}

static bool do_put(Machine *machine, size_t bytes)
{
    uint64_t index;
    Value *top;

    if (!pickle_take_number(machine, bytes, &index) || !(top = pickle_peek(machine, 0)))
        return false;
    if (index != machine->memo_count)
        return pickle_fail(machine, "found memo %llu, expected the next, %zu",
                           (unsigned long long)index, machine->memo_count);
    return pickle_remember(machine, *top);
}

static bool do_get(Machine *machine, size_t bytes)
{
    uint64_t index;

    if (!pickle_take_number(machine, bytes, &index))
        return false;
    if (index >= machine->memo_count)
        return pickle_fail(machine, "found memo %llu, expected one of the %zu so far",
                           (unsigned long long)index, machine->memo_count);
    return pickle_push(machine, machine->memo[index]);
}

/* Makes a tuple of the topmost `count` values; `marks` is 1 if there is a mark below them. */
static bool make_tuple(Machine *machine, size_t count, size_t marks)
{
    Tuple *tuple = pickle_allocate(machine, sizeof *tuple + count * sizeof(Value));

    if (!tuple)
        return false;
    tuple->count = count;
    machine->stack_count -= count;
    for (size_t i = 0; i < count; i++)
        tuple->items[i] = machine->stack[machine->stack_count + i];
    machine->stack_count -= marks;
    return pickle_push(machine, (Value){.kind = TUPLE, .tuple = tuple});
}

static bool do_tuple(Machine *machine)
{
    size_t mark = 0;

    return pickle_find_mark(machine, &mark) &&
           make_tuple(machine, machine->stack_count - mark - 1, 1);
}

static bool do_short_tuple(Machine *machine, size_t count)
{
    return (!count || pickle_peek(machine, count - 1)) && make_tuple(machine, count, 0);
}

static bool push_dict(Machine *machine, Kind kind)
{
    Dict *dict = pickle_allocate(machine, sizeof *dict);

    if (!dict)
        return false;
    *dict = (Dict){0};
    return pickle_push(machine, (Value){.kind = kind, .dict = dict});
}

static bool add_pair(Machine *machine, const Value *target, const Value *key, const Value *value)
{
    Pair *pair;

    if (!pickle_is_dict(target))
        return pickle_fail_kind(machine, "adding an item", target->kind, "a dictionary");
    if (key->kind != STRING)
        return pickle_fail_kind(machine, "key of a dictionary", key->kind, "a string");
    pair = pickle_allocate(machine, sizeof *pair);
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
    Value *top = pickle_peek(machine, 2);

    if (!top || !add_pair(machine, top, top + 1, top + 2))
        return false;
    machine->stack_count -= 2;
    return true;
}

static bool do_setitems(Machine *machine)
{
    size_t mark = 0, count;
    const Value *items;

    if (!pickle_find_mark(machine, &mark))
        return false;
    count = machine->stack_count - mark - 1;
    items = machine->stack + mark + 1;
    if (!mark || machine->stack[mark - 1].kind == MARK)
        return pickle_fail(machine, "found no dictionary below the mark");
    if (count % 2)
        return pickle_fail(machine, "found %zu keys and values, expected pairs", count);
    if (!pickle_is_dict(&machine->stack[mark - 1]))
        return pickle_fail_kind(machine, "adding items", machine->stack[mark - 1].kind,
                                "a dictionary");
    for (size_t i = 0; i < count; i += 2) {
        if (!add_pair(machine, &machine->stack[mark - 1], &items[i], &items[i + 1]))
            return false;
    }
    machine->stack_count = mark;
    return true;
}

/* The state of an OrderedDict, {'_metadata': versions of modules}, is not needed. */
static bool do_build(Machine *machine)
{
    Value *top = pickle_peek(machine, 1);

    if (!top)
        return false;
    if (top[0].kind != ORDERED_DICT)
        return pickle_fail_kind(machine, "setting a state", top[0].kind, "an OrderedDict");
    if (!pickle_is_dict(&top[1]))
        return pickle_fail_kind(machine, "state of an OrderedDict", top[1].kind, "a dictionary");
    machine->stack_count--;
    return true;
}

/* ---- storages and tensors -------------------------------------------------------------------- */

static bool is_string(const Value *value, const char *text)
{
    return value->kind == STRING && value->length == strlen(text) &&
           !memcmp(value->string, text, value->length);
}

/* Whether a key consists of digits as Python writes a number, which can only name a record. */
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

/* ('storage', type, key, device, elements) */
static bool do_persid(Machine *machine)
{
    Value *top = pickle_peek(machine, 0);
    const Value *items;
    CodePickled *storage;
    CodeQuoted quoted;

    if (!top)
        return false;
    if (top->kind != TUPLE || top->tuple->count != 5)
        return pickle_fail(machine, "found %s, expected the five values of a storage",
                           pickle_kind(top->kind));
    items = top->tuple->items;
    if (!is_string(&items[0], "storage") || items[1].kind != GLOBAL ||
        items[1].global->meaning != STORAGE_TYPE || items[3].kind != STRING)
        return pickle_fail(machine, "found five values that do not describe a storage");
    if (!is_storage_key(&items[2]))
        return pickle_fail(machine, "found the storage key '%s', expected a number",
                           items[2].kind == STRING
                               ? code_quote(&quoted, items[2].string, items[2].length)
                               : pickle_kind(items[2].kind));
    if (items[4].kind != INTEGER || items[4].integer < 0)
        return pickle_fail(machine, "found a storage without a number of elements");
    storage = pickle_allocate(machine, sizeof *storage);
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
        return pickle_fail_kind(machine, what, value->kind, "a tuple");
    if (value->tuple->count > CODE_MAX_RANK)
        return pickle_fail(machine, "%s: found %zu numbers, expected at most %d", what,
                           value->tuple->count, CODE_MAX_RANK);
    *count = (unsigned)value->tuple->count;
    for (unsigned i = 0; i < *count; i++) {
        const Value *item = &value->tuple->items[i];

        if (item->kind != INTEGER)
            return pickle_fail_kind(machine, what, item->kind, "integers");
        if (item->integer < 0)
            return pickle_fail(machine, "%s: found %lld, expected no negative number", what,
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
        return pickle_fail(machine, "found a tensor of %zu arguments, expected 6 or 7",
                           arguments->count);
    if (items[0].kind != STORAGE)
        return pickle_fail_kind(machine, "storage of a tensor", items[0].kind, "a storage");
    if (items[1].kind != INTEGER || items[1].integer < 0)
        return pickle_fail(machine, "found a tensor whose offset is no number from 0 on");
    if (items[4].kind != FALSE_VALUE)
        return pickle_fail_kind(machine, "requires_grad of a tensor", items[4].kind, "False");
    if (items[5].kind != ORDERED_DICT || items[5].dict->count)
        return pickle_fail_kind(machine, "hooks of a tensor", items[5].kind,
                                "an empty OrderedDict");
    if (arguments->count == 7 && !pickle_is_dict(&items[6]))
        return pickle_fail_kind(machine, "metadata of a tensor", items[6].kind, "a dictionary");
    tensor = pickle_allocate(machine, sizeof *tensor);
    if (!tensor)
        return false;
    *tensor = *items[0].described;
    tensor->offset = (uint64_t)items[1].integer;
    if (!read_numbers(machine, &items[2], "size of a tensor", &tensor->rank, tensor->dims) ||
        !read_numbers(machine, &items[3], "stride of a tensor", &strides, tensor->strides))
        return false;
    if (strides != tensor->rank)
        return pickle_fail(machine, "found a tensor of %u sizes and %u strides, expected as many",
                           tensor->rank, strides);
    *result = (Value){.kind = TENSOR, .described = tensor};
    return true;
}

static bool do_reduce(Machine *machine)
{
    Value *top = pickle_peek(machine, 1), made;

    if (!top)
        return false;
    if (top[0].kind != GLOBAL)
        return pickle_fail_kind(machine, "calling", top[0].kind, "a known function");
    if (top[1].kind != TUPLE)
        return pickle_fail_kind(machine, "arguments", top[1].kind, "a tuple");
    switch (top[0].global->meaning) {
    case REBUILD_TENSOR:
        if (!rebuild_tensor(machine, top[1].tuple, &made))
            return false;
        machine->stack_count -= 2;
        return pickle_push(machine, made);
    case MAKE_ORDERED_DICT:
        if (top[1].tuple->count)
            return pickle_fail(machine, "found an OrderedDict of %zu arguments, expected none",
                               top[1].tuple->count);
        machine->stack_count -= 2;
        return push_dict(machine, ORDERED_DICT);
    default:
        return pickle_fail(machine, "calling: found a storage type, expected a known function");
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

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
        return pickle_push(machine, (Value){.kind = MARK});
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
        return pickle_push(machine, (Value){.kind = FALSE_VALUE});
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
        return pickle_fail(machine,
                           "found opcode 0x%02x (%s), expected one that a state dict needs", opcode,
                           refused_opcode(opcode));
    }
}

static bool run(Machine *machine, Value *result)
{
    const uint8_t *opcode = pickle_take(machine, 2);

    if (!opcode)
        return false;
    if (opcode[0] != 0x80 || opcode[1] != 2)
        return pickle_fail(machine, "found 0x%02x 0x%02x, expected 0x80 0x02: protocol 2",
                           opcode[0], opcode[1]);
    for (;;) {
        machine->opcode_at = machine->at;
        opcode = pickle_take(machine, 1);
        if (!opcode)
            return false;
        if (*opcode == '.')
            break;
        if (!step(machine, *opcode))
            return false;
    }
    if (machine->at != machine->length)
        return pickle_fail(machine, "found %zu bytes after the end, expected none",
                           machine->length - machine->at);
    if (machine->stack_count != 1)
        return pickle_fail(machine, "found %zu values at the end, expected one",
                           machine->stack_count);
    *result = machine->stack[0];
    if (!pickle_is_dict(result))
        return pickle_fail_kind(machine, "the whole", result->kind, "a dictionary of tensors");
    return true;
}

bool code_pickle_read(const uint8_t *bytes, size_t length, const char *file, CodePickleEach each,
                      void *user, CodesrcError *error)
{
    Machine machine = {.file = file, .error = error, .code = bytes, .length = length};
    Value result = {.kind = MARK};
    bool ok;

    ok = run(&machine, &result) && pickle_list(&machine, result.dict, each, user);
    pickle_free(&machine);
    return ok;
}
