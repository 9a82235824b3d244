// Running balances (PEAK) or flows (WORST) of the first loss of a program, per period, for fans and breach counts.
#include "program.cuh"

// out (T, stride) from column `first`; bad: least row with a balance that is not finite.
KERNEL __launch_bounds__(THREADS) balances(const float* blocks, i64 count, i64 factors, const char* program, double* out, i64 stride,
                                           i64 first, u64* bad) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Program p = program_of(program);
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    const Loss& loss = p.losses[0];
    double balance = 0.0;
    bool good = true;
    for (int t = 0; t < loss.high; ++t) {
        balance = balance_of(p, loss, x, t, balance);
        good = good && is_finite(balance);
        out[t * stride + first + row] = balance;
    }
    if (!good) atomicMin(bad, (u64)(first + row));
}
