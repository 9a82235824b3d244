// Simulation into a store's blocks: the twin of cpu/paths.py. One thread per scenario.
#include "processes.cuh"

// out (blocks, D * T, LANES) float32. Scenarios are first, first + 1, ..., or numbers[row] if that is given; lanes after the
// last repeat it. bad: least place in `out` whose value is not finite. scratch: width doubles for each thread of the grid; a
// block's threads lie side by side.
KERNEL __launch_bounds__(DRAW_THREADS, 4) draw_paths(const char* processes, u64 first, const u64* numbers, i64 count, u64 seed, u64 sample,
                                             float* out, i64 blocks, i64 width, double* scratch, u64* bad) {
    const Processes p = processes_of(processes);
    const i64 factors = (i64)p.count * p.periods;
    double* memory = scratch + (i64)blockIdx.x * blockDim.x * width;
    const Work work = {memory + threadIdx.x, (int)blockDim.x, p.count};
    for (i64 row = thread_number(); row < blocks * LANES; row += (i64)gridDim.x * blockDim.x) {
        const u64 scenario = numbers ? numbers[row < count ? row : count - 1] : first + (u64)row;
        const i64 base = row / LANES * factors * LANES + row % LANES;
        const int fault = simulate_path(p, scenario, seed, sample, out + base, LANES, work);
        if (fault >= 0) atomicMin(bad, (u64)(base + fault * LANES));
    }
}
