/* class_names.c - the names of a manifest's classes: a list in it, or a text file next to it with
 * one name a line, which several manifests may share. */
#include "model/manifest_parts.h"

#include "error.h"
#include "model/digest.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (4 << 20) /* of a file of names */

/* Room for `count` names, once `classes` agrees. `what`: the key, or the file. */
static bool make_room(const CodeReader *reader, unsigned line, const char *what, size_t count)
{
    CodeManifest *manifest = reader->manifest;

    if (!count)
        return code_read_fail(reader, line, "%s: found none, expected one a class", what);
    if (!manifest->classes && count <= CODE_MAX_CLASSES)
        manifest->classes = (unsigned)count;
    if (count != manifest->classes)
        return code_read_fail(reader, line, "%s: found %zu names, expected %u (classes)", what,
                              count, manifest->classes ? manifest->classes : CODE_MAX_CLASSES);
    manifest->class_names = calloc(count, sizeof *manifest->class_names);
    return manifest->class_names || code_read_fail_memory(reader);
}

static bool read_list(const CodeReader *reader, const CodeYamlNode *node)
{
    char **name;

    if (!make_room(reader, node->line, "class_names", node->count))
        return false;
    name = reader->manifest->class_names;
    for (const CodeYamlNode *item = node->first; item; item = item->next) {
        if (!code_read_text(reader, item, name++))
            return false;
    }
    return true;
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* The line at `text`, without its end. The last may lack "\n"; lines may end with "\r\n". */
static size_t line_length(const char *text, const char *end, const char **next)
{
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    size_t length = (size_t)((newline ? newline : end) - text);

    *next = newline ? newline + 1 : end;
    return length && text[length - 1] == '\r' ? length - 1 : length;
}

/* `line`: of the manifest's key. */
static bool read_lines(const CodeReader *reader, const CodeReader *file, unsigned line,
                       const char *text, const char *end)
{
    const char *next = text;
    size_t count = 0;
    unsigned at = 0;
    char **name;

    for (const char *from = text; from < end; from = next, count++)
        line_length(from, end, &next);
    if (!make_room(reader, line, file->file, count))
        return false;
    name = reader->manifest->class_names;
    for (const char *from = text; from < end; from = next) {
        size_t length = line_length(from, end, &next);
        CodeQuoted quoted;

        at++;
        if (!length || length > CODE_YAML_MAX_SCALAR || !code_text_plain(from, length))
            return code_read_fail(reader, line,
                                  "class_names: line %u of %s: found \"%s\", expected the name "
                                  "of class %u",
                                  at, file->file, code_quote(&quoted, from, length), at - 1);
        *name = strndup(from, length);
        if (!*name++)
            return code_read_fail_memory(file);
    }
    return true;
}

static bool read_file(const CodeReader *reader, unsigned line, const CodeFile *file)
{
    CodeReader own = {file->name, reader->manifest, reader->error};
    char *text;
    bool good;

    if (file->size > MOST_BYTES)
        return code_fail(reader->error, CODESRC_MALFORMED,
                         "%s: found %llu bytes, expected a text of at most %d: one class a line",
                         file->name, (unsigned long long)file->size, MOST_BYTES);
    text = malloc((size_t)file->size);
    if (!text)
        return code_read_fail_memory(&own);
    good = code_file_read(file, 0, text, (size_t)file->size, reader->error) &&
           code_file_unchanged(file, reader->error) &&
           read_lines(reader, &own, line, text, text + file->size);
    if (good)
        reader->manifest->digest = code_digest(reader->manifest->digest, text, (size_t)file->size);
    free(text);
    return good;
}

bool code_manifest_read_class_names(const CodeReader *reader, const CodeYamlNode *node)
{
    CodeManifest *manifest = reader->manifest;
    const char *flaw;
    CodeFile file;
    bool good;

    if (node->kind != CODE_YAML_SCALAR)
        return code_node_expect(reader, node, CODE_YAML_SEQUENCE) && read_list(reader, node);
    flaw = code_file_name_flaw(node->text, strlen(node->text));
    if (flaw) {
        CodeQuoted quoted;

        return code_read_fail(reader, node->line,
                              "class_names: found \"%s\", which %s, expected a list of names, or "
                              "a file next to the manifest",
                              code_quote_string(&quoted, node->text), flaw);
    }
    if (!code_file_open_at(&file, manifest->folder, manifest->folder_name, node->text,
                           reader->error))
        return false;
    manifest->names_apart = true;
    good = read_file(reader, node->line, &file);
    code_file_close(&file);
    return good;
}
