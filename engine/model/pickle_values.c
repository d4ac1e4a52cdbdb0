/* pickle_values.c - opcodes of a pickle that make plain values: numbers, strings, tuples, lists,
 * sets, dictionaries, and what the memo remembers. Values that are no tensor and lead to none are
 * checked and then forgotten: of a list only its kind is kept. */
#include "model/pickle_parts.h"

#include "model/text.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers and strings --------------------------------------------------------------------- */

static bool push_integer(Machine *machine, int64_t integer)
{
    return pickle_push(machine, (Value){.kind = INTEGER, .integer = integer});
}

bool pickle_do_unsigned(Machine *machine, size_t count)
{
    uint64_t number;

    return pickle_take_number(machine, count, &number) && push_integer(machine, (int64_t)number);
}

bool pickle_do_binint(Machine *machine)
{
    uint64_t number;

    if (!pickle_take_number(machine, 4, &number))
        return false;
    return push_integer(machine, (int64_t)number - (number >> 31 ? (int64_t)1 << 32 : 0));
}

/* An integer of more than 8 bytes is no size and no index: it is read over. */
bool pickle_do_long(Machine *machine, size_t count_bytes)
{
    uint64_t count, number;

    if (!pickle_take_number(machine, count_bytes, &count))
        return false;
    if (count > 8)
        return pickle_take(machine, (size_t)count) &&
               pickle_push(machine, (Value){.kind = OTHER_VALUE});
    if (!pickle_take_number(machine, (size_t)count, &number))
        return false;
    if (count && count < 8 && number >> (8 * count - 1))
        number |= UINT64_MAX << (8 * count);
    return push_integer(machine, number >> 63 ? -(int64_t)~number - 1 : (int64_t)number);
}

bool pickle_do_float(Machine *machine)
{
    return pickle_take(machine, 8) && pickle_push(machine, (Value){.kind = OTHER_VALUE});
}

bool pickle_do_bytes(Machine *machine, size_t length_bytes)
{
    uint64_t length;

    return pickle_take_number(machine, length_bytes, &length) &&
           pickle_take(machine, (size_t)length) &&
           pickle_push(machine, (Value){.kind = OTHER_VALUE});
}

bool pickle_do_unicode(Machine *machine, size_t length_bytes)
{
    uint64_t length;
    const uint8_t *bytes;

    if (!pickle_take_number(machine, length_bytes, &length))
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

/* A frame says how many bytes belong together, which matters to a reader of a stream only. */
bool pickle_do_frame(Machine *machine)
{
    uint64_t length;

    if (!pickle_take_number(machine, 8, &length))
        return false;
    return length <= machine->length - machine->at ||
           pickle_fail(machine, "found a frame of %llu bytes, expected at most the %zu to the end",
                       (unsigned long long)length, machine->length - machine->at);
}

/* ---- the memo -------------------------------------------------------------------------------- */

bool pickle_do_put(Machine *machine, size_t bytes)
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

bool pickle_do_memoize(Machine *machine)
{
    Value *top = pickle_peek(machine, 0);

    return top && pickle_remember(machine, *top);
}

bool pickle_do_get(Machine *machine, size_t bytes)
{
    uint64_t index;

    if (!pickle_take_number(machine, bytes, &index))
        return false;
    if (index >= machine->memo_count)
        return pickle_fail(machine, "found memo %llu, expected one of the %zu so far",
                           (unsigned long long)index, machine->memo_count);
    return pickle_push(machine, machine->memo[index]);
}

/* ---- tuples, lists, sets --------------------------------------------------------------------- */

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

bool pickle_do_tuple(Machine *machine)
{
    size_t mark = 0;

    return pickle_find_mark(machine, &mark) &&
           make_tuple(machine, machine->stack_count - mark - 1, 1);
}

bool pickle_do_short_tuple(Machine *machine, size_t count)
{
    return (!count || pickle_peek(machine, count - 1)) && make_tuple(machine, count, 0);
}

bool pickle_do_append(Machine *machine)
{
    Value *top = pickle_peek(machine, 1);

    if (!top)
        return false;
    if (top->kind != LIST_VALUE)
        return pickle_fail_kind(machine, "adding an item", top->kind, "a list");
    machine->stack_count--;
    return true;
}

/* The value below the topmost mark, which must be of that kind; the mark goes, and all above it. */
bool pickle_do_extend(Machine *machine, Kind kind)
{
    size_t mark = 0;

    if (!pickle_find_mark(machine, &mark))
        return false;
    if (!mark || machine->stack[mark - 1].kind != kind)
        return pickle_fail_kind(machine, "adding items",
                                mark ? machine->stack[mark - 1].kind : MARK, pickle_kind(kind));
    machine->stack_count = mark;
    return true;
}

bool pickle_do_frozenset(Machine *machine)
{
    size_t mark = 0;

    if (!pickle_find_mark(machine, &mark))
        return false;
    machine->stack_count = mark;
    return pickle_push(machine, (Value){.kind = OTHER_VALUE});
}

/* ---- dictionaries ---------------------------------------------------------------------------- */

bool pickle_make_dict(Machine *machine, Kind kind, Value *made)
{
    Dict *dict = pickle_allocate(machine, sizeof *dict);

    if (!dict)
        return false;
    *dict = (Dict){0};
    *made = (Value){.kind = kind, .dict = dict};
    return true;
}

bool pickle_do_dict(Machine *machine)
{
    Value made;

    return pickle_make_dict(machine, DICT, &made) && pickle_push(machine, made);
}

/* Optimizers count their tensors: a key that is a number becomes the text of it. */
static bool name_key(Machine *machine, Value *key)
{
    char *text;

    if (key->kind == STRING)
        return true;
    if (key->kind != INTEGER)
        return pickle_fail_kind(machine, "key of a dictionary", key->kind, "a string");
    text = pickle_allocate(machine, 24);
    if (!text)
        return false;
    snprintf(text, 24, "%lld", (long long)key->integer);
    *key = (Value){.kind = STRING, .length = (uint32_t)strlen(text), .string = text};
    return true;
}

static bool add_pair(Machine *machine, const Value *target, const Value *key, const Value *value)
{
    Pair *pair;

    if (!pickle_is_dict(target))
        return pickle_fail_kind(machine, "adding an item", target->kind, "a dictionary");
    pair = pickle_allocate(machine, sizeof *pair);
    if (!pair)
        return false;
    *pair = (Pair){*key, *value, NULL};
    if (!name_key(machine, &pair->key))
        return false;
    if (target->dict->last)
        target->dict->last->next = pair;
    else
        target->dict->first = pair;
    target->dict->last = pair;
    target->dict->count++;
    return true;
}

bool pickle_do_setitem(Machine *machine)
{
    Value *top = pickle_peek(machine, 2);

    if (!top || !add_pair(machine, top, top + 1, top + 2))
        return false;
    machine->stack_count -= 2;
    return true;
}

bool pickle_do_setitems(Machine *machine)
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
