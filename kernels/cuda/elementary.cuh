// Logarithm, exponential and their relatives of + - * / only: the bits of draws.py and elementary.py.
#include "common.cuh"

INLINE double logarithm(double x) {
    const i64 bits = __double_as_longlong(x) + (0x3FF0000000000000LL - 0x3FE6A09E667F3BCDLL);
    const double exponent = (double)((bits >> 52) - 1023);
    const double f = __longlong_as_double((bits & 0x000FFFFFFFFFFFFFLL) + 0x3FE6A09E667F3BCDLL) - 1.0;
    const double s = f / (2.0 + f), z = s * s, w = z * z;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01
                       + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    const double half = 0.5 * f * f;
    return exponent * 6.93147180369123816490e-01
           - ((half - (s * (half + (odd + even)) + exponent * 1.90821492927058770002e-10)) - f);
}

INLINE double exponential(double x) {
    if (!(x >= -745.13321910194110842 && x <= 709.782712893383973096)) return x > 0.0 ? INFINITE : (x < 0.0 ? 0.0 : x);
    const double k = floor(x * 1.44269504088896338700 + 0.5);
    const double high = x - k * 6.93147180369123816490e-01, low = k * 1.90821492927058770002e-10;
    const double r = high - low, t = r * r;
    const double c = r - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03
                     + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    const double value = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    const i64 whole = (i64)k, half = whole >> 1, one = 0x3FF0000000000000LL;
    const double scaled = value * __longlong_as_double(half * (1LL << 52) + one);
    return scaled * __longlong_as_double((whole - half) * (1LL << 52) + one);
}

INLINE double log_one_plus(double x) {
    const double u = 1.0 + x;
    return logarithm(u) + (x - (u - 1.0)) / u;
}

INLINE double exp_minus_one(double x) {
    const double u = exponential(x), less = u - 1.0;
    if (less == 0.0) return x;
    if (less == -1.0) return -1.0;
    return less * x / logarithm(u);
}

INLINE double power(double base, double exponent) { return exponential(exponent * logarithm(base)); }
