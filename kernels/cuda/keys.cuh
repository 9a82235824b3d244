// Order-preserving keys of losses, and what a selection is about.
#include "scan.cuh"

// Greater losses have greater keys; 0 and -0 have the same.
INLINE u64 key_of(double loss) {
    const u64 bits = (u64)__double_as_longlong(loss + 0.0);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ULL;
}

INLINE double loss_with(u64 key) { return __longlong_as_double((i64)(key >> 63 ? key & 0x7FFFFFFFFFFFFFFFULL : ~key)); }

// Where the tail ends: rows with a greater key belong to it; of those with this key the first ones in row order whose mass
// adds up to `mass`, the last one by a part of it; `row` is that one and `taken` its part.
struct Border {
    u64 key, mass, row, taken;
};

INLINE u64 mass_of(const u64* weights, i64 row) { return weights ? weights[row] : 1; }
