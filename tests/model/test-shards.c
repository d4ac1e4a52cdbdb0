/* test-shards.c - models in several files and their indices; and files that are something else,
 * each with what its user should do. */
#include "../test.h"
#include "hostile.h"
#include "model/weights.h"

#include <sys/stat.h>
#include <unistd.h>

#define INDEX "model.safetensors.index.json"

/* A .safetensors file of float32 tensors of one value each, 1, 2, ... */
static void write_shard(const char *name, const char *const *tensors, unsigned count)
{
    Bytes header = {0}, file = {0};
    char line[200];

    put_text(&header, "{");
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line,
                 "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%u,%u]}",
                 i ? "," : "", tensors[i], 4 * i, 4 * i + 4);
        put_text(&header, line);
    }
    put_text(&header, "}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    for (unsigned i = 0; i < count; i++) {
        float value = (float)(i + 1);

        put(&file, &value, sizeof value);
    }
    write_file(name, file.data, file.size);
    clear(&header);
    clear(&file);
}

static void refuse_index(const char *label, const char *index, CodesrcStatus status,
                         const char *text)
{
    Bytes bytes = {0};

    put_text(&bytes, index);
    refuse(CASE_WEIGHTS, label, INDEX, &bytes, status, text);
}

static void test_index(void)
{
    static const char *const first[] = {"pos_1LC", "a"}, *const second[] = {"b"};
    static const char good[] = "{\n  \"metadata\": {\"total_size\": 12},\n  \"weight_map\": {"
                               "\"pos_1LC\": \"1.safetensors\", \"b\": \"2.safetensors\", "
                               "\"a\": \"1.safetensors\"}}\n";
    CodesrcError error = {.text = ""};
    CodeWeights *weights;
    float value = 0;

    write_shard("1.safetensors", first, 2);
    write_shard("2.safetensors", second, 1);
    write_file(INDEX, good, sizeof good - 1);
    expect_accepted(CASE_WEIGHTS, "an index of two files", INDEX);
    weights = code_weights_open(scratch(INDEX), CODE_ROLE_VAR, &error);
    CHECK(weights && code_weights_count(weights) == 3, "%s", error.text);
    CHECK(weights && code_weights_read(weights, "a", 1, &(uint64_t){1}, &value, &error) &&
              value == 2,
          "%g: %s", value, error.text);
    CHECK(weights && code_weights_read(weights, "b", 1, &(uint64_t){1}, &value, &error) &&
              value == 1,
          "%g: %s", value, error.text);
    CHECK(weights && !truncate(scratch("2.safetensors"), 20) &&
              !code_weights_unchanged(weights, &error) && strstr(error.text, "2.safetensors"),
          "a changed shard: %s", error.text);
    code_weights_close(weights);
    write_shard("2.safetensors", second, 1);
}

/* The same where the error names the file that the index names. */
static void refuse_shard(const char *label, const char *index, CodesrcStatus status,
                         const char *text)
{
    CodesrcError error = {.text = ""};
    CodeWeights *weights;

    write_file(INDEX, index, strlen(index));
    weights = code_weights_open(scratch(INDEX), CODE_ROLE_VAR, &error);
    CHECK(!weights && error.status == status && strstr(error.text, text), "%s: '%s', expected '%s'",
          label, error.text, text);
    printf("%-44s %s\n", label, error.text);
    code_weights_close(weights);
}

static void test_wrong_index(void)
{
    Bytes many = {0};

    refuse_index("an index without a map", "{\"metadata\": {}}\n", CODESRC_MALFORMED,
                 "found JSON that is no index of shards");
    refuse_index("JSON of a server", "{\"error\": \"not found\"}\n", CODESRC_MALFORMED,
                 "found JSON that is no index of shards");
    refuse_index("an index cut short", "{\"weight_map\": {\"a\": \"1.safe", CODESRC_MALFORMED,
                 "found JSON that is no index");
    refuse_index("an empty map", "{\"weight_map\": {}}\n", CODESRC_MALFORMED, "found JSON");
    refuse_index("a map of numbers", "{\"weight_map\": {\"a\": 1}}\n", CODESRC_MALFORMED,
                 "found a file that is no name");
    refuse_shard("a missing file", "{\"weight_map\": {\"a\": \"3.safetensors\"}}\n",
                 CODESRC_NOT_FOUND, "3.safetensors: cannot be opened");
    refuse_index("a file elsewhere", "{\"weight_map\": {\"a\": \"../1.safetensors\"}}\n",
                 CODESRC_MALFORMED, "found the file name '../1.safetensors'");
    refuse_index("a file in a folder", "{\"weight_map\": {\"a\": \"x/1.safetensors\"}}\n",
                 CODESRC_MALFORMED, "expected one alongside the index");
    refuse_index("an index of itself", "{\"weight_map\": {\"a\": \"" INDEX "\"}}\n",
                 CODESRC_MALFORMED, "found a header length of");
    refuse_index("a tensor in another file",
                 "{\"weight_map\": {\"b\": \"1.safetensors\", \"a\": \"1.safetensors\"}}\n",
                 CODESRC_MALFORMED, "found tensor 'pos_1LC' in 1.safetensors, expected it in none");
    refuse_index("a tensor that is in no file",
                 "{\"weight_map\": {\"b\": \"2.safetensors\", \"c\": \"2.safetensors\"}}\n",
                 CODESRC_MALFORMED, "found 1 tensors in its files, expected the 2 that it lists");
    refuse_index("one tensor twice",
                 "{\"weight_map\": {\"b\": \"2.safetensors\", \"b\": \"1.safetensors\"}}\n",
                 CODESRC_MALFORMED, "found JSON that is no index");
    put_text(&many, "{\"weight_map\": ");
    put_fill(&many, '[', 100000);
    refuse(CASE_WEIGHTS, "100,000 lists in an index", INDEX, &many, CODESRC_MALFORMED,
           "found JSON that is no index");
    put_text(&many, "{\"weight_map\": {");
    put_fill(&many, ' ', 3 << 20);
    refuse(CASE_WEIGHTS, "an index of 3 MiB", INDEX, &many, CODESRC_MALFORMED,
           "found an index of more than 2 MiB");
}

/* ---- something else -------------------------------------------------------------------------- */

/* An index of `count` files, one tensor each. */
static Bytes index_of(unsigned count)
{
    Bytes index = {0};
    char line[100];

    for (unsigned i = 0; i < count; i++) {
        char name[20], tensor[20] = "pos_1LC";
        const char *const tensors[] = {tensor};

        if (i)
            snprintf(tensor, sizeof tensor, "t%u", i);
        snprintf(name, sizeof name, "%u.safetensors", i);
        write_shard(name, tensors, 1);
        snprintf(line, sizeof line, "%s\"%s\": \"%s\"", i ? ", " : "{\"weight_map\": {", tensor,
                 name);
        put_text(&index, line);
    }
    put_text(&index, "}}");
    return index;
}

static void test_most_files(void)
{
    Bytes index = index_of(64);

    allow(CASE_WEIGHTS, "64 files", INDEX, &index);
    index = index_of(65);
    refuse(CASE_WEIGHTS, "65 files", INDEX, &index, CODESRC_MALFORMED, "more than 64 files");
}

static void test_forms(void)
{
    static const struct {
        const char *label, *content, *text;
    } cases[] = {
        {"Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
         "found a Git LFS pointer, expected weights: fetch them with `git lfs pull`"},
        {"a web page", "<!DOCTYPE html>\n<html></html>\n", "found a web page, expected weights: "},
        {"a web page after blanks", "\n  <html lang=en>\n", "found a web page"},
        {"Entry not found", "Entry not found", "found a server's answer, 'Entry not found'"},
        {"Repository not found", "Repository not found", "'Repository not found'"},
        {"a private repository", "Access to model x is restricted.", "log in"},
        {"a wrong password", "Invalid username or password.", "log in"},
        {"GGUF", "GGUF\3 and so on", "found a GGUF file"},
        {"HDF5", "\x89HDF\r\n\x1a\n and so on", "found an HDF5 file"},
        {"NumPy array", "\x93NUMPY\1 and so on", "found a NumPy array"},
        {"gzip", "\x1f\x8b\x08 and so on", "unpack it with `gunzip`"},
        {"zstd", "\x28\xb5\x2f\xfd and so on", "unpack it with `unzstd`"},
        {"xz", "\xfd\x37zXZ and so on", "unpack it with `unxz`"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes bytes = {0};

        put_text(&bytes, cases[i].content);
        refuse(CASE_WEIGHTS, cases[i].label, "weights.pth", &bytes, CODESRC_MALFORMED,
               cases[i].text);
    }
}

int main(void)
{
    test_index();
    test_wrong_index();
    test_most_files();
    test_forms();
    return cases_end() | test_end();
}
