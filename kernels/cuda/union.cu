// Rows of several lists together, in ascending order and each once, by a mark for every row there is.
#include "scan.cuh"

#define EACH (CHUNK / THREADS)

// marks[rows[i]] = 1. marks (all,) start at 0.
KERNEL __launch_bounds__(THREADS) mark_rows(const i64* rows, i64 count, unsigned char* marks) {
    const i64 i = thread_number();
    if (i < count) marks[rows[i]] = 1;
}

// counts[chunk]: marks of a chunk.
KERNEL __launch_bounds__(THREADS) count_marks(const unsigned char* marks, i64 all, u64* counts) {
    __shared__ u64 shared[THREADS];
    const i64 low = (i64)blockIdx.x * CHUNK;
    u64 own = 0;
    for (i64 i = low + threadIdx.x; i < low + CHUNK && i < all; i += THREADS) own += marks[i];
    const u64 total = scan(own, shared).total;
    if (threadIdx.x == 0) counts[blockIdx.x] = total;
}

// rows: the marked ones. starts (chunks,): marks before each chunk.
KERNEL __launch_bounds__(THREADS) write_marks(const unsigned char* marks, i64 all, const u64* starts, i64* rows) {
    __shared__ u64 shared[THREADS];
    const i64 low = (i64)blockIdx.x * CHUNK + (i64)threadIdx.x * EACH;
    u64 own = 0;
    for (i64 i = low; i < low + EACH && i < all; ++i) own += marks[i];
    u64 at = starts[blockIdx.x] + scan(own, shared).before;
    for (i64 i = low; i < low + EACH && i < all; ++i)
        if (marks[i]) rows[at++] = i;
}
