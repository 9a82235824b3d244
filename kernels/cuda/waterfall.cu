// Settlement of scenarios by the waterfall: the twin of settling.py and cpu/waterfall.py. Amounts stand claim by claim, the
// scenario fastest, so that a warp reads and writes them together.
#include "fold.cuh"
#include "program.cuh"

struct Step {
    int source, target, low, high;  // members low .. high - 1
};

// A waterfall.Waterfall, packed by cuda_pack.pack_waterfall.
struct Steps {
    int claims, pools, count;
    const Step* steps;
    const int* members;
};

INLINE Steps steps_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Steps s;
    s.claims = (int)h[0];
    s.pools = (int)h[1];
    s.count = (int)h[2];
    s.steps = (const Step*)(packed + h[3]);
    s.members = (const int*)(packed + h[4]);
    return s;
}

// Take all steps: unpaid and held of one scenario, `stride` apart, are changed in place.
INLINE void take_steps(const Steps& s, double* unpaid, double* held, i64 stride) {
#pragma unroll 1
    for (int n = 0; n < s.count; ++n) {
        const Step step = s.steps[n];
        double asked = 0.0;
#pragma unroll 1
        for (int m = step.low; m < step.high; ++m) asked += unpaid[s.members[m] * stride];
        const double pool = held[step.source * stride];
        double rest = 0.0;
        if (asked > pool) {
            const double share = pool / asked;
#pragma unroll 1
            for (int m = step.low; m < step.high; ++m) {
                double& own = unpaid[s.members[m] * stride];
                own -= own * share;
            }
        } else {
#pragma unroll 1
            for (int m = step.low; m < step.high; ++m) unpaid[s.members[m] * stride] = 0.0;
            rest = pool - asked;
        }
        if (step.target >= 0) {
            held[step.target * stride] += rest;
            rest = 0.0;
        }
        held[step.source * stride] = rest;
    }
}

// unpaid (claims, stride), held (pools, stride).
KERNEL __launch_bounds__(THREADS) waterfall(const char* steps, i64 count, i64 stride, double* unpaid, double* held) {
    const i64 row = thread_number();
    if (row < count) take_steps(steps_of(steps), unpaid + row, held + row, stride);
}

// A settling.Settling, packed by cuda_pack.pack_settling.
struct Settling {
    int owed, amounts, periods, bearers;
    const double *fixed, *line, *least, *last, *surplus, *share;
    const int *moving, *amount, *factor;  // moving: place of an amount among the flows, or -1
};

INLINE Settling settling_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Settling s;
    s.owed = (int)h[0];
    s.amounts = (int)h[1];
    s.periods = (int)h[2];
    s.bearers = (int)h[3];
    s.fixed = (const double*)(packed + h[4]);
    s.line = (const double*)(packed + h[5]);
    s.least = (const double*)(packed + h[6]);
    s.last = (const double*)(packed + h[7]);
    s.surplus = (const double*)(packed + h[8]);
    s.share = (const double*)(packed + h[9]);
    s.moving = (const int*)(packed + h[10]);
    s.amount = (const int*)(packed + h[11]);
    s.factor = (const int*)(packed + h[12]);
    return s;
}

// Where columns (claims + bearers + claims + pools + amounts - owed, stride) hold what of one scenario: losses, payments of the
// bearing pools, what is due, the pools, and the amounts that are no claims.
struct Columns {
    double *unpaid, *paid, *due, *held, *others;

    __device__ __forceinline__ double& amount(int a, int owed, i64 stride) const {
        return a < owed ? due[a * stride] : others[(a - owed) * stride];
    }
};

INLINE Columns columns_of(const Steps& steps, int bearers, double* row, i64 stride) {
    double* due = row + (steps.claims + bearers) * stride;
    double* held = due + steps.claims * stride;
    return {row, row + steps.claims * stride, due, held, held + steps.pools * stride};
}

// When each scenario is settled: final (count,) the balance then, when (count,) twice the period, and 1 more at a shortfall. dates
// (periods,): shortfalls. bad: least row, counted from `first`, with a number that is not finite.
KERNEL __launch_bounds__(THREADS, 4) settle_dates(const float* blocks, i64 count, i64 factors, const char* program, const char* table,
                                               i64 first, double* final, i64* when, u64* dates, u64* bad) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    const Program p = program_of(program);
    const Settling s = settling_of(table);
    double balance = 0.0, last = 0.0;
    int date = s.periods - 1;
    bool short_of = false, good = true;
    for (int t = 0; t < s.periods; ++t) {
        balance = balance_of(p, p.losses[0], x, t, balance);
        good = good && is_finite(balance);
        if (short_of) continue;
        last = balance;
        if (balance < s.least[t]) {
            short_of = true;
            date = t;
        }
    }
    final[row] = last;
    when[row] = 2 * date + short_of;
    if (short_of) atomicAdd(dates + date, (u64)1);
    if (!good) atomicMin(bad, (u64)(first + row));
}

// What is due then, and the other amounts. flows: program of the moving amounts, or null. bad: as above.
KERNEL __launch_bounds__(THREADS, 3) settle_amounts(const float* blocks, i64 count, i64 factors, const char* flows, const char* table,
                                                 const char* packed, const double* finals, const i64* when, double* columns,
                                                 i64 stride, i64 first, u64* bad) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    const Settling s = settling_of(table);
    const Steps steps = steps_of(packed);
    const Columns c = columns_of(steps, s.bearers, columns + row, stride);
    double* due = c.due;
    const double final = finals[row];
    const int date = (int)(when[row] / 2);
    const bool short_of = when[row] % 2 != 0;
    bool good = true;
    for (int a = 0; a < s.amounts; ++a) {
        double value = s.fixed[a * s.periods + date];
        if (s.moving[a] >= 0) {
            const Program q = program_of(flows);
            const double flow = flow_of(q, x, q.periods[s.moving[a] * s.periods + date]);
            good = good && is_finite(flow);
            value += flow;
        }
        value = larger(value, 0.0);
        c.amount(a, s.owed, stride) = value;
    }
    const double deficit = larger(-final, 0.0), drawn = smaller(deficit, s.line[date]);
    due[s.owed * stride] = drawn;
    due[(s.owed + 1) * stride] = short_of ? deficit - drawn : 0.0;
    due[(s.owed + 2) * stride] = s.last[date];
    if (!good) atomicMin(bad, (u64)(first + row));
}

// What the pools hold, and the waterfall over the columns. total: all losses, from number `first` on.
KERNEL __launch_bounds__(THREADS) share_out(const char* table, const char* packed, i64 count, const double* finals, double* columns,
                                            i64 stride, i64 first, double* total) {
    const i64 row = thread_number();
    if (row >= count) return;
    const Settling s = settling_of(table);
    const Steps steps = steps_of(packed);
    const int bearers = s.bearers;
    const Columns c = columns_of(steps, bearers, columns + row, stride);
    const double surplus = larger(finals[row], 0.0);
#pragma unroll 1
    for (int n = 0; n < steps.pools; ++n) {
        const int a = s.amount[n], f = s.factor[n];
        double value = s.surplus[n] * surplus;
        if (a >= 0) {
            double part = s.share[n] * c.amount(a, s.owed, stride);
            if (f >= 0) part *= c.amount(f, s.owed, stride);
            value += part;
        }
        c.held[n * stride] = value;
    }
#pragma unroll 1
    for (int k = 0; k < steps.claims; ++k) c.unpaid[k * stride] = c.due[k * stride];
    const double* given = c.held + (steps.pools - bearers) * stride;
#pragma unroll 1
    for (int g = 0; g < bearers; ++g) c.paid[g * stride] = given[g * stride];
    take_steps(steps, c.unpaid, c.held, stride);
    double sum = 0.0;
#pragma unroll 1
    for (int k = 0; k < steps.claims; ++k) sum += c.unpaid[k * stride];
#pragma unroll 1
    for (int g = 0; g < bearers; ++g) {
        const double own = c.paid[g * stride] - given[g * stride];
        c.paid[g * stride] = own;
        sum += own;
    }
    total[first + row] = sum;
}

// out (groups, items): sums of columns (items, stride) times weights, if there are any, over the MEAN_GROUP blocks of each
// group, in the order of means.py. hits (counted,): values of the first columns above `noise`. One warp per item and group.
KERNEL __launch_bounds__(THREADS) column_sums(const double* columns, i64 count, i64 stride, i64 items, const double* weights,
                                              i64 counted, double noise, double* out, u64* hits) {
    const i64 item = thread_number() / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (item >= items) return;
    const double* column = columns + item * stride;
    const i64 low = (i64)blockIdx.y * MEAN_GROUP * LANES, high = low + MEAN_GROUP * LANES < count ? low + MEAN_GROUP * LANES : count;
    double sum = 0.0;
    u64 found = 0;
    for (i64 b = low; b < high; b += LANES) {
        double v[SHARE];
#pragma unroll
        for (int j = 0; j < SHARE; ++j) {
            const i64 row = b + lane + WARP * j;
            v[j] = row < high ? column[row] : 0.0;
            found += v[j] > noise;
            if (weights && row < high) v[j] *= weights[row];
        }
        sum += fold_warp(v);
    }
    if (lane == 0) out[(i64)blockIdx.y * items + item] = sum;
    if (item < counted && found) atomicAdd(hits + item, found);
}
