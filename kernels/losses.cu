// All losses in one pass over a store. One thread per scenario; a thread block takes blockDim.x lanes of a block of LANES.
#include "program.cuh"

// out (M, stride): rows first .. first + count - 1. Values are read where they lie.
KERNEL __launch_bounds__(THREADS, 4) losses_direct(const float* blocks, i64 count, i64 factors, const char* program, double* out,
                                                i64 stride, i64 first, u64* bad) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    write_losses(program_of(program), x, out, stride, first + row, bad);
}

// The same; the thread block first copies its values to shared memory (factors * blockDim.x floats), so that each is
// fetched once however many entries and losses use it.
KERNEL __launch_bounds__(STAGED_THREADS, 8) losses_staged(const float* blocks, i64 count, i64 factors, const char* program, double* out,
                                                i64 stride, i64 first, u64* bad) {
    DYNAMIC_SHARED(float4, tile);
    const int quads = (int)blockDim.x / 4;
    const i64 low = (i64)blockIdx.x * blockDim.x;
    const float4* from = (const float4*)(blocks + low / LANES * factors * LANES + low % LANES);
    for (int i = (int)threadIdx.x; i < (int)factors * quads; i += (int)blockDim.x)
        tile[i] = from[(i64)(i / quads) * (LANES / 4) + i % quads];
    __syncthreads();
    const i64 row = low + threadIdx.x;
    if (row >= count) return;
    const Values x = {(const float*)tile + threadIdx.x, (int)blockDim.x};
    write_losses(program_of(program), x, out, stride, first + row, bad);
}
