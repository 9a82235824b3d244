// Radix select from the top: the key at which the rows with the largest losses add up to a given mass.
// Mass is a whole number: rows, or weights in fixed point, so that sums are exact in any order.
#include "keys.cuh"

#define BINS (1 << RADIX_BITS)
#define BINS_EACH (BINS / THREADS)

INLINE int bits_of(int pass) { return pass < PASSES - 1 ? RADIX_BITS : 64 - RADIX_BITS * (PASSES - 1); }
INLINE int shift_of(int pass) { return pass < PASSES - 1 ? 64 - RADIX_BITS * (pass + 1) : 0; }

// Narrow a query by the histogram of a pass: state (prefix, mass still to find) of the next pass, in all threads.
INLINE void narrow(const u64* histogram, u64 prefix, u64 mass, int pass, u64* shared, u64* next) {
    u64 own = 0;
    const int top = BINS - 1 - (int)threadIdx.x * BINS_EACH;
    for (int i = 0; i < BINS_EACH; ++i) own += histogram[top - i];
    u64 before = scan(own, shared).before;
    if (before < mass && mass <= before + own) {
        int bin = top;
        while (before + histogram[bin] < mass) before += histogram[bin--];
        next[0] = prefix << bits_of(pass) | (u64)bin;
        next[1] = mass - before;
    }
    __syncthreads();
}

// One pass over values (columns, stride). states (PASSES + 1, queries, 2): state 0 is (0, mass). histograms (PASSES,
// queries, BINS) start at 0. columns: of each query. weights: (count,) fixed-point weights.
template <class Count>
INLINE void select_digit(const double* values, i64 stride, i64 count, const u64* weights, const i64* columns, i64 pass, u64* states,
                         u64* histograms) {
    __shared__ Count bins[BINS];
    __shared__ u64 shared[THREADS];
    __shared__ u64 state[2];
    const i64 query = blockIdx.y, queries = gridDim.y;
    if (threadIdx.x < 2) state[threadIdx.x] = states[query * 2 + threadIdx.x];
    for (int i = (int)threadIdx.x; i < BINS; i += THREADS) bins[i] = 0;
    __syncthreads();
    if (pass > 0) {
        const u64* before = states + ((pass - 1) * queries + query) * 2;
        narrow(histograms + ((pass - 1) * queries + query) * BINS, before[0], before[1], (int)pass - 1, shared, state);
        if (blockIdx.x == 0 && threadIdx.x < 2) states[(pass * queries + query) * 2 + threadIdx.x] = state[threadIdx.x];
    }
    const u64 prefix = state[0];
    const int shift = shift_of((int)pass), bits = bits_of((int)pass);
    const double* column = values + columns[query] * stride;
    for (i64 i = thread_number(); i < count; i += (i64)gridDim.x * blockDim.x) {
        const u64 key = key_of(column[i]) >> shift;
        if (pass == 0 || key >> bits == prefix) atomicAdd(bins + (key & ((1ULL << bits) - 1)), (Count)mass_of(weights, i));
    }
    __syncthreads();
    u64* out = histograms + (pass * queries + query) * BINS;
    for (int i = (int)threadIdx.x; i < BINS; i += THREADS)
        if (bins[i]) atomicAdd(out + i, (u64)bins[i]);
}

KERNEL __launch_bounds__(THREADS) select_rows(const double* values, i64 stride, i64 count, const u64* weights, const i64* columns,
                                              i64 pass, u64* states, u64* histograms) {
    select_digit<u32>(values, stride, count, nullptr, columns, pass, states, histograms);
}

KERNEL __launch_bounds__(THREADS) select_weighted(const double* values, i64 stride, i64 count, const u64* weights,
                                                  const i64* columns, i64 pass, u64* states, u64* histograms) {
    select_digit<u64>(values, stride, count, weights, columns, pass, states, histograms);
}

// After the last pass: borders (queries,) with key and mass, and the losses there. One thread block per query.
KERNEL __launch_bounds__(THREADS) select_border(const u64* states, const u64* histograms, i64 queries, Border* borders,
                                                double* losses) {
    __shared__ u64 shared[THREADS];
    __shared__ u64 state[2];
    const i64 query = blockIdx.x, last = (PASSES - 1) * queries + query;
    narrow(histograms + last * BINS, states[last * 2], states[last * 2 + 1], PASSES - 1, shared, state);
    if (threadIdx.x == 0) {
        borders[query].key = state[0];
        borders[query].mass = state[1];
        losses[query] = loss_with(state[0]);
    }
}
