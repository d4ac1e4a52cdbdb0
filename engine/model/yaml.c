/* yaml.c - reads a small YAML document as a tree, from libyaml's events.
 *
 * libyaml 0.2.5 bounds neither depth nor length and resolves aliases into cycles, so its document
 * API is not used: events are counted and refused one by one. */
#include "model/yaml.h"

#include "error.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* ---- the bytes ------------------------------------------------------------------------------- */

/* Only line feeds, alone or after a carriage return, end lines, so that all programs count the
 * same. / */
static bool check_bytes(const char *text, size_t length, const char *file, CodesrcError *error)
{
    unsigned line = 1;
    CodeQuoted quoted;

    if (length >= 2 && (!memcmp(text, "\xFF\xFE", 2) || !memcmp(text, "\xFE\xFF", 2) ||
                        !memcmp(text, "\xEF\xBB", 2)))
        return code_fail(error, CODESRC_MALFORMED,
                         "%s:1: found a byte order mark, expected UTF-8 without one", file);
    for (size_t i = 0, step; i < length; i += step) {
        step = code_utf8_length(text + i, length - i);
        if (!step)
            return code_fail(error, CODESRC_MALFORMED, "%s:%u: found byte 0x%02x, expected UTF-8",
                             file, line, (unsigned char)text[i]);
        if (text[i] == '\n') {
            line++;
        } else if (text[i] == '%' && (!i || text[i - 1] == '\n')) {
            return code_fail(error, CODESRC_MALFORMED, "%s:%u: found a directive, expected none",
                             file, line);
        } else if (text[i] != '\t' && !(text[i] == '\r' && i + 1 < length && text[i + 1] == '\n') &&
                   !code_text_plain(text + i, step)) {
            return code_fail(error, CODESRC_MALFORMED,
                             "%s:%u: found the control character %s, expected text", file, line,
                             code_quote(&quoted, text + i, step));
        }
    }
    return true;
}

/* ---- the tree -------------------------------------------------------------------------------- */

const char *code_yaml_kind(const CodeYamlNode *node)
{
    static const char *const names[] = {"a value", "a sequence", "a mapping"};

    return names[node->kind];
}

void code_yaml_free(CodeYamlNode *root)
{
    /* Depth is bounded, but the way up through `parent` needs no stack at all. */
    for (CodeYamlNode *node = root, *up; node;) {
        if (node->first) {
            CodeYamlNode *child = node->first;

            node->first = child->next;
            node = child;
            continue;
        }
        up = node == root ? NULL : node->parent;
        free(node->key);
        free(node->text);
        free(node);
        node = up;
    }
}

/* A tree under construction. */
typedef struct Builder {
    const char *file;
    CodesrcError *error;
    CodeYamlNode *root;
    CodeYamlNode *open; /* the innermost open node; NULL outside all */
    char *key;          /* that waits for its value */
    unsigned key_line, depth, events, documents;
} Builder;

static bool fail_memory(const Builder *builder)
{
    return code_fail(builder->error, CODESRC_NO_MEMORY, "%s: no memory to read it", builder->file);
}

static bool fail_at(const Builder *builder, unsigned line, const char *what)
{
    return code_fail(builder->error, CODESRC_MALFORMED, "%s:%u: %s", builder->file, line, what);
}

/* Adds a new node to the open one. */
static CodeYamlNode *add_node(Builder *builder, CodeYamlKind kind, unsigned line)
{
    CodeYamlNode *node = calloc(1, sizeof *node), *parent = builder->open;

    if (!node) {
        fail_memory(builder);
        return NULL;
    }
    node->kind = kind;
    node->line = builder->key ? builder->key_line : line;
    node->key = builder->key;
    node->parent = parent;
    builder->key = NULL;
    if (!parent)
        builder->root = node;
    else if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    if (parent) {
        parent->last = node;
        parent->count++;
    }
    return node;
}

static bool expects_key(const Builder *builder)
{
    return builder->open && builder->open->kind == CODE_YAML_MAPPING && !builder->key;
}

static bool take_key(Builder *builder, char *text, unsigned line)
{
    CodeQuoted quoted;

    builder->key = text;
    builder->key_line = line;
    if (!strcmp(text, "<<"))
        return fail_at(builder, line, "found a merge key, expected every key written out");
    for (const CodeYamlNode *node = builder->open->first; node; node = node->next) {
        if (!strcmp(node->key, text))
            return code_fail(builder->error, CODESRC_MALFORMED,
                             "%s:%u: found key '%s' again, expected it once (it is in line %u)",
                             builder->file, line, code_quote_string(&quoted, text), node->line);
    }
    return true;
}

static bool take_scalar(Builder *builder, const yaml_event_t *event, unsigned line)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    yaml_scalar_style_t style = event->data.scalar.style;
    CodeYamlNode *node;
    CodeQuoted quoted;
    char *text;

    /* A block scalar ends in a line feed. */
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        while (length && value[length - 1] == '\n')
            length--;
    }
    if (length > CODE_YAML_MAX_SCALAR)
        return code_fail(builder->error, CODESRC_MALFORMED,
                         "%s:%u: found a value of %zu bytes, expected at most %d", builder->file,
                         line, length, CODE_YAML_MAX_SCALAR);
    if (!code_text_plain(value, length))
        return code_fail(builder->error, CODESRC_MALFORMED,
                         "%s:%u: found control characters in '%s', expected one line of text",
                         builder->file, line, code_quote(&quoted, value, length));
    text = malloc(length + 1);
    if (!text)
        return fail_memory(builder);
    memcpy(text, value, length);
    text[length] = '\0';
    if (expects_key(builder))
        return take_key(builder, text, line);
    node = add_node(builder, CODE_YAML_SCALAR, line);
    if (!node) {
        free(text);
        return false;
    }
    node->text = text;
    node->plain = style == YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static bool begin_collection(Builder *builder, CodeYamlKind kind, unsigned line)
{
    CodeYamlNode *node;

    if (expects_key(builder))
        return fail_at(builder, line, "found a collection as a key, expected a word");
    if (builder->depth == CODE_YAML_MAX_DEPTH)
        return fail_at(builder, line, "found collections nested more than 8 deep");
    node = add_node(builder, kind, line);
    if (!node)
        return false;
    builder->open = node;
    builder->depth++;
    return true;
}

static void end_collection(Builder *builder)
{
    builder->open = builder->open->parent;
    builder->depth--;
}

static bool take_event(Builder *builder, const yaml_event_t *event)
{
    unsigned line = (unsigned)event->start_mark.line + 1;

    if (++builder->events > CODE_YAML_MAX_EVENTS)
        return code_fail(builder->error, CODESRC_MALFORMED,
                         "%s:%u: found more than %d values, expected a smaller file", builder->file,
                         line, CODE_YAML_MAX_EVENTS);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return !builder->documents++ ||
               fail_at(builder, line, "found a second document, expected one");
    case YAML_ALIAS_EVENT:
        return fail_at(builder, line, "found an alias, expected every value written out");
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor)
            return fail_at(builder, line, "found an anchor, expected none");
        if (event->data.scalar.tag)
            return fail_at(builder, line, "found a tag, expected none");
        return take_scalar(builder, event, line);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
        bool sequence = event->type == YAML_SEQUENCE_START_EVENT;

        if (sequence ? event->data.sequence_start.anchor : event->data.mapping_start.anchor)
            return fail_at(builder, line, "found an anchor, expected none");
        if (sequence ? event->data.sequence_start.tag : event->data.mapping_start.tag)
            return fail_at(builder, line, "found a tag, expected none");
        return begin_collection(builder, sequence ? CODE_YAML_SEQUENCE : CODE_YAML_MAPPING, line);
    }
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end_collection(builder);
        return true;
    default:
        return true;
    }
}

static bool parse(Builder *builder, const char *text, size_t length)
{
    yaml_parser_t parser;
    bool ok = true, ended = false;

    if (!yaml_parser_initialize(&parser))
        return fail_memory(builder);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (ok && !ended) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            ok = parser.error == YAML_MEMORY_ERROR
                     ? fail_memory(builder)
                     : fail_at(builder, (unsigned)parser.problem_mark.line + 1,
                               parser.problem ? parser.problem : "no YAML");
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        ok = take_event(builder, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (ok && !builder->root)
        ok = fail_at(builder, 1, "found nothing, expected a mapping");
    return ok;
}

CodeYamlNode *code_yaml_read(const CodeFile *file, CodesrcError *error)
{
    Builder builder = {.file = file->name, .error = error};
    size_t length = (size_t)file->size;
    char *text;
    bool ok;

    if (file->size > CODE_YAML_MAX_SIZE) {
        code_fail(error, CODESRC_MALFORMED,
                  "%s: found %llu bytes, expected a manifest of at most %d", file->name,
                  (unsigned long long)file->size, CODE_YAML_MAX_SIZE);
        return NULL;
    }
    text = malloc(length);
    if (!text) {
        fail_memory(&builder);
        return NULL;
    }
    ok = code_file_read(file, 0, text, length, error) && code_file_unchanged(file, error) &&
         check_bytes(text, length, file->name, error) && parse(&builder, text, length);
    free(text);
    free(builder.key);
    if (ok)
        return builder.root;
    code_yaml_free(builder.root);
    return NULL;
}
