// Tiles of output pixels of a line, for convolutions of each channel by itself.

enum {
#if LANES == 16 || defined(__aarch64__)
  LINE_PIXELS = 8,
#else
  LINE_PIXELS = 4,
#endif
};

/// Sums over the taps of output pixels `column` ... of a line, rows of PANEL, of the channels from `channel` on.
typedef void DepthwiseTile(
    const Lines *lines, size_t column, ptrdiff_t channel, const float *weight, const TileEnd *end);

/// Any taps, over lines of the window.
ALWAYS_INLINE void window_tile(
    const int pixels, const int vectors, const Lines *lines, size_t column, ptrdiff_t channel, const float *weight,
    const TileEnd *end) {
  const GraftConv *shape = lines->shape;
  const size_t next = shape->stride[2] * PANEL, tap = shape->dilation[2] * PANEL, width = shape->kernel[2];
  V sum[LINE_PIXELS][2];
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = splat(0);
  }
  for (size_t line = 0; line < lines->tap_count; line++) {
    const float *x = lines->taps[line] + column * next + channel;
    const float *factors = weight + lines->tap_numbers[line] * width * PANEL;
    for (size_t w = 0; w < width; w++, x += tap, factors += PANEL) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const V factor = load(factors + v * LANES);
        UNROLL for (int i = 0; i < pixels; i++) sum[i][v] += load(x + (size_t)i * next + v * LANES) * factor;
      }
    }
  }
  write_tile(pixels, vectors, sum, end);
}

/// Three taps side by side, over lines of the input: each pixel is read once for all outputs that it is a tap of.
ALWAYS_INLINE void three_tap_tile(
    const int stride, const int pixels, const int vectors, const Lines *lines, size_t column, ptrdiff_t channel,
    const float *weight, const TileEnd *end) {
  const GraftConv *shape = lines->shape;
  const ptrdiff_t first = (ptrdiff_t)column * stride - shape->padding[2], pixel = shape->x_stride[3];
  V sum[LINE_PIXELS][2];
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = splat(0);
  }
  for (size_t line = 0; line < lines->tap_count; line++) {
    const float *x = lines->taps[line] + first * pixel + channel;
    const float *factors = weight + lines->tap_numbers[line] * 3 * PANEL;
    V factor[3][2];
    UNROLL for (int w = 0; w < 3; w++) {
      UNROLL for (int v = 0; v < vectors; v++) factor[w][v] = load(factors + w * PANEL + v * LANES);
    }
    UNROLL for (int j = 0; j < (pixels - 1) * stride + 3; j++, x += pixel) {
      if (!is_inside(shape, 2, first + j)) continue;
      UNROLL for (int v = 0; v < vectors; v++) {
        const V element = load(x + v * LANES);
        UNROLL for (int w = 0; w < 3; w++) {
          const int i = (j - w) / stride;
          if (j >= w && (j - w) % stride == 0 && i < pixels) sum[i][v] += element * factor[w][v];
        }
      }
    }
  }
  write_tile(pixels, vectors, sum, end);
}

#define TILE(NAME, SUMS, PIXELS, VECTORS)                                                             \
  static void NAME##_##PIXELS##_##VECTORS(                                                            \
      const Lines *lines, size_t column, ptrdiff_t channel, const float *weight, const TileEnd *end) { \
    SUMS(PIXELS, VECTORS, lines, column, channel, weight, end);                                       \
  }
#define PAIR(NAME, SUMS, PIXELS) TILE(NAME, SUMS, PIXELS, 1) TILE(NAME, SUMS, PIXELS, 2)
#define ENTRY(NAME, PIXELS) {NAME##_##PIXELS##_1, NAME##_##PIXELS##_2}

/// A table of tiles, by pixels - 1 and by whether the second vector of the panel has channels.
#if LANES == 16 || defined(__aarch64__)
#define TILES(NAME, SUMS)                                                                               \
  PAIR(NAME, SUMS, 1) PAIR(NAME, SUMS, 2) PAIR(NAME, SUMS, 3) PAIR(NAME, SUMS, 4)                       \
  PAIR(NAME, SUMS, 5) PAIR(NAME, SUMS, 6) PAIR(NAME, SUMS, 7) PAIR(NAME, SUMS, 8)                       \
  static DepthwiseTile *const NAME##s[LINE_PIXELS][2] = {ENTRY(NAME, 1), ENTRY(NAME, 2), ENTRY(NAME, 3), \
      ENTRY(NAME, 4), ENTRY(NAME, 5), ENTRY(NAME, 6), ENTRY(NAME, 7), ENTRY(NAME, 8)};
#else
#define TILES(NAME, SUMS)                                                         \
  PAIR(NAME, SUMS, 1) PAIR(NAME, SUMS, 2) PAIR(NAME, SUMS, 3) PAIR(NAME, SUMS, 4) \
  static DepthwiseTile *const NAME##s[LINE_PIXELS][2] = {                         \
      ENTRY(NAME, 1), ENTRY(NAME, 2), ENTRY(NAME, 3), ENTRY(NAME, 4)};
#endif
#define THREE_TAPS(...) three_tap_tile(1, __VA_ARGS__)
#define THREE_TAPS_APART(...) three_tap_tile(2, __VA_ARGS__)
TILES(window_tile, window_tile)
TILES(near_tile, THREE_TAPS)
TILES(apart_tile, THREE_TAPS_APART)
#undef THREE_TAPS_APART
#undef THREE_TAPS
#undef TILES
#undef ENTRY
#undef PAIR
#undef TILE

/// The tiles for some lines.
static DepthwiseTile *const (*depthwise_tiles(const Lines *lines))[2] {
  if (!lines->is_in_place) return window_tiles;
  return lines->shape->stride[2] == 1 ? near_tiles : apart_tiles;
}
