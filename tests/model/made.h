/* made.h - weight files of a synthetic model, made from the list of its tensors: all values are 0,
 * so a file is as long as a real one and takes no room. */
#ifndef CODE_TESTS_MADE_H
#define CODE_TESTS_MADE_H

#include "hostile.h"
#include "model/binder.h"

/* May give a tensor another name or shape; false leaves it out. */
typedef bool (*MadeEdit)(void *user, CodeListed *tensor);

/* The tensors that a model is made of; the caller frees inventory.all. `manifest` is synthetic. */
CodeInventory made_list(const char *manifest);

/* Writes a .safetensors file of one part (0 VQ-VAE, 1 drafter, 2 refiner) into the scratch folder,
 * with each tensor edited unless `edit` is NULL, followed by `added`, of one value, unless it is
 * NULL. */
void made_file(const char *name, const CodeInventory *inventory, unsigned part, MadeEdit edit,
               void *user, const char *added);

/* Opens a model on the reference device; NULL, with the error filled in, on failure. */
CodesrcModel *made_open(const char *manifest, bool headers_only, CodesrcError *error);

#endif
