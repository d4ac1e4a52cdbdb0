/* cudaGL.h - what of it libgstcuda's headers name is in cuda.h. */
#include "cuda.h"
