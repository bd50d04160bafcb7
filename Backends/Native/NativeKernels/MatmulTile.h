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
  /// Elements of the right operand that stay in the second-level cache while rows pass.
  RIGHT_BLOCK = 1 << 17,
};

/// out[r, c] = sum over i < depth of left[r, i] * right[i, c], where right's rows are `right_row` apart.
typedef void Tile(
    size_t depth, const float *left, ptrdiff_t left_row, const float *right, float *out, ptrdiff_t out_row);

ALWAYS_INLINE void tile(
    const int rows, const int vectors, size_t depth, const float *left, ptrdiff_t left_row, const float *right,
    float *out, ptrdiff_t out_row) {
  V sum[TILE_ROWS][2];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = splat(0);
  }
  // One address per three rows: opaque, or the compiler would keep twelve and spill sums.
  const float *base[TILE_ROWS / 3];
  UNROLL for (int r = 0; r < TILE_ROWS; r += 3) {
    base[r / 3] = left + r * left_row;
    __asm__("" : "+r"(base[r / 3]));
  }
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < depth; i++, right += PANEL) {
    V b[2];
    UNROLL for (int v = 0; v < vectors; v++) b[v] = load(right + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      V a = splat(base[r / 3][r % 3 * left_row + (ptrdiff_t)i]);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] += a * b[v];
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) store(out + r * out_row + v * LANES, sum[r][v]);
  }
}

#define TILES(ROWS)                                                                                             \
  static void tile_##ROWS##_1(                                                                                  \
      size_t depth, const float *left, ptrdiff_t left_row, const float *right, float *out, ptrdiff_t out_row) { \
    tile(ROWS, 1, depth, left, left_row, right, out, out_row);                                                  \
  }                                                                                                             \
  static void tile_##ROWS##_2(                                                                                  \
      size_t depth, const float *left, ptrdiff_t left_row, const float *right, float *out, ptrdiff_t out_row) { \
    tile(ROWS, 2, depth, left, left_row, right, out, out_row);                                                  \
  }
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
#if LANES == 16 || defined(__aarch64__)
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12)
#endif
#undef TILES

/// By rows - 1, and by whether the second vector of the panel has columns.
#define TILES(ROWS) {tile_##ROWS##_1, tile_##ROWS##_2}
static Tile *const tiles[TILE_ROWS][2] = {
    TILES(1), TILES(2), TILES(3), TILES(4), TILES(5), TILES(6),
#if LANES == 16 || defined(__aarch64__)
    TILES(7), TILES(8), TILES(9), TILES(10), TILES(11), TILES(12),
#endif
};
#undef TILES
