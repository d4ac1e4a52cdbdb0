/* pickle_tensors.c - opcodes of a pickle that refer to names of Python: storages and tensors. Each
 * name that is known has a fixed meaning; nothing is looked up, imported or called. */
#include "model/pickle_parts.h"

#include "model/text.h"

#include <string.h>

#define MAX_GLOBAL 80 /* bytes of a name with its module */

static const Global globals[] = {
    {"collections\nOrderedDict", MAKE_ORDERED_DICT, NULL},
    {"torch._utils\n_rebuild_tensor_v2", REBUILD_TENSOR, NULL},
    {"torch._utils\n_rebuild_tensor_v3", REBUILD_TYPED_TENSOR, NULL},
    {"torch._utils\n_rebuild_parameter", REBUILD_PARAMETER, NULL},
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
    {"torch.storage\nUntypedStorage", STORAGE_TYPE, "U8"},
    {"torch\nfloat8_e4m3fn", ELEMENT_TYPE, "F8_E4M3"},
    {"torch\nfloat8_e5m2", ELEMENT_TYPE, "F8_E5M2"},
    {"torch\nfloat8_e8m0fnu", ELEMENT_TYPE, "F8_E8M0"},
    {"torch\nuint16", ELEMENT_TYPE, "U16"},
    {"torch\nuint32", ELEMENT_TYPE, "U32"},
    {"torch\nuint64", ELEMENT_TYPE, "U64"},
    {"torch\nfloat32", ELEMENT_TYPE, "F32"},
    {"torch\nfloat16", ELEMENT_TYPE, "F16"},
    {"torch\nbfloat16", ELEMENT_TYPE, "BF16"},
    {"torch\nfloat64", ELEMENT_TYPE, "F64"},
    {"torch\nSize", MAKE_TUPLE, NULL},
    {"torch\ndevice", MAKE_OTHER, NULL},
    {"_codecs\nencode", MAKE_OTHER, NULL},  /* bytes, in protocol 2 */
    {"__builtin__\nset", MAKE_OTHER, NULL}, /* and sets */
    {"builtins\nset", MAKE_OTHER, NULL},
};

/* What to do with a file that names a thing which is no plain data. A tensor of a class of its own
 * names the class later on. */
static const char *advice(const Machine *machine, const char *name)
{
    static const char distributed[] = "torch.distributed";
    bool of_class = strstr(name, "_rebuild_from_type") || strstr(name, "_rebuild_wrapper_subclass");

    if (strstr(name, distributed) ||
        (of_class && memmem(machine->code, machine->length, distributed, sizeof distributed - 1)))
        return "a distributed tensor (DTensor) is in several files: gather it with "
               "get_model_state_dict and full_state_dict=True, and save that with torch.save";
    return "it is not run: save the weights alone with torch.save(model.state_dict(), FILE)";
}

static bool refuse_global(Machine *machine, const char *name, size_t length)
{
    char shown[MAX_GLOBAL + 1];
    CodeQuoted quoted;

    length = length < MAX_GLOBAL ? length : MAX_GLOBAL;
    for (size_t i = 0; i < length; i++)
        shown[i] = name[i] == '\n' ? ' ' : name[i];
    shown[length] = '\0';
    return pickle_fail(machine, "found the name '%s', expected tensors and plain data: %s",
                       code_quote(&quoted, shown, length), advice(machine, shown));
}

/* Module, line feed and name. */
static bool push_global(Machine *machine, const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (strlen(globals[i].name) == length && !memcmp(globals[i].name, name, length))
            return pickle_push(machine, (Value){.kind = GLOBAL, .global = &globals[i]});
    return refuse_global(machine, name, length);
}

/* Module and name, each to the end of its line. */
bool pickle_do_global(Machine *machine)
{
    const char *name = (const char *)machine->code + machine->at;
    size_t left = machine->length - machine->at, length = 0;
    unsigned lines = 0;

    while (length < left && length < MAX_GLOBAL && lines < 2)
        lines += name[length++] == '\n';
    if (lines < 2)
        return refuse_global(machine, name, length);
    machine->at += length;
    return push_global(machine, name, length - 1);
}

/* The same of two strings on the stack. */
bool pickle_do_stack_global(Machine *machine)
{
    Value *top = pickle_peek(machine, 1);
    char name[MAX_GLOBAL];
    size_t length;

    if (!top)
        return false;
    if (top[0].kind != STRING || top[1].kind != STRING)
        return pickle_fail_kind(machine, "a name",
                                top[0].kind != STRING ? top[0].kind : top[1].kind, "a string");
    length = (size_t)top[0].length + top[1].length + 1;
    if (length > sizeof name || memchr(top[0].string, '\n', top[0].length))
        return refuse_global(machine, top[0].string, top[0].length);
    memcpy(name, top[0].string, top[0].length);
    name[top[0].length] = '\n';
    memcpy(name + top[0].length + 1, top[1].string, top[1].length);
    machine->stack_count -= 2;
    return push_global(machine, name, length);
}

/* ---- storages and tensors -------------------------------------------------------------------- */

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
bool pickle_do_persid(Machine *machine)
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

/* The elements of an untyped storage are bytes: it gets the type of the tensor. */
static bool set_type(Machine *machine, const Value *type, CodePickled *tensor)
{
    if (type->kind != GLOBAL || type->global->meaning != ELEMENT_TYPE)
        return pickle_fail_kind(machine, "type of a tensor", type->kind, "a type of torch");
    if (tensor->type->bytes != 1)
        return pickle_fail(machine, "found a tensor of %s in a storage of %s, expected bytes",
                           type->global->type, tensor->type->name);
    tensor->type = code_type_find(type->global->type, strlen(type->global->type));
    if (tensor->numel % tensor->type->bytes)
        return pickle_fail(machine, "found a storage of %llu bytes, expected whole elements of %s",
                           (unsigned long long)tensor->numel, tensor->type->name);
    tensor->numel /= tensor->type->bytes;
    return true;
}

static bool is_flag(const Value *value)
{
    return value->kind == FALSE_VALUE || value->kind == TRUE_VALUE;
}

static bool check_hooks(Machine *machine, const Value *hooks)
{
    return (hooks->kind == ORDERED_DICT && !hooks->dict->count) ||
           pickle_fail_kind(machine, "hooks of a tensor", hooks->kind, "an empty OrderedDict");
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]), and of a `typed` one its type
 * before the metadata. */
static bool rebuild_tensor(Machine *machine, const Tuple *arguments, bool typed, Value *result)
{
    const Value *items = arguments->items;
    size_t least = typed ? 7 : 6;
    CodePickled *tensor;
    unsigned strides;

    if (arguments->count != least && arguments->count != least + 1)
        return pickle_fail(machine, "found a tensor of %zu arguments, expected %zu or %zu",
                           arguments->count, least, least + 1);
    if (items[0].kind != STORAGE)
        return pickle_fail_kind(machine, "storage of a tensor", items[0].kind, "a storage");
    if (items[1].kind != INTEGER || items[1].integer < 0)
        return pickle_fail(machine, "found a tensor whose offset is no number from 0 on");
    if (!is_flag(&items[4]))
        return pickle_fail_kind(machine, "requires_grad of a tensor", items[4].kind,
                                "False or True");
    if (!check_hooks(machine, &items[5]))
        return false;
    if (arguments->count > least && !pickle_is_dict(&items[least]))
        return pickle_fail_kind(machine, "metadata of a tensor", items[least].kind, "a dictionary");
    tensor = pickle_allocate(machine, sizeof *tensor);
    if (!tensor)
        return false;
    *tensor = *items[0].described;
    tensor->offset = (uint64_t)items[1].integer;
    if ((typed && !set_type(machine, &items[6], tensor)) ||
        !read_numbers(machine, &items[2], "size of a tensor", &tensor->rank, tensor->dims) ||
        !read_numbers(machine, &items[3], "stride of a tensor", &strides, tensor->strides))
        return false;
    if (strides != tensor->rank)
        return pickle_fail(machine, "found a tensor of %u sizes and %u strides, expected as many",
                           tensor->rank, strides);
    *result = (Value){.kind = TENSOR, .described = tensor};
    return true;
}

/* (tensor, requires_grad, hooks): the tensor */
static bool rebuild_parameter(Machine *machine, const Tuple *arguments, Value *result)
{
    const Value *items = arguments->items;

    if (arguments->count != 3)
        return pickle_fail(machine, "found a parameter of %zu arguments, expected 3",
                           arguments->count);
    if (items[0].kind != TENSOR)
        return pickle_fail_kind(machine, "value of a parameter", items[0].kind, "a tensor");
    if (!is_flag(&items[1]))
        return pickle_fail_kind(machine, "requires_grad of a parameter", items[1].kind,
                                "False or True");
    *result = items[0];
    return check_hooks(machine, &items[2]);
}

static bool make_tuple_of(Machine *machine, const Tuple *arguments, Value *result)
{
    if (arguments->count != 1 || arguments->items[0].kind != TUPLE)
        return pickle_fail(machine, "found a torch.Size of no tuple");
    *result = arguments->items[0];
    return true;
}

static bool call(Machine *machine, const Global *global, const Tuple *arguments, Value *result)
{
    switch (global->meaning) {
    case REBUILD_TENSOR:
        return rebuild_tensor(machine, arguments, false, result);
    case REBUILD_TYPED_TENSOR:
        return rebuild_tensor(machine, arguments, true, result);
    case REBUILD_PARAMETER:
        return rebuild_parameter(machine, arguments, result);
    case MAKE_ORDERED_DICT:
        if (arguments->count)
            return pickle_fail(machine, "found an OrderedDict of %zu arguments, expected none",
                               arguments->count);
        return pickle_make_dict(machine, ORDERED_DICT, result);
    case MAKE_TUPLE:
        return make_tuple_of(machine, arguments, result);
    case MAKE_OTHER:
        *result = (Value){.kind = OTHER_VALUE};
        return true;
    default:
        return pickle_fail(machine, "calling: found a type, expected a known function");
    }
}

bool pickle_do_reduce(Machine *machine)
{
    Value *top = pickle_peek(machine, 1), made;

    if (!top)
        return false;
    if (top[0].kind != GLOBAL)
        return pickle_fail_kind(machine, "calling", top[0].kind, "a known function");
    if (top[1].kind != TUPLE)
        return pickle_fail_kind(machine, "arguments", top[1].kind, "a tuple");
    if (!call(machine, top[0].global, top[1].tuple, &made))
        return false;
    machine->stack_count -= 2;
    return pickle_push(machine, made);
}

/* The state of an OrderedDict, {'_metadata': versions of modules}, tells nothing that is needed. */
bool pickle_do_build(Machine *machine)
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
