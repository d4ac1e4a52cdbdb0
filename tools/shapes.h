/* shapes.h - models of known sizes with synthetic weights, which code-bench measures without any
 * file. */
#ifndef CODE_TOOLS_SHAPES_H
#define CODE_TOOLS_SHAPES_H

#include <codesrc.h>

/* Opens a model of that shape. The error of an unknown name lists the known ones. */
CodesrcModel *shapes_open(const char *name, const CodesrcModelOptions *options,
                          CodesrcError *error);

#endif
