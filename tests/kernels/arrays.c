/* arrays.c - random numbers of an operation and of each image, on their way to a device and back.
 */
#include "cases.h"

#include "../test.h"

void describe_shape(const char *operation, const Shape *shape, char *text, size_t size)
{
    const unsigned *words = shape->words;

    snprintf(text, size, "%s(%u; %u %u %u %u %u %u %u)", operation, shape->images, words[0],
             words[1], words[2], words[3], words[4], words[5], words[6]);
}

Random random_shared(const Shape *shape)
{
    Random random = {12345};

    for (int i = 0; i < 7; i++)
        random.state = random.state * 1000003u + shape->words[i];
    return random;
}

Random random_of(const Shape *shape, unsigned image)
{
    Random random = random_shared(shape);

    random.state += (uint64_t)(shape->first + image + 1) << 32;
    return random;
}

float *images_of(const Shape *shape, size_t size, float scale, unsigned salt)
{
    float *values = malloc((shape->images * size + 1) * sizeof *values);

    if (!values)
        abort();
    for (unsigned image = 0; image < shape->images; image++) {
        Random random = random_of(shape, image);

        random.state += salt * 77777u;
        for (size_t i = 0; i < size; i++)
            values[image * size + i] = random_normal(&random) * scale;
    }
    return values;
}

/* An array of random numbers on the device. */
float *upload_images(Side *side, const Shape *shape, size_t size, float scale, unsigned salt)
{
    float *values = images_of(shape, size, scale, salt);
    float *array = side_array(side, values, shape->images * size * sizeof(float));

    free(values);
    return array;
}

float *upload_shared(Side *side, const Shape *shape, size_t count, float scale, unsigned salt)
{
    Random random = random_shared(shape);
    float *values, *array;

    random.state += salt * 99999u;
    values = random_floats(&random, count, scale);
    array = side_array(side, values, count * sizeof(float));
    free(values);
    return array;
}

void download(Side *side, const Shape *shape, const void *array, size_t size, Output *output)
{
    output->size = size;
    output->values = malloc((shape->images * size + 1) * sizeof(float));
    if (!output->values)
        abort();
    side_download(side, output->values, array, shape->images * size * sizeof(float));
}

void *upload_activations(Side *side, const Shape *shape, size_t size, float scale, unsigned salt)
{
    float *values = images_of(shape, size, scale, salt);
    void *array = side_activations(side, values, shape->images * size);

    free(values);
    return array;
}

void download_activations(Side *side, const Shape *shape, const void *array, size_t size,
                          Output *output)
{
    output->size = size;
    output->values = malloc((shape->images * size + 1) * sizeof(float));
    if (!output->values)
        abort();
    side_download_activations(side, output->values, array, shape->images * size);
}

void *upload_outputs(Side *side, const Shape *shape, const CodeWeightSpec *spec, size_t size,
                     unsigned salt)
{
    if (code_writes_f32(spec))
        return upload_images(side, shape, size, 1, salt);
    return upload_activations(side, shape, size, 1, salt);
}

void download_outputs(Side *side, const Shape *shape, const CodeWeightSpec *spec, const void *array,
                      size_t size, Output *output)
{
    if (code_writes_f32(spec))
        download(side, shape, array, size, output);
    else
        download_activations(side, shape, array, size, output);
}

CodeWeightSpec spec_of(CodeWeightKind kind, unsigned in, unsigned out, unsigned types)
{
    return (CodeWeightSpec){.kind = kind,
                            .in = in,
                            .out = out,
                            .types = (CodeTypes)(types % COARSE),
                            .coarse = types & COARSE};
}
