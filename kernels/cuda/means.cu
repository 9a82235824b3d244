// Means over all scenarios, in the order of additions of means.py. One warp per item and group of MEAN_GROUP blocks.
#include "fold.cuh"

// out (groups, atoms): sums of products of values. factors (atoms, slots): flat positions, -1 for an empty slot.
KERNEL __launch_bounds__(THREADS) product_sums(const float* blocks, i64 count, i64 positions, const int* factors, i64 atoms,
                                               i64 slots, double* out) {
    const i64 atom = thread_number() / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (atom >= atoms) return;
    const i64 all = (count + LANES - 1) / LANES, low = (i64)blockIdx.y * MEAN_GROUP;
    const i64 high = low + MEAN_GROUP < all ? low + MEAN_GROUP : all;
    double sum = 0.0;
    for (i64 b = low; b < high; ++b) {
        const float* x = blocks + b * positions * LANES;
        double v[SHARE];
#pragma unroll
        for (int j = 0; j < SHARE; ++j) v[j] = 1.0;
        for (i64 r = 0; r < slots; ++r) {
            const i64 f = factors[atom * slots + r];
            if (f < 0) continue;
#pragma unroll
            for (int j = 0; j < SHARE; ++j) v[j] *= (double)x[f * LANES + lane + WARP * j];
        }
#pragma unroll
        for (int j = 0; j < SHARE; ++j)
            if (b * LANES + lane + WARP * j >= count) v[j] = 0.0;
        sum += fold_warp(v);
    }
    if (lane == 0) out[(i64)blockIdx.y * atoms + atom] = sum;
}

// out (groups, periods): sums of max(0, dt * (value + margin)) of the positions low .. low + periods - 1.
KERNEL __launch_bounds__(THREADS) rate_sums(const float* blocks, i64 count, i64 positions, i64 low_position, i64 periods, double dt,
                                            double margin, double* out) {
    const i64 t = thread_number() / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (t >= periods) return;
    const i64 all = (count + LANES - 1) / LANES, low = (i64)blockIdx.y * MEAN_GROUP;
    const i64 high = low + MEAN_GROUP < all ? low + MEAN_GROUP : all;
    double sum = 0.0;
    for (i64 b = low; b < high; ++b) {
        const float* x = blocks + (b * positions + low_position + t) * LANES;
        double v[SHARE];
#pragma unroll
        for (int j = 0; j < SHARE; ++j) {
            const bool held = b * LANES + lane + WARP * j < count;
            v[j] = held ? larger(dt * ((double)x[lane + WARP * j] + margin), 0.0) : 0.0;
        }
        sum += fold_warp(v);
    }
    if (lane == 0) out[(i64)blockIdx.y * periods + t] = sum;
}

// out (items,) = out + the groups' sums, one after the other.
KERNEL __launch_bounds__(THREADS) add_groups(const double* sums, i64 groups, i64 items, double* out) {
    const i64 i = thread_number();
    if (i >= items) return;
    double sum = out[i];
    for (i64 k = 0; k < groups; ++k) sum += sums[k * items + i];
    out[i] = sum;
}
