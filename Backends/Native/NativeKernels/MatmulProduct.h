// Products over staged left rows and panels of the right operand, with what happens to the result.

/// Where the result of a product goes.
typedef struct {
  float *c;
  ptrdiff_t c_row;
  /// Rows and columns of the residual correspond to those of c.
  const GraftEpilogue *epilogue;
  /// Columns in all.
  size_t n;
} Output;

/// Where a rectified result is a bounded one, the bounds say it.
static GraftEpilogue bounded(const GraftEpilogue *epilogue) {
  GraftEpilogue e = *epilogue;
  if ((e.activation == GRAFT_RELU || e.activation == GRAFT_RELU6) && !(e.residual && e.residual_last)) {
    const float low = 0, high = e.activation == GRAFT_RELU6 ? 6 : __builtin_inff();
    e.low = e.low < low ? low : e.low > high ? high : e.low;
    e.high = e.high > high ? high : e.high < low ? low : e.high;
    e.activation = GRAFT_IDENTITY;
  }
  return e;
}

/// Writes `count` of LANES sums, added to what c holds unless `first`, and complete if `last`.
ALWAYS_INLINE void finish_vector(
    const GraftEpilogue *e, V sum, V bias, const float *residual, float *c, int count, bool first, bool last) {
  V v = sum * e->alpha;
  if (!first) v = v + load_first(c, count);
  if (last) {
    v = v + bias;
    if (residual && !e->residual_last) v = v + load_first(residual, count);
    if (e->activation != GRAFT_IDENTITY) v = activate(e->activation, v);
    if (residual && e->residual_last) v = v + load_first(residual, count);
    v = at_most(at_least(v, splat(e->low)), splat(e->high));
  }
  store_first(c, v, count);
}

/// Writes the sums of a tile, rows of PANEL, to rows from `row` on and `width` columns from `column` on.
static void finish(
    const Output *output, const float *sums, int rows, size_t row, size_t column, int width, bool first, bool last) {
  const GraftEpilogue e = *output->epilogue;
  const ptrdiff_t c_row = output->c_row;
  float *c = output->c + (ptrdiff_t)row * c_row + column;
  const float *residual = e.residual ? e.residual + (ptrdiff_t)row * e.residual_row + column : NULL;
  for (int v = 0; v < width; v += LANES) {
    const int count = min_int(width - v, LANES);
    const V bias = e.bias ? load_first(e.bias + column + v, count) : splat(0);
    const float *r = residual ? residual + v : NULL;
    float *to = c + v;
    if (count == LANES) {
      for (int i = 0; i < rows; i++, to += c_row) {
        finish_vector(&e, load(sums + i * PANEL + v), bias, r, to, LANES, first, last);
        if (r) r += e.residual_row;
      }
    } else {
      for (int i = 0; i < rows; i++, to += c_row) {
        finish_vector(&e, load(sums + i * PANEL + v), bias, r, to, count, first, last);
        if (r) r += e.residual_row;
      }
    }
  }
}

/// Whether a tile can do it all while its sums are in registers. Where the sums are in parts, the bias and the residual
/// come with the first.
static bool is_simple(const GraftEpilogue *e) {
  return e->alpha == 1 && e->activation == GRAFT_IDENTITY && !(e->residual && (e->residual_last || e->accumulate));
}

/// A tile from `row` and `column` on, of a part of the depth: the first, the last, one between, or all.
static TileEnd simple_end(const Output *output, size_t row, size_t column, bool first, bool last) {
  const GraftEpilogue *e = output->epilogue;
  TileEnd end = {.out = output->c + (ptrdiff_t)row * output->c_row + column, .out_row = output->c_row};
  if (!first || e->accumulate) {
    end.base = end.out;
    end.base_row = end.out_row;
  } else if (e->residual) {
    end.base = e->residual + (ptrdiff_t)row * e->residual_row + column;
    end.base_row = e->residual_row;
  }
  if (first && e->bias) end.bias = e->bias + column;
  end.is_clamped = last && !(e->low == -__builtin_inff() && e->high == __builtin_inff());
  end.low = e->low;
  end.high = e->high;
  return end;
}

/// Rows cut into tiles of about the same height.
typedef struct {
  size_t begin, count, tiles;
} RowCut;

/// The first row of a tile, or the end of the last one.
ALWAYS_INLINE size_t tile_begin(const RowCut *cut, size_t t) { return cut->begin + cut->count * t / cut->tiles; }

ALWAYS_INLINE int tile_rows(const RowCut *cut, size_t t) { return (int)(tile_begin(cut, t + 1) - tile_begin(cut, t)); }

/// The left rows of tile `t` at depths `from` ..< `to`. Called for each tile in order; `buffer` stays as it was left, and
/// has room for STAGED elements, or for STAGED_COLUMNS where the right operand is a matrix.
typedef StagedRows StageLeft(
    const void *context, const RowCut *cut, size_t t, size_t from, size_t to, float *buffer);

/// The right operand's panels `p0` ..< `p1` at depths `from` ..< `to`: their address, and in `stride` how far apart
/// they are. `buffer` has room for RIGHT_BLOCK elements.
typedef const float *StageRight(
    const void *context, size_t p0, size_t p1, size_t from, size_t to, float *buffer, ptrdiff_t *stride);

/// What a product's loops share.
typedef struct {
  const Output *output;
  bool is_simple;
} Product;

/// Computes one tile of the output from staged left rows and a panel.
ALWAYS_INLINE void product_tile(
    const Product *product, size_t depth, StagedRows left, int rows, const float *panel, size_t row, size_t column,
    bool first, bool last) {
  const Output *output = product->output;
  const int width = (int)min_size(PANEL, output->n - column);
  Tile *kernel = tile_kernel(rows, left, width);
  if (product->is_simple && width % LANES == 0) {
    const TileEnd end = simple_end(output, row, column, first, last);
    kernel(depth, left, panel, &end);
    return;
  }
  float sums[TILE_ROWS * PANEL];
  const TileEnd end = {.out = sums, .out_row = PANEL};
  kernel(depth, left, panel, &end);
  finish(output, sums, rows, row, column, width, first && !output->epilogue->accumulate, last);
}

/// Computes ROW_PANELS whole panels of one row of the output.
ALWAYS_INLINE void product_row(
    const Product *product, size_t depth, const float *left, const float *panel, ptrdiff_t panel_stride, size_t row,
    size_t column, bool first, bool last) {
  const Output *output = product->output;
  float sums[ROW_PANELS * PANEL];
  TileEnd ends[ROW_PANELS];
  for (size_t p = 0; p < ROW_PANELS; p++) {
    ends[p] = product->is_simple ? simple_end(output, row, column + p * PANEL, first, last)
                                 : (TileEnd){.out = sums + p * PANEL, .out_row = PANEL};
  }
  row_tile(depth, left, panel, panel_stride, ends);
  if (product->is_simple) return;
  for (size_t p = 0; p < ROW_PANELS; p++) {
    const bool starts = first && !output->epilogue->accumulate;
    finish(output, sums + p * PANEL, 1, row, column + p * PANEL, PANEL, starts, last);
  }
}

/// Computes `block` of the output. Each element is a sum over blocks of DEPTH of sums in order, whatever the block is.
/// `scratch` has room for STAGED_COLUMNS + RIGHT_BLOCK elements, only for what `left` needs if `right` needs none.
ALWAYS_INLINE void product(
    StageLeft *left, const void *left_context, StageRight *right, const void *right_context, size_t depth,
    const Output *output, GraftOutputBlock block, float *scratch) {
  if (block.row_begin >= block.row_end) return;
  const Product product = {output, is_simple(output->epilogue)};
  const size_t blocks = depth ? divide_up(depth, DEPTH) : 1;
  const size_t step = divide_up(divide_up(depth, blocks), 8) * 8;
  const size_t group = step ? RIGHT_BLOCK / (step * PANEL) : 1;
  const size_t count = block.row_end - block.row_begin;
  const RowCut cut = {block.row_begin, count, divide_up(count, TILE_ROWS)};

  for (size_t p0 = block.panel_begin; p0 < block.panel_end; p0 += group) {
    const size_t p1 = min_size(p0 + group, block.panel_end);
    for (size_t b = 0; b < blocks; b++) {
      const size_t from = min_size(b * step, depth), to = min_size(from + step, depth);
      ptrdiff_t right_stride;
      const float *panels = right(right_context, p0, p1, from, to, scratch + STAGED_COLUMNS, &right_stride);
      for (size_t t = 0; t < cut.tiles; t++) {
        const size_t row = tile_begin(&cut, t);
        const StagedRows staged = left(left_context, &cut, t, from, to, scratch);
        for (size_t p = p0; p < p1; p++) {
          const float *panel = panels + (ptrdiff_t)(p - p0) * right_stride;
          const bool first = b == 0, last = b + 1 == blocks;
          if (count == 1 && !staged.by_depth && p + ROW_PANELS <= p1 && (p + ROW_PANELS) * PANEL <= output->n) {
            product_row(&product, to - from, staged.start, panel, right_stride, row, p * PANEL, first, last);
            p += ROW_PANELS - 1;
          } else {
            product_tile(&product, to - from, staged, tile_rows(&cut, t), panel, row, p * PANEL, first, last);
          }
        }
      }
    }
  }
}
