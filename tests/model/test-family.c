/* test-family.c - the manifests of released models: each opens, for all its numbers of drafting
 * steps, weights of the shapes that the release has; and the file of classes. Arguments: manifests.
 */
#include "../test.h"
#include "made.h"
#include "manifests.h"

#include <unistd.h>

/* VAR-dD, and the VQ-VAE of all releases. */
static CodeInventory shape_of(unsigned depth, bool large)
{
    char text[700];

    snprintf(text, sizeof text,
             "name: m\npatch_nums: %s\nclasses: 1000\nsynthetic: 1\n"
             "vae: {codes: 4096, channels: 32, ch: 160, ch_mult: [1, 1, 2, 2, 4], res_blocks: 2}\n"
             "drafter: {depth: %u, width: %u, heads: %u, shared_aln: %s}\n",
             large ? "[1, 2, 3, 4, 6, 9, 13, 18, 24, 32]" : "[1, 2, 3, 4, 5, 6, 8, 10, 13, 16]",
             depth, 64 * depth, depth, large ? "true" : "false");
    write_file("shape.yaml", text, strlen(text));
    return made_list(scratch("shape.yaml"));
}

/* Makes a file by the name that a release gives it. */
static void make_file(const char *name, bool large)
{
    unsigned depth = 16, part = 1;
    CodeInventory inventory;

    if (!strncmp(name, "vae_ch160v4096z32", 17))
        part = 0;
    else if (!strncmp(name, "drafter_", 8))
        depth = 30;
    else if (strncmp(name, "refiner_", 8))
        CHECK(sscanf(name, "var_d%u.pth", &depth) == 1, "%s: no released file", name);
    inventory = shape_of(depth, large);
    made_file(name, &inventory, part, NULL, NULL, NULL);
    free(inventory.all);
}

/* Copies the text next to the manifest at `path` into the scratch folder. */
static void copy_text(const char *path, const char *name)
{
    static char text[1 << 16];
    char from[500];
    FILE *file;

    snprintf(from, sizeof from, "%.*s%s", (int)(strrchr(path, '/') + 1 - path), path, name);
    file = fopen(from, "r");
    CHECK(file, "%s cannot be read", from);
    if (!file)
        return;
    write_file(name, text, fread(text, 1, sizeof text, file));
    fclose(file);
}

/* Copies the manifest into the scratch folder, and makes the files that it names. */
static void copy_manifest(const char *path, bool large)
{
    Bytes text = {0};
    char line[300], name[100];
    FILE *file = fopen(path, "r");

    CHECK(file, "%s cannot be read", path);
    while (file && fgets(line, sizeof line, file)) {
        put_text(&text, line);
        if (sscanf(line, "class_names: %99s", name) == 1)
            copy_text(path, name);
        for (char *at = line; (at = strstr(at, "{file: ")); at++)
            if (sscanf(at, "{file: %99[^,}]", name) == 1)
                make_file(name, large);
    }
    if (file)
        fclose(file);
    write_file("family.yaml", text.data, text.size);
    clear(&text);
}

static void open_for(const char *path, unsigned n, unsigned side)
{
    CodesrcModelOptions options;
    CodesrcError error = {.text = ""};
    CodesrcModel *model;
    CodesrcPlan plan;

    codesrc_model_options_init(&options);
    options.device = "reference";
    options.headers_only = true;
    options.drafting_steps = n;
    model = codesrc_model_open(scratch("family.yaml"), &options, &error);
    CHECK(model && codesrc_plan(model, n, 1, &plan, &error), "%s, N = %u: %s", path, n, error.text);
    if (!model)
        return;
    CHECK(codesrc_model_info(model)->side == side && codesrc_model_info(model)->classes == 1000 &&
              codesrc_model_info(model)->class_names,
          "%s: %u pixels, %u classes", path, codesrc_model_info(model)->side,
          codesrc_model_info(model)->classes);
    codesrc_model_unref(model);
}

static void test_manifest(const char *path)
{
    CodesrcError error = {.text = ""};
    CodeManifest *manifest = code_manifest_read(path, &error);
    unsigned opened = 0, side;

    CHECK(manifest, "%s", error.text);
    if (!manifest)
        return;
    side = 16 * manifest->patch_nums[manifest->scales - 1];
    copy_manifest(path, side == 512);
    for (unsigned i = 0; i < manifest->pair_count; i++)
        for (unsigned n = 1; n <= manifest->scales; n++)
            if (manifest->pairs[i].steps >> n & 1) {
                open_for(path, n, side);
                opened++;
            }
    printf("%-44s %u x %u, %u numbers of drafting steps\n", strrchr(path, '/') + 1, side, side,
           opened);
    code_manifest_free(manifest);
}

/* Names of classes in a file of their own, one a line. */
static void test_class_file(void)
{
    static const char text[] = "name: m\npatch_nums: [1, 2]\nclass_names: names.txt\n" REST;
    static const struct {
        const char *label, *names, *text;
    } cases[] = {
        {"empty line", "a\n\nb\n", "names.txt: found \"\", expected the name of class 1"},
        {"control character", "a\nb\tc\n", "names.txt: found \"b\\x09c\", expected the name"},
        {"not UTF-8", "\xff\n", "names.txt: found \"\\xff\""},
    };
    CodesrcError error = {.text = ""};
    CodeManifest *m;

    write_file("names.txt", "tench\r\nno\n'über: alles'", 24);
    write_file(FILE_NAME, text, sizeof text - 1);
    m = code_manifest_read(scratch(FILE_NAME), &error);
    CHECK(m && m->classes == 3 && !strcmp(m->class_names[0], "tench") &&
              !strcmp(m->class_names[1], "no") && !strcmp(m->class_names[2], "'über: alles'"),
          "names of a file");
    code_manifest_free(m);
    refuse_text("too few lines", HEAD "class_names: names.txt\n" REST, "case.yaml:4: ");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("names.txt", cases[i].names, strlen(cases[i].names));
        refuse_text(cases[i].label, text, cases[i].text);
    }
    refuse_text("class file above", HEAD "class_names: ../names.txt\n" REST,
                "case.yaml:4: class_names: found \"../names.txt\", which leads out of the folder");
    refuse_text("class file is a mapping", HEAD "class_names: {file: names.txt}\n" REST,
                "class_names: found a mapping, expected a sequence");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        test_manifest(argv[i]);
    test_class_file();
    return cases_end() | test_end();
}
