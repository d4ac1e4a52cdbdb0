/* test-pickle.c - hostile pickles, in archives that are right otherwise; and views of every kind.
 */
#include "../test.h"
#include "model/weights.h"
#include "pickles.h"

/* ---- opcodes --------------------------------------------------------------------------------- */

/* Those that tensors and plain data need, but for PROTO and STOP. */
static bool is_known(unsigned opcode)
{
    static const unsigned char high[] = {0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d,
                                         0x8e, 0x8f, 0x90, 0x91, 0x93, 0x94, 0x95, 0x96, 0};

    return opcode && (strchr("().BCGJKMNQRX]abcehjqrstu}", (int)opcode) ||
                      strchr((const char *)high, (int)opcode));
}

static void test_opcodes(void)
{
    static const struct {
        unsigned char opcode;
        const char *name;
    } named[] = {{'i', "INST"},
                 {'o', "OBJ"},
                 {0x81, "NEWOBJ"},
                 {0x92, "NEWOBJ_EX"},
                 {0x82, "EXT1"},
                 {0x83, "EXT2"},
                 {0x84, "EXT4"},
                 {'P', "PERSID"},
                 {'2', "DUP"},
                 {'0', "POP"},
                 {'1', "POP_MARK"},
                 {'F', "FLOAT"},
                 {'V', "UNICODE"},
                 {'g', "GET"},
                 {'p', "PUT"},
                 {'l', "LIST"},
                 {'d', "DICT"},
                 {0x97, "NEXT_BUFFER"},
                 {0x98, "READONLY_BUFFER"},
                 {0x80, "PROTO, again"}};
    unsigned refused = 0, others = 0;
    char label[60], text[60];

    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        Bytes pickle = begun((const char *)&named[i].opcode, 1);

        snprintf(label, sizeof label, "opcode %s", named[i].name);
        snprintf(text, sizeof text, "found opcode 0x%02x (%s)", named[i].opcode, named[i].name);
        refuse_pickle(label, &pickle, text);
    }
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        Bytes pickle = begun((const char[]){(char)opcode}, 1);
        Archive archive = archive_of(&pickle);
        Outcome outcome;

        outcome = try_bytes(CASE_WEIGHTS, FILE_NAME, archive.bytes.data, archive.bytes.size);
        refused += !outcome.accepted;
        others += !outcome.accepted && strstr(outcome.error.text, "found opcode") != NULL;
        CHECK(is_known(opcode) == !strstr(outcome.error.text, "found opcode"), "opcode 0x%02x: %s",
              opcode, outcome.error.text);
        clear(&pickle);
        clear(&archive.bytes);
    }
    CHECK(refused == 256, "%u opcodes alone are refused", refused);
    /* And PROTO, at the beginning only. */
    CHECK(others == 256 - 43, "%u opcodes are unknown", others);
    printf("%-44s %u known, %u refused by name\n", "all opcodes", 256 - others, others);
}

/* Each opcode that takes values, with none, and with a mark in their place. */
static void test_underflow(void)
{
    static const struct {
        const char *name, *opcode;
        unsigned size;
    } takers[] = {{"TUPLE", "t", 1},     {"TUPLE1", "\x85", 1},
                  {"TUPLE2", "\x86", 1}, {"TUPLE3", "\x87", 1},
                  {"SETITEM", "s", 1},   {"SETITEMS", "u", 1},
                  {"REDUCE", "R", 1},    {"BUILD", "b", 1},
                  {"BINPERSID", "Q", 1}, {"STACK_GLOBAL", "\x93", 1},
                  {"APPEND", "a", 1},    {"MEMOIZE", "\x94", 1},
                  {"BINPUT", "q\0", 2},  {"LONG_BINPUT", "r\0\0\0\0", 5}};

    for (size_t i = 0; i < sizeof takers / sizeof *takers; i++) {
        Bytes pickle = begun(takers[i].opcode, takers[i].size);
        char label[60];

        snprintf(label, sizeof label, "%s of an empty stack", takers[i].name);
        refuse_pickle(label, &pickle, "on the stack");
        if (i == 0 || i == 5)
            continue;
        pickle = begun("K\1(", 3);
        put(&pickle, takers[i].opcode, takers[i].size);
        snprintf(label, sizeof label, "%s of a mark", takers[i].name);
        refuse_pickle(label, &pickle, "found 0 values on the stack");
    }
    REFUSE("SETITEMS without a dictionary", "(u.", "found no dictionary below the mark");
    REFUSE("STOP of an empty stack", ".", "found 0 values at the end");
    REFUSE("STOP of a mark", "(.", "found a mark");
    REFUSE("STOP with two values", "}}.", "found 2 values at the end");
    REFUSE("STOP with a mark left", "(}.", "found 2 values at the end");
    REFUSE("STOP of a number", "K\1.", "the whole: found an integer");
    REFUSE("STOP of a tuple", ").", "the whole: found a tuple");
    REFUSE("bytes after STOP", "}.}", "found 1 bytes after the end");
}

static void test_bounds(void)
{
    Bytes pickle = begun("", 0);

    put_fill(&pickle, '(', 1000000);
    refuse_pickle("a million marks", &pickle, "found more than 262144 values on the stack");
    pickle = begun("", 0);
    put_fill(&pickle, ')', 3000000);
    refuse_pickle("three million empty tuples", &pickle, "found more than 262144 values");
    pickle = begun("", 0);
    put_repeated(&pickle, "}\x85", 2000000);
    refuse_pickle("two million dictionaries", &pickle, "more than the 16777216 bytes of memory");
    pickle = begun(")", 1);
    put_fill(&pickle, '\x85', 4000000);
    refuse_pickle("four million nested tuples", &pickle, "more than the 16777216 bytes of memory");
}

static void test_arguments(void)
{
    Bytes pickle;

    REFUSE("BINUNICODE of 4 GiB", "X\xff\xff\xff\xff", "expected 4294967295: cut short");
    REFUSE("BINUNICODE without a length", "X\1\0", "cut short");
    REFUSE("string that is not UTF-8", "X\2\0\0\0\xc3(", "not UTF-8");
    REFUSE("LONG1 of 9 bytes as a size", "\x8a\x09\1\1\1\1\1\1\1\1\1.", "the whole: found another");
    REFUSE("LONG1 of 255 bytes", "\x8a\xff", "expected 255: cut short");
    REFUSE("LONG4 of 4 GiB", "\x8b\xff\xff\xff\xff", "expected 4294967295: cut short");
    REFUSE("LONG4 without a length", "\x8b\1", "cut short");
    REFUSE("BINFLOAT cut short", "G\1\2\3", "expected 8: cut short");
    REFUSE("SHORT_BINBYTES cut short", "C\2x", "expected 2: cut short");
    REFUSE("BINBYTES of 4 GiB", "B\xff\xff\xff\xff", "expected 4294967295: cut short");
    REFUSE("BINBYTES8 of 2^64", "\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "cut short");
    REFUSE("BYTEARRAY8 of 2^63", "\x96\0\0\0\0\0\0\0\x80", "cut short");
    REFUSE("BINUNICODE8 of 2^64", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "cut short");
    REFUSE("SHORT_BINUNICODE cut short", "\x8c\2x", "expected 2: cut short");
    REFUSE("SHORT_BINUNICODE that is not UTF-8", "\x8c\1\xff", "not UTF-8");
    REFUSE("frame beyond the end", "\x95\xff\0\0\0\0\0\0\0}.",
           "found a frame of 255 bytes, expected at most the 2 to the end");
    REFUSE("frame of 2^64", "\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", "found a frame of");
    REFUSE("LONG1 cut short", "\x8a\x08\1", "cut short");
    REFUSE("memo unset", "h\0", "found memo 0, expected one of the 0 so far");
    REFUSE("memo 0xffffffff", "j\xff\xff\xff\xff", "found memo 4294967295");
    REFUSE("put into memo 0xffffffff", "}r\xff\xff\xff\xff",
           "found memo 4294967295, expected the next, 0");
    REFUSE("put into memo 1 first", "}q\1", "found memo 1, expected the next, 0");
    REFUSE("put into memo 0 twice", "}q\0q\0", "found memo 0, expected the next, 1");
    REFUSE("protocol again", "\x80\2}.", "PROTO, again");
    pickle = begun("}.", 2);
    pickle.data[1] = 1;
    refuse_pickle("protocol 1", &pickle, "expected 0x80 and a protocol from 2 to 5");
    pickle = begun("}.", 2);
    pickle.data[1] = 6;
    refuse_pickle("protocol 6", &pickle, "expected 0x80 and a protocol from 2 to 5");
    put_text(&pickle, "(dp0\n.");
    refuse_pickle("protocol 0", &pickle, "expected 0x80 and a protocol from 2 to 5");
    put_text(&pickle, "}");
    refuse_pickle("one byte", &pickle, "cut short");
}

static void test_globals(void)
{
    Bytes pickle = begun("c", 1);

    REFUSE("os.system", "cos\nsystem\n",
           "found the name 'os system', expected tensors and plain data: it is not run");
    REFUSE("posix.system", "cposix\nsystem\n", "it is not run");
    REFUSE("builtins.eval", "cbuiltins\neval\n", "it is not run");
    REFUSE("__builtin__.eval", "c__builtin__\neval\n", "it is not run");
    REFUSE("copy_reg._reconstructor", "ccopy_reg\n_reconstructor\n", "it is not run");
    REFUSE("torch.load", "ctorch\nload\n", "it is not run");
    REFUSE("torch.jit", "ctorch.jit\n_unpickler\n", "it is not run");
    REFUSE("NUL in a name", "ctorch\nFloatStorage\0\n", "'torch FloatStorage\\x00'");
    REFUSE("longer name", "ctorch\nFloatStorages\n", "it is not run");
    REFUSE("shorter name", "ctorch\nFloatStorag\n", "it is not run");
    REFUSE("another case", "ctorch\nfloatstorage\n", "it is not run");
    REFUSE("carriage return", "ctorch\r\nFloatStorage\r\n", "it is not run");
    REFUSE("dots in a name", "ctorch\n_utils._rebuild_tensor_v2\n", "it is not run");
    REFUSE("name without an end", "ctorch\nFloatStorage", "it is not run");
    REFUSE("module alone", "ctorch\n", "it is not run");
    REFUSE("empty names", "c\n\n", "found the name ' '");
    put_fill(&pickle, 'x', 1000000);
    refuse_pickle("a name of 1 MB", &pickle, "it is not run");
    REFUSE("a distributed tensor", "ctorch.distributed.tensor\nDTensor\n",
           "is in several files: gather it with get_model_state_dict");
    REFUSE("os.system on the stack", "\x8c\2os\x8c\6system\x93", "found the name 'os system'");
    REFUSE("a line feed in a module on the stack", "\x8c\7torch\nF\x8c\1x\x93", "it is not run");
    REFUSE("a line feed in a name on the stack", "\x8c\5torch\x8c\5Si\nze\x93", "it is not run");
    REFUSE("a name of numbers", "K\1K\2\x93", "a name: found an integer, expected a string");
    REFUSE("a module of no string", "}\x8c\1x\x93", "a name: found a dictionary");
    pickle = begun("X", 1);
    put_number(&pickle, 100000, 4);
    put_fill(&pickle, 'x', 100000);
    put(&pickle, "\x8c\1x\x93", 4);
    refuse_pickle("a module of 100 kB", &pickle, "it is not run");
}

/* ---- calls and dictionaries ------------------------------------------------------------------ */

#define DICT_CLASS "ccollections\nOrderedDict\n"
#define PARAMETER  "ctorch._utils\n_rebuild_parameter\n"
#define REBUILD    "ctorch._utils\n_rebuild_tensor_v2\n"
#define KEY        "X\1\0\0\0k"

static void test_calls(void)
{
    REFUSE("call of a string", KEY ")R.", "calling: found a string");
    REFUSE("call of a number", "K\1)R.", "calling: found an integer");
    REFUSE("call of a dictionary", "})R.", "calling: found a dictionary");
    REFUSE("call of a storage type", "ctorch\nFloatStorage\n)R.", "calling: found a type");
    REFUSE("call of an element type", "ctorch\nuint16\n)R.", "calling: found a type");
    REFUSE("arguments no tuple", DICT_CLASS "}R.", "arguments: found a dictionary");
    REFUSE("OrderedDict of something", DICT_CLASS "K\1\x85R.", "an OrderedDict of 1 arguments");
    REFUSE("tensor of nothing", REBUILD ")R.", "a tensor of 0 arguments");
    REFUSE("tensor of six numbers", REBUILD "(K\0K\0K\0K\0K\0K\0tR.",
           "storage of a tensor: found an");
    REFUSE("storage of a number", "K\1Q", "found an integer, expected the five values");
    REFUSE("storage of four values", "(K\1K\1K\1K\1tQ", "expected the five values of a storage");
    REFUSE("storage of five numbers", "(K\1K\1K\1K\1K\1tQ", "do not describe a storage");
    REFUSE("state of a tuple", ")}b.", "setting a state: found a tuple");
    REFUSE("state of a dictionary", "}}b.", "setting a state: found a dictionary");
    REFUSE("state that is a number", DICT_CLASS ")RK\1b.",
           "state of an OrderedDict: found an integer");
    REFUSE("item of a number", "K\1" KEY "K\2s.", "adding an item: found an integer");
    REFUSE("item of a tuple", ")" KEY "K\2s.", "adding an item: found a tuple");
    REFUSE("items of a function", DICT_CLASS "(" KEY "K\2u.", "adding items: found a function");
    REFUSE("item of another list", "}" KEY "a.", "adding an item: found a dictionary");
    REFUSE("items of a set for a list", "](\x90", "adding items: found a list, expected a set");
    REFUSE("items of a list for a set", "\x8f(e", "adding items: found a set, expected a list");
    REFUSE("items of a tensor's list", "(K\1e", "adding items: found a mark, expected a list");
    REFUSE("items of a dictionary for a list", "}(K\1e", "adding items: found a dictionary");
    REFUSE("a frozen set without a mark", "K\1\x91", "found no mark");
    REFUSE("parameter of nothing", PARAMETER ")R.", "a parameter of 0 arguments");
    REFUSE("parameter of a number", PARAMETER "K\1\x89}\x87R.",
           "value of a parameter: found an integer");
    REFUSE("size of nothing", "ctorch\nSize\n)R.", "found a torch.Size of no tuple");
    REFUSE("size of a number", "ctorch\nSize\nK\1\x85R.", "found a torch.Size of no tuple");
    REFUSE("key that is None", "}NK\2s.", "key of a dictionary: found another value");
    REFUSE("key that is a float", "}G\0\0\0\0\0\0\0\0K\2s.", "key of a dictionary: found another");
    REFUSE("one key as number and text", "}(K\1K\2X\1\0\0\0001K\2u.", "found '1' twice in a");
    REFUSE("key that is a tuple", "})K\2s.", "key of a dictionary: found a tuple");
    REFUSE("key that is a mark", "}(K\2s.", "found 1 values on the stack");
    REFUSE("odd number of items", "}(" KEY "u.", "found 1 keys and values, expected pairs");
    REFUSE("key twice", "}(" KEY "K\1" KEY "K\2u.", "found 'k' twice in a dictionary");
    REFUSE("no tensor", "}.", "found no tensor");
    REFUSE("no tensor, but a number", "}" KEY "K\1s.", "found no tensor");
    REFUSE("dictionary in itself", "}q\0" KEY "h\0s.", "found a dictionary in two places");
    REFUSE("dictionary twice", "}(" KEY "}q\0X\1\0\0\0lh\0u.", "found a dictionary in two places");
}

/* torch.nn.Parameter, as of a module that was saved without state_dict(). */
static void test_parameters(void)
{
    static const struct {
        const char *label, *rest, *text;
    } cases[] = {
        {"a parameter", "\x88" DICT_CLASS ")R", NULL},
        {"a parameter that learns one", "K\1" DICT_CLASS ")R",
         "requires_grad of a parameter: found"},
        {"a parameter with hooks", "\x88}", "hooks of a tensor: found a dictionary"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes pickle = begun("}", 1);

        put_pickle_string(&pickle, "a");
        put_text(&pickle, PARAMETER);
        put_pickle_tensor(&pickle, &six);
        put_text(&pickle, cases[i].rest);
        put_text(&pickle, "\x87Rs.");
        if (cases[i].text)
            refuse_pickle(cases[i].label, &pickle, cases[i].text);
        else
            accept_pickle(cases[i].label, &pickle);
    }
}

static void put_nested(Bytes *pickle, unsigned count)
{
    while (count--)
        put(pickle, "}" KEY, 1 + sizeof KEY - 1);
}

static void test_dictionaries(void)
{
    Bytes pickle = begun("}", 1);

    /* A tensor may stand in two places: tied weights. */
    put_text(&pickle, "(");
    put_pickle_string(&pickle, "a");
    put_pickle_tensor(&pickle, &six);
    put(&pickle, "q\0", 2);
    put_pickle_string(&pickle, "b");
    put(&pickle, "h\0u.", 4);
    accept_pickle("one tensor by two names", &pickle);

    pickle = begun("}", 1);
    put_pickle_string(&pickle, "a");
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, "s}b.");
    refuse_pickle("state of a plain dictionary", &pickle, "setting a state: found a dictionary");

    pickle = begun("", 0);
    put_pickle_tensor(&pickle, &six);
    put(&pickle, "(" KEY "K\1u.", sizeof("(" KEY "K\1u.") - 1);
    refuse_pickle("items of a tensor", &pickle, "adding items: found a tensor");

    pickle = begun("", 0);
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, "}b.");
    refuse_pickle("state of a tensor", &pickle, "setting a state: found a tensor");

    pickle = begun("", 0);
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, ".");
    refuse_pickle("a tensor alone", &pickle, "the whole: found a tensor");
}

static void test_nesting(void)
{
    Bytes pickle;

    /* 2^30 tuples, if anyone counted them. */
    pickle = begun("}", 1);
    put_pickle_string(&pickle, "a");
    put_text(&pickle, ")");
    for (unsigned i = 0; i < 30; i++) {
        put(&pickle, "q", 1);
        put_number(&pickle, i, 1);
        put(&pickle, "h", 1);
        put_number(&pickle, i, 1);
        put_text(&pickle, "\x86");
    }
    put_text(&pickle, "s");
    put_pickle_string(&pickle, "b");
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, "s.");
    accept_pickle("a tuple of 2^30 tuples, ignored", &pickle);

    pickle = begun("", 0);
    put_nested(&pickle, 9);
    put_pickle_tensor(&pickle, &six);
    put_fill(&pickle, 's', 9);
    put_text(&pickle, ".");
    refuse_pickle("nine dictionaries deep", &pickle, "nested more than 8 deep");

    pickle = begun("", 0);
    put_nested(&pickle, 200000);
    refuse_pickle("200,000 dictionaries deep", &pickle, "values on the stack");

    pickle = begun("}(", 2);
    put_pickle_string(&pickle, "a.b");
    put_pickle_tensor(&pickle, &six);
    put_pickle_string(&pickle, "a");
    put_text(&pickle, "}");
    put_pickle_string(&pickle, "b");
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, "su.");
    refuse_pickle("one name in two ways", &pickle, "found tensor 'a.b' twice");
}

static void test_tensor_names(void)
{
    Bytes pickle = {0}, name = {0};

    pickle = pickle_of("", &six);
    refuse_pickle("empty name", &pickle, "a name of 1 to 512 bytes");
    pickle = pickle_of("a\nb", &six);
    refuse_pickle("line feed in a name", &pickle, "without control characters");
    put_fill(&name, 'n', 513);
    put_number(&name, 0, 1);
    pickle = pickle_of((const char *)name.data, &six);
    refuse_pickle("name of 513 bytes", &pickle, "expected at most 512 bytes");
    name.data[512] = 0;
    pickle = pickle_of((const char *)name.data, &six);
    accept_pickle("name of 512 bytes", &pickle);
    clear(&name);
    pickle = begun("}(", 2);
    put_pickle_string(&pickle, "pos_1LC");
    put_pickle_tensor(&pickle, &six);
    put_pickle_string(&pickle, "module.pos_1LC");
    put_pickle_tensor(&pickle, &six);
    put_text(&pickle, "u.");
    {
        Archive archive = archive_of(&pickle);

        clear(&pickle);
        refuse(CASE_WEIGHTS, "two models in one file", FILE_NAME, &archive.bytes, CODESRC_MISMATCH,
               "found 'pos_1LC' and 'module.pos_1LC', expected one model");
    }
}

/* ---- everywhere ------------------------------------------------------------------------------ */

/* The archive around each pickle is right, so that the pickle alone decides. */
static void test_every_place(void)
{
    Bytes whole = pickle_good();
    Archive good = archive_of(&whole);
    Outcome original = try_bytes(CASE_WEIGHTS, FILE_NAME, good.bytes.data, good.bytes.size);
    unsigned cut = 0, refused = 0, same = 0, wrong = 0;

    for (size_t size = 1; size < whole.size; size++) {
        Bytes part = {0};
        Archive archive;

        put(&part, whole.data, size);
        archive = archive_of(&part);
        cut += !try_bytes(CASE_WEIGHTS, FILE_NAME, archive.bytes.data, archive.bytes.size).accepted;
        clear(&archive.bytes);
        clear(&part);
    }
    CHECK(cut == whole.size - 1, "%u of %zu cut pickles refused", cut, whole.size - 1);
    printf("%-44s %u lengths, 0 accepted\n", "pickle cut at every byte", cut);
    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        uint8_t *byte = &good.bytes.data[good.entry[0].data + bit / 8];
        Outcome outcome;

        *byte ^= (uint8_t)(1u << bit % 8);
        archive_seal(&good, 0);
        outcome = try_bytes(CASE_WEIGHTS, FILE_NAME, good.bytes.data, good.bytes.size);
        *byte ^= (uint8_t)(1u << bit % 8);
        refused += !outcome.accepted;
        same += outcome.accepted && outcome.values == original.values;
        wrong += outcome.accepted && outcome.values != original.values;
    }
    printf("%-44s %zu bits: %u refused, %u mean the same or rename, %u are other views\n",
           "every bit of a pickle, sealed again", 8 * whole.size, refused, same, wrong);
    CHECK(refused && same, "flips");
    clear(&good.bytes);
    clear(&whole);
}

int main(void)
{
    Bytes pickle = pickle_good();

    accept_pickle("a good pickle", &pickle);
    test_opcodes();
    test_underflow();
    test_bounds();
    test_arguments();
    test_globals();
    test_calls();
    test_parameters();
    test_dictionaries();
    test_nesting();
    test_tensor_names();
    test_every_place();
    return cases_end() | test_end();
}
