/* test-manifest.c - manifests: what they mean, and wrong ones. test-yaml.c has hostile YAML. */
#include "../test.h"
#include "manifests.h"
#include "model/manifest.h"

#include <locale.h>

static CodeManifest *read_text(const char *manifest)
{
    CodesrcError error = {.text = ""};
    CodeManifest *read;

    write_file(FILE_NAME, manifest, strlen(manifest));
    read = code_manifest_read(scratch(FILE_NAME), &error);
    CHECK(read, "%s", error.text);
    return read;
}

/* ---- what manifests mean --------------------------------------------------------------------- */

static void test_full(void)
{
    CodeManifest *m =
        read_text("# a comment\n"
                  "name: vistas\n"
                  "description: >\n  16 kinds\n  of landscape\n"
                  "license: \"MIT\"\n"
                  "patch_nums: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]\n"
                  "classes: 3 # said twice\n"
                  "class_names:\n  - sunrise sea\n  - 'no'\n  - 'über: alles'\n"
                  "vae: {file: sub/vae.safetensors, groups: 8, ch: 32, channels: 16,\n"
                  "      codes: 1024, res_blocks: 1, ch_mult: [1, 1, 2, 2, 4]}\n"
                  "drafter: {file: d.safetensors, steps: [5, 6, 7], depth: 6, width: 384,\n"
                  "          heads: 6, shared_aln: true}\n"
                  "refiner:\n  file: r.safetensors\n"
                  "defaults: {drafting_steps: 6, guidance: 3.25, top_k: 200, top_p: 0.92,\n"
                  "           temperature: 0.7}\n");

    if (!m)
        return;
    CHECK(!strcmp(m->name, "vistas") && !strcmp(m->description, "16 kinds of landscape") &&
              !strcmp(m->license, "MIT"),
          "%s, %s, %s", m->name, m->description, m->license);
    CHECK(m->scales == 10 && m->patch_nums[0] == 1 && m->patch_nums[9] == 16, "scales");
    CHECK(m->classes == 3 && !strcmp(m->class_names[1], "no") &&
              !strcmp(m->class_names[2], "über: alles"),
          "classes");
    CHECK(!m->synthetic && !strcmp(m->vae.file.name, "sub/vae.safetensors") && m->vae.groups == 8 &&
              m->vae.ch == 32 && m->vae.channels == 16 && m->vae.codes == 1024 &&
              m->vae.res_blocks == 1 && m->vae.levels == 5 && m->vae.ch_mult[4] == 4,
          "vae");
    CHECK(m->pair_count == 1 && m->pairs[0].steps == 0xE0 && m->pairs[0].drafter.given &&
              m->pairs[0].drafter.depth == 6 && m->pairs[0].drafter.width == 384 &&
              m->pairs[0].drafter.heads == 6 && m->pairs[0].drafter.shared_aln,
          "drafter");
    CHECK(m->pairs[0].refiner.given && !strcmp(m->pairs[0].refiner.file.name, "r.safetensors") &&
              !m->pairs[0].refiner.depth && !m->pairs[0].refiner.aln_given,
          "refiner");
    CHECK(m->defaults.drafting_steps == 6 && m->defaults.guidance == 3.25 &&
              m->defaults.top_k == 200 && m->defaults.top_p == 0.92 &&
              m->defaults.temperature[0] == 0.7 && m->defaults.temperature[9] == 0.7 &&
              !m->defaults.more_smooth,
          "defaults");
    CHECK(!strcmp(m->path, scratch(FILE_NAME)) && m->folder >= 0, "%s", m->path);
    code_manifest_free(m);
    printf("%-44s read\n", "a full manifest");
}

static void test_defaults(void)
{
    CodeManifest *m =
        read_text("name: m\npatch_nums: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]\nclasses: 4\n" VAE
                  "drafter: {file: d.pth}\nrefiner: {file: r.pth}\n");

    CHECK(m && m->pairs[0].steps == 0x7FE && m->defaults.drafting_steps == 8, "1..K are offered");
    CHECK(m && m->defaults.guidance == 1.5 && m->defaults.top_k == 600 &&
              m->defaults.top_p == 0.96 && m->defaults.temperature[6] == 1.1 &&
              m->defaults.temperature[7] == 1.0,
          "the paper's settings");
    CHECK(m && !*m->description && !*m->license && !m->class_names, "nothing said");
    code_manifest_free(m);
    m = read_text(GOOD);
    CHECK(m && m->pairs[0].steps == 8 && m->defaults.drafting_steps == 3, "K alone is offered");
    code_manifest_free(m);
    m = read_text(HEAD VAE "refiner: {file: r.pth}\ndrafter: {file: d.pth, steps: [1, 2]}\n");
    CHECK(m && m->pairs[0].steps == 6 && m->defaults.drafting_steps == 2, "the largest offered");
    code_manifest_free(m);
    m = read_text("name: m\npatch_nums: [1, 2, 4]\nclass_names: [a, b]\n" REST
                  "defaults: {temperature: [1, 2.5, 0.25], guidance: 0, top_p: 0, top_k: 0}\n");
    CHECK(m && m->classes == 2 && m->defaults.temperature[1] == 2.5 && m->defaults.guidance == 0 &&
              m->defaults.top_p == 0 && m->defaults.top_k == 0,
          "one temperature a scale");
    code_manifest_free(m);
    printf("%-44s read\n", "defaults");
}

static void test_pairs(void)
{
    CodeManifest *m = read_text(
        HEAD VAE "pairs:\n  - {steps: 2, drafter: {file: d2.pth}, refiner: {file: r2.pth}}\n"
                 "  - {steps: [1, 3], drafter: {file: d.pth}, refiner: {file: r.pth}}\n");

    CHECK(m && m->pair_count == 2 && m->pairs[0].steps == 4 && m->pairs[1].steps == 10 &&
              !strcmp(m->pairs[1].refiner.file.name, "r.pth") && m->defaults.drafting_steps == 3,
          "pairs");
    code_manifest_free(m);
    m = read_text(HEAD VAE "pairs: [{steps: 3, drafter: {file: d.pth}}]\n");
    CHECK(m && m->pair_count == 1 && m->pairs[0].steps == 8 && !m->pairs[0].refiner.given,
          "K alone");
    code_manifest_free(m);
    m = read_text(HEAD "synthetic: 4294967295\n"
                       "vae: {codes: 32, channels: 8, ch: 32, ch_mult: [1, 1], res_blocks: 1}\n"
                       "drafter: {depth: 1, width: 128, heads: 2}\n"
                       "refiner: {depth: 2, width: 64, heads: 1, shared_aln: false}\n");
    CHECK(m && m->synthetic && m->synthetic_seed == 0xFFFFFFFF && !m->vae.file.name &&
              !m->pairs[0].drafter.file.name && m->pairs[0].drafter.width == 128 &&
              m->pairs[0].refiner.given,
          "synthetic");
    code_manifest_free(m);
    printf("%-44s read\n", "pairs, synthetic");
}

/* A comma for a point is a matter of the user's locale, not of the file. */
static void test_locale(void)
{
    bool german = setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "de_DE");
    CodeManifest *m = read_text(GOOD "defaults: {guidance: 1.25, top_p: 0.5}\n");

    CHECK(m && m->defaults.guidance == 1.25 && m->defaults.top_p == 0.5, "numbers");
    code_manifest_free(m);
    refuse_text("decimal comma", GOOD "defaults:\n  guidance: 1,25\n",
                "case.yaml:7: guidance: found '1,25'");
    setlocale(LC_ALL, "C");
    printf("%-44s %s\n", "numbers in a German locale",
           german ? "read" : "read (no such locale here)");
}

static void test_keys(void)
{
    refuse_text("key twice", GOOD "name: n\n",
                "case.yaml:6: found key 'name' again, expected it once (it is "
                "in line 1)");
    refuse_text("key twice, once quoted", GOOD "\"name\": n\n",
                "case.yaml:6: found key 'name' again");
    refuse_text("key twice in a part", HEAD "vae: {file: a, file: b}\n" DRAFT,
                "found key 'file' again");
    refuse_text(
        "unknown key", GOOD "nmae: n\n",
        "case.yaml:6: the manifest: found unknown key 'nmae', expected one of name, description");
    refuse_text("unknown key of vae", HEAD "vae: {file: v, group: 8}\n" DRAFT,
                "case.yaml:4: vae: found unknown key 'group', expected one of file, codes");
    refuse_text("unknown key of drafter", HEAD VAE "drafter: {file: d, step: 3}\n",
                "case.yaml:5: drafter: found unknown key 'step'");
    refuse_text("steps of a refiner", HEAD REST "refiner: {file: r, steps: 3}\n",
                "case.yaml:6: refiner: found unknown key 'steps'");
    refuse_text("unknown key of defaults", GOOD "defaults: {topk: 3}\n",
                "case.yaml:6: defaults: found unknown key 'topk'");
    refuse_text("a key that looks like another", GOOD "n\xC3\xA4me: n\n", "found unknown key");
    refuse_text("upper case", "Name: m\n", "found unknown key 'Name'");
    refuse_text("no name", "patch_nums: [1, 2]\nclasses: 4\n" REST, "found no key 'name'");
    refuse_text("no patch_nums", "name: m\nclasses: 4\n" REST, "found no key 'patch_nums'");
    refuse_text("no classes", "name: m\npatch_nums: [1, 2]\n" REST,
                "'classes', expected one (or 'class_names')");
    refuse_text("no vae", HEAD DRAFT, "found no key 'vae'");
    refuse_text("no drafter", HEAD VAE, "found no key 'drafter', expected one (or 'pairs')");
    refuse_text("refiner without a drafter", HEAD VAE "refiner: {file: r}\n",
                "found no key 'drafter'");
    refuse_text("no file", HEAD "vae: {groups: 8}\n" DRAFT,
                "case.yaml:4: vae: found no key 'file'");
    refuse_text("pairs beside drafter", GOOD "pairs: []\n",
                "case.yaml:6: pairs: found beside 'drafter'");
    refuse_text("pairs without steps", HEAD VAE "pairs: [{drafter: {file: d}}]\n",
                "found no key 'steps'");
    refuse_text("pairs without a drafter", HEAD VAE "pairs: [{steps: 3}]\n",
                "found no key 'drafter'");
    refuse_text("synthetic beside a file", GOOD "synthetic: 1\n",
                "file: found it beside 'synthetic'");
    refuse_text("synthetic beside pairs",
                HEAD "synthetic: 1\nvae: {codes: 2, channels: 2, ch: 2, ch_mult: [1], res_blocks: "
                     "1}\npairs: []\n",
                "pairs: found beside 'synthetic'");
    refuse_text("synthetic without ch",
                HEAD
                "synthetic: 1\nvae: {codes: 2, channels: 2, ch_mult: [1], res_blocks: 1}\n" DRAFT,
                "case.yaml:5: vae: found no key 'ch', expected one with 'synthetic'");
    refuse_text("synthetic without depth",
                HEAD
                "synthetic: 1\nvae: {codes: 2, channels: 2, ch: 2, ch_mult: [1], res_blocks: 1}\n"
                "drafter: {width: 64, heads: 1}\n",
                "case.yaml:6: drafter: found no key 'depth'");
}

static void test_kinds(void)
{
    refuse_text("list as a name",
                "name: [m]\n"
                "patch_nums: [1, 2]\nclasses: 4\n" REST,
                "case.yaml:1: name: found a sequence, expected text");
    refuse_text("null as a name", "name: ~\npatch_nums: [1, 2]\nclasses: 4\n" REST,
                "found '~', expected text");
    refuse_text("null, written out", "name: null\npatch_nums: [1, 2]\nclasses: 4\n" REST,
                "found 'null'");
    refuse_text("nothing as a name", "name:\npatch_nums: [1, 2]\nclasses: 4\n" REST,
                "name: found ''");
    refuse_text("empty name", "name: ''\npatch_nums: [1, 2]\nclasses: 4\n" REST,
                "name: found the quoted text ''");
    refuse_text("number as patch_nums", "name: m\npatch_nums: 3\nclasses: 4\n" REST,
                "case.yaml:2: patch_nums: found a value, expected a sequence");
    refuse_text("mapping as patch_nums", "name: m\npatch_nums: {a: 1}\nclasses: 4\n" REST,
                "patch_nums: found a mapping, expected a sequence");
    refuse_text("list as vae", HEAD "vae: [v.pth]\n" DRAFT,
                "case.yaml:4: vae: found a sequence, expected a map");
    refuse_text("word as drafter", HEAD VAE "drafter: d.pth\n",
                "drafter: found a value, expected a mapping");
    refuse_text("mapping as pairs", HEAD VAE "pairs: {a: 1}\n",
                "pairs: found a mapping, expected a sequence");
    refuse_text("mapping as a class name", HEAD "class_names: [a, b, c, {d: 1}]\n" REST,
                "class_names: found a mapping, expected text");
    refuse_text("yes as a flag", HEAD VAE "drafter: {file: d, shared_aln: yes}\n",
                "case.yaml:5: shared_aln: found 'yes', expected true or false");
    refuse_text("1 as a flag", HEAD VAE "drafter: {file: d, shared_aln: 1}\n",
                "expected true or false");
    refuse_text("quoted flag", HEAD VAE "drafter: {file: d, shared_aln: \"true\"}\n",
                "found the quoted text 'true', expected true or false");
}

/* Ways to write an integer, or none, of which YAML knows many. */
static void test_integers(void)
{
    static const char *const wrong[] = {"~",
                                        "",
                                        "yes",
                                        "on",
                                        "0x10",
                                        "0o17",
                                        "017",
                                        "1_000",
                                        "1e3",
                                        "3.0",
                                        "1,000",
                                        ".inf",
                                        ".nan",
                                        "-0",
                                        "+1",
                                        "-1",
                                        "0",
                                        "00",
                                        "four",
                                        "4 4",
                                        "4x",
                                        "'4'",
                                        "\"4\"",
                                        "2147483648",
                                        "4294967296",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "100001",
                                        "1:30",
                                        "0b11",
                                        "[4]",
                                        "{a: 4}",
                                        "\xD9\xA4"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char manifest[300], label[60];

        snprintf(manifest, sizeof manifest, "name: m\npatch_nums: [1, 2]\nclasses: %s\n" REST,
                 wrong[i]);
        snprintf(label, sizeof label, "classes: %s", wrong[i]);
        refuse_text(label, manifest, "expected a whole number from 1 to 100000 in plain digits");
    }
    {
        Bytes bytes = {0};

        put_text(&bytes, "name: m\npatch_nums: [1, 2]\nclasses: 1");
        put_fill(&bytes, '0', 400);
        put_text(&bytes, "\n" REST);
        refuse_bytes("classes: 10^400", &bytes, "case.yaml:3: classes: found '1000");
    }
    accept_text("trailing spaces", "name: m\npatch_nums: [1, 2]\nclasses: 4   \n" REST);
    accept_text("classes: 100000", "name: m\npatch_nums: [1, 2]\nclasses: 100000\n" REST);
}

static void test_reals(void)
{
    static const char *const wrong[] = {"~",     "1e1",
                                        "1.5e0", ".5",
                                        "5.",    "+1",
                                        "-1",    "-0",
                                        ".inf",  ".nan",
                                        "inf",   "nan",
                                        "0x1",   "1_0",
                                        "01.5",  "1.5.5",
                                        "'1'",   "1 5",
                                        "101",   "100.5",
                                        "[1]",   "1.2345678901234567"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char manifest[300], label[60];

        snprintf(manifest, sizeof manifest, GOOD "defaults:\n  guidance: %s\n", wrong[i]);
        snprintf(label, sizeof label, "guidance: %s", wrong[i]);
        refuse_text(label, manifest, "case.yaml:7: guidance: found ");
    }
    refuse_text("top_p: 1.01", GOOD "defaults: {top_p: 1.01}\n", "expected a number from 0 to 1");
    refuse_text("temperature: 0", GOOD "defaults: {temperature: 0}\n",
                "expected a number above 0 to 100");
    refuse_text("temperature: 0.0", GOOD "defaults: {temperature: 0.0}\n",
                "expected a number above 0");
    refuse_text("temperature: 100.1", GOOD "defaults: {temperature: 100.1}\n",
                "expected a number above");
    refuse_text("two temperatures of three", GOOD "defaults: {temperature: [1, 1]}\n",
                "temperature: found 2 numbers, expected one or 3");
    refuse_text("four temperatures of three", GOOD "defaults: {temperature: [1, 1, 1, 1]}\n",
                "temperature: found 4 numbers");
    refuse_text("top_k: 65537", GOOD "defaults: {top_k: 65537}\n", "from 0 to 65536");
    refuse_text("drafting_steps: 0", GOOD "defaults: {drafting_steps: 0}\n", "from 1 to 3");
    refuse_text("drafting_steps: 4", GOOD "defaults: {drafting_steps: 4}\n", "from 1 to 3");
    refuse_text("drafting_steps not offered", GOOD "defaults: {drafting_steps: 2}\n",
                "case.yaml:6: drafting_steps: found 2, expected one that is offered");
    accept_text("guidance: 100", GOOD "defaults: {guidance: 100, top_p: 1, temperature: 0.01}\n");
}

static void test_ranges(void)
{
    static const struct {
        const char *key, *value, *text;
    } vae[] = {{"channels", "0", "from 1 to 1024"},
               {"channels", "1025", "from 1 to 1024"},
               {"channels", "2147483647", "from 1 to"},
               {"codes", "0", "from 1 to 65536"},
               {"codes", "65537", "from 1 to"},
               {"ch", "1025", "from 1 to 1024"},
               {"res_blocks", "9", "from 1 to 8"},
               {"groups", "0", "from 1 to 1024"},
               {"ch_mult", "[]", "found 0 levels"},
               {"ch_mult", "[0]", "from 1 to 16"},
               {"ch_mult", "[17]", "from 1 to 16"},
               {"ch_mult", "4", "expected a sequence"},
               {"ch_mult", "[1, 1, 1, 1, 1, 1, 1, 1, 1]", "found 9 levels, expected 1 to 8"},
               {"ch: 30, groups", "8", "found 8 groups, expected a divisor of ch, 30"}},
      var[] = {{"depth", "0", "from 1 to 128"},
               {"depth", "129", "from 1 to 128"},
               {"width", "63", "from 64 to 8192"},
               {"width", "100", "expected 64 a head"},
               {"width", "8193", "from 64 to 8192"},
               {"heads", "129", "from 1 to 128"},
               {"width: 128, heads", "3", "found width 128 and 3 heads, expected 64 a head"}},
      patch[] = {
          {"", "[]", "found 0 scales"},
          {"", "[1]", "found 1 scales, expected 2 to 16"},
          {"", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]", "found 17 scales"},
          {"", "[2, 3]", "found 2 first, expected 1"},
          {"", "[1, 1]", "found 1 after 1"},
          {"", "[1, 3, 2]", "found 2 after 3"},
          {"", "[0, 1]", "from 1 to 64"},
          {"", "[1, 65]", "from 1 to 64"},
          {"", "[1, [2]]", "found a sequence, expected a whole number"}};
    char manifest[400], label[100];

    for (size_t i = 0; i < sizeof vae / sizeof *vae; i++) {
        snprintf(manifest, sizeof manifest, HEAD "vae: {file: v, %s: %s}\n" DRAFT, vae[i].key,
                 vae[i].value);
        snprintf(label, sizeof label, "vae, %s: %s", vae[i].key, vae[i].value);
        refuse_text(label, manifest, vae[i].text);
    }
    for (size_t i = 0; i < sizeof var / sizeof *var; i++) {
        snprintf(manifest, sizeof manifest, HEAD VAE "drafter: {file: d, %s: %s}\n", var[i].key,
                 var[i].value);
        snprintf(label, sizeof label, "drafter, %s: %s", var[i].key, var[i].value);
        refuse_text(label, manifest, var[i].text);
    }
    for (size_t i = 0; i < sizeof patch / sizeof *patch; i++) {
        snprintf(manifest, sizeof manifest, "name: m\npatch_nums: %s\nclasses: 4\n" REST,
                 patch[i].value);
        snprintf(label, sizeof label, "patch_nums: %s", patch[i].value);
        refuse_text(label, manifest, patch[i].text);
    }
}

static void test_counts(void)
{
    refuse_text("class names and classes", HEAD "class_names: [a, b]\n" REST,
                "case.yaml:4: class_names: found 2 names, expected 4 (classes)");
    refuse_text("no class names", "name: m\npatch_nums: [1, 2]\nclass_names: []\n" REST,
                "found none");
    refuse_text("seed 2^32", HEAD "synthetic: 4294967296\n" REST, "from 0 to 4294967295");
}

static void test_steps(void)
{
    static const struct {
        const char *steps, *text;
    } cases[] = {{"0", "from 1 to 3"},
                 {"4", "from 1 to 3"},
                 {"[1, 4]", "from 1 to 3"},
                 {"[]", "steps: found none"},
                 {"[1, 1]", "steps: found 1 again"},
                 {"{a: 1}", "expected a whole number"},
                 {"all", "from 1 to 3"},
                 {"-1", "from 1 to 3"}};
    char manifest[300], label[60];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(manifest, sizeof manifest,
                 HEAD VAE "drafter: {file: d, steps: %s}\nrefiner: {file: r}\n", cases[i].steps);
        snprintf(label, sizeof label, "steps: %s", cases[i].steps);
        refuse_text(label, manifest, cases[i].text);
    }
    refuse_text("steps 2 of 3 without a refiner", HEAD VAE "drafter: {file: d, steps: 2}\n",
                "case.yaml:5: steps: found less than all 3 scales without a refiner");
    refuse_text("steps 2, 3 without a refiner", HEAD VAE "drafter: {file: d, steps: [2, 3]}\n",
                "without a refiner, expected 3 alone");
    refuse_text("a pair without a refiner", HEAD VAE "pairs: [{steps: 2, drafter: {file: d}}]\n",
                "without a refiner, expected 3 alone");
    refuse_text("one N in two pairs",
                HEAD VAE "pairs:\n- {steps: 2, drafter: {file: d}, refiner: {file: r}}\n"
                         "- {steps: [1, 2], drafter: {file: d}, refiner: {file: r}}\n",
                "case.yaml:7: steps: found 2 again");
    refuse_text("no pairs", HEAD VAE "pairs: []\n", "pairs: found 0, expected 1 to 16");
    refuse_repeated("17 pairs", HEAD VAE "pairs:\n", "- {steps: 3, drafter: {file: d}}\n", 17,
                    "pairs: found 17, expected 1 to 16");
}

static void test_file_names(void)
{
    static const struct {
        const char *name, *text;
    } cases[] = {{"/etc/passwd", "is absolute"},
                 {"../v.pth", "leads out of the folder with '..'"},
                 {"a/../../v.pth", "leads out of the folder"},
                 {"a/..", "leads out of the folder"},
                 {"./v.pth", "has a part '.'"},
                 {"a//v.pth", "has an empty part"},
                 {"a/", "has an empty part"},
                 {"a\\v.pth", "has a backslash"},
                 {"''", "file: found the quoted text ''"},
                 {"\"\\e[2J\"", "found control characters"},
                 {"[v.pth]", "file: found a sequence, expected text"}};
    Bytes bytes = {0};
    char manifest[300];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(manifest, sizeof manifest, HEAD "vae:\n  file: %s\n" DRAFT, cases[i].name);
        refuse_text(cases[i].name, manifest, cases[i].text);
    }
    put_text(&bytes, HEAD "vae:\n  file: ");
    put_fill(&bytes, 'v', 256);
    put_text(&bytes, "\n" DRAFT);
    refuse_bytes("a file name of 256 bytes", &bytes, "case.yaml:5: file: 'vvv");
    put_text(&bytes, HEAD "vae:\n  file: ");
    put_fill(&bytes, 'v', 255);
    put_text(&bytes, "\n" DRAFT);
    allow(CASE_MANIFEST, "a file name of 255 bytes", FILE_NAME, &bytes);
    accept_text("dots in a file name", HEAD "vae: {file: a/..b..pth}\n" DRAFT);
}

static void test_every_place(void)
{
    Bytes bytes = {0};

    put_text(&bytes, HEAD VAE "drafter: {file: d.pth, steps: [1, 2]}\nrefiner: {file: r.pth}\n"
                              "defaults: {guidance: 1.5, temperature: [1.1, 1, 1]} # so\n");
    cut_everywhere(CASE_MANIFEST, "cut at every byte", FILE_NAME, &bytes);
    flip_everywhere(CASE_MANIFEST, "every bit", FILE_NAME, &bytes, 0, bytes.size, false);
    clear(&bytes);
}

int main(void)
{
    test_full();
    test_defaults();
    test_pairs();
    test_locale();
    test_keys();
    test_kinds();
    test_integers();
    test_reals();
    test_ranges();
    test_counts();
    test_steps();
    test_file_names();
    test_every_place();
    return cases_end() | test_end();
}
