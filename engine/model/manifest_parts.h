/* manifest_parts.h - the parts of a manifest that name other files. */
#ifndef CODE_MODEL_MANIFEST_PARTS_H
#define CODE_MODEL_MANIFEST_PARTS_H

#include "model/manifest.h"
#include "model/values.h"

/* A list of names, or the name of a file; `classes` may have been read. */
bool code_manifest_read_class_names(const CodeReader *reader, const CodeYamlNode *node);

bool code_manifest_read_vae(const CodeReader *reader, const CodeYamlNode *node);

/* Drafter or refiner. `with_steps`: allows the key `steps`, which the caller reads. */
bool code_manifest_read_var(const CodeReader *reader, const CodeYamlNode *node, bool with_steps,
                            CodeManifestVar *var);

void code_manifest_free_file(CodeWeightsFile *file);

#endif
