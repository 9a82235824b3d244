// Rows of a store brought together in blocks of their own, and their scenario numbers.
#include "common.cuh"

// out (blocks, factors, LANES): the given rows; 0 in the lanes after the last. One thread per value, the lane fastest.
KERNEL __launch_bounds__(THREADS) gather_rows(const float* blocks, i64 factors, const i64* rows, i64 count, i64 size, float* out) {
    for (i64 i = thread_number(); i < size; i += (i64)gridDim.x * blockDim.x) {
        const i64 lane = i % LANES, f = i / LANES % factors, place = i / LANES / factors * LANES + lane;
        float value = 0.0f;
        if (place < count) {
            const i64 row = rows[place];
            value = blocks[(row / LANES * factors + f) * LANES + row % LANES];
        }
        out[i] = value;
    }
}

// out[i]: scenario number of rows[i]: numbers[rows[i]], or first + rows[i]. Without rows: of row i.
KERNEL __launch_bounds__(THREADS) scenario_numbers(const i64* rows, i64 count, u64 first, const u64* numbers, u64* out) {
    const i64 i = thread_number();
    if (i >= count) return;
    const i64 row = rows ? rows[i] : i;
    out[i] = numbers ? numbers[row] : first + (u64)row;
}
