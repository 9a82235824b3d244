// The processes of drivers.py, and the path of one scenario by one thread: the twin of cpu/paths.py.
#include "draws.cuh"

struct Driver {
    double state, level, start;  // in period 0, and as divisor of a ratio
    u64 word;                    // in the counter of its draws
    int kind, depends_on, used, slot;  // slot: place among the drivers that draw a second uniform, or -1
};

// A process table, packed by cuda_pack.pack_processes.
struct Processes {
    int count, periods, slots;
    const Driver* drivers;
    const double *cholesky, *params;
};

INLINE Processes processes_of(const char* packed) {
    const i64* h = (const i64*)packed;
    Processes p;
    p.count = (int)h[0];
    p.periods = (int)h[1];
    p.slots = (int)h[2];
    p.drivers = (const Driver*)(packed + h[3]);
    p.cholesky = (const double*)(packed + h[4]);
    p.params = (const double*)(packed + h[5]);
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

// Where a thread keeps what its scenario needs from one period to the next: doubles, `lanes` apart. Per driver four normals,
// its state and its level; per slot the regime and four uniforms.
struct Work {
    double* memory;
    int lanes, count;

    __device__ __forceinline__ double& at(int place) const { return memory[place * lanes]; }
    __device__ __forceinline__ double& normal(int d, int word) const { return at(4 * d + word); }
    __device__ __forceinline__ double& state(int d) const { return at(4 * count + d); }
    __device__ __forceinline__ double& level(int d) const { return at(5 * count + d); }
    __device__ __forceinline__ double& second(int slot) const { return at(6 * count + 5 * slot); }
    __device__ __forceinline__ double& uniform(int slot, int word) const { return at(6 * count + 5 * slot + 1 + word); }
};

// z = sum_j L[d, j] e_j over non-zero weights in ascending j.
INLINE double shock(const Processes& p, const Work& w, int d, int word) {
    const double* weights = p.cholesky + d * p.count;
    double z = 0.0;
#pragma unroll 1
    for (int j = 0; j <= d; ++j) {
        const double own = weights[j];
        if (own != 0.0) z += own * w.normal(j, word);
    }
    return z;
}

// Draws for the four periods of a quad.
INLINE void draw_quad(const Processes& p, const Work& w, u64 scenario, u64 quad, u64 seed, u64 sample) {
#pragma unroll 1
    for (int d = 0; d < p.count; ++d) {
        if (p.drivers[d].used) {
            const Words words = philox(scenario, quad, p.drivers[d].word, STREAM_NORMAL, seed, sample);
#pragma unroll 1
            for (int i = 0; i < 4; ++i) w.normal(d, i) = normal_quantile(uniform(word_of(words, i)));
        }
        const int slot = p.drivers[d].slot;
        if (slot >= 0) {
            const Words words = philox(scenario, quad, p.drivers[d].word, STREAM_UNIFORM, seed, sample);
            for (int i = 0; i < 4; ++i) w.uniform(slot, i) = uniform(word_of(words, i));
        }
    }
}

INLINE void step_survival(const Processes& p, const Work& w, int d, const double* row, int word) {
    const double z = shock(p, w, d, word);
    const int other = p.drivers[d].depends_on;
    double limit = row[3];
    if (other >= 0 && row[2] != 0.0) {
        const double level = w.level(other) / p.drivers[other].start;
        const double kept = smaller(larger(level, RATIO_LOW), RATIO_HIGH);
        limit = normal_quantile(-exp_minus_one(-(row[0] * power(kept, -row[2]))));
    }
    double& alive = w.state(d);
    if (z < limit) alive = 0.0;
    w.level(d) = alive > 0.5 ? 1.0 : row[1];
}

INLINE double step_jumps(const Processes& p, const Work& w, int d, const double* row, double z, u64 scenario, u64 quad,
                         int word, u64 seed, u64 sample) {
    const double u = w.uniform(p.drivers[d].slot, word);
    double moved = w.state(d) + row[0] + row[1] * z;
    if (u > row[5]) {  // sizes are drawn only where a jump happens
        const double count = poisson(u, row[2], row[5]);
        const Words words = philox(scenario, quad, p.drivers[d].word, STREAM_JUMP_SIZE, seed, sample);
        const double size = normal_quantile(uniform(word_of(words, word)));
        moved = moved + (count * row[3] + sqrt(count) * row[4] * size);
    }
    return moved;
}

INLINE double step_regime(const Processes& p, const Work& w, int d, const double* row, double z, int word) {
    const double u = w.uniform(p.drivers[d].slot, word);
    double& second = w.second(p.drivers[d].slot);
    const bool moved = second > 0.5 ? u >= row[5] : u < row[4];
    second = moved ? 1.0 : 0.0;
    return w.state(d) + (moved ? row[2] : row[0]) + (moved ? row[3] : row[1]) * z;
}

INLINE void step_other(const Processes& p, const Work& w, int d, const double* row, u64 scenario, u64 quad, int word,
                       u64 seed, u64 sample) {
    const int kind = p.drivers[d].kind;
    double& level = w.level(d);
    if (kind == PROCESS_DETERMINISTIC) {
        level = row[0];
        return;
    }
    if (kind == PROCESS_EXCESS || kind == PROCESS_SHORTFALL) {  // its driver stands before it and has made its step
        const double ratio = w.level(p.drivers[d].depends_on) * row[0];
        level = larger(kind == PROCESS_EXCESS ? ratio - 1.0 : 1.0 - ratio, 0.0);
        return;
    }
    const double z = shock(p, w, d, word);
    double& state = w.state(d);
    if (kind == PROCESS_WINDOW) {
        state = (state > 0.5 ? z < row[0] : !(z >= row[1])) ? 0.0 : 1.0;
        level = state > 0.5 ? 1.0 : row[2];
        return;
    }
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
INLINE int simulate_path(const Processes& p, u64 scenario, u64 seed, u64 sample, float* x, int stride, const Work& w) {
    int bad = -1;
    for (int d = 0; d < p.count; ++d) {
        const Driver driver = p.drivers[d];
        w.state(d) = driver.state;
        w.level(d) = driver.level;
        x[d * p.periods * stride] = (float)driver.level;
        if (driver.slot >= 0) w.second(driver.slot) = p.params[d * p.periods * SLOTS + 6];
    }
#pragma unroll 1
    for (int t = 1; t < p.periods; ++t) {
        const u64 quad = (u64)(t / 4);
        const int word = t % 4;
        if (t == 1 || word == 0) draw_quad(p, w, scenario, quad, seed, sample);
        // survivals first: they look at the other drivers' levels before this period's step
#pragma unroll 1
        for (int d = 0; d < p.count; ++d)
            if (p.drivers[d].kind == PROCESS_SURVIVAL) step_survival(p, w, d, p.params + (d * p.periods + t) * SLOTS, word);
#pragma unroll 1
        for (int d = 0; d < p.count; ++d) {
            const int place = d * p.periods + t;
            if (p.drivers[d].kind != PROCESS_SURVIVAL)
                step_other(p, w, d, p.params + place * SLOTS, scenario, quad, word, seed, sample);
            const float shown = (float)w.level(d);
            x[place * stride] = shown;
            if (!is_finite((double)shown) && (bad < 0 || place < bad)) bad = place;
        }
    }
    return bad;
}
