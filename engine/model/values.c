/* values.c - values of a YAML tree, each checked for its kind and range. Numbers are parsed here,
 * digit by digit, so that a manifest's meaning depends neither on the locale nor on YAML's many
 * ways to write a number. */
#include "model/values.h"

#include "error.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool code_read_fail(const CodeReader *reader, unsigned line, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return code_fail(reader->error, CODESRC_MALFORMED, "%s:%u: %s", reader->file, line, text);
}

bool code_read_fail_memory(const CodeReader *reader)
{
    return code_fail(reader->error, CODESRC_NO_MEMORY, "%s: no memory to read it", reader->file);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

const char *code_node_name(const CodeYamlNode *node)
{
    while (node && !node->key)
        node = node->parent;
    return node ? node->key : "the manifest";
}

const CodeYamlNode *code_node_get(const CodeYamlNode *mapping, const char *key)
{
    const CodeYamlNode *node = mapping->first;

    while (node && strcmp(node->key, key))
        node = node->next;
    return node;
}

bool code_node_require(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                       const char *why)
{
    return code_node_get(mapping, key) ||
           code_read_fail(reader, mapping->line, "%s: found no key '%s', expected one%s",
                          code_node_name(mapping), key, why);
}

bool code_node_expect(const CodeReader *reader, const CodeYamlNode *node, CodeYamlKind kind)
{
    CodeYamlNode expected = {.kind = kind};

    return node->kind == kind ||
           code_read_fail(reader, node->line, "%s: found %s, expected %s", code_node_name(node),
                          code_yaml_kind(node), code_yaml_kind(&expected));
}

bool code_node_expect_keys(const CodeReader *reader, const CodeYamlNode *node,
                           const char *const keys[CODE_MAX_KEYS])
{
    if (!code_node_expect(reader, node, CODE_YAML_MAPPING))
        return false;
    for (const CodeYamlNode *item = node->first; item; item = item->next) {
        char list[200] = "";
        CodeQuoted quoted;
        bool known = false;

        for (int i = 0; i < CODE_MAX_KEYS && keys[i]; i++) {
            size_t length = strlen(list);

            known = known || !strcmp(item->key, keys[i]);
            snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", keys[i]);
        }
        if (!known)
            return code_read_fail(
                reader, item->line, "%s: found unknown key '%s', expected one of %s",
                code_node_name(node), code_quote_string(&quoted, item->key), list);
    }
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool fail_value(const CodeReader *reader, const CodeYamlNode *node, const char *expected)
{
    CodeQuoted quoted;

    if (node->kind != CODE_YAML_SCALAR)
        return code_read_fail(reader, node->line, "%s: found %s, expected %s", code_node_name(node),
                              code_yaml_kind(node), expected);
    return code_read_fail(reader, node->line, "%s: found %s'%s', expected %s", code_node_name(node),
                          node->plain ? "" : "the quoted text ",
                          code_quote_string(&quoted, node->text), expected);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool code_read_number(const CodeReader *reader, const CodeYamlNode *node, unsigned least,
                      unsigned most, unsigned *number)
{
    uint64_t value = 0;
    bool ok = node->kind == CODE_YAML_SCALAR && node->plain && is_digit(node->text[0]) &&
              (node->text[0] != '0' || !node->text[1]);
    char expected[80];

    for (const char *c = node->text; ok && *c; c++) {
        ok = is_digit(*c) && value <= most;
        value = 10 * value + (unsigned)(*c - '0');
    }
    if (!ok || value < least || value > most) {
        snprintf(expected, sizeof expected, "a whole number from %u to %u in plain digits", least,
                 most);
        return fail_value(reader, node, expected);
    }
    *number = (unsigned)value;
    return true;
}

bool code_read_optional(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                        unsigned least, unsigned most, unsigned *number)
{
    const CodeYamlNode *node = code_node_get(mapping, key);

    return !node || code_read_number(reader, node, least, most, number);
}

/* Digits, or digits.digits. A double holds up to 15 digits and the power of ten exactly, so their
 * quotient is the nearest double, in any locale. */
static bool parse_real(const char *text, double *value)
{
    double digits = 0.0, power = 1.0;
    bool point = false;
    unsigned count = 0;

    if (!is_digit(text[0]) || (text[0] == '0' && is_digit(text[1])))
        return false;
    for (; *text; text++) {
        if (*text == '.' && !point && is_digit(text[1])) {
            point = true;
            continue;
        }
        if (!is_digit(*text) || ++count > 15)
            return false;
        digits = 10.0 * digits + (*text - '0');
        power *= point ? 10.0 : 1.0;
    }
    *value = digits / power;
    return true;
}

bool code_read_real(const CodeReader *reader, const CodeYamlNode *node, double least, bool above,
                    double most, double *value)
{
    double parsed = 0.0;
    char expected[80];

    if (node->kind == CODE_YAML_SCALAR && node->plain && parse_real(node->text, &parsed) &&
        parsed >= least && parsed <= most && !(above && parsed <= least)) {
        *value = parsed;
        return true;
    }
    snprintf(expected, sizeof expected, "a number %s %u to %u, as 1 or 0.95",
             above ? "above" : "from", (unsigned)least, (unsigned)most);
    return fail_value(reader, node, expected);
}

bool code_read_flag(const CodeReader *reader, const CodeYamlNode *node, bool *flag)
{
    if (!node)
        return true;
    if (node->kind != CODE_YAML_SCALAR || !node->plain ||
        (strcmp(node->text, "true") && strcmp(node->text, "false")))
        return fail_value(reader, node, "true or false");
    *flag = !strcmp(node->text, "true");
    return true;
}

bool code_read_text(const CodeReader *reader, const CodeYamlNode *node, char **text)
{
    const char *value = node ? node->text : "";

    if (node && (node->kind != CODE_YAML_SCALAR || !*value ||
                 (node->plain && (!strcmp(value, "~") || !strcmp(value, "null") ||
                                  !strcmp(value, "Null") || !strcmp(value, "NULL")))))
        return fail_value(reader, node, "text");
    *text = strdup(value);
    return *text || code_read_fail_memory(reader);
}
