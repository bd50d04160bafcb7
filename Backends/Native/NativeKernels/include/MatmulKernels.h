#ifndef GRAFT_NATIVE_KERNELS_MATMUL_KERNELS_H
#define GRAFT_NATIVE_KERNELS_MATMUL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "AttentionShape.h"
#include "ConvShape.h"
#include "MatmulEpilogue.h"
#include "Path.h"

#pragma clang assume_nonnull begin

/// The sizes of c [m, n] = a [m, k] x b [k, n], and the strides of a and c in elements. c's columns are contiguous.
typedef struct {
  size_t k;
  size_t n;
  ptrdiff_t a_row;
  ptrdiff_t a_column;
  ptrdiff_t c_row;
} GraftMatmul;

/// The part of an output that one call computes: a range of rows, and one of panels of columns. Panel p holds the
/// columns p * panel_width ..< min((p + 1) * panel_width, n). Results have the same bits however an output is cut.
typedef struct {
  size_t row_begin;
  size_t row_end;
  size_t panel_begin;
  size_t panel_end;
} GraftOutputBlock;

/// The kernels of one path for float32. They allocate nothing and start no threads. Scratch is the caller's, one per
/// concurrent call, aligned for floats; 64 bytes are best.
typedef struct {
  /// Columns of a panel.
  size_t panel_width;
  /// Rows that are computed at a time: cuts at multiples of it are the most efficient.
  size_t tile_rows;

  /// The number of floats that b [k, n] has when it is packed: panels one after another, each k rows of panel_width
  /// columns, zeros behind column n.
  size_t (*packed_count)(size_t k, size_t n);
  /// Packs panels `panel_begin` ..< `panel_end` of b [k, n] into their places in `packed`.
  void (*pack_b)(
      const float *b, ptrdiff_t b_row, ptrdiff_t b_column, size_t k, size_t n, size_t panel_begin, size_t panel_end,
      float *packed);
  /// What `matmul` and `matmul_unpacked` need.
  size_t (*matmul_scratch_bytes)(void);
  /// Computes `block` of a times the packed b.
  void (*matmul)(
      const GraftMatmul *shape, const float *a, const float *packed, float *c, GraftOutputBlock block,
      const GraftEpilogue *epilogue, void *scratch);
  /// Computes `block` of a times b, packing b as it goes; for a b that is used once. The same bits as packed.
  void (*matmul_unpacked)(
      const GraftMatmul *shape, const float *a, const float *b, ptrdiff_t b_row, ptrdiff_t b_column, float *c,
      GraftOutputBlock block, const GraftEpilogue *epilogue, void *scratch);

  /// Panels of a convolution: each group has its own, the last of which may be partial.
  size_t (*conv_panels)(const GraftConv *shape);
  /// The number of floats that a convolution's weight has when it is packed.
  size_t (*conv_packed_count)(const GraftConv *shape);
  /// Packs panels `panel_begin` ..< `panel_end` of a weight [out_channels, in_channels / groups, depth, height, width]
  /// of these strides into their places in `packed`.
  void (*conv_pack)(
      const GraftConv *shape, const float *weight, const ptrdiff_t stride[_Nonnull 5], size_t panel_begin,
      size_t panel_end, float *packed);
  size_t (*conv_scratch_bytes)(void);
  /// Computes `block` of a convolution: rows are output pixels, panels those of `conv_panels`.
  void (*conv)(
      const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
      const GraftEpilogue *epilogue, void *scratch);

  /// Panels of a depthwise convolution, where each group has one input channel.
  size_t (*depthwise_panels)(const GraftConv *shape);
  /// The number of floats that a depthwise convolution's weight has when it is packed.
  size_t (*depthwise_packed_count)(const GraftConv *shape);
  /// Packs a weight [out_channels, 1, depth, height, width] of these strides.
  void (*depthwise_pack)(
      const GraftConv *shape, const float *weight, const ptrdiff_t stride[_Nonnull 5], float *packed);
  size_t (*depthwise_scratch_bytes)(const GraftConv *shape);
  /// Computes `block` of a depthwise convolution: rows are output pixels, panels those of `depthwise_panels`. Cuts
  /// between lines of pixels, some lines apart, are the most efficient.
  void (*depthwise)(
      const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
      const GraftEpilogue *epilogue, void *scratch);

  /// Output pixels of a tile of minimal filtering.
  size_t winograd_height;
  size_t winograd_width;
  /// Whether a convolution is one of 3 x 3 taps that minimal filtering makes faster. The functions below are for these.
  bool (*winograd_applies)(const GraftConv *shape);
  /// Lines of tiles, each of which is `winograd_height` lines of output pixels; the last of an image may be fewer.
  size_t (*winograd_tile_lines)(const GraftConv *shape);
  /// The number of floats that the weight has when it is transformed and packed.
  size_t (*winograd_packed_count)(const GraftConv *shape);
  /// Transforms and packs panels `panel_begin` ..< `panel_end` of a weight of these strides.
  void (*winograd_pack)(
      const GraftConv *shape, const float *weight, const ptrdiff_t stride[_Nonnull 5], size_t panel_begin,
      size_t panel_end, float *packed);
  size_t (*winograd_scratch_bytes)(const GraftConv *shape);
  /// Computes `block` of a convolution: rows are lines of tiles, panels those of `conv_panels`.
  void (*winograd)(
      const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
      const GraftEpilogue *epilogue, void *scratch);

  /// The number of floats that the keys and values of a head have when they are packed.
  size_t (*attention_packed_count)(const GraftAttention *shape);
  /// Packs keys and values `key_begin` ..< `key_end`; cuts lie at multiples of panel_width.
  void (*attention_pack)(
      const GraftAttention *shape, const float *k, const float *v, size_t key_begin, size_t key_end, float *packed);
  size_t (*attention_scratch_bytes)(const GraftAttention *shape);
  /// Attention of queries `query_begin` ..< `query_end`; cuts lie at multiples of tile_rows. `q`, `mask` and `out` are
  /// the whole head's. The mask may be NULL where the shape has none.
  void (*attention)(
      const GraftAttention *shape, const float *q, const float *packed, const void *_Nullable mask, float *out,
      size_t query_begin, size_t query_end, void *scratch);
  /// The same over keys and values in place, for a few queries, cut anywhere. Its bits differ from `attention`'s.
  void (*attention_direct)(
      const GraftAttention *shape, const float *q, const float *k, const float *v, const void *_Nullable mask,
      float *out, size_t query_begin, size_t query_end, void *scratch);

  size_t (*attention_gradient_scratch_bytes)(const GraftAttention *shape);
  /// Starts the way back through the queries' heads that share these keys and values, with zeros for their gradients.
  void (*attention_gradient_start)(const GraftAttention *shape, const float *k, const float *v, void *scratch);
  /// Adds what one head of queries sends to keys and values, and writes the gradients of the queries, unless NULL.
  void (*attention_gradient)(
      const GraftAttentionGradient *shape, const float *q, const float *cotangent, const void *_Nullable mask,
      float *_Nullable dq, void *scratch);
  /// Writes the gradients of keys and values, unless NULL.
  void (*attention_gradient_end)(
      const GraftAttentionGradient *shape, float *_Nullable dk, float *_Nullable dv, void *scratch);
} GraftMatmulKernels;

/// The kernels of a path; those of the baseline for a path that the architecture has not.
const GraftMatmulKernels *graft_matmul_kernels(GraftPath path);

#pragma clang assume_nonnull end

#endif
