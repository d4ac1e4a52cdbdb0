/* values.h - reads the values of a YAML tree for a manifest, and checks the kind and range of
 * each. Every failure names file, line and key, the value found and the value expected. */
#ifndef CODE_MODEL_VALUES_H
#define CODE_MODEL_VALUES_H

#include "codesrc.h"
#include "model/yaml.h"

#define CODE_MAX_KEYS 12 /* of a mapping */

typedef struct CodeReader {
    const char *file; /* its name in errors */
    struct CodeManifest *manifest;
    CodesrcError *error;
} CodeReader;

/* Fails with CODESRC_MALFORMED and "file:line: ...". */
bool code_read_fail(const CodeReader *reader, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool code_read_fail_memory(const CodeReader *reader);

/* A node's name in errors: its key, or that of the sequence that contains it. */
const char *code_node_name(const CodeYamlNode *node);

/* The value of a key, or NULL. */
const CodeYamlNode *code_node_get(const CodeYamlNode *mapping, const char *key);

/* Fails unless the key exists; `why` is added to the text. */
bool code_node_require(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                       const char *why);

bool code_node_expect(const CodeReader *reader, const CodeYamlNode *node, CodeYamlKind kind);

/* Fails unless the node is a mapping with no keys but these (NULL ends the list). */
bool code_node_expect_keys(const CodeReader *reader, const CodeYamlNode *node,
                           const char *const keys[CODE_MAX_KEYS]);

/* A whole number in plain digits. */
bool code_read_number(const CodeReader *reader, const CodeYamlNode *node, unsigned least,
                      unsigned most, unsigned *number);

/* The same for an optional key: without it, *number is unchanged. */
bool code_read_optional(const CodeReader *reader, const CodeYamlNode *mapping, const char *key,
                        unsigned least, unsigned most, unsigned *number);

/* A decimal number from `least` to `most`, excluding `least` if `above`. */
bool code_read_real(const CodeReader *reader, const CodeYamlNode *node, double least, bool above,
                    double most, double *value);

/* true or false; without a node, *flag is unchanged. */
bool code_read_flag(const CodeReader *reader, const CodeYamlNode *node, bool *flag);

/* A copy of a non-empty text; without a node, "". */
bool code_read_text(const CodeReader *reader, const CodeYamlNode *node, char **text);

#endif
