// Running sums over the threads of a block, of whole numbers: exact in any order.
#include "common.cuh"

struct Scan {
    u64 before, total;  // sum over the threads with a lower number; over all
};

// All THREADS threads of the block must call it. shared: THREADS words, free to use again afterwards.
INLINE Scan scan(u64 value, u64* shared) {
    const int me = (int)threadIdx.x;
    shared[me] = value;
    __syncthreads();
    for (int step = 1; step < THREADS; step *= 2) {
        const u64 other = me >= step ? shared[me - step] : 0;
        __syncthreads();
        shared[me] += other;
        __syncthreads();
    }
    const Scan result = {shared[me] - value, shared[THREADS - 1]};
    __syncthreads();
    return result;
}
