// CUDA's language on the host, as far as the kernels use it: the threads of a block are contexts of their own that take turns,
// so that barriers, shared memory and warp shuffles mean what they mean on a device. Blocks run one after the other.
//
// A kernel is refused (the launch returns a number, see `Fault`) where threads wait for each other in vain: at a barrier of the
// block or the warp that others never reach. Shared memory starts as 0xff bytes, and threads may be run in either order, so
// that what depends on luck on a device shows as a difference here.
#pragma once
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __noinline__
#define __align__(n) alignas(n)
#define __shared__ static
#define DYNAMIC_SHARED(type, name) type* name = (type*)shim::dynamic

struct Triple {
    unsigned x, y, z;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

namespace shim {

enum Fault { none = 0, block_barrier = 1, warp_barrier = 2, bad_block = 3 };
enum State { ready, at_block_barrier, at_warp_barrier, ended };

constexpr unsigned most_threads = 1024, warp = 32;
constexpr size_t stack_bytes = 64 << 10, most_shared = 48 << 10;

inline Triple thread, block, block_size, grid_size;
inline char* dynamic = nullptr;
inline unsigned current = 0;
inline unsigned long long exchanged[most_threads];

struct Context {
    ucontext_t here;
    State state;
    std::vector<char> stack;
};

inline Context contexts[most_threads];
inline ucontext_t scheduler;
inline void (*body)(void*) = nullptr;
inline void* body_data = nullptr;

inline void begin() {
    body(body_data);
    contexts[current].state = ended;
    swapcontext(&contexts[current].here, &scheduler);
}

inline void wait(State state) {
    Context& own = contexts[current];
    own.state = state;
    swapcontext(&own.here, &scheduler);
}

inline void resume(unsigned i) {
    current = i;
    thread = {i, 0, 0};
    contexts[i].state = ready;
    swapcontext(&scheduler, &contexts[i].here);
}

// Let the threads that wait go on if all of them are there: `whole` of a block or of a warp, none of which has ended.
inline bool release(unsigned low, unsigned high, State state) {
    for (unsigned i = low; i < high; ++i)
        if (contexts[i].state != state) return false;
    for (unsigned i = low; i < high; ++i) contexts[i].state = ready;
    return true;
}

inline int run_block(unsigned threads, bool reversed) {
    for (unsigned i = 0; i < threads; ++i) {
        Context& own = contexts[i];
        if (own.stack.empty()) own.stack.resize(stack_bytes);
        getcontext(&own.here);
        own.here.uc_stack.ss_sp = own.stack.data();
        own.here.uc_stack.ss_size = own.stack.size();
        own.here.uc_link = nullptr;
        makecontext(&own.here, begin, 0);
        own.state = ready;
    }
    for (;;) {
        for (unsigned k = 0; k < threads; ++k) {
            const unsigned i = reversed ? threads - 1 - k : k;
            if (contexts[i].state == ready) resume(i);
        }
        unsigned left = 0, waiting_for_warp = 0;
        for (unsigned i = 0; i < threads; ++i) {
            left += contexts[i].state != ended;
            waiting_for_warp += contexts[i].state == at_warp_barrier;
        }
        if (left == 0) return none;
        bool moved = release(0, threads, at_block_barrier);
        for (unsigned low = 0; low < threads && !moved; low += warp)
            moved = release(low, low + warp < threads ? low + warp : threads, at_warp_barrier) || moved;
        if (!moved) return waiting_for_warp ? warp_barrier : block_barrier;
    }
}

template <class... A, size_t... I>
int launch(void (*kernel)(A...), unsigned gx, unsigned gy, unsigned threads, size_t shared, void** arguments, bool reversed,
           std::index_sequence<I...>) {
    static_assert(((sizeof(A) == 8) && ...), "every parameter of a kernel has 8 bytes");
    if (threads == 0 || threads > most_threads) return bad_block;
    alignas(16) static char memory[most_shared];
    dynamic = memory;
    block_size = {threads, 1, 1};
    grid_size = {gx, gy, 1};
    auto call = [&] { kernel(*(std::remove_reference_t<A>*)arguments[I]...); };
    body = [](void* data) { (*(decltype(call)*)data)(); };
    body_data = &call;
    for (unsigned y = 0; y < gy; ++y)
        for (unsigned x = 0; x < gx; ++x) {
            std::memset(memory, 0xff, shared);
            block = {reversed ? gx - 1 - x : x, y, 0};
            const int fault = run_block(threads, reversed);
            if (fault) return fault;
        }
    return none;
}

}  // namespace shim

#define threadIdx shim::thread
#define blockIdx shim::block
#define blockDim shim::block_size
#define gridDim shim::grid_size

inline void __syncthreads() { shim::wait(shim::at_block_barrier); }

template <class T>
T __shfl_down_sync(unsigned, T value, unsigned distance) {
    const unsigned me = shim::current, lane = me % shim::warp;
    static_assert(sizeof(T) <= sizeof(shim::exchanged[0]), "");
    std::memcpy(&shim::exchanged[me], &value, sizeof(T));
    shim::wait(shim::at_warp_barrier);
    T result = value;
    if (lane + distance < shim::warp) std::memcpy(&result, &shim::exchanged[me + distance], sizeof(T));
    shim::wait(shim::at_warp_barrier);
    return result;
}

inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline long long __double_as_longlong(double x) {
    long long bits;
    std::memcpy(&bits, &x, 8);
    return bits;
}
inline double __longlong_as_double(long long bits) {
    double x;
    std::memcpy(&x, &bits, 8);
    return x;
}

// One thread runs at a time: plain arithmetic is atomic.
template <class T>
T atomicAdd(T* at, T value) {
    const T before = *at;
    *at += value;
    return before;
}
template <class T>
T atomicMin(T* at, T value) {
    const T before = *at;
    if (value < before) *at = value;
    return before;
}

template <class... A>
int shim_launch(void (*kernel)(A...), unsigned gx, unsigned gy, unsigned threads, size_t shared, void** arguments, int reversed) {
    return shim::launch(kernel, gx, gy, threads, shared, arguments, reversed != 0, std::index_sequence_for<A...>{});
}

#define EXPORT(kernel)                                                                                                       \
    extern "C" int launch_##kernel(unsigned gx, unsigned gy, unsigned threads, size_t shared, void** arguments, int reversed) { \
        return shim_launch(kernel, gx, gy, threads, shared, arguments, reversed);                                             \
    }
