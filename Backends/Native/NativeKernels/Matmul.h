// Matrix products.

static size_t packed_count(size_t k, size_t n) { return k * divide_up(n, PANEL) * PANEL; }

static size_t matmul_scratch_bytes(void) { return (STAGED_COLUMNS + RIGHT_BLOCK) * sizeof(float); }

/// One panel, depths `from` ..< `to`, of a right operand whose columns are contiguous.
static void pack_rows(const float *b, ptrdiff_t b_row, size_t from, size_t to, int width, float *packed) {
  for (size_t i = from; i < to; i++, packed += PANEL) {
    const float *row = b + (ptrdiff_t)i * b_row;
    store(packed, load_first(row, width));
    store(packed + LANES, width > LANES ? load_first(row + LANES, width - LANES) : splat(0));
  }
}

/// The same where the rows are contiguous.
static void pack_columns(const float *b, ptrdiff_t b_column, size_t from, size_t to, int width, float *packed) {
  for (size_t i = from; i < to; i += LANES, packed += LANES * PANEL) {
    const int depth = (int)min_size(LANES, to - i);
    for (int half = 0; half < PANEL; half += LANES) {
      V square[LANES];
      for (int c = 0; c < LANES; c++) {
        square[c] = half + c < width ? load_first(b + (half + c) * b_column + (ptrdiff_t)i, depth) : splat(0);
      }
      transpose(square);
      for (int d = 0; d < depth; d++) store(packed + d * PANEL + half, square[d]);
    }
  }
}

static void pack_panel(
    const float *b, ptrdiff_t b_row, ptrdiff_t b_column, size_t from, size_t to, int width, float *packed) {
  if (b_column == 1) {
    pack_rows(b, b_row, from, to, width, packed);
  } else if (b_row == 1) {
    pack_columns(b, b_column, from, to, width, packed);
  } else {
    for (size_t i = from; i < to; i++, packed += PANEL) {
      for (int c = 0; c < PANEL; c++) packed[c] = c < width ? b[(ptrdiff_t)i * b_row + c * b_column] : 0;
    }
  }
}

static void pack_b(
    const float *b, ptrdiff_t b_row, ptrdiff_t b_column, size_t k, size_t n, size_t panel_begin, size_t panel_end,
    float *packed) {
  for (size_t p = panel_begin; p < panel_end; p++) {
    const int width = (int)min_size(PANEL, n - p * PANEL);
    pack_panel(b + (ptrdiff_t)(p * PANEL) * b_column, b_row, b_column, 0, k, width, packed + p * k * PANEL);
  }
}

typedef struct {
  const float *a;
  ptrdiff_t row, column;
  bool in_place;
} LeftMatrix;

/// Copies `count` elements; writes zeros behind them up to a whole vector.
ALWAYS_INLINE void copy_run(float *to, const float *from, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(to + i, load(from + i));
  if (i < count) store(to + i, load_first(from + i, (int)(count - i)));
}

/// Rows that are columns in memory: those of several tiles, as what lies side by side is in the same cache lines.
ALWAYS_INLINE void stage_columns(
    const LeftMatrix *left, const RowCut *cut, size_t first, size_t from, size_t to, float *buffer) {
  const size_t end = min_size(first + STAGED_TILES, cut->tiles);
  size_t begins[STAGED_TILES + 1];
  for (size_t t = first; t <= end; t++) begins[t - first] = tile_begin(cut, t);
  const float *column = left->a + (ptrdiff_t)from * left->column;
  for (size_t i = 0; i < to - from; i++, column += left->column, buffer += TILE_ROWS) {
    for (size_t t = 0; t < end - first; t++) {
      const float *rows = column + begins[t];
      float *staged = buffer + t * STAGED_TILE;
      const int count = (int)(begins[t + 1] - begins[t]);
      __builtin_prefetch(rows + PREFETCHED_COLUMNS * left->column);
      for (int r = 0; r < count; r += LANES) store_first(staged + r, load_first(rows + r, count - r), count - r);
    }
  }
}

ALWAYS_INLINE StagedRows stage_matrix(
    const void *context, const RowCut *cut, size_t t, size_t from, size_t to, float *buffer) {
  const LeftMatrix *left = context;
  if (left->column != 1 && left->row == 1) {
    if (t % STAGED_TILES == 0) stage_columns(left, cut, t, from, to, buffer);
    return (StagedRows){.start = buffer + t % STAGED_TILES * STAGED_TILE, .row = TILE_ROWS, .by_depth = true};
  }
  const int rows = tile_rows(cut, t);
  const float *a = left->a + (ptrdiff_t)tile_begin(cut, t) * left->row + (ptrdiff_t)from * left->column;
  if (left->in_place) return (StagedRows){.start = a, .row = left->row};
  for (int r = 0; r < rows; r++, a += left->row) {
    float *staged = buffer + r * STAGED_ROW;
    if (left->column == 1) {
      copy_run(staged, a, to - from);
    } else {
      for (size_t i = 0; i < to - from; i++) staged[i] = a[(ptrdiff_t)i * left->column];
    }
  }
  return (StagedRows){.start = buffer, .row = STAGED_ROW};
}

typedef struct {
  const float *packed;
  size_t depth;
} PackedRight;

ALWAYS_INLINE const float *packed_panels(
    const void *context, size_t p0, size_t p1, size_t from, size_t to, float *buffer, ptrdiff_t *stride) {
  const PackedRight *right = context;
  *stride = (ptrdiff_t)(right->depth * PANEL);
  return right->packed + p0 * right->depth * PANEL + from * PANEL;
}

typedef struct {
  const float *b;
  ptrdiff_t row, column;
  size_t n;
} RightMatrix;

ALWAYS_INLINE const float *stage_panels(
    const void *context, size_t p0, size_t p1, size_t from, size_t to, float *buffer, ptrdiff_t *stride) {
  const RightMatrix *right = context;
  const size_t size = (to - from) * PANEL;
  for (size_t p = p0; p < p1; p++) {
    const float *b = right->b + (ptrdiff_t)(p * PANEL) * right->column;
    const int width = (int)min_size(PANEL, right->n - p * PANEL);
    pack_panel(b, right->row, right->column, from, to, width, buffer + (p - p0) * size);
  }
  *stride = (ptrdiff_t)size;
  return buffer;
}

/// Left rows are read in place unless so many would share a cache set that they evict each other.
static LeftMatrix left_matrix(const GraftMatmul *shape, const float *a) {
  return (LeftMatrix){a, shape->a_row, shape->a_column, shape->a_column == 1 && shape->a_row % 512 != 0};
}

static void matmul(
    const GraftMatmul *shape, const float *a, const float *packed, float *c, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const LeftMatrix left = left_matrix(shape, a);
  const PackedRight right = {packed, shape->k};
  const GraftEpilogue finished = bounded(epilogue);
  const Output output = {c, shape->c_row, &finished, shape->n};
  product(stage_matrix, &left, packed_panels, &right, shape->k, &output, block, scratch);
}

static void matmul_unpacked(
    const GraftMatmul *shape, const float *a, const float *b, ptrdiff_t b_row, ptrdiff_t b_column, float *c,
    GraftOutputBlock block, const GraftEpilogue *epilogue, void *scratch) {
  const LeftMatrix left = left_matrix(shape, a);
  const RightMatrix right = {b, b_row, b_column, shape->n};
  const GraftEpilogue finished = bounded(epilogue);
  const Output output = {c, shape->c_row, &finished, shape->n};
  product(stage_matrix, &left, stage_panels, &right, shape->k, &output, block, scratch);
}
