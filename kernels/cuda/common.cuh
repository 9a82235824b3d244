// Types and words that every source shares. LANES and the like come by -D from the Python files that define them.

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;

#define KERNEL extern "C" __global__ void
#define INLINE static __device__ __forceinline__

#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
#endif

#define INFINITE __longlong_as_double(0x7ff0000000000000LL)
#define NOT_A_NUMBER __longlong_as_double(0x7ff8000000000000LL)

INLINE double larger(double a, double b) { return a > b ? a : b; }
INLINE double smaller(double a, double b) { return a < b ? a : b; }
INLINE bool is_finite(double x) { return fabs(x) < INFINITE; }

// Number of this thread in a grid of one dimension.
INLINE i64 thread_number() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
