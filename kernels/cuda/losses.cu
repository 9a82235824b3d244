// All losses in one pass over a store. One thread per scenario.
#include "program.cuh"

// out (M, stride): rows first .. first + count - 1.
KERNEL __launch_bounds__(THREADS, 4) fused_losses(const float* blocks, i64 count, i64 factors, const char* program, double* out,
                                                i64 stride, i64 first, u64* bad) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    write_losses(program_of(program), x, out, stride, first + row, bad);
}
