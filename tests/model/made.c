/* made.c - weight files of a synthetic model, made from the list of its tensors: see made.h. */
#include "made.h"

#include "../test.h"

#include <inttypes.h>
#include <unistd.h>

CodesrcModel *made_open(const char *manifest, bool headers_only, CodesrcError *error)
{
    CodesrcModelOptions options;

    codesrc_model_options_init(&options);
    options.device = "reference";
    options.headers_only = headers_only;
    return codesrc_model_open(manifest, &options, error);
}

CodeInventory made_list(const char *manifest)
{
    CodesrcError error = {.text = ""};
    CodesrcModel *model = made_open(manifest, true, &error);
    CodeInventory inventory = {0};
    CodeSources sources = {0};
    const CodeManifestPair *pair;

    CHECK(model && code_model_list(model, model->info.defaults.drafting_steps, &inventory, &sources,
                                   &pair, &error),
          "%s: %s", manifest, error.text);
    code_sources_close(&sources);
    codesrc_model_unref(model);
    return inventory;
}

static void add_entry(Bytes *header, const CodeListed *tensor, uint64_t *at)
{
    uint64_t elements = 1;
    char line[300];

    snprintf(line, sizeof line, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
             header->size > 1 ? "," : "", tensor->name);
    put_text(header, line);
    for (unsigned i = 0; i < tensor->rank; i++) {
        snprintf(line, sizeof line, "%s%" PRIu64, i ? "," : "", tensor->dims[i]);
        put_text(header, line);
        elements *= tensor->dims[i];
    }
    snprintf(line, sizeof line, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *at,
             *at + 4 * elements);
    put_text(header, line);
    *at += 4 * elements;
}

void made_file(const char *name, const CodeInventory *inventory, unsigned part, MadeEdit edit,
               void *user, const char *added)
{
    CodeListed more = {.rank = 1, .dims = {1}};
    Bytes header = {0}, file = {0};
    uint64_t at = 0;

    put_text(&header, "{");
    for (size_t i = 0; i < inventory->count; i++) {
        CodeListed tensor = inventory->all[i];

        if (tensor.part == part && (!edit || edit(user, &tensor)))
            add_entry(&header, &tensor, &at);
    }
    if (added) {
        snprintf(more.name, sizeof more.name, "%s", added);
        add_entry(&header, &more, &at);
    }
    put_text(&header, "}");
    put_number(&file, header.size, 8);
    put(&file, header.data, header.size);
    write_file(name, file.data, file.size);
    CHECK(!truncate(scratch(name), (off_t)(file.size + at)), "%s: no sparse file", name);
    clear(&header);
    clear(&file);
}
