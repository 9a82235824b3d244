// How often flows fall short of their floors, date by date, and by how much at worst.
#include "program.cuh"

// The first loss of a program, a WORST one: its periods order[starts[i]] .. order[starts[i + 1] - 1] stand for date i. worst
// (count,): least of flow minus floor, from number `first` on. counts (2 * dates,): scenarios in which a date has one below
// -rounding; and those of which it is the first such date. bad: least row with a flow that is not finite.
KERNEL __launch_bounds__(THREADS, 4) breach_counts(const float* blocks, i64 count, i64 factors, const char* program, const int* order,
                                                const int* starts, i64 dates, double rounding, i64 first, double* worst,
                                                u64* counts, u64* bad) {
    DYNAMIC_SHARED(u32, own);
    for (i64 i = threadIdx.x; i < 2 * dates; i += blockDim.x) own[i] = 0;
    __syncthreads();
    const i64 row = thread_number();
    if (row < count) {
        const Program p = program_of(program);
        const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
        double least = INFINITE;
        bool good = true, before = false;
        for (int i = 0; i < (int)dates; ++i) {
            double room = INFINITE;
            for (int q = starts[i]; q < starts[i + 1]; ++q) {
                const Period period = p.periods[order[q]];
                const double flow = flow_of(p, x, period);
                good = good && is_finite(flow);
                room = smaller(room, flow - period.least);
            }
            least = smaller(least, room);
            if (room < -rounding) {
                atomicAdd(own + i, (u32)1);
                if (!before) atomicAdd(own + dates + i, (u32)1);
                before = true;
            }
        }
        worst[first + row] = least;
        if (!good) atomicMin(bad, (u64)(first + row));
    }
    __syncthreads();
    for (i64 i = threadIdx.x; i < 2 * dates; i += blockDim.x)
        if (own[i]) atomicAdd(counts + i, (u64)own[i]);
}
