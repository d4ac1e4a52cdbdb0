/* checkpoint.c - finds a model in a checkpoint. */
#include "model/checkpoint.h"

#include "error.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor that every model of a role has. */
static const char *const probes[] = {
    [CODE_ROLE_VAE] = "quantize.embedding.weight",
    [CODE_ROLE_VAR] = "pos_1LC",
};

/* Parts that PyTorch's own wrappers insert anywhere in names: torch.compile, activation
 * checkpointing, FSDP. */
static const char *const wrappers[] = {"_orig_mod.", "_checkpoint_wrapped_module.",
                                       "_fsdp_wrapped_module."};

/* Names under which trainers save a model, alone or nested: DistributedDataParallel, Lightning,
 * VAR's own trainer, and common choices. */
static const char *const containers[] = {"module", "model",   "state_dict", "model_state_dict",
                                         "net",    "trainer", "var_wo_ddp", "vae_local"};

/* Prefixes of the names that trainers save alongside a model. */
static const char *const beside[] = {"trainer.vae_local.", "trainer.var_wo_ddp.",
                                     "trainer.var_opt.",   "vae_local.",
                                     "var_wo_ddp.",        "var_opt.",
                                     "optimizer.",         "optimizers.",
                                     "optimizer_states.",  "scaler.",
                                     "lr_scheduler.",      "lr_schedulers.",
                                     "scheduler.",         "loops.",
                                     "callbacks."};

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Does `pattern`, in which '*' stands for any text, match all of `text`? What lies between two '*'
 * is taken where it first occurs, which leaves the most for the rest; so hostile patterns and names
 * take no longer than their lengths. */
static bool matches(const char *pattern, const char *text)
{
    size_t left = strlen(text), part = strcspn(pattern, "*");

    if (strncmp(pattern, text, part))
        return false;
    for (text += part, left -= part; pattern[part]; text += part, left -= part) {
        const char *found;

        pattern += part + 1;
        part = strcspn(pattern, "*");
        if (!pattern[part])
            return left >= part && !memcmp(text + left - part, pattern, part);
        found = memmem(text, left, pattern, part);
        if (!found)
            return false;
        left -= (size_t)(found - text);
        text = found;
    }
    return !left;
}

static bool is_ignored(const CodeWeightsFile *given, const char *name)
{
    for (unsigned i = 0; given && i < given->ignore_count; i++)
        if (matches(given->ignore[i], name))
            return true;
    return false;
}

/* Removes wrappers, at the beginning or after a dot, from a name. */
static bool unwrap(char *name)
{
    bool changed = false;

    for (char *at = name; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL)
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
            while (begins(at, wrappers[i])) {
                memmove(at, at + strlen(wrappers[i]), strlen(at + strlen(wrappers[i])) + 1);
                changed = true;
                i = 0;
            }
    return changed;
}

/* The name is matched as the file has it, and without wrappers. */
static bool unwrap_all(CodeTensors *tensors, const CodeWeightsFile *given, const char *file,
                       CodesrcError *error)
{
    size_t kept = 0;
    bool changed = false;

    for (size_t i = 0; i < tensors->count; i++) {
        CodeTensor tensor = tensors->all[i];
        char *name = (char *)tensor.info.name;
        bool ignored = is_ignored(given, name);

        changed |= unwrap(name);
        if (ignored || is_ignored(given, name))
            free(name);
        else
            tensors->all[kept++] = tensor;
    }
    tensors->count = kept;
    return !changed || code_tensors_check(tensors, file, error);
}

/* ---- the prefix ------------------------------------------------------------------------------ */

static bool is_container(const char *part, size_t length)
{
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (strlen(containers[i]) == length && !memcmp(containers[i], part, length))
            return true;
    return false;
}

/* Is name[0..length), which ends with a dot or is empty, made of containers? */
static bool is_known_prefix(const char *name, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t part = strcspn(name + at, ".");

        if (!is_container(name + at, part))
            return false;
        at += part + 1;
    }
    return true;
}

/* Length of the part before the probe in a name that ends with it; SIZE_MAX for any other name. */
static size_t prefix_length(const char *name, const char *probe)
{
    size_t length = strlen(name), tail = strlen(probe);

    if (length < tail || strcmp(name + length - tail, probe))
        return SIZE_MAX;
    length -= tail;
    return !length || name[length - 1] == '.' ? length : SIZE_MAX;
}

static bool set_prefix(CodePlace *place, const char *name, size_t length)
{
    snprintf(place->prefix, sizeof place->prefix, "%.*s", (int)length, name);
    place->found = true;
    return true;
}

/* The one known prefix under which the file has a model of that role. */
static bool find_known(const CodeTensors *tensors, const char *probe, const char *file,
                       CodePlace *place, CodesrcError *error)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const char *name = tensors->all[i].info.name;
        size_t length = prefix_length(name, probe);
        CodeQuoted first, second;

        if (length == SIZE_MAX || !is_known_prefix(name, length))
            continue;
        if (place->found)
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: found '%s%s' and '%s', expected one model of that kind: name the "
                             "one to use with `prefix:` in the manifest",
                             file, code_quote_string(&first, place->prefix), probe,
                             code_quote_string(&second, name));
        set_prefix(place, name, length);
    }
    return true;
}

/* Up to three of the names, for an error: "'a', 'b', 'c'". */
typedef struct Names {
    char text[160];
} Names;

static const char *list_names(const CodeTensors *tensors, Names *out)
{
    size_t length = 0;

    snprintf(out->text, sizeof out->text, "no other");
    for (size_t i = 0; i < tensors->count && i < 3; i++) {
        char shown[48];

        code_text_escape(shown, sizeof shown, tensors->all[i].info.name,
                         strlen(tensors->all[i].info.name));
        length += (size_t)snprintf(out->text + length, sizeof out->text - length, "%s'%s'",
                                   i ? ", " : "", shown);
    }
    return out->text;
}

static bool take_given(const CodeTensors *tensors, const char *prefix, const char *file,
                       CodePlace *place, CodesrcError *error)
{
    size_t length = strlen(prefix);
    CodeQuoted quoted;
    Names names;

    if (length <= CODE_MAX_TENSOR_NAME)
        snprintf(place->prefix, sizeof place->prefix, "%s%s", prefix,
                 prefix[length - 1] == '.' ? "" : ".");
    for (size_t i = 0; *place->prefix && i < tensors->count; i++)
        if (begins(tensors->all[i].info.name, place->prefix))
            place->found = true;
    return place->found ||
           code_fail(error, CODESRC_MISMATCH, "%s: found no tensor under prefix '%s', but %s", file,
                     code_quote_string(&quoted, prefix), list_names(tensors, &names));
}

/* Everything alongside the model must be known. */
static bool check_beside(const CodeTensors *tensors, CodeRole role, const CodePlace *place,
                         const char *file, CodesrcError *error)
{
    for (size_t i = 0; *place->prefix && i < tensors->count; i++) {
        const char *name = tensors->all[i].info.name;
        CodeQuoted quoted, prefix;

        if (!begins(name, place->prefix) && !code_checkpoint_spare(role, name))
            return code_fail(error, CODESRC_MISMATCH,
                             "%s: found tensor '%s' beside the model, expected all under '%s': to "
                             "use these alone, add `prefix: %s` in the manifest",
                             file, code_quote_string(&quoted, name),
                             code_quote_string(&prefix, place->prefix), prefix.text);
    }
    return true;
}

bool code_checkpoint_enter(CodeTensors *tensors, CodeRole role, const CodeWeightsFile *given,
                           const char *file, CodePlace *place, CodesrcError *error)
{
    bool chosen = given && given->prefix && *given->prefix;

    memset(place, 0, sizeof *place);
    if (!unwrap_all(tensors, given, file, error))
        return false;
    if (chosen ? !take_given(tensors, given->prefix, file, place, error)
               : !find_known(tensors, probes[role], file, place, error) ||
                     !check_beside(tensors, role, place, file, error))
        return false;
    code_tensors_keep(tensors, place->prefix);
    return true;
}

/* ---- what is no part of a model -------------------------------------------------------------- */

/* blocks.N.attn.zero_k_bias */
static bool is_key_bias(const char *name)
{
    const char *digits = name + strlen("blocks.");

    return begins(name, "blocks.") && strspn(digits, "0123456789") &&
           !strcmp(digits + strspn(digits, "0123456789"), ".attn.zero_k_bias");
}

bool code_checkpoint_spare(CodeRole role, const char *name)
{
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (begins(name, beside[i]))
            return true;
    if (role == CODE_ROLE_VAE)
        return !strcmp(name, "quantize.ema_vocab_hit_SV");
    return !strcmp(name, "lvl_1L") || !strcmp(name, "attn_bias_for_masking") || is_key_bias(name);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Are the names of all tensors numbers, as those of a list would be? */
static bool are_numbers(const CodeTensors *tensors)
{
    size_t numbers = 0;

    for (size_t i = 0; i < tensors->count; i++) {
        const char *name = tensors->all[i].info.name;

        numbers += !name[strspn(name, "0123456789")];
    }
    return numbers && numbers == tensors->count;
}

bool code_checkpoint_missing(const CodeTensors *tensors, const CodePlace *place, const char *name,
                             const char *expected, const char *file, CodesrcError *error)
{
    CodeQuoted quoted;
    Names names;

    if (place->found)
        return code_fail(error, CODESRC_MISMATCH, "%s: found no tensor '%s%s', expected %s", file,
                         place->prefix, code_quote_string(&quoted, name), expected);
    if (are_numbers(tensors))
        return code_fail(error, CODESRC_MISMATCH,
                         "%s: found numbers for names of tensors, expected those of a model: save "
                         "it again with torch.save(model.state_dict(), FILE)",
                         file);
    return code_fail(error, CODESRC_MISMATCH,
                     "%s: found no tensor '%s', expected %s; it has %s: if its model lies under "
                     "another name, add `prefix: NAME` in the manifest",
                     file, code_quote_string(&quoted, name), expected, list_names(tensors, &names));
}
