/* manifest.c - a model's YAML manifest.
 *
 *     name: vistas
 *     description: 16 kinds of landscape                    # optional
 *     license: MIT                                          # optional
 *     patch_nums: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]         # sides of the scales
 *     classes: 16                                           # may be left out with class_names
 *     class_names: [sunrise sea, day sea, ...]              # optional; or a file: classes.txt
 *     vae: {file: vae.safetensors, groups: 8}
 *     drafter: {file: drafter.safetensors, steps: [1, 2, 3, 4, 5, 6, 7, 8]}
 *     refiner: {file: refiner.safetensors}                  # optional
 *     defaults: {drafting_steps: 8, guidance: 1.5, top_k: 200, top_p: 0.92, temperature: 1.1}
 *
 * vae may give codes, channels, ch, ch_mult, res_blocks, groups; drafter and refiner depth, width,
 * heads, shared_aln: the tensors must then agree. Along with `file`, each may give `prefix`, the
 * prefix of its tensors' names in the file, and `ignore`, tensors to skip. `steps`, a number or a
 * list, gives the N drafting steps that a drafter and its refiner offer: all of 1..K by default,
 * or only K without a refiner. Instead of drafter and refiner
 *
 *     pairs: [{steps: 6, drafter: {file: drafter_6.pth}, refiner: {file: refiner_6.pth}}, ...]
 *
 * gives one pair for each N that it was trained for. Instead of every `file`
 *
 *     synthetic: 11
 *
 * generates weights from that seed; vae, drafter and refiner must then give all their numbers
 * except groups (32) and shared_aln (false). Every key of `defaults` is optional; `temperature`
 * is one number, or one per scale. Numbers are plain decimals. docs/models.md has the details. */
#include "model/manifest.h"

#include "error.h"
#include "model/digest.h"
#include "model/formats.h"
#include "model/manifest_parts.h"
#include "model/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- scales and classes ---------------------------------------------------------------------- */

static bool read_patch_nums(const CodeReader *reader, const CodeYamlNode *node)
{
    CodeManifest *manifest = reader->manifest;
    unsigned before = 0;

    if (!code_node_expect(reader, node, CODE_YAML_SEQUENCE))
        return false;
    if (node->count < 2 || node->count > CODESRC_MAX_SCALES)
        return code_read_fail(reader, node->line, "patch_nums: found %u scales, expected 2 to %d",
                              node->count, CODESRC_MAX_SCALES);
    for (const CodeYamlNode *item = node->first; item; item = item->next) {
        unsigned *side = &manifest->patch_nums[manifest->scales++];

        if (!code_read_number(reader, item, 1, CODE_MAX_SIDE, side))
            return false;
        if (!before && *side != 1)
            return code_read_fail(reader, item->line, "patch_nums: found %u first, expected 1",
                                  *side);
        if (*side <= before)
            return code_read_fail(reader, item->line,
                                  "patch_nums: found %u after %u, expected sides that grow", *side,
                                  before);
        before = *side;
    }
    return true;
}

static bool read_classes(const CodeReader *reader, const CodeYamlNode *root)
{
    const CodeYamlNode *names = code_node_get(root, "class_names");

    if (!names && !code_node_require(reader, root, "classes", " (or 'class_names')"))
        return false;
    return code_read_optional(reader, root, "classes", 1, CODE_MAX_CLASSES,
                              &reader->manifest->classes) &&
           (!names || code_manifest_read_class_names(reader, names));
}

/* One N or a list of them; *bits must not have any yet. */
static bool read_steps(const CodeReader *reader, const CodeYamlNode *node, uint32_t taken,
                       uint32_t *bits)
{
    const CodeYamlNode *item = node->kind == CODE_YAML_SEQUENCE ? node->first : node;
    bool list = item != node;
    unsigned number = 0;

    if (!item)
        return code_read_fail(reader, node->line, "steps: found none, expected at least one");
    for (; item; item = list ? item->next : NULL) {
        if (!code_read_number(reader, item, 1, reader->manifest->scales, &number))
            return false;
        if ((taken | *bits) >> number & 1)
            return code_read_fail(reader, item->line,
                                  "steps: found %u again, expected each number once", number);
        *bits |= (uint32_t)1 << number;
    }
    return true;
}

/* Without a refiner, the drafter must decode all K scales. */
static bool check_steps(const CodeReader *reader, unsigned line, const CodeManifestPair *pair)
{
    unsigned scales = reader->manifest->scales;

    return pair->refiner.given || pair->steps == (uint32_t)1 << scales ||
           code_read_fail(reader, line,
                          "steps: found less than all %u scales without a refiner, expected %u "
                          "alone",
                          scales, scales);
}

static bool read_pair(const CodeReader *reader, const CodeYamlNode *node, uint32_t taken,
                      CodeManifestPair *pair)
{
    static const char *const keys[CODE_MAX_KEYS] = {"steps", "drafter", "refiner"};
    const CodeYamlNode *refiner;

    if (!code_node_expect_keys(reader, node, keys) ||
        !code_node_require(reader, node, "steps", "") ||
        !code_node_require(reader, node, "drafter", "") ||
        !read_steps(reader, code_node_get(node, "steps"), taken, &pair->steps) ||
        !code_manifest_read_var(reader, code_node_get(node, "drafter"), false, &pair->drafter))
        return false;
    refiner = code_node_get(node, "refiner");
    return (!refiner || code_manifest_read_var(reader, refiner, false, &pair->refiner)) &&
           check_steps(reader, node->line, pair);
}

static bool read_pairs(const CodeReader *reader, const CodeYamlNode *node)
{
    CodeManifest *manifest = reader->manifest;
    uint32_t taken = 0;

    if (!code_node_expect(reader, node, CODE_YAML_SEQUENCE))
        return false;
    if (!node->count || node->count > CODE_MAX_PAIRS)
        return code_read_fail(reader, node->line, "pairs: found %u, expected 1 to %d", node->count,
                              CODE_MAX_PAIRS);
    for (const CodeYamlNode *item = node->first; item; item = item->next) {
        CodeManifestPair *pair = &manifest->pairs[manifest->pair_count++];

        if (!read_pair(reader, item, taken, pair))
            return false;
        taken |= pair->steps;
    }
    return true;
}

static bool read_models(const CodeReader *reader, const CodeYamlNode *root)
{
    const CodeYamlNode *pairs = code_node_get(root, "pairs"),
                       *drafter = code_node_get(root, "drafter"),
                       *refiner = code_node_get(root, "refiner"), *steps;
    CodeManifest *manifest = reader->manifest;
    CodeManifestPair *pair = &manifest->pairs[0];

    if (pairs && (drafter || refiner || manifest->synthetic))
        return code_read_fail(reader, pairs->line,
                              "pairs: found beside '%s', expected one or the other",
                              drafter   ? "drafter"
                              : refiner ? "refiner"
                                        : "synthetic");
    if (pairs)
        return read_pairs(reader, pairs);
    if (!code_node_require(reader, root, "drafter", " (or 'pairs')") ||
        !code_manifest_read_var(reader, drafter, true, &pair->drafter) ||
        (refiner && !code_manifest_read_var(reader, refiner, false, &pair->refiner)))
        return false;
    manifest->pair_count = 1;
    steps = code_node_get(drafter, "steps");
    if (steps)
        return read_steps(reader, steps, 0, &pair->steps) && check_steps(reader, steps->line, pair);
    pair->steps = (uint32_t)1 << manifest->scales;
    if (refiner)
        pair->steps = ((uint32_t)2 << manifest->scales) - 2;
    return true;
}

/* ---- settings -------------------------------------------------------------------------------- */

static bool read_temperature(const CodeReader *reader, const CodeYamlNode *node)
{
    CodeManifest *manifest = reader->manifest;
    const CodeYamlNode *item = node;

    if (node->kind == CODE_YAML_SEQUENCE) {
        item = node->first;
        if (node->count != manifest->scales)
            return code_read_fail(reader, node->line,
                                  "temperature: found %u numbers, expected one or %u", node->count,
                                  manifest->scales);
    }
    for (unsigned k = 0; k < manifest->scales; k++) {
        if (!code_read_real(reader, item, 0.0, true, 100.0, &manifest->defaults.temperature[k]))
            return false;
        if (item != node)
            item = item->next;
    }
    return true;
}

static uint32_t offered_steps(const CodeManifest *manifest)
{
    uint32_t steps = 0;

    for (unsigned i = 0; i < manifest->pair_count; i++)
        steps |= manifest->pairs[i].steps;
    return steps;
}

/* The paper's settings. */
static void set_defaults(CodeManifest *manifest)
{
    uint32_t offered = offered_steps(manifest);
    unsigned steps = 8;

    if (!(offered >> steps & 1)) {
        for (steps = manifest->scales; !(offered >> steps & 1);)
            steps--;
    }
    manifest->defaults =
        (CodesrcSettings){.drafting_steps = steps, .guidance = 1.5, .top_k = 600, .top_p = 0.96};
    for (unsigned k = 0; k < manifest->scales; k++)
        manifest->defaults.temperature[k] = k < 7 ? 1.1 : 1.0;
}

static bool read_defaults(const CodeReader *reader, const CodeYamlNode *node)
{
    static const char *const keys[CODE_MAX_KEYS] = {"drafting_steps", "guidance", "top_k", "top_p",
                                                    "temperature"};
    const CodeYamlNode *steps, *guidance, *top_p, *temperature;
    CodeManifest *manifest = reader->manifest;
    CodesrcSettings *settings = &manifest->defaults;

    set_defaults(manifest);
    if (!node)
        return true;
    if (!code_node_expect_keys(reader, node, keys))
        return false;
    steps = code_node_get(node, "drafting_steps");
    guidance = code_node_get(node, "guidance");
    top_p = code_node_get(node, "top_p");
    temperature = code_node_get(node, "temperature");
    if (steps && !code_read_number(reader, steps, 1, manifest->scales, &settings->drafting_steps))
        return false;
    if (steps && !(offered_steps(manifest) >> settings->drafting_steps & 1))
        return code_read_fail(reader, steps->line,
                              "drafting_steps: found %u, expected one that is offered "
                              "(steps)",
                              settings->drafting_steps);
    return (!guidance ||
            code_read_real(reader, guidance, 0.0, false, 100.0, &settings->guidance)) &&
           code_read_optional(reader, node, "top_k", 0, CODE_MAX_CODES, &settings->top_k) &&
           (!top_p || code_read_real(reader, top_p, 0.0, false, 1.0, &settings->top_p)) &&
           (!temperature || read_temperature(reader, temperature));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool read_root(const CodeReader *reader, const CodeYamlNode *root)
{
    static const char *const keys[CODE_MAX_KEYS] = {
        "name", "description", "license", "patch_nums", "classes",   "class_names",
        "vae",  "drafter",     "refiner", "pairs",      "synthetic", "defaults"};
    static const char *const needed[] = {"name", "patch_nums", "vae"};
    CodeManifest *manifest = reader->manifest;

    if (!code_node_expect_keys(reader, root, keys))
        return false;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!code_node_require(reader, root, needed[i], ""))
            return false;
    }
    manifest->synthetic = code_node_get(root, "synthetic") != NULL;
    return code_read_text(reader, code_node_get(root, "name"), &manifest->name) &&
           code_read_text(reader, code_node_get(root, "description"), &manifest->description) &&
           code_read_text(reader, code_node_get(root, "license"), &manifest->license) &&
           read_patch_nums(reader, code_node_get(root, "patch_nums")) &&
           read_classes(reader, root) &&
           code_read_optional(reader, root, "synthetic", 0, UINT32_MAX,
                              &manifest->synthetic_seed) &&
           code_manifest_read_vae(reader, code_node_get(root, "vae")) &&
           read_models(reader, root) && read_defaults(reader, code_node_get(root, "defaults"));
}

/* Opens the manifest's folder, to which weight files are relative. */
static bool open_folder(CodeManifest *manifest, const char *path, CodesrcError *error)
{
    const char *slash = strrchr(path, '/');
    CodeReason reason;
    CodeQuoted quoted;

    manifest->path = strdup(path);
    manifest->folder_name = !slash          ? strdup(".")
                            : slash == path ? strdup("/")
                                            : strndup(path, (size_t)(slash - path));
    if (!manifest->path || !manifest->folder_name)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a manifest");
    manifest->folder = open(manifest->folder_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return manifest->folder >= 0 || code_fail(error, CODESRC_NOT_FOUND, "%s: cannot be opened: %s",
                                              code_quote_string(&quoted, manifest->folder_name),
                                              code_reason(&reason, errno));
}

/* Reading the file has already made sure that it is small. */
static bool digest_file(CodeManifest *manifest, const CodeFile *file, CodesrcError *error)
{
    char *bytes = malloc((size_t)file->size);
    bool ok;

    if (!bytes)
        return code_fail(error, CODESRC_NO_MEMORY, "no memory for a manifest");
    ok = code_file_read(file, 0, bytes, (size_t)file->size, error) &&
         code_file_unchanged(file, error);
    if (ok)
        manifest->digest = code_digest(manifest->digest, bytes, (size_t)file->size);
    free(bytes);
    return ok;
}

/* Weights in place of a manifest are the likeliest mistake, and YAML's error would not say so. */
static bool refuse_weights(const CodeFile *file, CodesrcError *error)
{
    uint8_t begin[CODE_FORM_BYTES];
    size_t size;

    if (!code_form_begin(file, begin, &size, error))
        return false;
    if (code_form_is_zip(begin, size) || code_form_is_safetensors(begin, size) ||
        (code_form_is_json(begin, size) && code_form_is_weights(begin, size)))
        return code_fail(
            error, CODESRC_MALFORMED,
            "%s: found a weight file, expected a manifest: `code-model inspect` of the "
            "file prints one to start from",
            file->name);
    return true;
}

CodeManifest *code_manifest_read(const char *path, CodesrcError *error)
{
    CodeManifest *manifest = calloc(1, sizeof *manifest);
    CodeYamlNode *root = NULL;
    CodeFile file;
    bool ok;

    if (!manifest) {
        code_fail(error, CODESRC_NO_MEMORY, "no memory for a manifest");
        return NULL;
    }
    manifest->folder = -1;
    ok = code_file_open(&file, path, error);
    if (ok) {
        CodeReader reader = {file.name, manifest, error};

        root = refuse_weights(&file, error) ? code_yaml_read(&file, error) : NULL;
        ok = root && open_folder(manifest, path, error) && digest_file(manifest, &file, error) &&
             read_root(&reader, root);
        code_yaml_free(root);
        code_file_close(&file);
    }
    if (ok)
        return manifest;
    code_manifest_free(manifest);
    return NULL;
}

void code_manifest_free(CodeManifest *manifest)
{
    if (!manifest)
        return;
    for (unsigned i = 0; manifest->class_names && i < manifest->classes; i++)
        free(manifest->class_names[i]);
    free(manifest->class_names);
    for (unsigned i = 0; i < manifest->pair_count || !i; i++) {
        code_manifest_free_file(&manifest->pairs[i].drafter.file);
        code_manifest_free_file(&manifest->pairs[i].refiner.file);
    }
    code_manifest_free_file(&manifest->vae.file);
    free(manifest->name);
    free(manifest->description);
    free(manifest->license);
    free(manifest->path);
    free(manifest->folder_name);
    if (manifest->folder >= 0)
        close(manifest->folder);
    free(manifest);
}
