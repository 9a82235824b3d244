// Vectors of losses: elementwise arithmetic, values at rows, sums in a fixed order, counts.
#include "scan.cuh"

// out[i] = 0: a, 1: a + b, 2: a - b, 3: a * b, 4: a * s, 5: a + s, 6: s - a, 7: |a|, 8: a > s, 9: a < s
KERNEL __launch_bounds__(THREADS) combine(i64 operation, const double* a, const double* b, double s, i64 count, double* out) {
    const i64 i = thread_number();
    if (i >= count) return;
    const double x = a[i];
    double y = x;
    if (operation == 1) y = x + b[i];
    else if (operation == 2) y = x - b[i];
    else if (operation == 3) y = x * b[i];
    else if (operation == 4) y = x * s;
    else if (operation == 5) y = x + s;
    else if (operation == 6) y = s - x;
    else if (operation == 7) y = fabs(x);
    else if (operation == 8) y = x > s ? 1.0 : 0.0;
    else if (operation == 9) y = x < s ? 1.0 : 0.0;
    out[i] = y;
}

// out[i] = values[rows[i]]
KERNEL __launch_bounds__(THREADS) values_at(const double* values, const i64* rows, i64 count, double* out) {
    const i64 i = thread_number();
    if (i < count) out[i] = values[rows[i]];
}

// out[chunk] = sum of a[i] * b[i], or of a[i] without b, over CHUNK values: each thread adds every THREADS-th in sequence,
// then the threads fold by halves.
KERNEL __launch_bounds__(THREADS) chunk_sums(const double* a, const double* b, i64 count, double* out) {
    __shared__ double part[THREADS];
    const i64 low = (i64)blockIdx.x * CHUNK;
    double sum = 0.0;
    for (i64 i = low + threadIdx.x; i < low + CHUNK && i < count; i += THREADS) sum += b ? a[i] * b[i] : a[i];
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if ((int)threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

// counts[column] += number of values (columns, stride) that are above (below) the column's limit. counts start at 0.
KERNEL __launch_bounds__(THREADS) count_beyond(const double* values, i64 stride, i64 count, const double* limits, i64 below,
                                               u64* counts) {
    __shared__ u64 shared[THREADS];
    const double limit = limits[blockIdx.y];
    const double* column = values + (i64)blockIdx.y * stride;
    u64 own = 0;
    for (i64 i = thread_number(); i < count; i += (i64)gridDim.x * blockDim.x) own += below ? column[i] < limit : column[i] > limit;
    const u64 total = scan(own, shared).total;
    if (threadIdx.x == 0) atomicAdd(counts + blockIdx.y, total);
}
