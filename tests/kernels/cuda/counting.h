// Double precision that counts: included after shim.h, it stands for `double` in the kernels' sources, so that a run on the host
// says how many operations a scenario takes on whatever way it went.
#pragma once
#include <type_traits>

struct Operations {
    long long plain, divisions, roots, conversions, wide_products;
};
inline Operations operations = {0, 0, 0, 0, 0};

struct Counted {
    double value;

    Counted() = default;
    Counted(double x) : value(x) {}
    template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_same_v<T, float>>>
    Counted(T x) : value((double)x) {
        ++operations.conversions;
    }
    template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_same_v<T, float>>>
    explicit operator T() const {
        ++operations.conversions;
        return (T)value;
    }
    explicit operator double() const { return value; }
    Counted operator-() const { return Counted(-value); }
};

#define COUNTED(sign, what, result)                      \
    inline result operator sign(Counted a, Counted b) {  \
        ++operations.what;                               \
        return result(a.value sign b.value);             \
    }
COUNTED(+, plain, Counted)
COUNTED(-, plain, Counted)
COUNTED(*, plain, Counted)
COUNTED(/, divisions, Counted)
COUNTED(<, plain, bool)
COUNTED(>, plain, bool)
COUNTED(<=, plain, bool)
COUNTED(>=, plain, bool)
COUNTED(==, plain, bool)
COUNTED(!=, plain, bool)
inline Counted& operator+=(Counted& a, Counted b) { return a = a + b; }
inline Counted& operator-=(Counted& a, Counted b) { return a = a - b; }
inline Counted& operator*=(Counted& a, Counted b) { return a = a * b; }

inline Counted fma(Counted a, Counted b, Counted c) {
    ++operations.plain;
    return Counted(std::fma(a.value, b.value, c.value));
}
inline Counted fabs(Counted x) { return Counted(std::fabs(x.value)); }
inline Counted sqrt(Counted x) {
    ++operations.roots;
    return Counted(std::sqrt(x.value));
}
inline Counted floor(Counted x) {
    ++operations.conversions;
    return Counted(std::floor(x.value));
}
inline long long counted_bits(Counted x) { return __double_as_longlong(x.value); }
inline Counted counted_double(long long bits) { return Counted(__longlong_as_double(bits)); }
inline unsigned long long counted_high(unsigned long long a, unsigned long long b) {
    ++operations.wide_products;
    return __umul64hi(a, b);
}

// The operations since the last call.
extern "C" inline __attribute__((used)) void take_operations(long long* out) {
    std::memcpy(out, &operations, sizeof operations);
    operations = {0, 0, 0, 0, 0};
}

#define __double_as_longlong counted_bits
#define __longlong_as_double counted_double
#define __umul64hi counted_high
#define double Counted
