/* test-semantics.cc - what code on the device may rely on, pinned: barriers, shuffles, shared
 * memory, atomics, limits of launches, number types, tensor core, products, streams, graphs. */
#include "../test.h"

#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <tensor_core.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/* ---- barriers and shared memory -------------------------------------------------------------- */

/* out[i] = the value that the next thread wrote, with or without waiting for it. */
__global__ static void pass_on(unsigned *out, bool wait)
{
    unsigned *room = shared_memory<unsigned>(), next = (threadIdx.x + 1) % blockDim.x;

    room[threadIdx.x] = blockIdx.x * 1000 + threadIdx.x;
    if (wait)
        __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = room[next];
}

static std::vector<unsigned> passed_on(unsigned order, bool wait)
{
    std::vector<unsigned> out(3 * 96);

    cuda_on_cpu_set_order(order);
    CHECK(launch(pass_on, dim3(3), dim3(96), 96 * sizeof(unsigned), nullptr, out.data(), wait) ==
              cudaSuccess,
          "launch");
    return out;
}

static void check_barriers()
{
    std::vector<unsigned> expected(3 * 96);

    for (unsigned i = 0; i < expected.size(); i++)
        expected[i] = i / 96 * 1000 + (i + 1) % 96;
    for (unsigned order = 0; order < 3; order++)
        CHECK(passed_on(order, true) == expected, "order %u", order);
    /* A missing barrier shows as stale numbers, which differ in another order. */
    CHECK(passed_on(0, false) != passed_on(1, false), "a missing barrier is not seen");
}

/* Shared memory does not keep the previous block's contents. */
__global__ static void leave(uint32_t *found)
{
    uint32_t *room = shared_memory<uint32_t>();

    if (threadIdx.x == 0) {
        found[blockIdx.x] = *room;
        *room = 1;
    }
}

static void check_shared()
{
    uint32_t found[4];

    launch(leave, dim3(4), dim3(32), sizeof(uint32_t), nullptr, found);
    for (uint32_t value : found)
        CHECK(value == 0xFFFFFFFF, "%x", value);
}

/* ---- shuffles and atomics -------------------------------------------------------------------- */

__global__ static void shuffle(int *out)
{
    int mine = (int)threadIdx.x * 10, sum = mine;

    for (int lanes = 16; lanes > 0; lanes /= 2)
        sum += __shfl_xor_sync(~0u, sum, lanes);
    out[3 * threadIdx.x] = __shfl_xor_sync(~0u, mine, 5);
    out[3 * threadIdx.x + 1] = __shfl_sync(~0u, mine, 7);
    out[3 * threadIdx.x + 2] = sum;
}

static void check_shuffles()
{
    for (unsigned order = 0; order < 3; order++) {
        int out[3 * 64];

        cuda_on_cpu_set_order(order);
        launch(shuffle, dim3(1), dim3(64), 0, nullptr, out);
        for (int i = 0; i < 64; i++) {
            CHECK(out[3 * i] == (i ^ 5) * 10, "xor, thread %d: %d", i, out[3 * i]);
            CHECK(out[3 * i + 1] == (i / 32 * 32 + 7) * 10, "thread %d: %d", i, out[3 * i + 1]);
            CHECK(out[3 * i + 2] == (i / 32 ? 15200 : 4960), "%d: %d", i, out[3 * i + 2]);
        }
    }
}

__global__ static void extremes(int *least, int *most)
{
    atomicMin(least, 100 - (int)threadIdx.x);
    atomicMax(most, (int)threadIdx.x);
}

static void check_atomics()
{
    int least = 1000, most = -5;

    launch(extremes, dim3(1), dim3(40), 0, nullptr, &least, &most);
    CHECK(least == 61 && most == 39, "%d %d", least, most);
}

/* ---- limits ---------------------------------------------------------------------------------- */

__global__ static void nothing()
{
}

static void check_limits()
{
    static const struct {
        dim3 grid, block;
        size_t shared;
    } wrong[] = {{dim3(1), dim3(1025), 0},         {dim3(1), dim3(0), 0},
                 {dim3(0), dim3(32), 0},           {dim3(1, 65536), dim3(32), 0},
                 {dim3(1, 1, 65536), dim3(32), 0}, {dim3(1), dim3(32), (48 << 10) + 1}};

    for (const auto &it : wrong) {
        CHECK(launch(nothing, it.grid, it.block, it.shared, nullptr) ==
                  cudaErrorInvalidConfiguration,
              "%u %u", it.grid.x, it.block.x);
        CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration, "the error is kept");
        CHECK(cudaGetLastError() == cudaSuccess, "and told once");
    }
}

__global__ static void wait_apart()
{
    if (threadIdx.x < 16)
        __syncthreads();
}

/* A barrier that some threads never reach ends the program. */
static void check_deadlock()
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        fclose(stderr);
        launch(wait_apart, dim3(1), dim3(32), 0, nullptr);
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d", status);
}

/* ---- number types ---------------------------------------------------------------------------- */

static void check_numbers()
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        float half = __half2float(__half{(uint16_t)bits});
        float brain = __bfloat162float(__nv_bfloat16{(uint16_t)bits});

        CHECK(half != half || __float2half_rn(half).bits == bits, "half %x", bits);
        CHECK(brain != brain || __float2bfloat16_rn(brain).bits == bits, "bfloat16 %x", bits);
    }
    CHECK(__half2float(__float2half_rn(1 + 0x1p-11f)) == 1, "a tie goes to even");
    CHECK(__half2float(__float2half_rn(1 + 0x3p-11f)) == 1 + 0x1p-9f, "a tie goes to even");
    CHECK(__half2float(__float2half_rn(0x1.8p-24f)) == 0x1p-23f, "subnormal");
    CHECK(__half2float(__float2half_rn(0x1p-25f)) == 0, "half of the least");
    CHECK(__half2float(__float2half_rn(65519)) == 65504, "the largest");
    CHECK(isinf(__half2float(__float2half_rn(65520))), "beyond the largest");
    CHECK(isnan(__half2float(__float2half_rn(NAN))), "not a number");
    CHECK(__bfloat162float(__float2bfloat16_rn(1 + 0x1p-8f)) == 1, "a tie goes to even");
    CHECK(isnan(__bfloat162float(__float2bfloat16_rn(NAN))), "not a number");
}

/* ---- tensor core ----------------------------------------------------------------------------- */

static float small(int i, int j)
{
    return (float)((i * 7 + j * 3) % 11 - 5) / 4;
}

__global__ static void multiply_tile(float *c)
{
    unsigned row = threadIdx.x / 4, column = threadIdx.x % 4 * 2;
    uint32_t a[4], b[2];
    float mine[4] = {1, 1, 1, 1};

    for (unsigned i = 0; i < 4; i++) {
        int y = (int)(row + i % 2 * 8), x = (int)(column + i / 2 * 8);

        a[i] = __float2half_rn(small(y, x)).bits | (uint32_t)__float2half_rn(small(y, x + 1)).bits
                                                       << 16;
    }
    for (unsigned i = 0; i < 2; i++) {
        int k = (int)(column + i * 8);

        b[i] = __float2half_rn(small(k, (int)row + 50)).bits |
               (uint32_t)__float2half_rn(small(k + 1, (int)row + 50)).bits << 16;
    }
    cuda_on_cpu::multiply_accumulate<__half>(mine, a, b);
    for (unsigned i = 0; i < 4; i++)
        c[(row + i / 2 * 8) * 8 + column + i % 2] = mine[i];
}

static void check_tensor_core()
{
    float c[16 * 8];

    launch(multiply_tile, dim3(1), dim3(32), 0, nullptr, c);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 8; x++) {
            float sum = 1;

            for (int k = 0; k < 16; k++)
                sum += small(y, k) * small(k, x + 50);
            CHECK(c[y * 8 + x] == sum, "(%d, %d): %g, expected %g", y, x, c[y * 8 + x], sum);
        }
}

/* ---- products -------------------------------------------------------------------------------- */

/* d (m, n) = a^T b + c + bias, twice, against loops. */
static void fill(float *to, int count, int salt)
{
    for (int i = 0; i < count; i++)
        to[i] = small(i, salt);
}

static void check_products()
{
    enum { M = 11, N = 6, K = 9, BATCH = 2 };
    alignas(16) float a[K * M], b[BATCH * K * N], c[BATCH * M * N], d[BATCH * M * N], bias[M];
    const float one = 1;
    cublasOperation_t transposed = CUBLAS_OP_T;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    int32_t type = CUDA_R_32F, batch = BATCH;
    int64_t b_stride = K * N, d_stride = M * N;
    uint32_t alignment = 16;
    const float *bias_at = bias;
    cublasLtMatmulDescOpaque_t what;
    cublasLtMatrixLayoutOpaque_t la, lb, ld;
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;

    fill(a, K * M, 1);
    fill(b, BATCH * K * N, 2);
    fill(c, BATCH * M * N, 3);
    for (int i = 0; i < M; i++)
        bias[i] = (float)i;
    cublasLtMatmulDescInit(&what, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatmulDescSetAttribute(&what, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, 4);
    cublasLtMatmulDescSetAttribute(&what, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 4);
    cublasLtMatmulDescSetAttribute(&what, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias_at, 8);
    cublasLtMatmulDescSetAttribute(&what, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &type, 4);
    cublasLtMatrixLayoutInit(&la, CUDA_R_32F, K, M, K);
    cublasLtMatrixLayoutInit(&lb, CUDA_R_32F, K, N, K);
    cublasLtMatrixLayoutInit(&ld, CUDA_R_32F, M, N, M);
    for (auto *layout : {&la, &lb, &ld})
        cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, 4);
    cublasLtMatrixLayoutSetAttribute(&lb, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &b_stride,
                                     8);
    cublasLtMatrixLayoutSetAttribute(&ld, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &d_stride,
                                     8);
    cublasLtMatmulPreferenceInit(&preference);
    for (int i = CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
         i <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES; i++)
        cublasLtMatmulPreferenceSetAttribute(&preference, (cublasLtMatmulPreferenceAttributes_t)i,
                                             &alignment, 4);
    cublasLtMatmulAlgoGetHeuristic(nullptr, &what, &la, &lb, &ld, &ld, &preference, 1, &found,
                                   &count);
    CHECK(count == 1, "an algorithm");
    CHECK(cublasLtMatmul(nullptr, &what, &one, a, &la, b, &lb, &one, c, &ld, d, &ld, &found.algo,
                         nullptr, 0, nullptr) == CUBLAS_STATUS_SUCCESS,
          "a product");
    for (int i = 0; i < BATCH * M * N; i++) {
        int item = i / (M * N), column = i / M % N, row = i % M;
        float sum = c[i] + bias[row];

        for (int k = 0; k < K; k++)
            sum += a[row * K + k] * b[item * K * N + column * K + k];
        CHECK(fabsf(d[i] - sum) < 1e-4f, "%d: %g, expected %g", i, d[i], sum);
    }
    CHECK(cublasLtMatmul(nullptr, &what, &one, a + 1, &la, b, &lb, &one, c, &ld, d, &ld,
                         &found.algo, nullptr, 0, nullptr) != CUBLAS_STATUS_SUCCESS,
          "an operand that begins elsewhere than the algorithm was told");
}

/* ---- streams, events, graphs ----------------------------------------------------------------- */

__global__ static void add_to(int *at, int value)
{
    *at += value;
}

static void add(int *at, int value, cudaStream_t stream)
{
    CHECK(launch(add_to, dim3(1), dim3(1), 0, stream, at, value) == cudaSuccess, "launch");
}

/* Late streams work only on a wait for them, or for an event after their work. */
static void check_late()
{
    cudaStream_t one, other;
    cudaEvent_t event;
    int value = 1, seen = 0, *pinned;

    cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    cudaMallocHost(reinterpret_cast<void **>(&pinned), sizeof *pinned);
    cuda_on_cpu_set_late(true);
    add(&value, 10, one);
    CHECK(value == 1, "%d: too early", value);
    cudaStreamSynchronize(other);
    CHECK(value == 1, "%d: another stream was waited for", value);
    cudaEventRecord(event, one);
    add(&value, 100, one);
    cudaStreamWaitEvent(other, event, 0);
    cudaMemcpyAsync(&seen, &value, sizeof value, cudaMemcpyDeviceToDevice, other);
    cudaStreamSynchronize(other);
    CHECK(seen == 11, "%d: what was asked before the event, and no more", seen);
    cudaStreamSynchronize(one);
    CHECK(value == 111, "%d", value);

    /* Pinned memory is read when the copy is made, other memory when it is asked for. */
    seen = *pinned = 1;
    cudaMemcpyAsync(&value, &seen, sizeof value, cudaMemcpyHostToDevice, one);
    seen = 2;
    cudaStreamSynchronize(one);
    CHECK(value == 1, "%d", value);
    cudaMemcpyAsync(&value, pinned, sizeof value, cudaMemcpyHostToDevice, one);
    *pinned = 2;
    cudaStreamSynchronize(one);
    CHECK(value == 2, "%d", value);
    cuda_on_cpu_set_late(false);
    add(&value, 1, one);
    CHECK(value == 3, "%d: at once", value);
    cudaFreeHost(pinned);
    cudaEventDestroy(event);
    cudaStreamDestroy(other);
    cudaStreamDestroy(one);
}

/* A graph holds the operations between begin and end, with their arguments at that time. */
static void check_graphs()
{
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int value = 0, step = 1;
    void *memory;

    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess, "begin");
    add(&value, step, stream);
    step = 1000;
    cudaMemcpyAsync(&step, &value, sizeof value, cudaMemcpyDeviceToDevice, stream);
    cudaMemsetAsync(&value, 0, 1, stream);
    CHECK(value == 0 && step == 1000, "%d %d: a capture computes nothing", value, step);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess, "end");
    CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess, "instantiate");
    cudaGraphDestroy(graph);
    for (int i = 0; i < 2; i++) {
        value = 256 + i;
        CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess, "launch");
        cudaStreamSynchronize(stream);
        CHECK(value == 256 && step == 257 + i, "%d %d", value, step);
    }
    cudaGraphExecDestroy(exec);

    for (int way = 0; way < 3; way++) {
        cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
        CHECK((way == 0   ? cudaStreamSynchronize(stream)
               : way == 1 ? cudaStreamQuery(stream)
                          : cudaMalloc(&memory, 1)) == cudaErrorStreamCaptureUnsupported,
              "way %d: a capture was not disturbed", way);
        CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated && !graph,
              "way %d: a spoilt capture gives a graph", way);
    }
    add(&value, 1, stream);
    CHECK(value == 257, "%d: after a spoilt capture all is as it was", value);
    cudaStreamDestroy(stream);
}

int main()
{
    check_barriers();
    check_shared();
    check_shuffles();
    check_atomics();
    check_limits();
    check_deadlock();
    check_numbers();
    check_tensor_core();
    check_products();
    check_late();
    check_graphs();
    return test_end();
}
