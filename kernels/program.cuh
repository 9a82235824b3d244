// Flows, balances and losses of one scenario from the regrouped table of terms of layout.py, added up as in losses_numba.py.
#include "common.cuh"

struct __align__(16) Entry {
    double exposure;
    int factor, group;
};

// Arrays of a layout.Program, packed by cuda_pack.pack_program.
struct Program {
    i64 tables, width;
    const int *table, *kind, *rate, *group, *rest, *entry, *period;  // period: of each group
    const double *opening, *surplus, *deficit, *dt, *floor, *constant;
    const Entry* entries;
};

INLINE Program program_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Program p;
    p.tables = h[0];
    p.width = h[1];
    p.table = (const int*)(packed + h[2]);
    p.kind = (const int*)(packed + h[3]);
    p.rate = (const int*)(packed + h[4]);
    p.group = (const int*)(packed + h[5]);
    p.rest = (const int*)(packed + h[6]);
    p.entry = (const int*)(packed + h[7]);
    p.period = (const int*)(packed + h[8]);
    p.opening = (const double*)(packed + h[9]);
    p.surplus = (const double*)(packed + h[10]);
    p.deficit = (const double*)(packed + h[11]);
    p.dt = (const double*)(packed + h[12]);
    p.floor = (const double*)(packed + h[13]);
    p.constant = (const double*)(packed + h[14]);
    p.entries = (const Entry*)(packed + h[15]);
    return p;
}

// Values of one scenario: value(f) = values[f * stride].
struct Values {
    const float* values;
    int stride;
    __device__ __forceinline__ double operator()(int f) const { return (double)values[f * stride]; }
};

// total plus the entries low..high, four at a time in the order of the host.
INLINE double add_entries(double total, const Program& p, const Values& x, int low, int high) {
    int e = low;
    for (; e + 4 <= high; e += 4) {
        const Entry a = p.entries[e], b = p.entries[e + 1], c = p.entries[e + 2], d = p.entries[e + 3];
        total += (a.exposure * x(a.factor) + b.exposure * x(b.factor)) + (c.exposure * x(c.factor) + d.exposure * x(d.factor));
    }
    for (; e < high; ++e) total += p.entries[e].exposure * x(p.entries[e].factor);
    return total;
}

INLINE double flow_of(const Program& p, const Values& x, int period) {
    double flow = p.constant[period];
    for (int g = p.group[period]; g < p.group[period + 1]; ++g) {
        const int* rest = p.rest + g * p.width;
        const bool alone = rest[0] < 0;
        double inner = add_entries(alone ? flow : 0.0, p, x, p.entry[g], p.entry[g + 1]);
        if (!alone) {
            for (int r = 1; r < p.width; ++r)
                if (rest[r] >= 0) inner *= x(rest[r]);
            inner = flow + inner * x(rest[0]);
        }
        flow = inner;
    }
    return flow;
}

// Factor that carries `balance` into period t of loss m.
INLINE double growth_of(const Program& p, const Values& x, int m, int t, double balance) {
    const double dt = p.dt[m], low = p.surplus[m], high = p.deficit[m];
    double surplus, deficit;
    if (p.rate[m] < 0) {
        surplus = larger(dt * low, 0.0);
        deficit = larger(larger(dt * high, dt * low), 0.0);
    } else {
        const double seen = x(p.rate[m] + (t > 0 ? t - 1 : 0));
        surplus = larger(dt * (seen + low), 0.0);
        deficit = larger(dt * (seen + high), surplus);
    }
    return balance >= 0.0 ? 1.0 + surplus : 1.0 + deficit;
}

// Running balance (PEAK) or flow (WORST) of period t of loss m, from the balance before.
INLINE double balance_of(const Program& p, const Values& x, int m, int t, double before) {
    const double flow = flow_of(p, x, p.table[m] + t);
    return p.kind[m] == LOSS_PEAK ? before * growth_of(p, x, m, t, before) + flow : flow;
}

// The larger of `worst` and a shortfall; nan once a shortfall is not finite.
INLINE double raised(double worst, double shortfall) {
    if (!finite(shortfall)) return NOT_A_NUMBER;
    return shortfall > worst ? shortfall : worst;
}

INLINE double loss_of(const Program& p, const Values& x, int m) {
    const int low = p.table[m], periods = p.table[m + 1] - low;
    double balance = p.opening[m], worst = -INFINITE;
    for (int t = 0; t < periods; ++t) {
        balance = balance_of(p, x, m, t, balance);
        worst = raised(worst, p.floor[low + t] - balance);
    }
    return worst;
}

// All losses of the scenario in `row` of the output; bad[m]: least row whose loss m is not finite.
INLINE void write_losses(const Program& p, const Values& x, double* out, i64 stride, i64 row, u64* bad) {
    for (int m = 0; m < p.tables; ++m) {
        const double loss = loss_of(p, x, m);
        out[m * stride + row] = loss;
        if (!finite(loss)) atomicMin(bad + m, (u64)row);
    }
}
