/* test-pickle-data.c - what a pickle may hold alongside a model's tensors, and where in it the
 * model is: plain data is read over, parameters and types of their own are tensors. */
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

int main(void)
{
    test_plain_data();
    test_prefixes();
    return cases_end() | test_end();
}
