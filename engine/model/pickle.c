/* pickle.c - the pickle inside a .pth file.
 *
 * Accepts the opcodes of protocols 2 to 5 that tensors and plain data need (numbers, strings,
 * tuples, lists, sets, dictionaries), and some thirty global names, each of which stands for a
 * fixed meaning. Values are of few kinds and live in an arena, which is freed as a whole; memory is
 * bounded whatever the pickle says. */
#include "model/pickle_parts.h"

#include <string.h>

/* Name of an opcode of protocols 0 to 5 that plain data and tensors do not need. */
static const char *refused_opcode(uint8_t opcode)
{
    static const struct {
        uint8_t opcode;
        const char *name;
    } names[] = {
        {'0', "POP"},          {'1', "POP_MARK"},
        {'2', "DUP"},          {'F', "FLOAT"},
        {'I', "INT"},          {'L', "LONG"},
        {'P', "PERSID"},       {'S', "STRING"},
        {'T', "BINSTRING"},    {'U', "SHORT_BINSTRING"},
        {'V', "UNICODE"},      {'d', "DICT"},
        {'g', "GET"},          {'i', "INST"},
        {'l', "LIST"},         {'o', "OBJ"},
        {'p', "PUT"},          {0x81, "NEWOBJ"},
        {0x82, "EXT1"},        {0x83, "EXT2"},
        {0x84, "EXT4"},        {0x92, "NEWOBJ_EX"},
        {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].opcode == opcode)
            return names[i].name;
    }
    return opcode == 0x80 ? "PROTO, again" : "no opcode";
}

/* Opcodes of lists, dictionaries, tensors and the memo. */
static bool step_value(Machine *machine, uint8_t opcode)
{
    switch (opcode) {
    case ')':
        return pickle_do_short_tuple(machine, 0);
    case 0x85:
        return pickle_do_short_tuple(machine, 1);
    case 0x86:
        return pickle_do_short_tuple(machine, 2);
    case 0x87:
        return pickle_do_short_tuple(machine, 3);
    case 't':
        return pickle_do_tuple(machine);
    case 'a':
        return pickle_do_append(machine);
    case 'e':
        return pickle_do_extend(machine, LIST_VALUE);
    case 0x90:
        return pickle_do_extend(machine, SET_VALUE);
    case 0x91:
        return pickle_do_frozenset(machine);
    case '}':
        return pickle_do_dict(machine);
    case 's':
        return pickle_do_setitem(machine);
    case 'u':
        return pickle_do_setitems(machine);
    case 'c':
        return pickle_do_global(machine);
    case 0x93:
        return pickle_do_stack_global(machine);
    case 'q':
        return pickle_do_put(machine, 1);
    case 'r':
        return pickle_do_put(machine, 4);
    case 0x94:
        return pickle_do_memoize(machine);
    case 'h':
        return pickle_do_get(machine, 1);
    case 'j':
        return pickle_do_get(machine, 4);
    case 'Q':
        return pickle_do_persid(machine);
    case 'R':
        return pickle_do_reduce(machine);
    case 'b':
        return pickle_do_build(machine);
    default:
        return pickle_fail(machine,
                           "found opcode 0x%02x (%s), expected one of tensors and plain data",
                           opcode, refused_opcode(opcode));
    }
}

/* What each opcode that stands for a value by itself pushes. */
static const Kind constants[256] = {
    ['('] = MARK,         ['N'] = OTHER_VALUE, [0x88] = TRUE_VALUE,
    [0x89] = FALSE_VALUE, [']'] = LIST_VALUE,  [0x8f] = SET_VALUE,
};

static bool step(Machine *machine, uint8_t opcode)
{
    if (constants[opcode] || opcode == '(')
        return pickle_push(machine, (Value){.kind = constants[opcode]});
    switch (opcode) {
    case 'K':
        return pickle_do_unsigned(machine, 1);
    case 'M':
        return pickle_do_unsigned(machine, 2);
    case 'J':
        return pickle_do_binint(machine);
    case 0x8a:
        return pickle_do_long(machine, 1);
    case 0x8b:
        return pickle_do_long(machine, 4);
    case 'G':
        return pickle_do_float(machine);
    case 'C':
        return pickle_do_bytes(machine, 1);
    case 'B':
        return pickle_do_bytes(machine, 4);
    case 0x8e:
    case 0x96:
        return pickle_do_bytes(machine, 8);
    case 0x8c:
        return pickle_do_unicode(machine, 1);
    case 'X':
        return pickle_do_unicode(machine, 4);
    case 0x8d:
        return pickle_do_unicode(machine, 8);
    case 0x95:
        return pickle_do_frame(machine);
    default:
        return step_value(machine, opcode);
    }
}

static bool run(Machine *machine, Value *result)
{
    const uint8_t *opcode = pickle_take(machine, 2);

    if (!opcode)
        return false;
    if (opcode[0] != 0x80 || opcode[1] < 2 || opcode[1] > 5)
        return pickle_fail(machine, "found 0x%02x 0x%02x, expected 0x80 and a protocol from 2 to 5",
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
