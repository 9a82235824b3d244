// The processes of drivers.py, and the path of one scenario by one thread: the twin of paths_numba.py.
#include "draws.cuh"

// Arrays of a process table, packed by cuda_pack.pack_processes.
struct Processes {
    i64 drivers, periods, slots;
    const int *kind, *depends_on, *used, *slot;  // slot: place among the drivers that draw a second uniform, or -1
    const double *state, *level, *start, *cholesky, *params;
};

INLINE Processes processes_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Processes p;
    p.drivers = h[0];
    p.periods = h[1];
    p.slots = h[2];
    p.kind = (const int*)(packed + h[3]);
    p.depends_on = (const int*)(packed + h[4]);
    p.used = (const int*)(packed + h[5]);
    p.slot = (const int*)(packed + h[6]);
    p.state = (const double*)(packed + h[7]);
    p.level = (const double*)(packed + h[8]);
    p.start = (const double*)(packed + h[9]);
    p.cholesky = (const double*)(packed + h[10]);
    p.params = (const double*)(packed + h[11]);
    return p;
}

INLINE double poisson(double u, double mean, double none) {
    double count = 0.0, probability = none, below = none;
    while (u > below) {
        count += 1.0;
        probability *= mean / count;
        const double raised = below + probability;
        if (raised == below && count > mean) break;
        below = raised;
    }
    return count;
}

// Where a thread keeps what its scenario needs from one period to the next: doubles, `lanes` apart.
struct Work {
    double *normal, *state, *level, *second, *uniform;  // 4 per driver, 1, 1; per slot: regime, 4
    i64 lanes;
};

INLINE Work work_of(const Processes& p, double* memory, i64 lanes) {
    Work w;
    w.lanes = lanes;
    w.normal = memory;
    w.state = w.normal + 4 * p.drivers * lanes;
    w.level = w.state + p.drivers * lanes;
    w.second = w.level + p.drivers * lanes;
    w.uniform = w.second + p.slots * lanes;
    return w;
}

// z = sum_j L[d, j] e_j over non-zero weights in ascending j.
INLINE double shock(const Processes& p, const Work& w, i64 d, int word) {
    const double* weights = p.cholesky + d * p.drivers;
    double z = 0.0;
    for (i64 j = 0; j <= d; ++j) {
        const double own = weights[j];
        if (own != 0.0) z += own * w.normal[(4 * j + word) * w.lanes];
    }
    return z;
}

// Draws for the four periods of a quad.
INLINE void draw_quad(const Processes& p, const Work& w, u64 scenario, u64 quad, u64 seed, u64 sample) {
    for (i64 d = 0; d < p.drivers; ++d) {
        if (p.used[d]) {
            const Words words = philox(scenario, quad, (u64)d, STREAM_NORMAL, seed, sample);
#pragma unroll 1
            for (int i = 0; i < 4; ++i) w.normal[(4 * d + i) * w.lanes] = normal_quantile(uniform(word_of(words, i)));
        }
        if (p.slot[d] >= 0) {
            const Words words = philox(scenario, quad, (u64)d, STREAM_UNIFORM, seed, sample);
            for (int i = 0; i < 4; ++i) w.uniform[(4 * p.slot[d] + i) * w.lanes] = uniform(word_of(words, i));
        }
    }
}

INLINE void step_survival(const Processes& p, const Work& w, i64 d, const double* row, int word) {
    const double z = shock(p, w, d, word);
    const int other = p.depends_on[d];
    double limit = row[3];
    if (other >= 0 && row[2] != 0.0) {
        const double level = w.level[other * w.lanes] / p.start[other];
        const double kept = smaller(larger(level, RATIO_LOW), RATIO_HIGH);
        limit = normal_quantile(-exp_minus_one(-(row[0] * power(kept, -row[2]))));
    }
    double& alive = w.state[d * w.lanes];
    if (z < limit) alive = 0.0;
    w.level[d * w.lanes] = alive > 0.5 ? 1.0 : row[1];
}

INLINE double step_jumps(const Processes& p, const Work& w, i64 d, const double* row, double z, u64 scenario, u64 quad,
                         int word, u64 seed, u64 sample) {
    const double u = w.uniform[(4 * p.slot[d] + word) * w.lanes];
    double moved = w.state[d * w.lanes] + row[0] + row[1] * z;
    if (u > row[5]) {  // sizes are drawn only where a jump happens
        const double count = poisson(u, row[2], row[5]);
        const Words words = philox(scenario, quad, (u64)d, STREAM_JUMP_SIZE, seed, sample);
        const double size = normal_quantile(uniform(word_of(words, word)));
        moved = moved + (count * row[3] + sqrt(count) * row[4] * size);
    }
    return moved;
}

INLINE double step_regime(const Processes& p, const Work& w, i64 d, const double* row, double z, int word) {
    const double u = w.uniform[(4 * p.slot[d] + word) * w.lanes];
    double& second = w.second[p.slot[d] * w.lanes];
    const bool moved = second > 0.5 ? u >= row[5] : u < row[4];
    second = moved ? 1.0 : 0.0;
    return w.state[d * w.lanes] + (moved ? row[2] : row[0]) + (moved ? row[3] : row[1]) * z;
}

INLINE void step_other(const Processes& p, const Work& w, i64 d, const double* row, u64 scenario, u64 quad, int word,
                       u64 seed, u64 sample) {
    const int kind = p.kind[d];
    double& level = w.level[d * w.lanes];
    if (kind == PROCESS_DETERMINISTIC) {
        level = row[0];
        return;
    }
    const double z = shock(p, w, d, word);
    double& state = w.state[d * w.lanes];
    double exponent;
    if (kind == PROCESS_CIR) {
        const double mean = row[0] + row[1] * state;
        const double width2 = log_one_plus((row[2] + row[3] * state) / (mean * mean));
        state = mean;
        exponent = sqrt(width2) * z - 0.5 * width2;
    } else if (kind == PROCESS_GEOMETRIC_JUMPS) {
        exponent = state = step_jumps(p, w, d, row, z, scenario, quad, word, seed, sample);
    } else if (kind == PROCESS_TWO_REGIME) {
        exponent = state = step_regime(p, w, d, row, z, word);
    } else {
        state = row[0] + row[1] * state + row[2] * z;
        if (kind == PROCESS_VASICEK) {
            level = larger(state, row[3]);
            return;
        }
        exponent = kind == PROCESS_LOGISTIC_SHARE ? -state : state;
    }
    const double value = exponential(exponent);  // one copy of the code for all kinds
    if (kind == PROCESS_CIR) level = state = state * value;
    else if (kind == PROCESS_LOGISTIC_SHARE) level = row[3] + (row[4] - row[3]) / (1.0 + value);
    else level = value;
}

// Path of a scenario: x[(driver * periods + period) * stride]. Returns the first of these positions whose value is not
// finite, or -1.
INLINE i64 simulate_path(const Processes& p, u64 scenario, u64 seed, u64 sample, float* x, i64 stride, const Work& w) {
    i64 bad = -1;
    for (i64 d = 0; d < p.drivers; ++d) {
        w.state[d * w.lanes] = p.state[d];
        w.level[d * w.lanes] = p.level[d];
        x[d * p.periods * stride] = (float)p.level[d];
        if (p.slot[d] >= 0) w.second[p.slot[d] * w.lanes] = p.params[d * p.periods * SLOTS + 6];
    }
    for (i64 t = 1; t < p.periods; ++t) {
        const u64 quad = (u64)t / 4;
        const int word = (int)(t % 4);
        if (t == 1 || word == 0) draw_quad(p, w, scenario, quad, seed, sample);
        // survivals first: they look at the other drivers' levels before this period's step
        for (i64 d = 0; d < p.drivers; ++d)
            if (p.kind[d] == PROCESS_SURVIVAL) step_survival(p, w, d, p.params + (d * p.periods + t) * SLOTS, word);
        for (i64 d = 0; d < p.drivers; ++d) {
            if (p.kind[d] != PROCESS_SURVIVAL)
                step_other(p, w, d, p.params + (d * p.periods + t) * SLOTS, scenario, quad, word, seed, sample);
            const float shown = (float)w.level[d * w.lanes];
            const i64 place = d * p.periods + t;
            x[place * stride] = shown;
            if (!finite((double)shown) && (bad < 0 || place < bad)) bad = place;
        }
    }
    return bad;
}
