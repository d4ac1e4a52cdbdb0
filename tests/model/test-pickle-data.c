/* test-pickle-data.c - what a pickle may hold alongside a model's tensors, and where in it the
 * model is: plain data is read over, bytes with a type are tensors; archives without checksums. */
#include "../test.h"
#include "model/weights.h"
#include "pickles.h"

#define BYTES(text) text, sizeof(text) - 1

/* What trainers save alongside tensors is read over. */
static void test_plain_data(void)
{
    static const struct {
        const char *label, *value;
        size_t size;
    } cases[] = {{"None", BYTES("N")},
                 {"True", BYTES("\x88")},
                 {"a float", BYTES("G\x3f\xf0\0\0\0\0\0\0")},
                 {"an integer of 9 bytes", BYTES("\x8a\x09\1\1\1\1\1\1\1\1\1")},
                 {"an integer of 300 bytes", NULL, 300},
                 {"bytes", BYTES("C\2\xff\0")},
                 {"a byte array", BYTES("\x96\2\0\0\0\0\0\0\0ab")},
                 {"a list", BYTES("](K\1N\x88"
                                  "e")},
                 {"a list in itself", BYTES("]q\0h\0a")},
                 {"a set", BYTES("\x8f(K\1K\2\x90")},
                 {"a frozen set", BYTES("(K\1K\2\x91")},
                 {"a dictionary with numbers for keys", BYTES("}(K\0K\1J\xff\xff\xff\xffNu")},
                 {"a set of protocol 2", BYTES("c__builtin__\nset\n](K\1e\x85R")},
                 {"a size", BYTES("ctorch\nSize\nK\1K\2\x86\x85R")},
                 {"a type", BYTES("ctorch\nfloat32\n")}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes pickle = begun("}(", 2);
        char label[80];

        put_pickle_string(&pickle, "value");
        if (cases[i].value) {
            put(&pickle, cases[i].value, cases[i].size);
        } else {
            put_text(&pickle, "\x8b");
            put_number(&pickle, cases[i].size, 4);
            put_fill(&pickle, '1', cases[i].size);
        }
        put_pickle_string(&pickle, "pos_1LC");
        put_pickle_tensor(&pickle, &six);
        put_text(&pickle, "u.");
        snprintf(label, sizeof label, "%s alongside a tensor", cases[i].label);
        accept_pickle(label, &pickle);
    }
}

/* Where a model may lie in a file: its tensors then have names without the prefix, and those of the
 * optimizer do not count. */
static void test_prefixes(void)
{
    static const struct {
        const char *prefix, *tensor;
        CodeRole role;
    } cases[] = {{"", "pos_1LC", CODE_ROLE_VAR},
                 {"module.", "pos_1LC", CODE_ROLE_VAR},
                 {"trainer.var_wo_ddp.", "pos_1LC", CODE_ROLE_VAR},
                 {"trainer.var_wo_ddp.module.", "pos_1LC", CODE_ROLE_VAR},
                 {"", "quantize.embedding.weight", CODE_ROLE_VAE},
                 {"module.", "quantize.embedding.weight", CODE_ROLE_VAE},
                 {"trainer.vae_local.", "quantize.embedding.weight", CODE_ROLE_VAE},
                 {"trainer.vae_local.module.", "quantize.embedding.weight", CODE_ROLE_VAE}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CodesrcError error = {.text = ""};
        Bytes pickle = begun("}(", 2);
        CodeWeights *weights;
        Archive archive;
        char name[100];

        snprintf(name, sizeof name, "%s%s", cases[i].prefix, cases[i].tensor);
        put_pickle_string(&pickle, name);
        put_pickle_tensor(&pickle, &six);
        put_pickle_string(&pickle, "optimizer.x");
        put_pickle_tensor(&pickle, &six);
        put_text(&pickle, "u.");
        archive = archive_of(&pickle);
        write_file(FILE_NAME, archive.bytes.data, archive.bytes.size);
        weights = code_weights_open(scratch(FILE_NAME), cases[i].role, &error);
        CHECK(weights && code_weights_find(weights, cases[i].tensor) &&
                  code_weights_count(weights) == (*cases[i].prefix ? 1 : 2),
              "%s: %s", name, error.text);
        printf("%-44s found\n", name);
        code_weights_close(weights);
        clear(&archive.bytes);
        clear(&pickle);
    }
}

/* ---- tensors of untyped storages ------------------------------------------------------------- */

/* `count` arguments of a tensor of six bytes, the seventh of which is `type`. */
static Bytes typed(const char *storage, unsigned count, const char *type)
{
    const View bytes = {storage, "0", 24, 0, 1, {6}, {1}};
    Bytes pickle = begun("}", 1);

    put_pickle_string(&pickle, "pos_1LC");
    put_pickle_global(&pickle, "torch._utils", "_rebuild_tensor_v3");
    put_text(&pickle, "(");
    put_pickle_storage(&pickle, &bytes);
    put(&pickle, "K\0K\6\x85K\1\x85\x89", 9);
    put_text(&pickle, "ccollections\nOrderedDict\n)R");
    if (count > 6)
        put_text(&pickle, type);
    for (unsigned i = 7; i < count; i++)
        put_text(&pickle, "}");
    put_text(&pickle, "tRs.");
    return pickle;
}

static void test_typed(void)
{
    static const struct {
        const char *label, *storage;
        unsigned count;
        const char *type, *refusal;
    } cases[] = {
        {"float32 in bytes", "ByteStorage", 7, "ctorch\nfloat32\n", NULL},
        {"float8 in bytes", "ByteStorage", 7, "ctorch\nfloat8_e4m3fn\n", NULL},
        {"float8 with metadata", "ByteStorage", 8, "ctorch\nfloat8_e5m2\n", NULL},
        {"no type", "ByteStorage", 6, "", "a tensor of 6 arguments, expected 7 or 8"},
        {"nine arguments", "ByteStorage", 9, "ctorch\nfloat32\n", "a tensor of 9 arguments"},
        {"a type that is text", "ByteStorage", 7, "\x8c\1k", "type of a tensor: found a string"},
        {"a type that is a function", "ByteStorage", 7, "ccollections\nOrderedDict\n",
         "type of a tensor: found a function, expected a type of torch"},
        {"a type that is a storage's", "ByteStorage", 7, "ctorch\nFloatStorage\n",
         "type of a tensor: found"},
        {"float8 in float32", "FloatStorage", 7, "ctorch\nfloat8_e4m3fn\n",
         "found a tensor of F8_E4M3 in a storage of F32, expected bytes"},
        {"float64 of three elements", "ByteStorage", 7, "ctorch\nfloat64\n",
         "reaches over the end of its storage"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes pickle = typed(cases[i].storage, cases[i].count, cases[i].type);

        if (cases[i].refusal)
            refuse_pickle(cases[i].label, &pickle, cases[i].refusal);
        else
            accept_pickle(cases[i].label, &pickle);
    }
}

/* ---- archives without checksums -------------------------------------------------------------- */

/* A good archive whose entries have no CRC, but for one of that number. */
static Archive unchecked(unsigned but)
{
    Bytes pickle = pickle_good();
    Archive archive = archive_of(&pickle);

    clear(&pickle);
    for (unsigned i = 0; i < archive.count; i++)
        if (i != but) {
            set_number(&archive.bytes, archive.entry[i].descriptor + 4, 0, 4);
            set_number(&archive.bytes, archive.entry[i].central + 16, 0, 4);
        }
    return archive;
}

static void test_unchecked(void)
{
    Archive archive = unchecked(ARCHIVE_ENTRIES);

    cut_everywhere(CASE_WEIGHTS, "cut without checksums", FILE_NAME, &archive.bytes);
    allow(CASE_WEIGHTS, "without checksums", FILE_NAME, &archive.bytes);
    archive = unchecked(ARCHIVE_ENTRIES);
    archive.bytes.data[archive.entry[0].data] = 'x';
    refuse(CASE_WEIGHTS, "a spoilt pickle without checksums", FILE_NAME, &archive.bytes,
           CODESRC_MALFORMED, "expected 0x80 and a protocol");
    archive = unchecked(ARCHIVE_ENTRIES);
    set_number(&archive.bytes, archive.entry[0].descriptor + 4, 1, 4);
    refuse(CASE_WEIGHTS, "a checksum in one place alone", FILE_NAME, &archive.bytes,
           CODESRC_MALFORMED, "data.pkl");
    archive = unchecked(2);
    refuse(CASE_WEIGHTS, "a checksum of one entry alone", FILE_NAME, &archive.bytes,
           CODESRC_MALFORMED, "expected 00000000: damaged");
}

int main(void)
{
    test_plain_data();
    test_prefixes();
    test_typed();
    test_unchecked();
    return cases_end() | test_end();
}
