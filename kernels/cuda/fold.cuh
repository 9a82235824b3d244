// Sums in a fixed order: 256 values by halves, as losses_numba.fold.
#include "common.cuh"

#define EVERY_LANE 0xffffffffu
#define WARP 32
#define SHARE (LANES / WARP)

// Sum of LANES values by one warp: v[j] of lane l is value l + 32 j. Only lane 0 has the sum.
INLINE double fold_warp(double (&v)[SHARE]) {
#pragma unroll
    for (int half = SHARE / 2; half > 0; half /= 2)
#pragma unroll
        for (int j = 0; j < half; ++j) v[j] += v[j + half];
    double sum = v[0];
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2) sum += __shfl_down_sync(EVERY_LANE, sum, half);
    return sum;
}
