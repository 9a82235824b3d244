// Rows of the tail in ascending order, once select.cu has found its border.
#include "keys.cuh"

#define EACH (CHUNK / THREADS)

// sums[chunk]: mass of the rows of a chunk that have the border's key.
KERNEL __launch_bounds__(THREADS) border_masses(const double* losses, i64 count, const u64* weights, const Border* border,
                                                u64* sums) {
    __shared__ u64 shared[THREADS];
    const u64 key = border->key;
    const i64 low = (i64)blockIdx.x * CHUNK;
    u64 own = 0;
    for (i64 i = low + threadIdx.x; i < low + CHUNK && i < count; i += THREADS)
        if (key_of(losses[i]) == key) own += mass_of(weights, i);
    const u64 total = scan(own, shared).total;
    if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

// The part of n items that a thread takes: low .. high.
INLINE i64 part(i64 n, int thread) { return n * thread / THREADS; }

// Finds the row where the border's mass is reached, by one thread block. sums: from border_masses.
KERNEL __launch_bounds__(THREADS) border_row(const double* losses, i64 count, const u64* weights, const u64* sums, i64 chunks,
                                             Border* border) {
    __shared__ u64 shared[THREADS];
    __shared__ u64 found[2];
    const int me = (int)threadIdx.x;
    const u64 key = border->key, mass = border->mass;
    u64 own = 0;
    for (i64 c = part(chunks, me); c < part(chunks, me + 1); ++c) own += sums[c];
    u64 before = scan(own, shared).before;
    if (before < mass && mass <= before + own) {
        i64 c = part(chunks, me);
        while (before + sums[c] < mass) before += sums[c++];
        found[0] = (u64)c;
        found[1] = before;
    }
    __syncthreads();
    const i64 low = (i64)found[0] * CHUNK + me * EACH;
    own = 0;
    for (i64 i = low; i < low + EACH && i < count; ++i)
        if (key_of(losses[i]) == key) own += mass_of(weights, i);
    before = found[1] + scan(own, shared).before;
    if (before < mass && mass <= before + own) {
        for (i64 i = low;; ++i) {
            const u64 here = key_of(losses[i]) == key ? mass_of(weights, i) : 0;
            if (before + here >= mass) {
                border->row = (u64)i;
                border->taken = mass - before;
                break;
            }
            before += here;
        }
    }
}

INLINE bool chosen(const double* losses, const u64* weights, const Border& b, i64 row) {
    const u64 key = key_of(losses[row]);
    return mass_of(weights, row) > 0 && (key > b.key || (key == b.key && (u64)row <= b.row));
}

// counts[chunk]: number of chosen rows.
KERNEL __launch_bounds__(THREADS) count_chosen(const double* losses, i64 count, const u64* weights, const Border* border,
                                               u64* counts) {
    __shared__ u64 shared[THREADS];
    const Border b = *border;
    const i64 low = (i64)blockIdx.x * CHUNK;
    u64 own = 0;
    for (i64 i = low + threadIdx.x; i < low + CHUNK && i < count; i += THREADS) own += chosen(losses, weights, b, i);
    const u64 total = scan(own, shared).total;
    if (threadIdx.x == 0) counts[blockIdx.x] = total;
}

// counts (chunks,) to their running sums before each chunk; the total behind them. One thread block.
KERNEL __launch_bounds__(THREADS) running_counts(u64* counts, i64 chunks) {
    __shared__ u64 shared[THREADS];
    const int me = (int)threadIdx.x;
    u64 own = 0;
    for (i64 c = part(chunks, me); c < part(chunks, me + 1); ++c) own += counts[c];
    const Scan s = scan(own, shared);
    u64 before = s.before;
    for (i64 c = part(chunks, me); c < part(chunks, me + 1); ++c) {
        const u64 here = counts[c];
        counts[c] = before;
        before += here;
    }
    if (me == 0) counts[chunks] = s.total;
}

// Chosen rows in ascending order, their weights, and their losses. each: (count,) weights as given, or null for 1. The border
// row's weight is `share`, or with fixed-point weights the part of it that is taken, in units of `unit`.
KERNEL __launch_bounds__(THREADS) write_chosen(const double* losses, i64 count, const u64* weights, const double* each,
                                               const Border* border, double share, double unit, const u64* starts, i64* rows,
                                               double* shares, double* held) {
    __shared__ u64 shared[THREADS];
    const Border b = *border;
    const i64 low = (i64)blockIdx.x * CHUNK + (i64)threadIdx.x * EACH;
    u64 own = 0;
    for (i64 i = low; i < low + EACH && i < count; ++i) own += chosen(losses, weights, b, i);
    u64 at = starts[blockIdx.x] + scan(own, shared).before;
    for (i64 i = low; i < low + EACH && i < count; ++i) {
        if (!chosen(losses, weights, b, i)) continue;
        double weight = each ? each[i] : 1.0;
        if ((u64)i == b.row) {
            if (!weights) weight = share;
            else if (b.taken < weights[i]) weight = (double)b.taken * unit;
        }
        rows[at] = i;
        shares[at] = weight;
        held[at] = losses[i];
        ++at;
    }
}
