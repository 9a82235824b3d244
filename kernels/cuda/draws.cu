// Uniforms and normals of one driver in one period, for tests against draws.py.
#include "draws.cuh"

// words (n, 4), normals (n, 4) of the scenarios numbers (n,).
KERNEL __launch_bounds__(THREADS) draw_words(const u64* numbers, i64 count, u64 quad, u64 driver, u64 stream, u64 seed, u64 sample,
                                             u64* words, double* normals) {
    const i64 i = thread_number();
    if (i >= count) return;
    const Words w = philox(numbers[i], quad, driver, stream, seed, sample);
    for (int j = 0; j < 4; ++j) {
        words[4 * i + j] = word_of(w, j);
        normals[4 * i + j] = normal_quantile(uniform(word_of(w, j)));
    }
}

// out[i] = f(x[i]) with f 0: normal quantile, 1: logarithm, 2: exponential, 3: log(1 + x), 4: exp(x) - 1.
KERNEL __launch_bounds__(THREADS) elementary(const double* x, i64 count, i64 function, double* out) {
    const i64 i = thread_number();
    if (i >= count) return;
    if (function == 0) out[i] = normal_quantile(x[i]);
    else if (function == 1) out[i] = logarithm(x[i]);
    else if (function == 2) out[i] = exponential(x[i]);
    else if (function == 3) out[i] = log_one_plus(x[i]);
    else out[i] = exp_minus_one(x[i]);
}
