#ifndef GRAFT_NATIVE_KERNELS_VECTOR_TABLES_H
#define GRAFT_NATIVE_KERNELS_VECTOR_TABLES_H

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "include/Vector.h"
#include "include/VectorPool.h"
#include "include/VectorReductions.h"
#include "include/VectorRows.h"

/// The vector kernels of one path.
typedef struct GraftVectorTables {
  GraftBlock *blocks[GRAFT_OP_COUNT][GRAFT_TYPE_COUNT];
  GraftBlock *casts[GRAFT_TYPE_COUNT][GRAFT_TYPE_COUNT];
  /// By the binary logarithm of the width.
  GraftMoves moves[4];
  GraftRows f32_rows, f64_rows;
  GraftPooling pooling;
  struct {
    GraftReduction *rows, *columns;
  } reductions[GRAFT_REDUCE_COUNT][GRAFT_TYPE_COUNT];
} GraftVectorTables;

extern const GraftVectorTables graft_vector_baseline;
#if defined(__x86_64__)
extern const GraftVectorTables graft_vector_avx2;
extern const GraftVectorTables graft_vector_avx512;
#endif

/// Those of `path`; of the baseline where the architecture lacks it.
const GraftVectorTables *graft_vector_tables(GraftPath path);

#endif
