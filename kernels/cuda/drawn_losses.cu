// Draws fused with the loss pass: scenarios are made, used and forgotten. The same bits as paths.cu followed by losses.cu.
#include "processes.cuh"
#include "program.cuh"

// scratch: width doubles, then D * T floats, for each thread of the grid; a block's threads lie side by side.
KERNEL __launch_bounds__(DRAW_THREADS, 4) drawn_losses(
    const char* processes, u64 first, const u64* numbers, i64 count, u64 seed, u64 sample, i64 width, char* scratch,
    const char* program, double* out, i64 stride, i64 base, u64* bad, u64* bad_value) {
    const Processes p = processes_of(processes);
    const Program q = program_of(program);
    const i64 factors = (i64)p.count * p.periods;
    char* memory = scratch + (i64)blockIdx.x * blockDim.x * (width * 8 + factors * 4);
    const Work work = {(double*)memory + threadIdx.x, (int)blockDim.x, p.count};
    float* values = (float*)((double*)memory + width * blockDim.x) + threadIdx.x;
    const Values x = {values, (int)blockDim.x};
    for (i64 row = thread_number(); row < count; row += (i64)gridDim.x * blockDim.x) {
        const u64 scenario = numbers ? numbers[row] : first + (u64)row;
        const int fault = simulate_path(p, scenario, seed, sample, values, (int)blockDim.x, work);
        const i64 place = base + row;
        if (fault >= 0) atomicMin(bad_value, (u64)((place / LANES * factors + fault) * LANES + place % LANES));
        write_losses(q, x, out, stride, place, bad);
    }
}
