/* test-weights.c - weights are what they should be: checkpoints as PyTorch writes them against the
 * synthetic rule that they were made by, the rule against known values, and every half-precision
 * pattern. Arguments: the folder of the checkpoints. */
#include "../test.h"
#include "hostile.h"
#include "model/tensors.h"
#include "model/weights.h"

#include <math.h>

/* ---- checkpoints ----------------------------------------------------------------------------- */

enum { VAE_SEED = 11, DRAFTER_SEED = 12, REFINER_SEED = 13 };

static float rounded(float value, const char *type)
{
    uint32_t bits, odd;

    if (!strcmp(type, "F32"))
        return value;
    memcpy(&bits, &value, sizeof bits);
    if (!strcmp(type, "BF16")) {
        odd = bits >> 16 & 1;
        return code_float_of_bf16((uint16_t)((bits + 0x7FFF + odd) >> 16));
    }
    /* Half precision: to a multiple of 2^(e - 10), and of 2^-24 if that is smaller. nearbyint
     * rounds half to even, as the format does. */
    {
        int exponent;
        double unit;

        frexp(value, &exponent);
        unit = ldexp(1.0, exponent - 11 < -24 ? -24 : exponent - 11);
        return (float)(nearbyint(value / unit) * unit);
    }
}

static float *read_all(CodeWeights *weights, const CodesrcTensorInfo *info)
{
    float *values = malloc((size_t)info->elements * sizeof *values);
    CodesrcError error = {.text = "no memory"};

    if (values && code_weights_read(weights, info->name, info->rank, info->dims, values, &error))
        return values;
    CHECK(false, "%s", error.text);
    free(values);
    return NULL;
}

/* Every float tensor of the file equals the synthetic one, rounded to the file's type. */
static void compare(const char *folder, const char *name, CodeRole role, uint32_t seed,
                    unsigned tensors, unsigned opaque)
{
    char path[500];
    CodesrcError error = {.text = ""};
    CodeWeights *weights, *rule = code_weights_synthetic(seed, &error);
    unsigned seen = 0, skipped = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    weights = code_weights_open(path, role, &error);
    CHECK(weights, "%s", error.text);
    for (size_t i = 0; weights && i < code_weights_count(weights); i++) {
        const CodesrcTensorInfo *info = code_weights_at(weights, i);
        float *found, *expected;
        uint64_t wrong = 0;

        /* Buffers that a model carries along are no weights. */
        if (!strcmp(info->type, "I64") || strstr(info->name, "attn_bias_for_masking") ||
            strstr(info->name, "zero_k_bias") || strstr(info->name, "ema_vocab_hit_SV")) {
            skipped++;
            continue;
        }
        CHECK(code_weights_find(weights, info->name) == info, "%s is not found", info->name);
        found = read_all(weights, info);
        expected = read_all(rule, info);
        for (uint64_t j = 0; found && expected && j < info->elements; j++)
            wrong += found[j] != rounded(expected[j], info->type);
        CHECK(found && expected && !wrong, "%s: %s: %llu of %llu values differ", name, info->name,
              (unsigned long long)wrong, (unsigned long long)info->elements);
        free(found);
        free(expected);
        seen++;
    }
    CHECK(!weights || code_weights_unchanged(weights, &error), "%s", error.text);
    CHECK(seen == tensors && skipped == opaque, "%s: %u tensors and %u buffers", name, seen,
          skipped);
    printf("%-44s %u tensors equal, %u buffers\n", name, seen, skipped);
    code_weights_close(weights);
    code_weights_close(rule);
}

static void test_checkpoints(const char *folder)
{
    char path[500];

    compare(folder, "micro-vae.pth", CODE_ROLE_VAE, VAE_SEED, 139, 0);
    compare(folder, "micro-drafter.pth", CODE_ROLE_VAR, DRAFTER_SEED, 22, 0);
    compare(folder, "micro-drafter-f16.pth", CODE_ROLE_VAR, DRAFTER_SEED, 22, 0);
    compare(folder, "micro-drafter-bf16.pth", CODE_ROLE_VAR, DRAFTER_SEED, 22, 0);
    compare(folder, "micro-drafter-views.pth", CODE_ROLE_VAR, DRAFTER_SEED, 22, 0);
    compare(folder, "micro-drafter.safetensors", CODE_ROLE_VAR, DRAFTER_SEED, 22, 0);
    compare(folder, "micro-refiner-with-buffers.pth", CODE_ROLE_VAR, REFINER_SEED, 34, 4);
    compare(folder, "micro-trainer.pth", CODE_ROLE_VAR, DRAFTER_SEED, 22, 3);
    compare(folder, "micro-trainer.pth", CODE_ROLE_VAE, VAE_SEED, 139, 1);
    snprintf(path, sizeof path, "%s/micro-drafter-legacy.pth", folder);
    expect_refused(CASE_WEIGHTS, "legacy checkpoint", path, CODESRC_MALFORMED,
                   "found the legacy format of PyTorch before 1.6");
}

/* Listing and verifying: the mask's minus infinity is no fault of a checkpoint. */
static void count_tensor(void *user, const CodesrcTensorInfo *tensor)
{
    unsigned *count = user;

    (void)tensor;
    ++*count;
}

static void test_inspect(const char *folder)
{
    static const struct {
        const char *name;
        unsigned tensors;
    } files[] = {{"micro-refiner-with-buffers.pth", 38},
                 {"micro-trainer.pth", 231},
                 {"micro-drafter-views.pth", 22},
                 {"micro-drafter.safetensors", 22}};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CodesrcError error = {.text = ""};
        unsigned count = 0;
        char path[500];
        bool ok;

        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        ok = codesrc_weights_inspect(path, true, count_tensor, &count, &error);
        CHECK(ok, "%s", error.text);
        CHECK(count == files[i].tensors, "%s: %u tensors", files[i].name, count);
        printf("%-44s %u tensors verified\n", files[i].name, count);
    }
}

/* ---- what a wrong expectation says ----------------------------------------------------------- */

static void expect_mismatch(bool ok, const CodesrcError *error, const char *text)
{
    CHECK(!ok && error->status == CODESRC_MISMATCH, "status %d", error->status);
    CHECK(strstr(error->text, text), "'%s', expected '%s'", error->text, text);
    printf("%-44s %s\n", "mismatch", strrchr(error->text, '/'));
}

static void test_mismatches(const char *folder)
{
    uint64_t dims[2] = {128, 9}, level[2] = {1, 14}, mask[4] = {1, 1, 14, 14};
    CodesrcError error = {.text = ""};
    float values[196];
    CodeWeights *weights;
    char path[500];
    bool ok;

    snprintf(path, sizeof path, "%s/micro-refiner-with-buffers.pth", folder);
    weights = code_weights_open(path, CODE_ROLE_VAR, &error);
    CHECK(weights, "%s", error.text);
    if (!weights)
        return;
    ok = code_weights_check(weights, "no.such", 2, dims, &error);
    expect_mismatch(ok, &error, "found no tensor 'no.such', expected one of shape (128, 9)");
    ok = code_weights_check(weights, "word_embed.weight", 2, dims, &error);
    expect_mismatch(ok, &error,
                    "tensor 'word_embed.weight': found shape (64, 8), expected (128, 9)");
    ok = code_weights_read(weights, "lvl_1L", 2, level, values, &error);
    expect_mismatch(ok, &error, "tensor 'lvl_1L': found type I64, expected F32, F16, BF16, F64");
    ok = code_weights_read(weights, "attn_bias_for_masking", 4, mask, values, &error);
    expect_mismatch(ok, &error,
                    "tensor 'attn_bias_for_masking': found a value that is no finite float32 at "
                    "element 1");
    code_weights_close(weights);
}

/* ---- the synthetic rule ---------------------------------------------------------------------- */

static void test_rule(void)
{
    /* From the rule in another language. */
    static const struct {
        const char *name;
        unsigned rank;
        uint64_t dims[4];
        uint32_t seed;
        size_t index;
        float value;
    } known[] = {
        {"word_embed.weight", 2, {64, 32}, 1u, 0, 0x1.d8c11ep-4f},
        {"word_embed.weight", 2, {64, 32}, 1u, 2047, -0x1.c90b98p-3f},
        {"head.weight", 2, {4096, 1920}, 12u, 7864319, -0x1.9e41dp-5f},
        {"blocks.3.attn.scale_mul_1H11", 4, {1, 30, 1, 1}, 12u, 29, 0x1.62e43p+0f},
        {"blocks.0.ada_lin.1.weight", 2, {768, 128}, 4294967295u, 5, -0x1.ca39d6p-6f},
        {"pos_1LC", 3, {1, 680, 1920}, 12u, 1305599, -0x1.da99c8p-2f},
        {"quantize.embedding.weight", 2, {4096, 32}, 11u, 131071, -0x1.acf9p-1f},
        {"decoder.norm_out.weight", 1, {160}, 11u, 159, 0x1.0093fap+0f},
        {"decoder.norm_out.bias", 1, {160}, 11u, 0, -0x1.34cc34p-4f},
        {"head.bias", 1, {4096}, 13u, 1, -0x1.b73a34p-9f},
        {"encoder.conv_in.weight", 4, {160, 3, 3, 3}, 11u, 4319, -0x1.3f386cp-4f},
        {"blocks.1.ada_gss", 4, {1, 1, 6, 64}, 13u, 100, 0x1.874b92p-11f},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CodesrcError error = {.text = ""};
        CodeWeights *rule = code_weights_synthetic(known[i].seed, &error);
        CodesrcTensorInfo info = {.name = known[i].name, .rank = known[i].rank, .elements = 1};
        float *values;

        for (unsigned j = 0; j < info.rank; j++)
            info.elements *= info.dims[j] = known[i].dims[j];
        CHECK(code_weights_is_synthetic(rule) && !code_weights_count(rule) &&
                  !code_weights_find(rule, info.name),
              "%s", code_weights_name(rule));
        values = read_all(rule, &info);
        CHECK(values && values[known[i].index] == known[i].value, "%s[%zu]: %a", known[i].name,
              known[i].index, values ? values[known[i].index] : 0.0f);
        free(values);
        code_weights_close(rule);
    }
    printf("%-44s %zu known values\n", "synthetic rule", sizeof known / sizeof *known);
}

/* ---- every half-precision pattern ------------------------------------------------------------ */

static double value_of_e4m3(unsigned bits)
{
    int exponent = bits >> 3 & 0xF, fraction = bits & 7;
    double size = exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);

    return bits & 0x80 ? -size : size;
}

static double value_of_f16(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);

    return bits & 0x8000 ? -size : size;
}

/* A file of one tensor of that type, whose values have `bytes` bytes each. */
static CodeWeights *open_patterns(const char *type, unsigned bytes, const Bytes *patterns)
{
    CodesrcError error = {.text = ""};
    CodeWeights *weights;
    Bytes file = {0};
    char header[200];

    snprintf(header, sizeof header,
             "{\"pos_1LC\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}", type,
             patterns->size / bytes, patterns->size);
    put_number(&file, strlen(header), 8);
    put_text(&file, header);
    put(&file, patterns->data, patterns->size);
    write_file("patterns.safetensors", file.data, file.size);
    clear(&file);
    weights = code_weights_open(scratch("patterns.safetensors"), CODE_ROLE_VAR, &error);
    CHECK(weights, "%s", error.text);
    return weights;
}

/* All finite patterns of a type read as their values. Returns how many there are. */
static unsigned test_finite(const char *type, bool half, unsigned special)
{
    float *values = malloc(65536 * sizeof *values);
    CodesrcError error = {.text = ""};
    unsigned wrong = 0, finite;
    CodeWeights *weights;
    Bytes patterns = {0};

    for (unsigned bits = 0; bits < 65536; bits++) {
        if ((bits & special) != special)
            put_number(&patterns, bits, 2);
    }
    finite = (unsigned)patterns.size / 2;
    weights = open_patterns(type, 2, &patterns);
    CHECK(weights && code_weights_read(weights, "pos_1LC", 1, &(uint64_t){finite}, values, &error),
          "%s", error.text);
    for (unsigned i = 0; i < finite; i++) {
        uint32_t found, bits = (uint32_t)get_number(&patterns, 2 * i, 2), expected = bits << 16;
        float value = half ? (float)value_of_f16((uint16_t)bits) : 0.0f;

        memcpy(&found, &values[i], sizeof found);
        if (half)
            memcpy(&expected, &value, sizeof expected);
        wrong += found != expected;
    }
    CHECK(!wrong, "%s: %u of %u values differ", type, wrong, finite);
    code_weights_close(weights);
    clear(&patterns);
    free(values);
    return finite;
}

/* Each other pattern is refused at its place. */
static unsigned test_special(const char *type, unsigned special)
{
    unsigned refused = 0;

    for (unsigned bits = 0; bits < 65536; bits++) {
        CodesrcError error = {.text = ""};
        CodeWeights *weights;
        Bytes patterns = {0};
        float values[3];

        if ((bits & special) != special)
            continue;
        put_number(&patterns, (uint64_t)bits << 32, 6);
        weights = open_patterns(type, 2, &patterns);
        refused += weights &&
                   !code_weights_read(weights, "pos_1LC", 1, &(uint64_t){3}, values, &error) &&
                   error.status == CODESRC_MISMATCH &&
                   strstr(error.text, "no finite float32 at element 2");
        code_weights_close(weights);
        clear(&patterns);
    }
    return refused;
}

static void test_patterns(const char *type, bool half, unsigned special)
{
    unsigned finite = test_finite(type, half, special), refused = test_special(type, special);

    CHECK(finite + refused == 65536, "%s: %u right, %u refused", type, finite, refused);
    printf("%-44s %u values right, %u not finite and refused\n", type, finite, refused);
}

/* All 256 patterns of both float8 types, read from a file. */
static void test_float8(void)
{
    static const char *const types[] = {"F8_E4M3", "F8_E5M2"};
    unsigned right = 0, refused = 0;

    for (unsigned type = 0; type < 2; type++)
        for (unsigned bits = 0; bits < 256; bits++) {
            bool special = type ? (bits & 0x7C) == 0x7C : (bits & 0x7F) == 0x7F;
            double expected = type ? value_of_f16((uint16_t)(bits << 8)) : value_of_e4m3(bits);
            Bytes patterns = {0};
            CodesrcError error = {.text = ""};
            CodeWeights *weights;
            float values[2] = {0};
            bool read;

            put_number(&patterns, bits << 8, 2);
            weights = open_patterns(types[type], 1, &patterns);
            read =
                weights && code_weights_read(weights, "pos_1LC", 1, &(uint64_t){2}, values, &error);
            CHECK(read == !special && (special || values[1] == (float)expected), "%s 0x%02x: %g",
                  types[type], bits, values[1]);
            right += read;
            refused += !read;
            code_weights_close(weights);
            clear(&patterns);
        }
    CHECK(right == 254 + 248 && refused == 2 + 8, "%u right, %u refused", right, refused);
    printf("%-44s %u values right, %u not finite and refused\n", "float8", right, refused);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER-OF-CHECKPOINTS\n", argv[0]);
        return 2;
    }
    test_checkpoints(argv[1]);
    test_inspect(argv[1]);
    test_mismatches(argv[1]);
    test_rule();
    test_patterns("F16", true, 0x7C00);
    test_patterns("BF16", false, 0x7F80);
    test_float8();
    return cases_end() | test_end();
}
