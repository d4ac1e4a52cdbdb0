/* values.h - values of a YAML tree, each checked for its kind and range: what a manifest is read
 * with. Every failure names file, line and key, what was found and what was expected. */
#ifndef CODE_MODEL_VALUES_H
#define CODE_MODEL_VALUES_H

#include "model/manifest.h"
#include "model/yaml.h"

#define CODE_MAX_KEYS 12 /* of a mapping */

typedef struct CodeReader {
    const char *file; /* what errors call it */
    CodeManifest *manifest;
    CodesrcError *error;
} CodeReader;

/* Fails with CODESRC_MALFORMED and "file:line: ...". */
bool code_read_fail(const CodeReader *reader, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool code_read_fail_memory(const CodeReader *reader);

/* What an error calls a node: its key, or that of the sequence it is in. */
const char *code_node_name(const CodeYamlNode *node);

/* The value of a key, or NULL. */
const CodeYamlNode *code_node_get(const CodeYamlNode *mapping, const char *key);

/* Fails unless the key is there; `why` is added to the text. */
bool code_node_require(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                       const char *why);

bool code_node_expect(const CodeReader *reader, const CodeYamlNode *node, CodeYamlKind kind);

/* A mapping that has no keys but these (NULL ends the list). */
bool code_node_expect_keys(const CodeReader *reader, const CodeYamlNode *node,
                           const char *const keys[CODE_MAX_KEYS]);

/* A whole number in plain digits. */
bool code_read_number(const CodeReader *reader, const CodeYamlNode *node, unsigned least,
                      unsigned most, unsigned *number);

/* The same, of a key that may be missing: then *number stays. */
bool code_read_optional(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                        unsigned least, unsigned most, unsigned *number);

/* A decimal number from `least` on, or above it where `above`, up to `most`. */
bool code_read_real(const CodeReader *reader, const CodeYamlNode *node, double least, bool above,
                    double most, double *value);

/* true or false; without a node *flag stays. */
bool code_read_flag(const CodeReader *reader, const CodeYamlNode *node, bool *flag);

/* A copy of a text that is not empty; "" without a node. */
bool code_read_text(const CodeReader *reader, const CodeYamlNode *node, char **text);

#endif
