/* vae.h - runs the VQ-VAE's decoder and encoder, one image at a time. */
#ifndef CODE_PICTURE_VAE_H
#define CODE_PICTURE_VAE_H

#include "room.h"

/* Device scratch: its layers read and write three maps. */
typedef struct CodeVaeMaps {
    void *map[CODE_VAE_MAPS];
} CodeVaeMaps;

void code_vae_layout(CodeVaeMaps *maps, CodeRoom *room);

/* Decodes features (P, P, Z), outside the maps, to an image (S, S, 3), not clamped to [-1, 1],
 * which stays at code_vae_image until the maps are used again. */
bool code_vae_render(const CodeVaeMaps *maps, const CodesrcModel *model, CodeStream *stream,
                     const float *features);
const float *code_vae_image(const CodeVaeMaps *maps, const CodesrcModel *model);

/* Encodes the image (S, S, 3) in map 0 to features (P, P, Z), in one of the maps; NULL on failure.
 */
const float *code_vae_encode(const CodeVaeMaps *maps, const CodesrcModel *model,
                             CodeStream *stream);

#endif
