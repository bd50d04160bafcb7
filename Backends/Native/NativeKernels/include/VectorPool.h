#ifndef GRAFT_NATIVE_KERNELS_VECTOR_POOL_H
#define GRAFT_NATIVE_KERNELS_VECTOR_POOL_H

#include "Vector.h"

#pragma clang assume_nonnull begin

/// The geometry of pooling over dense images [height, width, channels] of float32. Windows of `dilation` 1 are adjacent
/// elements; what lies outside of an image counts as absent, but for averages that include the padding.
typedef struct GraftPool {
  size_t height, width, channels;
  size_t out_height, out_width;
  size_t kernel_height, kernel_width;
  size_t stride_height, stride_width;
  size_t dilation_height, dilation_width;
  /// Above and to the left.
  size_t padding_top, padding_left;
  /// Below and to the right; of use only to averages that include the padding.
  size_t padding_bottom, padding_right;
} GraftPool;

/// Pooling of some of the rows of all results: row r is row r % out_height of image r / out_height. `dst` and `src` are
/// where the first image starts.
typedef struct GraftPooling {
  /// The greatest element of each window, NaN if any is; minus infinity of none. `places`, unless it is NULL, becomes
  /// where in its image that is, y * width + x of the first one, or of the last that is NaN.
  void (*max_pool)(
      float *dst, int64_t *_Nullable places, const float *src, const GraftPool *pool, size_t first, size_t rows);
  /// The sum of each window over `divisor`, or, where that is 0, over the number of its elements that lie in the image,
  /// or in the image and the padding. 0 of none.
  void (*average_pool)(
      float *dst, const float *src, const GraftPool *pool, double divisor, _Bool includes_padding, size_t first,
      size_t rows);
} GraftPooling;

/// The kernels of `path`.
const GraftPooling *graft_pooling(GraftPath path);

#pragma clang assume_nonnull end

#endif
