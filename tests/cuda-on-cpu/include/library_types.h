/* library_types.h - names of number types, as cuBLAS wants them. */
#ifndef CUDA_ON_CPU_LIBRARY_TYPES_H
#define CUDA_ON_CPU_LIBRARY_TYPES_H

typedef enum cudaDataType { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 } cudaDataType;

#endif
