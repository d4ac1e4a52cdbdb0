/* operations.h - the one list of operations: X(name, arguments) for each member of CodeBackend that
 * computes. Members, prototypes, tables and lists of tests are all made from it.
 *
 * To add an operation, add its line and its arguments in backend.h, then its functions: see
 * kernels/cpu/README.md. */
#ifndef CODE_COMMON_OPERATIONS_H
#define CODE_COMMON_OPERATIONS_H

// clang-format off
#define CODE_OPERATIONS(X) \
    X(linear, CodeLinear) \
    X(modulate, CodeModulate) \
    X(heads, CodeHeads) \
    X(recall, CodeRecall) \
    X(attention, CodeAttention) \
    X(embed, CodeEmbed) \
    X(guide, CodeGuide) \
    X(sample, CodeSample) \
    X(look_up, CodeLookUp) \
    X(resize, CodeResize) \
    X(conv, CodeConv) \
    X(accumulate, CodeAccumulate) \
    X(between, CodeBetween) \
    X(group_norm, CodeGroupNorm) \
    X(pixels, CodePixels)

/* Those that a backend may leave NULL. */
#define CODE_OPTIONAL_OPERATIONS(X) \
    X(frame, CodeFrame)
// clang-format on

#define CODE_ALL_OPERATIONS(X) CODE_OPERATIONS(X) CODE_OPTIONAL_OPERATIONS(X)

#endif
