/* tiny.h - a model with synthetic weights that decodes in milliseconds, for tests of the engine. */
#ifndef CODE_TESTS_TINY_H
#define CODE_TESTS_TINY_H

#include "codesrc.h"

enum {
    TINY_SIDE = 32,
    TINY_LENGTH = 94,
    TINY_CLASSES = 10,
    TINY_CODES = 64,
    TINY_FEATURES = 8 * 64
};

/* A test program's arguments: [DEVICE [PRECISION]]. */
typedef struct TinyDevice {
    const char *device, *precision;
} TinyDevice;

TinyDevice tiny_device(int argc, char **argv);

/* Opens it on a device; on failure, ends the program with a message. */
CodesrcModel *tiny_model(TinyDevice device, unsigned threads);

/* The same with AdaLN weights kept or read. */
CodesrcModel *tiny_model_with(TinyDevice device, unsigned threads,
                              CodesrcClassWeights class_weights);

/* The folder of its manifest; it is removed at exit. */
const char *tiny_folder(void);

#endif
