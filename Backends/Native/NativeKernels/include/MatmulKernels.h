#ifndef GRAFT_NATIVE_KERNELS_MATMUL_KERNELS_H
#define GRAFT_NATIVE_KERNELS_MATMUL_KERNELS_H

#include <stddef.h>

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
} GraftBlock;

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
      const GraftMatmul *shape, const float *a, const float *packed, float *c, GraftBlock block,
      const GraftEpilogue *epilogue, void *scratch);
  /// Computes `block` of a times b, packing b as it goes; for a b that is used once. The same bits as packed.
  void (*matmul_unpacked)(
      const GraftMatmul *shape, const float *a, const float *b, ptrdiff_t b_row, ptrdiff_t b_column, float *c,
      GraftBlock block, const GraftEpilogue *epilogue, void *scratch);
} GraftMatmulKernels;

/// The kernels of a path; those of the baseline for a path that the architecture has not.
const GraftMatmulKernels *graft_matmul_kernels(GraftPath path);

#pragma clang assume_nonnull end

#endif
