// Vectors of LANES floats; every path includes this once, with LANES defined and its target attribute pushed.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline, unused))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float V __attribute__((ext_vector_type(LANES)));
typedef int32_t I __attribute__((ext_vector_type(LANES)));
typedef V UnalignedV __attribute__((aligned(4), may_alias));

ALWAYS_INLINE V load(const float *p) { return *(const UnalignedV *)p; }
ALWAYS_INLINE void store(float *p, V v) { *(UnalignedV *)p = v; }
ALWAYS_INLINE V splat(float x) { return (V)(x); }

/// All bits set in the first `count` lanes.
ALWAYS_INLINE I first_lanes(int count) {
#if LANES == 16
  const I lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LANES == 8
  const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
#else
  const I lane = {0, 1, 2, 3};
#endif
  return lane < (I)(count);
}

/// The first `count` of LANES elements, zeros behind them; reads nothing else.
ALWAYS_INLINE V load_first(const float *p, int count) {
  if (count >= LANES) return load(p);
#if LANES == 16
  return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif LANES == 8
  return _mm256_maskload_ps(p, (__m256i)first_lanes(count));
#else
  V v = splat(0);
  for (int i = 0; i < count; i++) v[i] = p[i];
  return v;
#endif
}

/// Writes the first `count` of LANES elements.
ALWAYS_INLINE void store_first(float *p, V v, int count) {
  if (count >= LANES) {
    store(p, v);
    return;
  }
#if LANES == 16
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), v);
#elif LANES == 8
  _mm256_maskstore_ps(p, (__m256i)first_lanes(count), v);
#else
  for (int i = 0; i < count; i++) p[i] = v[i];
#endif
}

ALWAYS_INLINE int min_int(int a, int b) { return a < b ? a : b; }
ALWAYS_INLINE size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
ALWAYS_INLINE size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

#if LANES == 16
#define LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW_HALVES 0, 4, 1, 5
#define HIGH_HALVES 2, 6, 3, 7
#endif

/// Transposes a square: log2(LANES) perfect shuffles of its rows.
ALWAYS_INLINE void transpose(V rows[LANES]) {
  UNROLL for (int step = 1; step < LANES; step *= 2) {
    V shuffled[LANES];
    UNROLL for (int i = 0; i < LANES / 2; i++) {
      shuffled[2 * i] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], LOW_HALVES);
      shuffled[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], HIGH_HALVES);
    }
    UNROLL for (int i = 0; i < LANES; i++) rows[i] = shuffled[i];
  }
}

#undef LOW_HALVES
#undef HIGH_HALVES
