/* test-digest.c - the digest against the known answers of xxhsum, and a model's digest against what
 * must change it and what must not. Arguments: the folder of the checkpoints. */
#include "../test.h"
#include "hostile.h"
#include "model/digest.h"

/* Made with `xxhsum -H1` of Debian 12. */
static void test_known_answers(void)
{
    static const struct {
        const char *text;
        size_t repeats;
        uint64_t digest;
    } known[] = {{"", 1, 0xef46db3751d8e999},
                 {"abc", 1, 0x44bc2cf5ad770999},
                 {"Nobody inspects the spammish repetition", 1, 0xfbcea83c8a378bf1},
                 {"x", 100, 0x92f0de5a88a3c094}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Bytes bytes = {0};
        uint64_t digest;

        put_repeated(&bytes, known[i].text, known[i].repeats);
        digest = code_digest(0, bytes.data, bytes.size);
        CHECK(digest == known[i].digest, "\"%s\": %016llx", known[i].text,
              (unsigned long long)digest);
        clear(&bytes);
    }
    CHECK(code_digest(code_digest(0, "ab", 2), "c", 1) != code_digest(0, "abc", 3), "parts count");
}

/* ---- models ---------------------------------------------------------------------------------- */

static const char *checkpoints; /* the folder */

static void copy(const char *name, const char *as)
{
    char path[500];
    Bytes bytes = {0};
    uint8_t piece[4096];
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", checkpoints, name);
    file = fopen(path, "rb");
    CHECK(file, "%s", path);
    while (file && (got = fread(piece, 1, sizeof piece, file)))
        put(&bytes, piece, got);
    if (file)
        fclose(file);
    write_file(as, bytes.data, bytes.size);
    clear(&bytes);
}

/* Turns over one bit of the scratch file's last byte: of a tensor's last value. */
static void flip(const char *name)
{
    FILE *file = fopen(scratch(name), "r+b");
    int last;

    fseek(file, -1, SEEK_END);
    last = fgetc(file);
    fseek(file, -1, SEEK_END);
    fputc(last ^ 1, file);
    fclose(file);
}

static void write_manifest(const char *drafter, const char *comment)
{
    char text[500];

    snprintf(text, sizeof text,
             "name: micro\npatch_nums: [1, 2, 3]\nclasses: 4\nvae: {file: micro-vae.pth}\n"
             "drafter: {file: %s}\nrefiner: {file: micro-refiner-with-buffers.pth}\n"
             "defaults: {drafting_steps: 2}\n%s",
             drafter, comment);
    write_file("micro.yaml", text, strlen(text));
}

typedef struct Digest {
    char text[32];
} Digest;

static Digest digest_with(const CodesrcModelOptions *options)
{
    Digest digest = {""};
    CodesrcError error = {.text = ""};
    CodesrcModel *model = codesrc_model_open(scratch("micro.yaml"), options, &error);

    CHECK(model, "%s", error.text);
    if (model)
        snprintf(digest.text, sizeof digest.text, "%s", codesrc_model_info(model)->digest);
    codesrc_model_unref(model);
    CHECK(strlen(digest.text) == (options->headers_only ? 0 : 16), "\"%s\"", digest.text);
    return digest;
}

static Digest digest_on(const char *device)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.device = device;
    return digest_with(&options);
}

static void test_what_does_not_matter(void)
{
    CodesrcModelOptions options;
    Digest plain, other;

    write_manifest("micro-drafter.pth", "");
    plain = digest_on("reference");
    other = digest_on("auto");
    CHECK(!strcmp(other.text, plain.text), "the device: %s, %s", other.text, plain.text);

    codesrc_model_options_init(&options);
    options.device = "reference";
    options.class_weights = CODESRC_CLASS_WEIGHTS_READ;
    other = digest_with(&options);
    CHECK(!strcmp(other.text, plain.text), "AdaLN left: %s, %s", other.text, plain.text);
    options.headers_only = true;
    digest_with(&options);
}

/* Turns over one bit in the middle of a tensor of a .safetensors scratch file. */
static void flip_in(const char *name, const char *tensor)
{
    FILE *file = fopen(scratch(name), "r+b");
    static char header[1 << 16];
    unsigned long long begin = 0, end = 0;
    uint64_t length = 0;
    char quoted[100];
    const char *at;
    int byte;

    CHECK(file && fread(&length, 8, 1, file) == 1 && length < sizeof header &&
              fread(header, 1, length, file) == length,
          "%s", name);
    snprintf(quoted, sizeof quoted, "\"%s\"", tensor);
    at = strstr(header, quoted);
    at = at ? strstr(at, "\"data_offsets\"") : NULL;
    at = at ? strchr(at, '[') : NULL;
    CHECK(at && sscanf(at, "[%llu,%llu]", &begin, &end) == 2 && begin < end, "%s", tensor);
    fseek(file, (long)(8 + length + (begin + end) / 2), SEEK_SET);
    byte = fgetc(file);
    fseek(file, -1, SEEK_CUR);
    fputc(byte ^ 1, file);
    fclose(file);
}

/* Weights that stay in their file until a class needs them count as all others do: so others in
 * their place are another model, however they are come by. */
static void test_what_is_read_later(void)
{
    static const char *const tensors[] = {"blocks.0.ada_lin.1.weight", "blocks.0.ada_lin.1.bias",
                                          "head_nm.ada_lin.1.weight", "head_nm.ada_lin.1.bias"};
    CodesrcModelOptions options;
    Digest plain, other;

    write_manifest("drafter", "");
    copy("micro-drafter.safetensors", "drafter");
    codesrc_model_options_init(&options);
    options.device = "reference";
    options.class_weights = CODESRC_CLASS_WEIGHTS_READ;
    plain = digest_with(&options);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        copy("micro-drafter.safetensors", "drafter");
        flip_in("drafter", tensors[i]);
        other = digest_with(&options);
        CHECK(strcmp(other.text, plain.text), "a bit of %s", tensors[i]);
    }
}

static void test_what_matters(void)
{
    static const char *const others[] = {"micro-drafter-bf16.pth", "micro-drafter-f16.pth"};
    Digest plain, other;

    write_manifest("drafter", "");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        copy("micro-drafter.pth", "drafter");
        plain = digest_on("reference");
        copy(others[i], "drafter");
        other = digest_on("reference");
        CHECK(strcmp(other.text, plain.text), "%s", others[i]);
    }
    copy("micro-drafter.pth", "drafter");
    write_manifest("drafter", "# a comment\n");
    other = digest_on("reference");
    CHECK(strcmp(other.text, plain.text), "the manifest");

    /* The same values in another format, and then one bit of one value. */
    write_manifest("drafter", "");
    copy("micro-drafter.safetensors", "drafter");
    other = digest_on("reference");
    CHECK(!strcmp(other.text, plain.text), "the format: %s, %s", other.text, plain.text);
    flip("drafter");
    other = digest_on("reference");
    CHECK(strcmp(other.text, plain.text), "a bit");
}

int main(int argc, char **argv)
{
    static const char *const files[] = {"micro-vae.pth", "micro-refiner-with-buffers.pth",
                                        "micro-drafter.pth"};

    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER-OF-CHECKPOINTS\n", argv[0]);
        return 2;
    }
    checkpoints = argv[1];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        copy(files[i], files[i]);
    test_known_answers();
    test_what_does_not_matter();
    test_what_matters();
    test_what_is_read_later();
    return cases_end() | test_end();
}
