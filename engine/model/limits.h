/* limits.h - the largest numbers that a model may have. The manifest's ranges, the checks of a
 * weight file's shapes, the arrays of a model in memory and docs/models.md all use them. Each is
 * larger than in any model we know of, and small enough that sizes fit the plan's arithmetic. */
#ifndef CODE_MODEL_LIMITS_H
#define CODE_MODEL_LIMITS_H

enum {
    /* the VQ-VAE */
    CODE_MAX_CODES = 65536, /* V: the samplers number codes in 16 bits */
    CODE_MAX_CHANNELS = 1024,
    CODE_MAX_CH = 1024,
    CODE_MAX_CH_MULT = 16,
    CODE_MAX_LEVELS = 8,
    CODE_MAX_RES_BLOCKS = 8, /* of a level of the encoder; the decoder has one more */
    CODE_MAX_GROUPS = 1024,
    CODE_MAX_PHI = 16, /* convolutions of the quantiser, as many as scales at most */
    /* a transformer */
    CODE_MAX_DEPTH = 128,
    CODE_MAX_HEADS = 128,
    CODE_MAX_WIDTH = 64 * CODE_MAX_HEADS,
    CODE_MAX_CLASSES = 100000,
    /* both */
    CODE_MAX_SIDE = 64, /* of a scale */
    CODE_MAX_PAIRS = 16,
    CODE_MAX_SHARDS = 64,  /* files of one model */
    CODE_MAX_IGNORED = 64, /* names of tensors to leave out of a file */
};

#endif
