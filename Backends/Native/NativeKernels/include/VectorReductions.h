#ifndef GRAFT_NATIVE_KERNELS_VECTOR_REDUCTIONS_H
#define GRAFT_NATIVE_KERNELS_VECTOR_REDUCTIONS_H

#include "Vector.h"

#pragma clang assume_nonnull begin

/// What becomes of the elements along an axis.
typedef enum GraftReducer {
  /// float32 and float64 in their type, int32 and int64 in int64; 0 for no elements.
  GRAFT_REDUCE_SUM,
  /// float32 and float64 in their type.
  GRAFT_REDUCE_SUM_OF_SQUARES,
  /// As the sum; 1 for no elements.
  GRAFT_REDUCE_PRODUCT,
  /// All types but halves, in their type; NaN if any is, the least number of the type for no elements. For booleans
  /// this is whether any is true.
  GRAFT_REDUCE_MAXIMUM,
  /// The greatest number of the type for no elements. For booleans this is whether all are true.
  GRAFT_REDUCE_MINIMUM,
  /// The place of the first maximum in int64, where NaN is greater than all numbers; 0 for no elements. For float32,
  /// float64, int32 and int64, and less than 2^31 elements.
  GRAFT_REDUCE_ARGMAX,
  /// The place of the first minimum, where NaN is less than all numbers.
  GRAFT_REDUCE_ARGMIN,
  GRAFT_REDUCE_COUNT,
} GraftReducer;

/// Reduces a matrix along one of its axes to a dense vector of `count` results; `stride` counts elements between rows.
typedef void GraftReduction(void *dst, const void *src, size_t stride, size_t count, size_t n);

/// The reduction of each of `count` dense rows of `n` elements; NULL if there is none for `type`.
GraftReduction *_Nullable graft_row_reduction(GraftPath path, GraftReducer reducer, GraftType type);

/// The reduction of each of `count` adjacent columns of `n` rows; NULL if there is none for `type`.
GraftReduction *_Nullable graft_column_reduction(GraftPath path, GraftReducer reducer, GraftType type);

/// A running reduction of elements with strides: each result is that of the elements up to its own.
typedef void GraftScan(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, size_t n);

/// The scan for a sum, product, maximum or minimum of float32, float64 or int64, in that type; sums and products of
/// float32 run in double. NULL if there is none.
GraftScan *_Nullable graft_scan(GraftReducer reducer, GraftType type);

/// Copies `count` rows of `bytes` each, row `indices[i]` of `src` to row i of `dst`; strides count bytes.
void graft_gather_rows(
    void *dst, size_t dst_stride, const void *src, size_t src_stride, const int64_t *indices, size_t count,
    size_t bytes);

#pragma clang assume_nonnull end

#endif
