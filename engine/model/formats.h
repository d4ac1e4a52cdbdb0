/* formats.h - the two formats of weight files, each read by one file of its own. */
#ifndef CODE_MODEL_FORMATS_H
#define CODE_MODEL_FORMATS_H

#include "model/tensors.h"

/* safetensors.c: adds the tensors of a .safetensors file. */
bool code_safetensors_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error);

/* pth.c: adds the tensors of a file that torch.save wrote. Returns its archive, from which the
 * values are then read, or NULL. */
CodeZip *code_pth_read(const CodeFile *file, CodeTensors *tensors, CodesrcError *error);

/* Whether these first bytes of a file begin a zip archive. */
bool code_pth_is_zip(const uint8_t *begin, size_t size);

/* Why a file with these first bytes is refused, if it has another of PyTorch's formats; else
 * NULL. */
const char *code_pth_other_form(const uint8_t *begin, size_t size);

/* synthetic.c: rows first..first + rows - 1 of a synthetic tensor, row-major. */
void code_synthetic_fill(uint32_t seed, const char *name, unsigned rank, const uint64_t *dims,
                         uint64_t first, uint64_t rows, float *out);

#endif
