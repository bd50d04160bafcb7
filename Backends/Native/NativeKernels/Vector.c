#include "VectorTables.h"

const GraftVectorTables *graft_vector_tables(GraftPath path) {
  switch (path) {
#if defined(__x86_64__)
    case GRAFT_AVX512: return &graft_vector_avx512;
    case GRAFT_AVX2: return &graft_vector_avx2;
#endif
    default: return &graft_vector_baseline;
  }
}

GraftBlock *graft_block(GraftPath path, GraftOperator op, GraftType type) {
  return graft_vector_tables(path)->blocks[op][type];
}

GraftBlock *graft_cast(GraftPath path, GraftType from, GraftType to) {
  return graft_vector_tables(path)->casts[from][to];
}

size_t graft_type_size(GraftType type) {
  static const unsigned char sizes[GRAFT_TYPE_COUNT] = {
      [GRAFT_TYPE_BOOL] = 1, [GRAFT_TYPE_U8] = 1,  [GRAFT_TYPE_I8] = 1,   [GRAFT_TYPE_I16] = 2, [GRAFT_TYPE_I32] = 4,
      [GRAFT_TYPE_I64] = 8,  [GRAFT_TYPE_F16] = 2, [GRAFT_TYPE_BF16] = 2, [GRAFT_TYPE_F32] = 4, [GRAFT_TYPE_F64] = 8,
      [GRAFT_TYPE_U16] = 2,  [GRAFT_TYPE_U32] = 4, [GRAFT_TYPE_U64] = 8,
  };
  return sizes[type];
}

const GraftMoves *graft_moves(GraftPath path, size_t width) {
  if (width == 0 || width > 8 || (width & (width - 1)) != 0) return NULL;
  return &graft_vector_tables(path)->moves[__builtin_ctzl(width)];
}

const GraftRows *graft_rows(GraftPath path, GraftType type) {
  const GraftVectorTables *tables = graft_vector_tables(path);
  return type == GRAFT_TYPE_F32 ? &tables->f32_rows : type == GRAFT_TYPE_F64 ? &tables->f64_rows : NULL;
}

GraftReduction *graft_row_reduction(GraftPath path, GraftReducer reducer, GraftType type) {
  return graft_vector_tables(path)->reductions[reducer][type].rows;
}

GraftReduction *graft_column_reduction(GraftPath path, GraftReducer reducer, GraftType type) {
  return graft_vector_tables(path)->reductions[reducer][type].columns;
}

const GraftPooling *graft_pooling(GraftPath path) {
  return &graft_vector_tables(path)->pooling;
}
