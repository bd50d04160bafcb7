#ifndef GRAFT_NATIVE_KERNELS_ATTENTION_SHAPE_H
#define GRAFT_NATIVE_KERNELS_ATTENTION_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// What a mask's elements are.
typedef enum GraftMask {
  GRAFT_MASK_NONE,
  /// One byte each; the key takes part where it is not 0.
  GRAFT_MASK_BOOLEAN,
  /// Floats that are added to the scaled scores; -inf excludes a key.
  GRAFT_MASK_FLOAT,
} GraftMask;

/// Attention of one head: out [queries, value_width] = softmax(scale * q k^T + mask) v, where q is [queries, width], k
/// [keys, width], v [keys, value_width] and the mask [queries, keys]. A query that sees no key yields zeros. Strides
/// are in elements; except for the mask's, columns are contiguous.
typedef struct {
  size_t queries;
  size_t keys;
  size_t width;
  size_t value_width;
  float scale;
  /// Query t sees only the keys s <= t + diagonal.
  bool causal;
  ptrdiff_t diagonal;
  ptrdiff_t q_row;
  ptrdiff_t k_row;
  ptrdiff_t v_row;
  ptrdiff_t out_row;
  GraftMask mask;
  /// 0 where the mask is broadcast.
  ptrdiff_t mask_row;
  ptrdiff_t mask_column;
} GraftAttention;

/// The way back through attention, whose result is not needed: from the cotangent of the result [queries, value_width] to
/// those of q, k and v. Columns are contiguous.
typedef struct {
  GraftAttention forward;
  ptrdiff_t cotangent_row;
  ptrdiff_t dquery_row;
  ptrdiff_t dkey_row;
  ptrdiff_t dvalue_row;
} GraftAttentionGradient;

#pragma clang assume_nonnull end

#endif
