// Philox4x64-10, uniforms and the normal quantile AS 241: the bits of draws.py. Needs contraction to multiply-add off.
#include "elementary.cuh"

struct Words {
    u64 a, b, c, d;
};

INLINE Words philox(u64 c0, u64 c1, u64 c2, u64 c3, u64 key0, u64 key1) {
    const u64 m0 = 0xD2E7470EE14C6C93ULL, m1 = 0xCA5A826395121157ULL;
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const u64 high0 = __umul64hi(m0, c0), high1 = __umul64hi(m1, c2), low0 = m0 * c0, low1 = m1 * c2;
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B97F4A7C15ULL;
        key1 += 0xBB67AE8584CAA73BULL;
    }
    return {c0, c1, c2, c3};
}

INLINE u64 word_of(const Words& w, int i) { return i == 0 ? w.a : i == 1 ? w.b : i == 2 ? w.c : w.d; }

INLINE double uniform(u64 word) { return ((double)(word >> 12) + 0.5) * 2.220446049250313080847263336181640625e-16; }

// (a7 r^7 + ... + a0) / (b7 r^7 + ... + 1), times `scale` before the division
INLINE double ratio(double scale, double r, double a0, double a1, double a2, double a3, double a4, double a5, double a6,
                    double a7, double b1, double b2, double b3, double b4, double b5, double b6, double b7) {
    const double top = ((((((a7 * r + a6) * r + a5) * r + a4) * r + a3) * r + a2) * r + a1) * r + a0;
    const double bottom = ((((((b7 * r + b6) * r + b5) * r + b4) * r + b3) * r + b2) * r + b1) * r + 1.0;
    return scale * top / bottom;
}

static __device__ __noinline__ double normal_quantile(double p) {
    const double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return ratio(q, 0.180625 - q * q,
                     3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
                     4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
                     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3);
    const double side = q < 0.0 ? p : 1.0 - p;
    double value = INFINITE;
    if (!(side < 2.2250738585072013831e-308)) {
        const double r = sqrt(-logarithm(side));
        if (r <= 5.0)
            value = ratio(1.0, r - 1.6,
                     1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
                     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
                     2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
                     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9);
        else
            value = ratio(1.0, r - 5.0,
                     6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
                     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
                     5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
                     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15);
    }
    return q < 0.0 ? -value : value;
}
