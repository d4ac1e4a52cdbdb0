/* test-checkpoint.c - a model's place in a file, and the things allowed alongside it: the engine
 * uses all of the model's tensors and no others, or refuses the file. */
#include "../test.h"
#include "made.h"

#define HEAD                                                                                       \
    "name: m\npatch_nums: [1, 2]\nclasses: 2\n"                                                    \
    "class_names: [Cardigan, cardigan]\n"

static const char synthetic[] =
    HEAD "synthetic: 1\n"
         "vae: {codes: 16, channels: 4, ch: 4, groups: 2, res_blocks: 1, ch_mult: [1, 2]}\n"
         "drafter: {depth: 3, width: 64, heads: 1}\n";

static const char synthetic_shared[] =
    HEAD "synthetic: 1\n"
         "vae: {codes: 16, channels: 4, ch: 4, groups: 2, res_blocks: 1, ch_mult: [1, 2]}\n"
         "drafter: {depth: 2, width: 64, heads: 1, shared_aln: true}\n";

/* A change of the names in one file, and the resulting message. */
typedef struct Case {
    const char *label;
    unsigned part;       /* 0 VQ-VAE, 1 drafter */
    const char *drop;    /* tensors whose names begin so are left out */
    const char *prefix;  /* before every name */
    const char *inside;  /* put in after the first dot of every name that has one */
    const char *added;   /* one more tensor */
    const char *given;   /* more keys of that part in the manifest */
    const char *refusal; /* NULL: it is accepted */
} Case;

static const Case cases[] = {
    {"plain", 1, NULL, "", "", NULL, "", NULL},
    {"DistributedDataParallel", 1, NULL, "module.", "", NULL, "", NULL},
    {"torch.compile", 1, NULL, "_orig_mod.", "", NULL, "", NULL},
    {"torch.compile around it", 1, NULL, "_orig_mod.module.", "", NULL, "", NULL},
    {"torch.compile inside it", 1, NULL, "module._orig_mod.", "", NULL, "", NULL},
    {"torch.compile of each part", 1, NULL, "", "_orig_mod.", NULL, "", NULL},
    {"FSDP", 1, NULL, "_fsdp_wrapped_module.", "_fsdp_wrapped_module.", NULL, "", NULL},
    {"model.", 1, NULL, "model.", "", NULL, "", NULL},
    {"Lightning", 1, NULL, "state_dict.model.", "", "lr_schedulers.0.x", "", NULL},
    {"net.", 1, NULL, "net.", "", NULL, "", NULL},
    {"var_wo_ddp.", 1, NULL, "var_wo_ddp.", "", "vae_local.x", "", NULL},
    {"VAR's trainer", 1, NULL, "trainer.var_wo_ddp.", "", "trainer.var_opt.optimizer.state.0.x", "",
     NULL},
    {"VAR's trainer, VQ-VAE", 0, NULL, "trainer.vae_local.", "", "trainer.var_wo_ddp.x", "", NULL},
    {"buffers", 1, NULL, "", "", "blocks.0.attn.zero_k_bias", "", NULL},
    {"a given prefix", 1, NULL, "ema.shadow.", "", "pos_1LC", ", prefix: ema.shadow", NULL},
    {"a given prefix with its dot", 1, NULL, "ema.", "", NULL, ", prefix: ema.", NULL},
    {"a tensor to ignore", 1, NULL, "", "", "blocks.0.cross_attn.weight",
     ", ignore: blocks.0.cross_attn.weight", NULL},
    {"tensors to ignore", 1, NULL, "module.", "", "module.blocks.0.cross_attn.weight",
     ", ignore: ['a*b*c', '*.cross_attn.*']", NULL},

    {"a pattern whose end comes twice", 1, NULL, "", "", "x.weight.y.weight",
     ", ignore: ['x*.weight']", NULL},
    {"a pattern of stars", 1, NULL, "", "", "x.y.x", ", ignore: ['**x.**y.x**']", NULL},
    {"a pattern that overlaps itself", 1, NULL, "", "", "xyx", ", ignore: ['xy*yx', 'xyx*x']",
     "found tensor 'xyx' and no use for it"},
    {"a pattern that is longer", 1, NULL, "", "", "x", ", ignore: ['xx', 'x*x', '*xx', 'x.*']",
     "found tensor 'x' and no use for it"},

    {"one tensor missing", 1, "blocks.1.attn.mat_qkv.weight", "", "", NULL, "",
     "found no tensor 'blocks.1.attn.mat_qkv.weight', expected one of shape (192, 64)"},
    {"a block missing", 1, "blocks.1.", "", "", NULL, "",
     "found no tensor 'blocks.1.ada_lin.1.bias'"},
    {"one tensor of the last block", 1, "blocks.2", "", "", "blocks.2.ffn.fc2.bias", "",
     "found no tensor 'blocks.2.ada_lin.1.bias'"},
    {"a level missing", 0, "decoder.up.0.", "", "", NULL, "",
     "found no tensor 'decoder.up.0.block.0.conv1.weight'"},
    {"a level's second block missing", 0, "decoder.up.1.block.1.", "", "", NULL, "",
     "found no tensor 'decoder.up.1.block.1.norm1.weight'"},
    {"a missing tensor under a prefix", 1, "head.bias", "module.", "", NULL, "",
     "found no tensor 'module.head.bias'"},
    {"a fifth phi", 0, NULL, "", "", "quantize.quant_resi.qresi_ls.4.weight", "",
     "found no tensor 'quantize.quant_resi.qresi_ls.4.bias', expected one of shape (4)"},
    {"attention across", 1, NULL, "", "", "blocks.0.cross_attn.weight", "",
     "found tensor 'blocks.0.cross_attn.weight' and no use for it: to draw without it, add "
     "`ignore: ['blocks.0.cross_attn.weight']` to `drafter` in the manifest"},
    {"the same under a prefix", 1, NULL, "module.", "", "module.blocks.0.x", "",
     "add `ignore: ['module.blocks.0.x']`"},
    {"a buffer of the other part", 0, NULL, "", "", "lvl_1L", "", "found tensor 'lvl_1L'"},
    {"a second model beside it", 1, NULL, "model.", "", "ema.pos_1LC", "",
     "found tensor 'ema.pos_1LC' beside the model, expected all under 'model.': to use these "
     "alone, "
     "add `prefix: model.` in the manifest"},
    {"two known prefixes", 1, NULL, "model.", "", "module.pos_1LC", "",
     "found 'model.pos_1LC' and 'module.pos_1LC', expected one model of that kind"},
    {"an unknown prefix", 1, NULL, "ema.", "", NULL, "",
     "found no tensor 'pos_1LC', expected one; it has 'ema.class_emb.weight', "
     "'ema.lvl_embed.weight', 'ema.pos_1LC': if its model lies under another name, add `prefix: "
     "NAME` in the manifest"},
    {"a given prefix that is not there", 1, NULL, "ema.", "", NULL, ", prefix: shadow",
     "found no tensor under prefix 'shadow', but 'ema.class_emb.weight', "},
    {"shared_aln of a plain model", 1, NULL, "", "", NULL, ", shared_aln: true",
     "shared_aln is false, but the manifest says true"},
    {"depth of another model", 1, NULL, "", "", NULL, ", depth: 2",
     "depth is 3, but the manifest says 2"},
};

/* Of a model with one AdaLN layer for all blocks. */
static const Case shared_cases[] = {
    {"shared AdaLN", 1, NULL, "", "", NULL, "", NULL},
    {"shared_aln of it", 1, NULL, "", "", NULL, ", shared_aln: true", NULL},
    {"shared_aln: false of it", 1, NULL, "", "", NULL, ", shared_aln: false",
     "shared_aln is true, but the manifest says false"},
    {"shared AdaLN missing", 1, "shared_ada_lin.1.bias", "", "", NULL, "",
     "found no tensor 'shared_ada_lin.1.bias'"},
    {"one block's share missing", 1, "blocks.0.ada_gss", "", "", NULL, "",
     "found no tensor 'blocks.0.ada_gss'"},
    {"a block's own AdaLN beside it", 1, NULL, "", "", "blocks.1.ada_lin.1.weight", "",
     "found tensor 'blocks.1.ada_lin.1.weight' and no use for it"},
};

static bool edit(void *user, CodeListed *tensor)
{
    const Case *c = user;
    char name[sizeof tensor->name];
    const char *dot = strchr(tensor->name, '.');
    int head = dot ? (int)(dot + 1 - tensor->name) : (int)strlen(tensor->name);

    if (c->drop && !strncmp(tensor->name, c->drop, strlen(c->drop)))
        return false;
    snprintf(name, sizeof name, "%.*s%s%s", head, tensor->name, dot ? c->inside : "",
             tensor->name + head);
    snprintf(tensor->name, sizeof tensor->name, "%.40s%.80s", c->prefix, name);
    return true;
}

static void run(const Case *c, const CodeInventory *inventory)
{
    static const char *const names[] = {"vae.safetensors", "drafter.safetensors"};
    CodesrcError error = {.text = ""};
    char manifest[600];
    CodesrcModel *model;

    for (unsigned part = 0; part < 2; part++)
        made_file(names[part], inventory, part, part == c->part ? edit : NULL, (void *)c,
                  part == c->part ? c->added : NULL);
    snprintf(manifest, sizeof manifest,
             HEAD "vae: {file: vae.safetensors, groups: 2%s}\n"
                  "drafter: {file: drafter.safetensors%s}\n",
             c->part ? "" : c->given, c->part ? c->given : "");
    write_file("case.yaml", manifest, strlen(manifest));
    model = made_open(scratch("case.yaml"), true, &error);
    if (c->refusal)
        CHECK(!model && error.status == CODESRC_MISMATCH && strstr(error.text, c->refusal),
              "%s: '%s', expected '%s'", c->label, error.text, c->refusal);
    else
        CHECK(model, "%s: %s", c->label, error.text);
    printf("%-44s %s\n", c->label, model ? "opened" : strrchr(error.text, '/') + 1);
    codesrc_model_unref(model);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* Another rank or size of one tensor, in a model with these groups and without what begins so. */
typedef struct Misshape {
    const char *label, *tensor;
    unsigned part, rank, axis;
    uint64_t size;
    unsigned groups;
    const char *drop, *drop_too, *refusal;
} Misshape;

/* clang-format off */
static const Misshape misshapes[] = {
    {"a codebook of one axis", "quantize.embedding.weight", 0, 1, 0, 16, 2, NULL, NULL,
     "tensor quantize.embedding.weight has 1 dimensions, expected 2"},
    {"a level of half a width", "decoder.up.1.block.0.conv1.weight", 0, 4, 0, 6, 2, NULL, NULL,
     "has 6 outputs, expected a multiple of ch = 4, up to"},
    {"groups that cut no level", "none", 0, 0, 0, 0, 3, NULL, NULL,
     "4 channels on level 0 cannot be cut into groups: 3"},
    {"one block alone, no encoder", "none", 0, 0, 0, 0, 2, "encoder.", "decoder.up.0.block.1.",
     "found no tensor 'decoder.up.0.block.1.conv1.weight'"},
    {"a width of no heads", "pos_1LC", 1, 3, 2, 65, 2, NULL, NULL,
     "1 heads and a width of 65, expected heads of 64 for the drafter"},
    {"classes of another model", "class_emb.weight", 1, 2, 0, 9, 2, NULL, NULL,
     "tensor class_emb.weight has 9 rows, expected 2 classes and one row for no class"},
};
/* clang-format on */

static bool misshape(void *user, CodeListed *tensor)
{
    const Misshape *m = user;

    if (m->drop && (!strncmp(tensor->name, m->drop, strlen(m->drop)) ||
                    !strncmp(tensor->name, m->drop_too, strlen(m->drop_too)) ||
                    !strncmp(tensor->name, "quant_conv.", 11)))
        return false;
    if (!strcmp(tensor->name, m->tensor)) {
        tensor->rank = m->rank;
        tensor->dims[m->axis] = m->size;
    }
    return true;
}

static void test_shapes(const CodeInventory *inventory)
{
    for (size_t i = 0; i < sizeof misshapes / sizeof *misshapes; i++) {
        const Misshape *m = &misshapes[i];
        CodesrcError error = {.text = ""};
        char manifest[300];
        CodesrcModel *model;

        made_file("vae.safetensors", inventory, 0, m->part ? NULL : misshape, (void *)m, NULL);
        made_file("drafter.safetensors", inventory, 1, m->part ? misshape : NULL, (void *)m, NULL);
        snprintf(manifest, sizeof manifest,
                 HEAD "vae: {file: vae.safetensors, groups: %u}\n"
                      "drafter: {file: drafter.safetensors}\n",
                 m->groups);
        write_file("case.yaml", manifest, strlen(manifest));
        model = made_open(scratch("case.yaml"), true, &error);
        CHECK(!model && error.status == CODESRC_MISMATCH && strstr(error.text, m->refusal),
              "%s: '%s', expected '%s'", m->label, error.text, m->refusal);
        codesrc_model_unref(model);
    }
}

/* ---- a manifest's words ---------------------------------------------------------------------- */

static void refuse_manifest(const char *label, const char *keys, const char *text)
{
    Bytes manifest = {0};

    put_text(&manifest, HEAD "vae: {file: v}\ndrafter: {file: d, ");
    put_text(&manifest, keys);
    put_text(&manifest, "}\n");
    refuse(CASE_MANIFEST, label, "case.yaml", &manifest, CODESRC_MALFORMED, text);
}

static void test_manifest(void)
{
    Bytes many = {0};

    refuse_manifest("ignore of nothing", "ignore: []", "ignore: found 0 names, expected 1 to 64");
    refuse_manifest("ignore of a mapping", "ignore: {a: b}", "ignore: found a mapping");
    refuse_manifest("prefix of a list", "prefix: [a]", "prefix: found a sequence");
    put_text(&many, "ignore: [x");
    put_repeated(&many, ", x", 64);
    put(&many, "]", 2);
    refuse_manifest("ignore of 65 names", (const char *)many.data, "found 65 names");
    clear(&many);
}

/* Many long names, and patterns to ignore that fit each of them but for the last character. */
static void test_alike(void)
{
    enum { NAMES = 8000, PATTERNS = 64, LENGTH = 190 };
    Bytes header = {0}, file = {0}, patterns = {0}, manifest = {0};
    char number[80];

    put_text(&header, "{");
    for (unsigned i = 0; i < NAMES; i++) {
        put_text(&header, i ? ",\"" : "\"");
        put_fill(&header, 'a', LENGTH);
        snprintf(number, sizeof number,
                 "%u\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i);
        put_text(&header, number);
    }
    put_text(&header, "}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    write_file("alike.safetensors", file.data, file.size);
    put_text(&patterns, "x");
    for (unsigned i = 1; i < PATTERNS; i++) {
        put_text(&patterns, ", '*");
        put_fill(&patterns, 'a', LENGTH);
        put_text(&patterns, "b'");
    }
    put_text(&manifest, HEAD "vae: {file: alike.safetensors, ignore: [");
    put(&manifest, patterns.data, patterns.size);
    put_text(&manifest, "]}\ndrafter: {file: alike.safetensors, ignore: [");
    put(&manifest, patterns.data, patterns.size);
    put_text(&manifest, "]}\n");
    refuse(CASE_MODEL, "patterns and names that are alike", "alike", &manifest, CODESRC_MISMATCH,
           "found no tensor 'quantize.embedding.weight'");
    clear(&header);
    clear(&file);
    clear(&patterns);
}

/* N = K is drawn without the refiner, whose file may be missing. */
static void test_drafter_alone(const CodeInventory *inventory)
{
    static const char manifest[] = HEAD "vae: {file: vae.safetensors, groups: 2}\n"
                                        "drafter: {file: drafter.safetensors}\n"
                                        "refiner: {file: refiner.safetensors}\n";
    CodesrcModelOptions options;
    CodesrcError error = {.text = ""};
    CodesrcModel *model;

    made_file("vae.safetensors", inventory, 0, NULL, NULL, NULL);
    made_file("drafter.safetensors", inventory, 1, NULL, NULL, NULL);
    write_file("case.yaml", manifest, sizeof manifest - 1);
    codesrc_model_options_init(&options);
    options.device = "reference";
    options.headers_only = true;
    options.drafting_steps = 2;
    model = codesrc_model_open(scratch("case.yaml"), &options, &error);
    CHECK(model && codesrc_model_info(model)->steps == 1 << 2 &&
              !codesrc_model_info(model)->refiner_parameters,
          "%s", error.text);
    codesrc_model_unref(model);
    options.keeps_refiner = true;
    model = codesrc_model_open(scratch("case.yaml"), &options, &error);
    CHECK(!model && error.status == CODESRC_NOT_FOUND && strstr(error.text, "refiner.safetensors"),
          "%s", error.text);
    options.keeps_refiner = false;
    options.drafting_steps = 1;
    model = codesrc_model_open(scratch("case.yaml"), &options, &error);
    CHECK(!model && error.status == CODESRC_NOT_FOUND, "%s", error.text);
    made_file("refiner.safetensors", inventory, 1, NULL, NULL, NULL);
    model = codesrc_model_open(scratch("case.yaml"), &options, &error);
    CHECK(model && codesrc_model_info(model)->steps == (1 << 1 | 1 << 2), "%s", error.text);
    codesrc_model_unref(model);
}

/* Names that differ only in case are distinct; text that fits both equally is refused. */
static void test_classes(void)
{
    CodesrcError error = {.text = ""};
    CodesrcModel *model = made_open(scratch("synthetic.yaml"), true, &error);
    int32_t upper = -1, lower = -1, id = -1;

    CHECK(model && codesrc_model_find_class(model, "Cardigan", &upper, &error) && upper == 0,
          "Cardigan: %d", upper);
    CHECK(model && codesrc_model_find_class(model, "cardigan", &lower, &error) && lower == 1,
          "cardigan: %d", lower);
    CHECK(model && !codesrc_model_find_class(model, "CARDIGAN", &id, &error) &&
              strstr(error.text, "\"Cardigan\", \"cardigan\""),
          "CARDIGAN: %s", error.text);
    CHECK(model && !codesrc_model_find_class(model, "ardig", &id, &error) &&
              strstr(error.text, "more than one class"),
          "ardig: %s", error.text);
    codesrc_model_unref(model);
}

/* ---- a manifest to start from ---------------------------------------------------------------- */

/* A transformer's file of two scales, with the scale of each position if there is one. */
static void outline(const char *label, const int64_t *levels, unsigned count, const char *text)
{
    static const char rest[] =
        "\"pos_1LC\":{\"dtype\":\"F32\",\"shape\":[1,5,1],\"data_offsets\":[0,20]},"
        "\"lvl_embed.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[20,28]},"
        "\"class_emb.weight\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[28,44]}";
    CodesrcError error = {.text = ""};
    Bytes header = {0}, file = {0};
    char line[200], *manifest;

    put_text(&header, "{");
    put_text(&header, rest);
    if (levels) {
        snprintf(line, sizeof line,
                 ",\"lvl_1L\":{\"dtype\":\"I64\",\"shape\":[1,%u],\"data_offsets\":[44,%u]}", count,
                 44 + 8 * count);
        put_text(&header, line);
    }
    put_text(&header, "}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    put_fill(&file, '\0', 44);
    for (unsigned i = 0; i < count; i++)
        put_number(&file, (uint64_t)levels[i], 8);
    write_file("case.safetensors", file.data, file.size);
    manifest = codesrc_weights_outline(scratch("case.safetensors"), &error);
    CHECK(manifest && strstr(manifest, text) && strstr(manifest, "classes: 3"), "%s: '%s'", label,
          manifest ? manifest : error.text);
    free(manifest);
    clear(&header);
    clear(&file);
}

static void test_outline(void)
{
    static const char unknown[] = "2 growing numbers from 1 on, whose squares add up to 5";

    outline("no scales of positions", NULL, 0, unknown);
    outline("scales of positions", (int64_t[]){0, 1, 1, 1, 1}, 5, "patch_nums: [1, 2]\n");
    outline("a scale of no square", (int64_t[]){0, 0, 1, 1, 1}, 5, unknown);
    outline("no position of a scale", (int64_t[]){0, 0, 0, 0, 0}, 5, unknown);
    outline("a third scale", (int64_t[]){0, 1, 1, 1, 2}, 5, unknown);
    outline("scale -1", (int64_t[]){-1, 1, 1, 1, 1}, 5, unknown);
    outline("scales of other positions", (int64_t[]){0, 1, 1, 1}, 4, unknown);
}

/* Positions without values, of which no file has so many: nothing is allocated for them. */
static void test_endless(void)
{
    static const char header[] =
        "{\"pos_1LC\":{\"dtype\":\"F32\",\"shape\":[0,4294967295,1],\"data_offsets\":[0,0]},"
        "\"lvl_1L\":{\"dtype\":\"I64\",\"shape\":[0,4294967295],\"data_offsets\":[0,0]},"
        "\"lvl_embed.weight\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0,0]},"
        "\"class_emb.weight\":{\"dtype\":\"F32\",\"shape\":[4,0],\"data_offsets\":[0,0]}}";
    CodesrcError error = {.text = ""};
    Bytes file = {0};
    char *manifest;

    put_number(&file, sizeof header - 1, 8);
    put(&file, header, sizeof header - 1);
    write_file("case.safetensors", file.data, file.size);
    manifest = codesrc_weights_outline(scratch("case.safetensors"), &error);
    CHECK(!manifest && error.status == CODESRC_MISMATCH && strstr(error.text, "found no model"),
          "endless positions: '%s'", manifest ? manifest : error.text);
    free(manifest);
    clear(&file);
}

int main(void)
{
    CodeInventory inventory;

    write_file("synthetic.yaml", synthetic, sizeof synthetic - 1);
    inventory = made_list(scratch("synthetic.yaml"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run(&cases[i], &inventory);
    test_shapes(&inventory);
    test_drafter_alone(&inventory);
    free(inventory.all);
    write_file("shared.yaml", synthetic_shared, sizeof synthetic_shared - 1);
    inventory = made_list(scratch("shared.yaml"));
    for (size_t i = 0; i < sizeof shared_cases / sizeof *shared_cases; i++)
        run(&shared_cases[i], &inventory);
    free(inventory.all);
    test_manifest();
    test_alike();
    test_classes();
    test_outline();
    test_endless();
    return cases_end() | test_end();
}
