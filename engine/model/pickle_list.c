/* pickle_list.c - from the nested dictionaries of a checkpoint to a list of tensors with dotted
 * names. */
#include "model/pickle_machine.h"

#include "error.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 8 /* of dictionaries in dictionaries */

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
        return code_fail(machine->error, CODESRC_NO_MEMORY, "%s: no memory for %zu names",
                         machine->file, dict->count);
    for (size_t i = 0; pair; pair = pair->next)
        pairs[i++] = pair;
    qsort(pairs, dict->count, sizeof *pairs, compare_keys);
    for (size_t i = 1; ok && i < dict->count; i++) {
        if (!compare_keys(&pairs[i - 1], &pairs[i]))
            ok = pickle_fail(machine, "found '%s' twice in a dictionary, expected each key once",
                             code_quote(&quoted, pairs[i]->key.string, pairs[i]->key.length));
    }
    free(pairs);
    return ok;
}

/* Fails if the name is too long for the prefix, which is then too long for a tensor anyway. */
static bool append(Machine *machine, Prefix *prefix, const char *text, size_t length)
{
    CodeQuoted quoted;

    if (length > CODE_MAX_TENSOR_NAME - prefix->length)
        return pickle_fail(machine, "found a tensor named '%s%s', expected at most %d bytes",
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
        return pickle_fail(machine, "found dictionaries nested more than %d deep", MAX_DEPTH);
    if (dict->seen)
        return pickle_fail(machine, "found a dictionary in two places, expected one");
    dict->seen = true;
    if (!check_keys(machine, dict))
        return false;
    for (const Pair *pair = dict->first; pair; pair = pair->next) {
        CodePickled tensor;

        if (!pickle_is_dict(&pair->value) && pair->value.kind != TENSOR)
            continue;
        if (!append(machine, prefix, pair->key.string, pair->key.length))
            return false;
        if (pickle_is_dict(&pair->value)) {
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

bool pickle_list(Machine *machine, Dict *dict, CodePickleEach each, void *user)
{
    Prefix prefix = {.length = 0};

    return flatten(machine, dict, &prefix, 1, each, user);
}
