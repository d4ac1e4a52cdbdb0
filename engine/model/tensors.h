/* tensors.h - the tensors of a weight file of any format: the place and the values of each. */
#ifndef CODE_MODEL_TENSORS_H
#define CODE_MODEL_TENSORS_H

#include "codesrc.h"
#include "model/file.h"
#include "model/zip.h"

#define CODE_MAX_RANK        8
#define CODE_WEIGHTS_STAGING ((size_t)1 << 20)
#define CODE_MAX_TENSORS     8192 /* the largest VAR model has 450, or 1,500 with an optimizer */
#define CODE_MAX_TENSOR_NAME 512
#define CODE_NO_RECORD       UINT32_MAX

/* How to convert an element to float32. CODE_OPAQUE types are listed, but cannot be weights. */
typedef enum CodeElement {
    CODE_OPAQUE,
    CODE_F64,
    CODE_F32,
    CODE_F16,
    CODE_BF16,
    CODE_F8_E4M3,
    CODE_F8_E5M2,
} CodeElement;

typedef struct CodeType {
    const char *name; /* as in .safetensors */
    CodeElement element;
    unsigned bytes; /* of an element; 0: less than a byte, not supported */
} CodeType;

typedef struct CodeTensor {
    CodesrcTensorInfo info; /* owns info.name */
    const CodeType *type;
    uint64_t offset; /* of the first element, bytes from the beginning of the file */
    uint64_t strides[CODE_MAX_RANK]; /* elements */
    uint32_t record;                 /* that it lies in, of a zip; else CODE_NO_RECORD */
    uint32_t shard; /* 0: the file itself, else one more than the number of its file */
    bool taken;     /* see code_weights_take */
} CodeTensor;

typedef struct CodeTensors {
    CodeTensor *all; /* in the file's order */
    size_t count, room;
} CodeTensors;

/* The type of that name, or NULL. */
const CodeType *code_type_find(const char *name, size_t length);

float code_float_of_bf16(uint16_t bits);

/* Product of the dimensions. False on overflow, even if another dimension is 0. */
bool code_elements(unsigned rank, const uint64_t *dims, uint64_t *elements);

/* Strides of a dense row-major array. */
void code_dense_strides(unsigned rank, const uint64_t *dims, uint64_t *strides);

/* Adds a copy of `tensor` under the name name[0..length), which it checks. Errors call the file
 * `file`. */
bool code_tensors_add(CodeTensors *tensors, const CodeTensor *tensor, const char *name,
                      size_t length, const char *file, CodesrcError *error);

/* Checks that need all tensors: there is at least one, and no name occurs twice. */
bool code_tensors_check(const CodeTensors *tensors, const char *file, CodesrcError *error);

/* Drops the tensors whose names do not begin with `prefix`, and the prefix from the names that do.
 */
void code_tensors_keep(CodeTensors *tensors, const char *prefix);

void code_tensors_free(CodeTensors *tensors);

/* The source of a tensor's values. */
typedef struct CodeTensorSource {
    const CodeFile *file;
    CodeZip *zip;     /* for .pth, else NULL: CRCs are checked once per record */
    uint8_t *staging; /* CODE_STAGING bytes */
    uint64_t first;   /* index of element 0 in the tensor, for errors */
} CodeTensorSource;

#define CODE_STAGING CODE_WEIGHTS_STAGING

/* Reads all values as float32, row-major, into `out`; NULL: only checks that they are finite. */
bool code_tensor_read(const CodeTensorSource *source, const CodeTensor *tensor, float *out,
                      CodesrcError *error);

#endif
