// Flows, balances and losses of one scenario from the regrouped table of terms of layout.py, added up as in cpu/flow.py.
#include "common.cuh"

struct Loss {
    double surplus, drawn, deficit, dt;  // margins; drawn: the revolver's, minus infinity without one
    int kind, rate, low, high;  // rate: position of period 0 of the driver, or -1; its periods are low .. high - 1
};

struct Period {
    double least, line, constant, opening;  // least: the floor less the line, which is zero without a revolver
    int low, high;  // groups
    int begins, seen;  // whether a balance begins, with `opening`; how far behind the driver's first period its rate lies
};

struct Group {
    int low, high, period, alone;  // entries; alone: nothing multiplies their sum
};

struct __align__(16) Entry {
    double exposure;
    int factor, group;
};

// A layout.Program, packed by cuda_pack.pack_program.
struct Program {
    int tables, width;
    const Loss* losses;
    const Period* periods;
    const Group* groups;
    const Entry* entries;
    const int* rest;  // width per group
};

INLINE Program program_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Program p;
    p.tables = (int)h[0];
    p.width = (int)h[1];
    p.losses = (const Loss*)(packed + h[2]);
    p.periods = (const Period*)(packed + h[3]);
    p.groups = (const Group*)(packed + h[4]);
    p.entries = (const Entry*)(packed + h[5]);
    p.rest = (const int*)(packed + h[6]);
    return p;
}

// Values of one scenario: value(f) = values[f * stride].
struct Values {
    const float* values;
    int stride;
    __device__ __forceinline__ double operator()(int f) const { return (double)values[f * stride]; }
};

// total plus the entries low..high, one after the other as on the host, each rounded once.
INLINE double add_entries(double total, const Program& p, const Values& x, int low, int high) {
#pragma unroll 4
    for (int e = low; e < high; ++e) {
        const Entry entry = p.entries[e];
        total = fma(entry.exposure, x(entry.factor), total);
    }
    return total;
}

INLINE double flow_of(const Program& p, const Values& x, const Period& period) {
    double flow = period.constant;
    for (int g = period.low; g < period.high; ++g) {
        const Group group = p.groups[g];
        double inner = add_entries(group.alone ? flow : 0.0, p, x, group.low, group.high);
        if (!group.alone) {
            const int* rest = p.rest + g * p.width;
#pragma unroll 1
            for (int r = 1; r < p.width && rest[r] >= 0; ++r) inner *= x(rest[r]);
            inner = fma(inner, x(rest[0]), flow);
        }
        flow = inner;
    }
    return flow;
}

// How a balance comes into a period: times `factor`, plus `dearer` per unit of the line behind it.
struct Carry {
    double factor, dearer;
};

// Line behind the balance before a period.
INLINE double line_before(const Period* period) { return period->begins ? 0.0 : period[-1].line; }

INLINE Carry carry_of(const Loss& loss, const Values& x, const Period* period, double balance, double line) {
    const double seen = loss.rate < 0 ? 0.0 : x(loss.rate + period->seen);
    const double surplus = larger(loss.dt * (seen + loss.surplus), 0.0);
    const double drawn = larger(loss.dt * (seen + loss.drawn), surplus);
    if (!(balance < -line)) return {1.0 + (balance >= 0.0 ? surplus : drawn), 0.0};
    const double deficit = 1.0 + larger(loss.dt * (seen + loss.deficit), drawn);
    return {deficit, deficit - (1.0 + drawn)};
}

// Running balance (PEAK) or flow (WORST) of period t of a loss, from the balance before.
INLINE double balance_of(const Program& p, const Loss& loss, const Values& x, int t, double before) {
    const Period* period = p.periods + loss.low + t;
    const double flow = flow_of(p, x, *period);
    if (loss.kind != LOSS_PEAK) return flow;
    if (period->begins) before = period->opening;
    const double line = line_before(period);
    const Carry carry = carry_of(loss, x, period, before, line);
    return before * carry.factor + line * carry.dearer + flow;
}

// The larger of `worst` and a shortfall; nan once a shortfall is not finite.
INLINE double raised(double worst, double shortfall) {
    if (!is_finite(shortfall)) return NOT_A_NUMBER;
    return shortfall > worst ? shortfall : worst;
}

INLINE double loss_of(const Program& p, const Loss& loss, const Values& x) {
    double balance = 0.0, worst = -INFINITE;
    for (int t = 0; t < loss.high - loss.low; ++t) {
        balance = balance_of(p, loss, x, t, balance);
        worst = raised(worst, p.periods[loss.low + t].least - balance);
    }
    return worst;
}

// All losses of the scenario in `row` of the output; bad[m]: least row whose loss m is not finite.
INLINE void write_losses(const Program& p, const Values& x, double* out, i64 stride, i64 row, u64* bad) {
    for (int m = 0; m < p.tables; ++m) {
        const double loss = loss_of(p, p.losses[m], x);
        out[m * stride + row] = loss;
        if (!is_finite(loss)) atomicMin(bad + m, (u64)row);
    }
}
