// The inner loops of products: a tile of up to TILE_ROWS rows and PANEL columns, held in registers.

enum {
  PANEL = 2 * LANES,
#if LANES == 16 || defined(__aarch64__)
  TILE_ROWS = 12,
#else
  TILE_ROWS = 6,
#endif
  /// Depth of a product that is summed in registers; longer ones are sums of such blocks.
  DEPTH = 512,
  /// From row to row of staged left rows; not a power of two, so that rows do not share cache sets.
  STAGED_ROW = DEPTH + 16,
  STAGED = TILE_ROWS * STAGED_ROW,
  /// Tiles that are staged at a time where left rows are columns in memory.
  STAGED_TILES = 8,
  /// From tile to tile of those; not a power of two either.
  STAGED_TILE = TILE_ROWS * DEPTH + 16,
  STAGED_COLUMNS = STAGED_TILES * STAGED_TILE,
  /// Rows of the left operand's transpose that are fetched in advance.
  PREFETCHED_COLUMNS = 8,
  /// Rows of the right operand that are fetched into the first-level cache in advance.
  PREFETCHED = 16,
  /// Elements of the right operand that stay in the second-level cache while rows pass.
  RIGHT_BLOCK = 1 << 17,
};

/// Where a tile's sums go, and what is done to them in registers:
///
///     out[r, c] = clamp(sum[r, c] + bias[c] + base[r, c], low, high)
typedef struct {
  float *out;
  ptrdiff_t out_row;
  /// NULL for none.
  const float *bias;
  /// NULL for none; may be `out`.
  const float *base;
  ptrdiff_t base_row;
  /// Whether there are bounds; NaN stays NaN.
  bool is_clamped;
  float low, high;
} TileEnd;

/// Left rows as a tile reads them: each contiguous, and `row` apart; or `by_depth`, the elements of a depth side by side, and
/// `row` apart from those of the next.
typedef struct {
  const float *start;
  ptrdiff_t row;
  bool by_depth;
} StagedRows;

/// sum[r, c] = sum over i < depth of left[r, i] * right[i, c], where right's rows are PANEL apart.
typedef void Tile(size_t depth, StagedRows left, const float *right, const TileEnd *end);

ALWAYS_INLINE void write_tile(const int rows, const int vectors, V sum[][2], const TileEnd *end) {
  if (end->bias) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const V bias = load(end->bias + v * LANES);
      UNROLL for (int r = 0; r < rows; r++) sum[r][v] += bias;
    }
  }
  if (end->base) {
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] += load(end->base + r * end->base_row + v * LANES);
    }
  }
  if (end->is_clamped) {
    const V low = splat(end->low), high = splat(end->high);
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = at_most(at_least(sum[r][v], low), high);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) store(end->out + r * end->out_row + v * LANES, sum[r][v]);
  }
}

ALWAYS_INLINE void tile(
    const int rows, const int vectors, const bool by_depth, size_t depth, StagedRows left, const float *right,
    const TileEnd *end) {
  V sum[TILE_ROWS][2];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = splat(0);
  }
  // One address per three rows: opaque, or the compiler would keep twelve and spill sums.
  const float *base[TILE_ROWS / 3];
  UNROLL for (int r = 0; r < TILE_ROWS; r += 3) {
    base[r / 3] = left.start + r * left.row;
    if (!by_depth) __asm__("" : "+r"(base[r / 3]));
  }
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < depth; i++, right += PANEL) {
    UNROLL for (int v = 0; v < vectors * LANES; v += 16) __builtin_prefetch(right + PREFETCHED * PANEL + v);
    V b[2];
    UNROLL for (int v = 0; v < vectors; v++) b[v] = load(right + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      V a = splat(by_depth ? left.start[(ptrdiff_t)i * left.row + r] : base[r / 3][r % 3 * left.row + (ptrdiff_t)i]);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] += a * b[v];
    }
  }
  write_tile(rows, vectors, sum, end);
}

#define TILE(ROWS, VECTORS)                                                                             \
  static void tile_##ROWS##_##VECTORS(size_t depth, StagedRows left, const float *right, const TileEnd *end) { \
    tile(ROWS, VECTORS, false, depth, left, right, end);                                                \
  }                                                                                                     \
  static void deep_tile_##ROWS##_##VECTORS(                                                             \
      size_t depth, StagedRows left, const float *right, const TileEnd *end) {                          \
    tile(ROWS, VECTORS, true, depth, left, right, end);                                                 \
  }
#define TILES(ROWS) TILE(ROWS, 1) TILE(ROWS, 2)
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
#if LANES == 16 || defined(__aarch64__)
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12)
#endif
#undef TILES
#undef TILE

/// Panels that a single row is multiplied by at a time: such products wait for memory, which several streams use better.
enum { ROW_PANELS = 4 };

/// The products of one row with ROW_PANELS panels, `panel_stride` apart; the same sums as a tile's.
static void row_tile(
    size_t depth, const float *left, const float *right, ptrdiff_t panel_stride, const TileEnd ends[ROW_PANELS]) {
  V sum[ROW_PANELS][2];
  UNROLL for (int p = 0; p < ROW_PANELS; p++) {
    UNROLL for (int v = 0; v < 2; v++) sum[p][v] = splat(0);
  }
#pragma clang loop unroll_count(2)
  for (size_t i = 0; i < depth; i++, right += PANEL) {
    const V a = splat(left[i]);
    UNROLL for (int p = 0; p < ROW_PANELS; p++) {
      const float *row = right + p * panel_stride;
      UNROLL for (int v = 0; v < 2 * LANES; v += 16) __builtin_prefetch(row + PREFETCHED * PANEL + v);
      UNROLL for (int v = 0; v < 2; v++) sum[p][v] += a * load(row + v * LANES);
    }
  }
  UNROLL for (int p = 0; p < ROW_PANELS; p++) write_tile(1, 2, &sum[p], &ends[p]);
}

/// By rows - 1, by whether rows are read by depth, and by whether the second vector of the panel has columns.
#define TILES(ROWS) {{tile_##ROWS##_1, tile_##ROWS##_2}, {deep_tile_##ROWS##_1, deep_tile_##ROWS##_2}}
static Tile *const tiles[TILE_ROWS][2][2] = {
    TILES(1), TILES(2), TILES(3), TILES(4), TILES(5), TILES(6),
#if LANES == 16 || defined(__aarch64__)
    TILES(7), TILES(8), TILES(9), TILES(10), TILES(11), TILES(12),
#endif
};
#undef TILES

/// The kernel of some rows and up to PANEL columns.
ALWAYS_INLINE Tile *tile_kernel(int rows, StagedRows left, int width) {
  return tiles[rows - 1][left.by_depth][width > LANES];
}
