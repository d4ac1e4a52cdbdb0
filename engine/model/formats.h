/* formats.h - the formats of weight files, each read by one file of its own. */
#ifndef CODE_MODEL_FORMATS_H
#define CODE_MODEL_FORMATS_H

#include "backend.h"
#include "model/tensors.h"

/* safetensors.c: adds the tensors of a .safetensors file. */
bool code_safetensors_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error);

/* pth.c: adds the tensors of a file that torch.save wrote. Returns its archive, from which the
 * values are then read, or NULL. */
CodeZip *code_pth_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error);

/* forms.c: what a file is whose first bytes are begin[0..size), CODE_FORM_BYTES of them if it has
 * as many. */
enum { CODE_FORM_BYTES = 512 };
bool code_form_is_zip(const uint8_t *begin, size_t size);
bool code_form_is_json(const uint8_t *begin, size_t size); /* an index of shards, if it is any */

/* Reads the first bytes of a file, *size of them; refuses it if something is known against it. */
bool code_form_begin(const CodeFile *file, uint8_t begin[CODE_FORM_BYTES], size_t *size,
                     CodesrcError *error);

bool code_form_is_safetensors(const uint8_t *begin, size_t size);

/* A weight file, whether it can be read or not, and no manifest? */
bool code_form_is_weights(const uint8_t *begin, size_t size);

/* synthetic.c: the rule of a tensor of that name. */
CodeSynthetic code_synthetic_rule(uint32_t seed, const char *name, unsigned rank,
                                  const uint64_t *dims);

/* Rows first..first + rows - 1 of a synthetic tensor, row-major. */
void code_synthetic_fill(uint32_t seed, const char *name, unsigned rank, const uint64_t *dims,
                         uint64_t first, uint64_t rows, float *out);

#endif
