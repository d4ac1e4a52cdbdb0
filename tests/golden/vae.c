/* vae.c - goldens of the VQ-VAE alone: decoder, encoder, quantiser. */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>

static bool compare_decoder(const GoldenFile *file, const GoldenOptions *options,
                            const CodesrcModelInfo *info, CodesrcGenerator *generator,
                            size_t features, size_t pixels, CodesrcError *error)
{
    const float *f_hat = golden_tensor(file, "decode_f_hat", "F32", features);
    const float *golden = golden_tensor(file, "decode_image", "F32", pixels);
    float *image = malloc(pixels * sizeof *image);
    bool good = f_hat && golden && image && codesrc_decode(generator, f_hat, image, error);

    if (good)
        good = golden_within(options, info, "image", golden_difference(image, golden, pixels));
    free(image);
    return good;
}

static bool compare_encoder(const GoldenFile *file, const GoldenOptions *options,
                            const CodesrcModelInfo *info, CodesrcGenerator *generator,
                            size_t features, size_t pixels, CodesrcError *error)
{
    const float *picture = golden_tensor(file, "encode_picture", "F32", pixels);
    const float *f = golden_tensor(file, "encode_f", "F32", features);
    const float *f_hat = golden_tensor(file, "encode_f_hat", "F32", features);
    const int32_t *tokens = golden_tensor(file, "encode_tokens", "I32", info->positions);
    CodesrcCanvas *canvas =
        picture && f && f_hat && tokens ? codesrc_encode(generator, picture, error) : NULL;
    unsigned equal = 0;
    bool good = canvas != NULL;

    if (good) {
        for (unsigned i = 0; i < info->positions; i++)
            equal += codesrc_canvas_tokens(canvas)[i] == tokens[i];
        good = golden_within(options, info, "encoded tokens", info->positions - equal);
        good &= golden_within(options, info, "features",
                              golden_difference(codesrc_canvas_features(canvas), f, features));
        good &=
            golden_within(options, info, "encoded map",
                          golden_difference(codesrc_canvas_feature_map(canvas, info->scales - 1),
                                            f_hat, features));
    }
    codesrc_canvas_free(canvas);
    return good;
}

bool golden_vae(const GoldenFile *file, const GoldenOptions *options)
{
    CodesrcModel *model = golden_model(file, options);
    const CodesrcModelInfo *info = model ? codesrc_model_info(model) : NULL;
    CodesrcError error = {0};
    CodesrcGenerator *generator = model ? codesrc_generator_new(model, 1, 0, &error) : NULL;
    bool good = false;

    if (generator) {
        unsigned last = info->patch_nums[info->scales - 1];
        size_t features = (size_t)info->channels * last * last;
        size_t pixels = 3 * (size_t)info->side * info->side;

        good = compare_decoder(file, options, info, generator, features, pixels, &error);
        good &= compare_encoder(file, options, info, generator, features, pixels, &error);
    }
    if (!good && error.text[0])
        printf(" %s", error.text);
    codesrc_generator_free(generator);
    codesrc_model_unref(model);
    return good;
}
