#ifndef GRAFT_NATIVE_KERNELS_VECTOR_ROWS_H
#define GRAFT_NATIVE_KERNELS_VECTOR_ROWS_H

#include "Vector.h"

#pragma clang assume_nonnull begin

/// Kernels over matrices of one floating type. Rows are dense and strides count elements between them. `dst` may be
/// `src` with the same stride, and overlaps nothing otherwise.
///
/// The error of a sum grows with the logarithm of the number of its terms. Means of no elements are NaN.
typedef struct GraftRows {
  /// exp(x) over the sum of exp(x) along each row.
  void (*softmax)(void *dst, size_t dst_stride, const void *src, size_t src_stride, size_t rows, size_t n);
  /// The logarithm of the former.
  void (*log_softmax)(void *dst, size_t dst_stride, const void *src, size_t src_stride, size_t rows, size_t n);
  /// The logarithm of the sum of exp(x) along each row: one number each.
  void (*logsumexp)(void *dst, const void *src, size_t src_stride, size_t rows, size_t n);
  /// (x - mean) / sqrt(variance + epsilon) * weight + bias along each row; `weight` and `bias` have `n` elements.
  void (*layer_norm)(
      void *dst, size_t dst_stride, const void *src, size_t src_stride, const void *_Nullable weight,
      const void *_Nullable bias, double epsilon, size_t rows, size_t n);
  /// From the cotangent of a layer norm's result, that of x [rows, n], dense, and the sums over the rows of those of weight
  /// and bias, `n` numbers each, unless NULL. `dst` may be `cotangent` or `src` where that is dense.
  void (*layer_norm_gradient)(
      void *dst, void *_Nullable weight_sums, void *_Nullable bias_sums, const void *cotangent, size_t cotangent_stride,
      const void *src, size_t src_stride, const void *_Nullable weight, double epsilon, size_t rows, size_t n);
  /// x / sqrt(mean of x^2 + epsilon) * weight along each row.
  void (*rms_norm)(
      void *dst, size_t dst_stride, const void *src, size_t src_stride, const void *_Nullable weight, double epsilon,
      size_t rows, size_t n);

  /// The mean and the variance of each row, the sum of squared deviations divided by their number.
  void (*row_moments)(void *mean, void *variance, const void *src, size_t stride, size_t rows, size_t n);
  /// Those of each column.
  void (*column_moments)(void *mean, void *variance, const void *src, size_t stride, size_t rows, size_t columns);
  /// Those of each group of `width` adjacent columns.
  void (*group_moments)(
      void *mean, void *variance, const void *src, size_t stride, size_t rows, size_t groups, size_t width);
  /// (x - mean) * scale + shift, where each row has these numbers.
  void (*scale_rows)(
      void *dst, size_t dst_stride, const void *src, size_t src_stride, const void *mean, const void *scale,
      const void *shift, size_t rows, size_t n);
  /// The same where each column has them.
  void (*scale_columns)(
      void *dst, size_t dst_stride, const void *src, size_t src_stride, const void *mean, const void *scale,
      const void *shift, size_t rows, size_t columns);
} GraftRows;

/// The kernels for `GRAFT_TYPE_F32` and `GRAFT_TYPE_F64`; NULL for other types.
const GraftRows *_Nullable graft_rows(GraftPath path, GraftType type);

#pragma clang assume_nonnull end

#endif
