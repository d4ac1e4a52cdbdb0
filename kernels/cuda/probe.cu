/* probe.cu - whether nvcc compiles at all. */
__global__ void probe(float *x)
{
    x[threadIdx.x] *= 2;
}
