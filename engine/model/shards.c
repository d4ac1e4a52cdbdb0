/* shards.c - one model in several .safetensors files. */
#include "model/shards.h"

#include "error.h"
#include "model/formats.h"
#include "model/limits.h"
#include "model/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INDEX ((uint64_t)2 << 20)

static bool fail(const CodeFile *index, const char *what, CodesrcError *error)
{
    return code_fail(error, CODESRC_MALFORMED, "%s: %s", index->name, what);
}

/* The object of file names by tensor. Depth is bounded by jansson, and memory by the file's
 * size. */
static json_t *read_map(const CodeFile *index, json_t **root, CodesrcError *error)
{
    char *text;
    json_t *map = NULL;

    *root = NULL;
    if (index->size > MAX_INDEX) {
        fail(index, "found an index of more than 2 MiB, expected that of a .safetensors model",
             error);
        return NULL;
    }
    text = malloc((size_t)index->size);
    if (!text) {
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for an index", index->name);
        return NULL;
    }
    if (code_file_read(index, 0, text, (size_t)index->size, error)) {
        *root = json_loadb(text, (size_t)index->size, JSON_REJECT_DUPLICATES, NULL);
        map = json_object_get(*root, "weight_map");
        if (!json_is_object(map) || !json_object_size(map) ||
            json_object_size(map) > CODE_MAX_TENSORS) {
            fail(index,
                 "found JSON that is no index of shards, expected a `weight_map` of tensors and "
                 "files: give the weight file itself",
                 error);
            map = NULL;
        }
    }
    free(text);
    return map;
}

/* The number of the file of that name, which is opened and read if it is new; CODE_MAX_SHARDS on
 * failure. */
static unsigned find_file(const CodeFile *index, const CodeShardFolder *where, const char *name,
                          CodeShards *shards, char names[][256], CodesrcError *error)
{
    char path[600];
    unsigned i = 0;
    CodeQuoted quoted;

    while (i < shards->count && strcmp(names[i], name))
        i++;
    if (i < shards->count)
        return i;
    if (i == CODE_MAX_SHARDS) {
        code_fail(error, CODESRC_MALFORMED, "%s: found more than %d files, expected fewer",
                  index->name, CODE_MAX_SHARDS);
        return i;
    }
    if (code_file_name_flaw(name, strlen(name)) || strchr(name, '/')) {
        code_fail(error, CODESRC_MALFORMED,
                  "%s: found the file name '%s', expected one alongside the index", index->name,
                  code_quote_string(&quoted, name));
        return CODE_MAX_SHARDS;
    }
    snprintf(names[i], 256, "%s", name);
    snprintf(path, sizeof path, "%s%s", where->before, name);
    if (!code_file_open_at(&shards->files[i], where->folder, where->name, path, error))
        return CODE_MAX_SHARDS;
    return shards->count++;
}

/* Adds the tensors of a file. */
static bool read_file(const CodeFile *file, unsigned number, CodeTensors *tensors,
                      CodesrcError *error)
{
    CodeTensors own = {0};
    uint8_t begin[8];
    bool good;

    if (!code_file_read(file, 0, begin, file->size < 8 ? (size_t)file->size : 8, error))
        return false;
    if (code_form_is_zip(begin, file->size < 8 ? (size_t)file->size : 8))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s: found a zip, expected a .safetensors file as shard: merge the shards "
                         "into one file with torch.save",
                         file->name);
    good = code_safetensors_read(file, &own, error);
    for (size_t i = 0; good && i < own.count; i++) {
        own.all[i].shard = number + 1;
        good = code_tensors_add(tensors, &own.all[i], own.all[i].info.name,
                                strlen(own.all[i].info.name), file->name, error);
    }
    code_tensors_free(&own);
    return good;
}

/* Each tensor must be in the file that the index says, and the index must have all of them. */
static bool check_map(const CodeFile *index, json_t *map, const CodeTensors *tensors,
                      char names[][256], CodesrcError *error)
{
    CodeQuoted quoted;

    for (size_t i = 0; i < tensors->count; i++) {
        const CodeTensor *tensor = &tensors->all[i];
        const char *file = json_string_value(json_object_get(map, tensor->info.name));

        if (!file || strcmp(file, names[tensor->shard - 1]))
            return code_fail(error, CODESRC_MALFORMED,
                             "%s: found tensor '%s' in %s, expected it in %s: the files are not of "
                             "one model",
                             index->name, code_quote_string(&quoted, tensor->info.name),
                             names[tensor->shard - 1], file ? file : "none");
    }
    return tensors->count == json_object_size(map) ||
           code_fail(
               error, CODESRC_MALFORMED,
               "%s: found %zu tensors in its files, expected the %zu that it lists: fetch all "
               "files again",
               index->name, tensors->count, json_object_size(map));
}

static bool read_files(const CodeFile *index, const CodeShardFolder *where, json_t *map,
                       CodeShards *shards, CodeTensors *tensors, CodesrcError *error)
{
    char(*names)[256] = calloc(CODE_MAX_SHARDS, sizeof *names);
    const char *tensor;
    json_t *file;
    bool good = names != NULL;

    if (!good)
        return code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for names", index->name);
    json_object_foreach(map, tensor, file)
    {
        unsigned before = shards->count, number;

        if (!json_is_string(file)) {
            good = fail(index, "found a file that is no name, expected text", error);
            break;
        }
        number = find_file(index, where, json_string_value(file), shards, names, error);
        good = number < CODE_MAX_SHARDS &&
               (number < before || read_file(&shards->files[number], number, tensors, error));
        if (!good)
            break;
    }
    good = good && check_map(index, map, tensors, names, error);
    free(names);
    return good;
}

bool code_shards_open(const CodeFile *index, const CodeShardFolder *where, CodeShards *shards,
                      CodeTensors *tensors, CodesrcError *error)
{
    json_t *root, *map = read_map(index, &root, error);
    bool good = false;

    *shards = (CodeShards){.files = map ? calloc(CODE_MAX_SHARDS, sizeof *shards->files) : NULL};
    if (map && !shards->files)
        code_fail(error, CODESRC_NO_MEMORY, "%s: no memory for its files", index->name);
    else if (map)
        good = read_files(index, where, map, shards, tensors, error);
    json_decref(root);
    return good;
}

void code_shards_close(CodeShards *shards)
{
    for (unsigned i = 0; i < shards->count; i++)
        code_file_close(&shards->files[i]);
    free(shards->files);
    *shards = (CodeShards){0};
}
