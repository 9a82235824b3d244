// Adjoint sweep over rows in blocks of their own, and the sums that make the gradient, in the order of cpu/losses.py.
#include "fold.cuh"
#include "program.cuh"

// slope (blocks, slopes, LANES): weighted derivatives of the loss by each period's flow, at the first worst period, and
// with 2 T slopes by each period's line. value (blocks, LANES): weighted loss. Lanes after the last row have weight 0.
// One thread per lane.
KERNEL __launch_bounds__(THREADS, 4) adjoint(const float* blocks, i64 count, i64 lanes, i64 factors, const char* program, i64 slopes,
                                          const double* weights, double* slope, double* value) {
    const i64 row = thread_number();
    if (row >= lanes) return;
    const Program p = program_of(program);
    const Values x = {blocks + row / LANES * factors * LANES + row % LANES, LANES};
    const Loss& loss = p.losses[0];
    const int periods = loss.high;
    double* own = slope + row / LANES * slopes * LANES + row % LANES;
    double balance = 0.0, worst = -INFINITE;
    int at = -1;
    for (int t = 0; t < periods; ++t) {
        balance = balance_of(p, loss, x, t, balance);
        own[t * LANES] = balance;
        const double now = raised(worst, p.periods[t].least - balance);
        if (now > worst) at = t;
        worst = now;
    }
    const double weight = row < count ? weights[row] : 0.0;
    value[row] = worst * weight;
    double carried = 0.0, dearer = 0.0;
    for (int t = periods - 1; t >= 0; --t) {
        const double hit = t == at ? -1.0 : 0.0, here = hit + carried;
        if (slopes > periods) own[(periods + t) * LANES] = (hit + dearer) * weight;
        carried = dearer = 0.0;
        if (loss.kind == LOSS_PEAK && !p.periods[t].begins) {
            const Carry carry = carry_of(loss, x, p.periods + t, own[(t - 1) * LANES], line_before(p.periods + t));
            carried = here * carry.factor;
            dearer = here * carry.dearer;
        }
        own[t * LANES] = here * weight;
    }
}

// out (groups, entries + slopes + 1): sums over the GRADIENT_GROUP blocks of each group; an item is an entry, a period's
// constant or line, or the loss itself. One warp per item and group.
KERNEL __launch_bounds__(THREADS) gradient_sums(const float* blocks, i64 all, i64 factors, const char* program, i64 slopes,
                                                i64 entries, const double* slope, const double* value, double* out) {
    const i64 item = thread_number() / WARP;
    const int lane = (int)threadIdx.x % WARP;
    const Program p = program_of(program);
    const i64 items = entries + slopes + 1;
    if (item >= items) return;
    const bool is_entry = item < entries, is_value = item == items - 1;
    const int* rest = p.rest;
    i64 factor = 0, place = is_entry || is_value ? 0 : item - entries;
    if (is_entry) {
        const Entry e = p.entries[item];
        factor = e.factor;
        rest += e.group * p.width;
        place = p.groups[e.group].period;
    }
    const i64 low = (i64)blockIdx.y * GRADIENT_GROUP, high = low + GRADIENT_GROUP < all ? low + GRADIENT_GROUP : all;
    double sum = 0.0;
    for (i64 b = low; b < high; ++b) {
        const float* x = blocks + b * factors * LANES + lane;
        const double* from = (is_value ? value + b * LANES : slope + (b * slopes + place) * LANES) + lane;
        double v[SHARE];
#pragma unroll
        for (int j = 0; j < SHARE; ++j) v[j] = from[WARP * j];
        if (is_entry) {
            for (i64 r = 0; r < p.width; ++r) {
                const i64 f = rest[r];
                if (f < 0) continue;
#pragma unroll
                for (int j = 0; j < SHARE; ++j) v[j] *= (double)x[f * LANES + WARP * j];
            }
#pragma unroll
            for (int j = 0; j < SHARE; ++j) v[j] *= (double)x[factor * LANES + WARP * j];
        }
        sum += fold_warp(v);
    }
    if (lane == 0) out[(i64)blockIdx.y * items + item] = sum;
}
