/* shards.h - one model in several .safetensors files, and the index that says which tensor is in
 * which: NAME.safetensors.index.json of Hugging Face. */
#ifndef CODE_MODEL_SHARDS_H
#define CODE_MODEL_SHARDS_H

#include "model/tensors.h"

/* Where the files lie that an index names: alongside it. */
typedef struct CodeShardFolder {
    int folder;         /* descriptor that `before` is relative to */
    const char *name;   /* what errors call the folder */
    const char *before; /* what stands before the index's own name: "", "sub/" */
} CodeShardFolder;

typedef struct CodeShards {
    CodeFile *files;
    unsigned count;
} CodeShards;

/* Reads the index and the headers of all files that it names, and adds their tensors, whose `shard`
 * is one more than the number of their file. Index and files must agree about every tensor. */
bool code_shards_open(const CodeFile *index, const CodeShardFolder *where, CodeShards *shards,
                      CodeTensors *tensors, CodesrcError *error);
void code_shards_close(CodeShards *shards);

#endif
