/* cuda.h - the part of the CUDA driver's interface that libgstcuda and gst-plugin/video/cuda use,
 * on the host: libcuda.c. Names, values and layouts are the driver's, because libgstcuda was
 * compiled with its header. What no test uses is a name only. */
#ifndef CUDA_ON_CPU_DRIVER_H
#define CUDA_ON_CPU_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUDAAPI

typedef enum CUresult {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_NOT_SUPPORTED = 801,
} CUresult;

typedef enum CUdevice_attribute {
    CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT = 14,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
} CUdevice_attribute;

typedef enum CUmemorytype {
    CU_MEMORYTYPE_HOST = 1,
    CU_MEMORYTYPE_DEVICE = 2,
} CUmemorytype;

typedef enum CUpointer_attribute { CU_POINTER_ATTRIBUTE_CONTEXT = 1 } CUpointer_attribute;
typedef enum CUgraphicsRegisterFlags { CU_GRAPHICS_REGISTER_NONE } CUgraphicsRegisterFlags;
typedef enum CUgraphicsMapResourceFlags { CU_GRAPHICS_MAP_NONE } CUgraphicsMapResourceFlags;
typedef enum CUGLDeviceList { CU_GL_DEVICE_LIST_ALL = 1 } CUGLDeviceList;
enum { CU_STREAM_NON_BLOCKING = 1 };

typedef int CUdevice;
typedef unsigned long long CUdeviceptr, CUtexObject;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUarray_st *CUarray;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUgraphicsResource_st *CUgraphicsResource;
typedef struct CUDA_RESOURCE_DESC CUDA_RESOURCE_DESC;
typedef struct CUDA_TEXTURE_DESC CUDA_TEXTURE_DESC;
typedef struct CUDA_RESOURCE_VIEW_DESC CUDA_RESOURCE_VIEW_DESC;

typedef struct CUDA_MEMCPY2D {
    size_t srcXInBytes, srcY;
    CUmemorytype srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    CUarray srcArray;
    size_t srcPitch;
    size_t dstXInBytes, dstY;
    CUmemorytype dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    CUarray dstArray;
    size_t dstPitch;
    size_t WidthInBytes, Height;
} CUDA_MEMCPY2D;

typedef struct CUDA_MEMCPY3D_PEER {
    size_t srcXInBytes, srcY, srcZ, srcLOD;
    CUmemorytype srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    CUarray srcArray;
    CUcontext srcContext;
    size_t srcPitch, srcHeight;
    size_t dstXInBytes, dstY, dstZ, dstLOD;
    CUmemorytype dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    CUarray dstArray;
    CUcontext dstContext;
    size_t dstPitch, dstHeight;
    size_t WidthInBytes, Height, Depth;
} CUDA_MEMCPY3D_PEER;

/* ---- for tests ------------------------------------------------------------------------------- */

/* The number of devices; initially 1. */
void driver_on_cpu_set_devices(int count);

/* The copy after `copies` more fails. Negative: none does. */
void driver_on_cpu_fail_copy(int copies);

/* Bytes of device memory that all contexts have allocated; bytes copied to the host so far, and
 * from the host; and contexts that exist. */
size_t driver_on_cpu_memory_used(void);
size_t driver_on_cpu_downloaded(void);
size_t driver_on_cpu_uploaded(void);
unsigned driver_on_cpu_contexts(void);

#endif
