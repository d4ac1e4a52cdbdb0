/* yaml.h - a small YAML document, such as a model's manifest, as a tree. It refuses every part of
 * YAML that a manifest does not need, and bounds size and depth before it allocates memory. */
#ifndef CODE_MODEL_YAML_H
#define CODE_MODEL_YAML_H

#include "model/file.h"

#define CODE_YAML_MAX_SIZE   65536 /* bytes of the file */
#define CODE_YAML_MAX_DEPTH  8     /* of mappings and sequences */
#define CODE_YAML_MAX_EVENTS 4096  /* scalars, and beginnings and ends of other nodes */
#define CODE_YAML_MAX_SCALAR 4096  /* bytes */

typedef enum CodeYamlKind {
    CODE_YAML_SCALAR,
    CODE_YAML_SEQUENCE,
    CODE_YAML_MAPPING,
} CodeYamlKind;

typedef struct CodeYamlNode {
    CodeYamlKind kind;
    unsigned line;                            /* of the key, if there is one; from 1 */
    char *key;                                /* in a mapping; else NULL */
    char *text;                               /* of a scalar: UTF-8 without control characters */
    bool plain;                               /* a scalar without quotes */
    struct CodeYamlNode *parent;              /* NULL: the root */
    struct CodeYamlNode *first, *last, *next; /* children, and the next of the parent's */
    unsigned count;                           /* of children */
} CodeYamlNode;

/* "a mapping", ..., for errors. */
const char *code_yaml_kind(const CodeYamlNode *node);

/* Reads the whole file. NULL on failure; the error then begins with file:line. */
CodeYamlNode *code_yaml_read(const CodeFile *file, CodesrcError *error);
void code_yaml_free(CodeYamlNode *root); /* NULL is allowed */

#endif
