#include <string.h>

#include "include/VectorReductions.h"

/// A scan of elements S with a running value of type A, which `x` and the element `y` make anew.
#define DEFINE_SCAN(name, S, A, identity, ...)                                                                    \
  static void name(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, size_t n) {            \
    A x = identity;                                                                                               \
    for (size_t i = 0; i < n; i++) {                                                                              \
      A y = (A)((const S *)src)[(ptrdiff_t)i * src_stride];                                                       \
      x = i == 0 ? y : (__VA_ARGS__);                                                                             \
      ((S *)dst)[(ptrdiff_t)i * dst_stride] = (S)x;                                                               \
    }                                                                                                             \
  }
DEFINE_SCAN(f32_sum, float, double, 0, x + y)
DEFINE_SCAN(f64_sum, double, double, 0, x + y)
DEFINE_SCAN(i64_sum, int64_t, uint64_t, 0, x + y)
DEFINE_SCAN(f32_product, float, double, 1, x * y)
DEFINE_SCAN(f64_product, double, double, 1, x * y)
DEFINE_SCAN(i64_product, int64_t, uint64_t, 1, x * y)
DEFINE_SCAN(f32_maximum, float, float, 0, x > y || x != x ? x : y)
DEFINE_SCAN(f64_maximum, double, double, 0, x > y || x != x ? x : y)
DEFINE_SCAN(i64_maximum, int64_t, int64_t, 0, x > y ? x : y)
DEFINE_SCAN(f32_minimum, float, float, 0, x < y || x != x ? x : y)
DEFINE_SCAN(f64_minimum, double, double, 0, x < y || x != x ? x : y)
DEFINE_SCAN(i64_minimum, int64_t, int64_t, 0, x < y ? x : y)

#define SCANS(reducer, name)                              \
  [GRAFT_REDUCE_##reducer] = {                            \
      [GRAFT_TYPE_F32] = f32_##name,                      \
      [GRAFT_TYPE_F64] = f64_##name,                      \
      [GRAFT_TYPE_I64] = i64_##name,                      \
  }

GraftScan *graft_scan(GraftReducer reducer, GraftType type) {
  static GraftScan *const scans[GRAFT_REDUCE_COUNT][GRAFT_TYPE_COUNT] = {
      SCANS(SUM, sum), SCANS(PRODUCT, product), SCANS(MAXIMUM, maximum), SCANS(MINIMUM, minimum),
  };
  return scans[reducer][type];
}

void graft_gather_rows(
    void *dst, size_t dst_stride, const void *src, size_t src_stride, const int64_t *indices, size_t count,
    size_t bytes) {
  if (bytes == 0) return;
  for (size_t i = 0; i < count; i++) {
    memcpy((char *)dst + i * dst_stride, (const char *)src + (size_t)indices[i] * src_stride, bytes);
  }
}
