/* test-limits.c - every number of a manifest and of a weight file at its limit and one past it,
 * opened and, if that takes seconds at most, used to generate. The address sanitizer finds a limit
 * that an array does not hold. Argument: docs/models.md, which must name the same limits. */
#include "../test.h"
#include "made.h"
#include "model/limits.h"

/* ---- models ---------------------------------------------------------------------------------- */

/* The numbers of a small model; a case changes one of them, and what must go with it. */
typedef struct Numbers {
    unsigned codes, channels, ch, groups, res_blocks, levels, ch_mult;
    unsigned depth, heads, classes, scales, side;
} Numbers;

static const Numbers small = {.codes = 16,
                              .channels = 4,
                              .ch = 4,
                              .groups = 2,
                              .res_blocks = 1,
                              .levels = 1,
                              .ch_mult = 1,
                              .depth = 1,
                              .heads = 1,
                              .classes = 2,
                              .scales = 2,
                              .side = 2};

/* Writes a manifest into the scratch folder, and returns its path, for the caller to free; with
 * weight files in place of `synthetic` if `files`. */
static char *write_manifest(const char *name, const Numbers *n, bool files)
{
    Bytes text = {0};
    char line[300];

    put_text(&text, "name: limits\npatch_nums: [");
    for (unsigned k = 1; k < n->scales; k++) {
        snprintf(line, sizeof line, "%u, ", k);
        put_text(&text, line);
    }
    snprintf(line, sizeof line, "%u]\nclasses: %u\n%svae: {", n->side, n->classes,
             files ? "" : "synthetic: 1\n");
    put_text(&text, line);
    if (files) {
        put_text(&text, "file: vae.safetensors");
    } else {
        snprintf(line, sizeof line, "codes: %u, channels: %u, ch: %u, res_blocks: %u, ch_mult: [%u",
                 n->codes, n->channels, n->ch, n->res_blocks, n->ch_mult);
        put_text(&text, line);
        for (unsigned level = 1; level < n->levels; level++)
            put_text(&text, ", 1");
        put_text(&text, "]");
    }
    snprintf(line, sizeof line, ", groups: %u}\n", n->groups);
    put_text(&text, line);
    if (files)
        snprintf(line, sizeof line, "drafter: {file: drafter.safetensors}\n");
    else
        snprintf(line, sizeof line, "drafter: {depth: %u, width: %u, heads: %u}\n", n->depth,
                 64 * n->heads, n->heads);
    put_text(&text, line);
    write_file(name, text.data, text.size);
    clear(&text);
    return strdup(scratch(name));
}

/* Opens by headers, and plans. */
static void expect_opened(const char *label, const char *path)
{
    CodesrcError error = {.text = ""};
    CodesrcModel *model = made_open(path, true, &error);
    CodesrcPlan plan;

    CHECK(model && codesrc_plan(model, codesrc_model_info(model)->scales, 1, &plan, &error),
          "%s: %s", label, error.text);
    codesrc_model_unref(model);
}

static void draw(const char *label, const char *path)
{
    CodesrcError error = {.text = ""};
    CodesrcModel *model = made_open(path, false, &error);
    CodesrcGenerator *generator;
    CodesrcPicture picture;
    CodesrcRequest request;

    CHECK(model, "%s: %s", label, error.text);
    if (!model)
        return;
    codesrc_request_init(model, &request);
    picture.stride = 3 * (size_t)codesrc_model_info(model)->side;
    picture.data = malloc(picture.stride * codesrc_model_info(model)->side);
    generator = codesrc_generator_new(model, 1, 0, &error);
    CHECK(generator && codesrc_generate(generator, &request, 1, &picture, &error), "%s: %s", label,
          error.text);
    free(picture.data);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
}

/* ---- weight files ---------------------------------------------------------------------------- */

/* An excess of a weight file over its model: a tensor of another size, or an additional one. */
typedef struct Excess {
    const char *tensor;
    unsigned axis; /* that is longer by one */
    bool added;    /* one more tensor, of one value */
} Excess;

static bool lengthen(void *user, CodeListed *tensor)
{
    const Excess *excess = user;

    if (!excess->added && !strcmp(tensor->name, excess->tensor))
        tensor->dims[excess->axis]++;
    return true;
}

/* Weight files of a synthetic model. */
static void write_files(const CodeInventory *inventory, Excess *excess)
{
    static const char *const names[] = {"vae.safetensors", "drafter.safetensors"};
    bool of_drafter =
        !strncmp(excess->tensor, "blocks", 6) || strchr("pc", excess->tensor[0]) != NULL;

    for (unsigned part = 0; part < 2; part++)
        made_file(names[part], inventory, part, lengthen, excess,
                  excess->added && part == of_drafter ? excess->tensor : NULL);
}

/* ---- cases ----------------------------------------------------------------------------------- */

typedef struct Case {
    const char *key, *range; /* of the manifest: "1 to 8" */
    Numbers numbers;         /* those that are not 0 replace the small model's */
    const char *past;        /* line of a manifest that is one past the limit, and its error */
    const char *error;
    Excess excess; /* the same of a weight file; none for what is no file's */
    const char *file_error;
    bool drawn;
} Case;

#define RANGE(least, most) #least " to " #most

static const Case cases[] = {
    {"codes",
     RANGE(1, 65536),
     {.codes = CODE_MAX_CODES},
     "codes: 65537",
     "from 1 to 65536",
     {"quantize.embedding.weight", 0, false},
     "dimension 0 is 65537, expected 1..65536",
     true},
    {"channels",
     RANGE(1, 1024),
     {.channels = CODE_MAX_CHANNELS},
     "channels: 1025",
     "from 1 to 1024",
     {"quantize.embedding.weight", 1, false},
     "dimension 1 is 1025, expected 1..1024",
     true},
    {"ch",
     RANGE(1, 1024),
     {.ch = CODE_MAX_CH},
     "ch: 1025",
     "from 1 to 1024",
     {"encoder.conv_in.weight", 0, false},
     "dimension 0 is 1025, expected 1..1024",
     false},
    {"groups",
     RANGE(1, 1024),
     {.ch = CODE_MAX_CH, .groups = CODE_MAX_GROUPS},
     "groups: 1025",
     "from 1 to 1024",
     {0},
     NULL,
     false},
    {"res_blocks",
     RANGE(1, 8),
     {.res_blocks = CODE_MAX_RES_BLOCKS},
     "res_blocks: 9",
     "from 1 to 8",
     {"encoder.down.0.block.8.conv1.weight", 0, true},
     "found 9 parts encoder.down.0.block.*, expected 1 to 8",
     true},
    {"ch_mult",
     "1 to 8 numbers from 1 to 16",
     {.ch_mult = CODE_MAX_CH_MULT},
     "ch_mult: [17]",
     "from 1 to 16",
     {"decoder.up.0.block.0.conv1.weight", 0, false},
     "has 65 outputs, expected a multiple of ch = 4, up to 16 times as many",
     true},
    {"ch_mult",
     "1 to 8 numbers from 1 to 16",
     {.levels = CODE_MAX_LEVELS, .side = 2},
     "ch_mult: [1, 1, 1, 1, 1, 1, 1, 1, 1]",
     "found 9 levels, expected 1 to 8",
     {"decoder.up.8.block.0.conv1.weight", 0, true},
     "found 9 parts decoder.up.*, expected 1 to 8",
     true},
    {"depth",
     RANGE(1, 128),
     {.depth = CODE_MAX_DEPTH},
     "depth: 129",
     "from 1 to 128",
     {"blocks.128.attn.q_bias", 0, true},
     "found 129 parts blocks.*, expected 1 to 128",
     true},
    {"width",
     "64 · `heads`",
     {.heads = CODE_MAX_HEADS},
     "width: 8193",
     "from 64 to 8192",
     {"pos_1LC", 2, false},
     "dimension 2 is 8193, expected 1..8192",
     false},
    {"heads",
     RANGE(1, 128),
     {.heads = CODE_MAX_HEADS},
     "heads: 129",
     "from 1 to 128",
     {"blocks.0.attn.scale_mul_1H11", 1, false},
     "dimension 1 is 129, expected 1..128",
     false},
    {"classes",
     RANGE(1, 100000),
     {.classes = CODE_MAX_CLASSES},
     "classes: 100001",
     "from 1 to 100000",
     {"class_emb.weight", 0, false},
     "dimension 0 is 100002, expected 1..100001",
     true},
    {"patch_nums",
     "2 to 16 increasing numbers",
     {.scales = CODESRC_MAX_SCALES, .side = 16},
     "patch_nums: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]",
     "found 17 scales",
     {0},
     NULL,
     true},
    {"patch_nums",
     "from 1 to at most 64",
     {.side = CODE_MAX_SIDE},
     "patch_nums: [1, 65]",
     "from 1 to 64",
     {"pos_1LC", 1, false},
     "found shape (1, 4098, 64), expected (1, 4097, 64)",
     true},
};

static Numbers with(const Numbers *changed)
{
    Numbers numbers = small;
    unsigned *to = (unsigned *)&numbers;
    const unsigned *from = (const unsigned *)changed;

    for (size_t i = 0; i < sizeof numbers / sizeof *to; i++)
        to[i] = from[i] ? from[i] : to[i];
    return numbers;
}

/* The small model's manifest with the case's line in place of its own number. */
static void test_past(const Case *c)
{
    bool vae = strstr("codes channels ch groups res_blocks ch_mult", c->key);
    bool var = strstr("depth width heads", c->key);
    Bytes text = {0};
    const char *line[] = {"patch_nums: [1, 2]", "classes: 2"};
    const char *number[] = {"codes: 16", "channels: 4",   "ch: 4",
                            "groups: 2", "res_blocks: 1", "ch_mult: [1]",
                            "depth: 1",  "width: 64",     "heads: 1"};
    size_t key = strlen(c->key);

    put_text(&text, "name: m\nsynthetic: 1\n");
    for (unsigned i = 0; i < 2; i++) {
        put_text(&text, !strncmp(line[i], c->key, key) && !vae && !var ? c->past : line[i]);
        put_text(&text, "\n");
    }
    for (unsigned i = 0; i < 9; i++) {
        bool own = !strncmp(number[i], c->key, key) && number[i][key] == ':';

        put_text(&text, i == 0 ? "vae: {" : i == 6 ? "}\ndrafter: {" : ", ");
        put_text(&text, own ? c->past : number[i]);
    }
    put_text(&text, "}\n");
    refuse(CASE_MANIFEST, c->past, "past.yaml", &text, CODESRC_MALFORMED, c->error);
}

static void test_files(const Case *c, const char *manifest, const Numbers *numbers)
{
    CodeInventory inventory = made_list(manifest);
    CodesrcError error = {.text = ""};
    char *path = write_manifest("files.yaml", numbers, true);
    Excess none = {"", 0, false}, excess = c->excess;
    CodesrcModel *past;

    write_files(&inventory, &none);
    expect_opened(c->key, path);
    write_files(&inventory, &excess);
    past = made_open(path, true, &error);
    CHECK(!past && error.status == CODESRC_MISMATCH && strstr(error.text, c->file_error),
          "%s: '%s', expected '%s'", c->key, error.text, c->file_error);
    codesrc_model_unref(past);
    free(inventory.all);
    free(path);
}

/* A number that no manifest gives: convolutions of the quantiser, one more than there may be. */
static void test_phi(void)
{
    Excess excess = {"quantize.quant_resi.qresi_ls.16.weight", 0, true};
    char *manifest = write_manifest("limit.yaml", &small, false), *path;
    CodeInventory inventory = made_list(manifest);
    CodesrcError error = {.text = ""};

    path = write_manifest("files.yaml", &small, true);
    write_files(&inventory, &excess);
    CHECK(!made_open(path, true, &error) && error.status == CODESRC_MISMATCH &&
              strstr(error.text, "found 17 parts quantize.quant_resi.qresi_ls.*, expected 1 to 16"),
          "phi: '%s'", error.text);
    free(inventory.all);
    free(manifest);
    free(path);
}

static void test_case(const Case *c)
{
    Numbers numbers = with(&c->numbers);
    char *manifest = write_manifest("limit.yaml", &numbers, false);

    test_past(c);
    expect_opened(c->key, manifest);
    if (c->drawn)
        draw(c->key, manifest);
    if (c->excess.tensor)
        test_files(c, manifest, &numbers);
    free(manifest);
    printf("%-44s at its limit, and one past it\n", c->key);
}

/* ---- the document ---------------------------------------------------------------------------- */

/* Does docs/models.md have a row of that key that states the range? */
static bool documented(const char *document, const Case *c)
{
    char line[2000], start[40];
    FILE *file = fopen(document, "r");
    bool found = false;

    snprintf(start, sizeof start, "| `%s` |", c->key);
    while (file && !found && fgets(line, sizeof line, file))
        found = !strncmp(line, start, strlen(start)) && strstr(line, c->range);
    if (file)
        fclose(file);
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s docs/models.md\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(documented(argv[1], &cases[i]), "%s has no row '| `%s` |' with '%s'", argv[1],
              cases[i].key, cases[i].range);
        test_case(&cases[i]);
    }
    test_phi();
    return cases_end() | test_end();
}
