/* attention.h - attention as the transformer calls it, for tests and benchmarks of backends. */
#ifndef CODE_TESTS_ATTENTION_H
#define CODE_TESTS_ATTENTION_H

#include "backend.h"

/* Sizes and strides: queries inside rows of 3 * heads * dim, keys and values in caches of
 * `capacity` rows, outputs dense. The caller adds q, k, v, out and scale. */
static inline CodeAttention attention_shape(unsigned lanes, unsigned heads, unsigned dim,
                                            unsigned queries, unsigned keys, unsigned capacity)
{
    size_t width = (size_t)heads * dim, room = (size_t)capacity * dim;

    return (CodeAttention){.q_lane = queries * 3 * width,
                           .q_head = dim,
                           .q_row = 3 * width,
                           .kv_lane = heads * room,
                           .kv_head = room,
                           .kv_row = dim,
                           .out_lane = queries * width,
                           .out_head = dim,
                           .out_row = width,
                           .lanes = lanes,
                           .heads = heads,
                           .dim = dim,
                           .queries = queries,
                           .keys = keys};
}

#endif
