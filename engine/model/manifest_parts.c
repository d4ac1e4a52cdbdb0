/* manifest_parts.c - the parts of a manifest that have weight files: vae, drafter, refiner. */
#include "model/manifest_parts.h"

#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- files ----------------------------------------------------------------------------------- */

/* One name or a list of them. */
static bool read_ignore(const CodeReader *reader, const CodeYamlNode *node, CodeWeightsFile *file)
{
    const CodeYamlNode *item = node->kind == CODE_YAML_SEQUENCE ? node->first : node;
    bool list = item != node;
    unsigned count = list ? node->count : 1;

    if (!count || count > CODE_MAX_IGNORED)
        return code_read_fail(reader, node->line, "ignore: found %u names, expected 1 to %d", count,
                              CODE_MAX_IGNORED);
    file->ignore = calloc(count, sizeof *file->ignore);
    if (!file->ignore)
        return code_read_fail_memory(reader);
    for (; item; item = list ? item->next : NULL)
        if (!code_read_text(reader, item, &file->ignore[file->ignore_count++]))
            return false;
    return true;
}

static bool read_synthetic(const CodeReader *reader, const CodeYamlNode *mapping)
{
    static const char *const keys[] = {"file", "prefix", "ignore"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const CodeYamlNode *node = code_node_get(mapping, keys[i]);

        if (node)
            return code_read_fail(reader, node->line,
                                  "%s: found it beside 'synthetic', expected one or the other",
                                  keys[i]);
    }
    return true;
}

/* file, prefix, ignore */
static bool read_file(const CodeReader *reader, const CodeYamlNode *mapping, CodeWeightsFile *file)
{
    const CodeYamlNode *name = code_node_get(mapping, "file"),
                       *prefix = code_node_get(mapping, "prefix"),
                       *ignore = code_node_get(mapping, "ignore");
    CodeQuoted quoted;
    const char *flaw;

    if (reader->manifest->synthetic)
        return read_synthetic(reader, mapping);
    if (!code_node_require(reader, mapping, "file", " (or 'synthetic')") ||
        !code_read_text(reader, name, &file->name))
        return false;
    flaw = code_file_name_flaw(file->name, strlen(file->name));
    if (flaw)
        return code_read_fail(reader, name->line,
                              "file: '%s' %s, expected a name in or under the manifest's folder",
                              code_quote_string(&quoted, file->name), flaw);
    return (!prefix || code_read_text(reader, prefix, &file->prefix)) &&
           (!ignore || read_ignore(reader, ignore, file));
}

void code_manifest_free_file(CodeWeightsFile *file)
{
    for (unsigned i = 0; i < file->ignore_count; i++)
        free(file->ignore[i]);
    free(file->ignore);
    free(file->prefix);
    free(file->name);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static bool read_ch_mult(const CodeReader *reader, const CodeYamlNode *node, CodeManifestVae *vae)
{
    if (!code_node_expect(reader, node, CODE_YAML_SEQUENCE))
        return false;
    if (!node->count || node->count > CODE_MAX_LEVELS)
        return code_read_fail(reader, node->line, "ch_mult: found %u levels, expected 1 to %d",
                              node->count, CODE_MAX_LEVELS);
    for (const CodeYamlNode *item = node->first; item; item = item->next) {
        if (!code_read_number(reader, item, 1, CODE_MAX_CH_MULT, &vae->ch_mult[vae->levels++]))
            return false;
    }
    return true;
}

static bool require_all(const CodeReader *reader, const CodeYamlNode *mapping,
                        const char *const keys[CODE_MAX_KEYS])
{
    for (int i = 0; i < CODE_MAX_KEYS && keys[i]; i++) {
        if (!code_node_require(reader, mapping, keys[i], " with 'synthetic'"))
            return false;
    }
    return true;
}

bool code_manifest_read_vae(const CodeReader *reader, const CodeYamlNode *node)
{
    static const char *const keys[CODE_MAX_KEYS] = {
        "file", "codes", "channels", "ch", "ch_mult", "res_blocks", "groups", "prefix", "ignore"};
    static const char *const needed[CODE_MAX_KEYS] = {"codes", "channels", "ch", "ch_mult",
                                                      "res_blocks"};
    CodeManifestVae *vae = &reader->manifest->vae;
    const CodeYamlNode *ch_mult;

    if (!code_node_expect_keys(reader, node, keys) || !read_file(reader, node, &vae->file) ||
        (reader->manifest->synthetic && !require_all(reader, node, needed)) ||
        !code_read_optional(reader, node, "codes", 1, CODE_MAX_CODES, &vae->codes) ||
        !code_read_optional(reader, node, "channels", 1, CODE_MAX_CHANNELS, &vae->channels) ||
        !code_read_optional(reader, node, "ch", 1, CODE_MAX_CH, &vae->ch) ||
        !code_read_optional(reader, node, "res_blocks", 1, CODE_MAX_RES_BLOCKS, &vae->res_blocks) ||
        !code_read_optional(reader, node, "groups", 1, CODE_MAX_GROUPS, &vae->groups))
        return false;
    if (vae->ch && vae->groups && vae->ch % vae->groups)
        return code_read_fail(reader, node->line,
                              "vae: found %u groups, expected a divisor of ch, %u", vae->groups,
                              vae->ch);
    ch_mult = code_node_get(node, "ch_mult");
    return !ch_mult || read_ch_mult(reader, ch_mult, vae);
}

bool code_manifest_read_var(const CodeReader *reader, const CodeYamlNode *node, bool with_steps,
                            CodeManifestVar *var)
{
    static const char *const keys[CODE_MAX_KEYS] = {"file",       "depth",  "width", "heads",
                                                    "shared_aln", "prefix", "ignore"};
    static const char *const steps_too[CODE_MAX_KEYS] = {"file",       "depth", "width",  "heads",
                                                         "shared_aln", "steps", "prefix", "ignore"};
    static const char *const needed[CODE_MAX_KEYS] = {"depth", "width", "heads"};

    if (!code_node_expect_keys(reader, node, with_steps ? steps_too : keys) ||
        !read_file(reader, node, &var->file) ||
        (reader->manifest->synthetic && !require_all(reader, node, needed)) ||
        !code_read_optional(reader, node, "depth", 1, CODE_MAX_DEPTH, &var->depth) ||
        !code_read_optional(reader, node, "width", 64, CODE_MAX_WIDTH, &var->width) ||
        !code_read_optional(reader, node, "heads", 1, CODE_MAX_HEADS, &var->heads) ||
        !code_read_flag(reader, code_node_get(node, "shared_aln"), &var->shared_aln))
        return false;
    if (var->width % 64 || (var->width && var->heads && var->width != 64 * var->heads))
        return code_read_fail(reader, node->line,
                              "%s: found width %u and %u heads, expected 64 a head",
                              code_node_name(node), var->width, var->heads);
    var->aln_given = code_node_get(node, "shared_aln") != NULL;
    var->given = true;
    return true;
}
