// Convolutions of each channel by itself: vectors of channels, tiles of output pixels along a line.

enum {
#if LANES == 16 || defined(__aarch64__)
  LINE_PIXELS = 8,
#else
  LINE_PIXELS = 4,
#endif
};

static size_t depthwise_panels(const GraftConv *shape) { return divide_up(shape->out_channels, PANEL); }

static size_t depthwise_packed_count(const GraftConv *shape) {
  return depthwise_panels(shape) * conv_taps(shape) * PANEL;
}

static void depthwise_pack(const GraftConv *shape, const float *weight, const ptrdiff_t stride[5], float *packed) {
  for (size_t p = 0; p < depthwise_panels(shape); p++) {
    const int width = (int)min_size(PANEL, shape->out_channels - p * PANEL);
    const float *first = weight + (ptrdiff_t)(p * PANEL) * stride[0];
    for (size_t d = 0; d < shape->kernel[0]; d++) {
      for (size_t h = 0; h < shape->kernel[1]; h++, packed += shape->kernel[2] * PANEL) {
        const float *from = first + (ptrdiff_t)d * stride[2] + (ptrdiff_t)h * stride[3];
        pack_panel(from, stride[4], stride[0], 0, shape->kernel[2], width, packed);
      }
    }
  }
}

/// How the input channels of a panel are loaded.
typedef enum {
  ONE_VECTOR,
  TWO_VECTORS,
  /// Fewer than a vector or two.
  PARTIAL,
  /// Several output channels per input channel.
  REPEATED,
} Channels;

/// The taps of a tile that lie inside of the input.
typedef struct {
  size_t begin[3], end[3];
} Taps;

/// A panel of output channels.
typedef struct {
  const GraftConv *shape;
  const float *x;
  const float *weight;
  size_t column;
  int width;
  size_t multiplier;
} DepthwisePanel;

ALWAYS_INLINE V load_channels(Channels channels, const float *x, const DepthwisePanel *panel, int first) {
  switch (channels) {
    case ONE_VECTOR:
    case TWO_VECTORS: return load(x + panel->column + first);
    case PARTIAL: return load_first(x + panel->column + first, panel->width - first);
    case REPEATED: break;
  }
  V v = splat(0);
  for (int i = 0; i < LANES && first + i < panel->width; i++) {
    v[i] = x[(panel->column + (size_t)(first + i)) / panel->multiplier];
  }
  return v;
}

/// The sums of `pixels` output pixels from `pixel` on, rows of PANEL.
ALWAYS_INLINE void depthwise_tile(
    const int pixels, Channels channels, const DepthwisePanel *panel, Pixel pixel, const Taps *taps, float *sums) {
  const GraftConv *shape = panel->shape;
  const int vectors = channels == ONE_VECTOR ? 1 : 2;
  const ptrdiff_t next = (ptrdiff_t)shape->stride[2] * shape->x_stride[3];
  const ptrdiff_t tap = (ptrdiff_t)shape->dilation[2] * shape->x_stride[3];
  const float *image = panel->x + (ptrdiff_t)pixel.image * shape->x_stride[0];
  V sum[LINE_PIXELS][2];
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = splat(0);
  }
  for (size_t d = taps->begin[0]; d < taps->end[0]; d++) {
    for (size_t h = taps->begin[1]; h < taps->end[1]; h++) {
      const float *x = image + input_coordinate(shape, 0, pixel.d, d) * shape->x_stride[1] +
                       input_coordinate(shape, 1, pixel.h, h) * shape->x_stride[2] +
                       input_coordinate(shape, 2, pixel.w, taps->begin[2]) * shape->x_stride[3];
      const float *weight =
          panel->weight + ((d * shape->kernel[1] + h) * shape->kernel[2] + taps->begin[2]) * PANEL;
      for (size_t w = taps->begin[2]; w < taps->end[2]; w++, x += tap, weight += PANEL) {
        UNROLL for (int v = 0; v < vectors; v++) {
          const V factor = load(weight + v * LANES);
          UNROLL for (int i = 0; i < pixels; i++) {
            sum[i][v] += load_channels(channels, x + i * next, panel, v * LANES) * factor;
          }
        }
      }
    }
  }
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) store(sums + i * PANEL + v * LANES, sum[i][v]);
  }
}

#define TILES(NAME, CHANNELS)                                                                            \
  static void depthwise_##NAME(                                                                          \
      int pixels, const DepthwisePanel *panel, Pixel pixel, const Taps *taps, float *sums) {             \
    if (pixels == LINE_PIXELS) {                                                                         \
      depthwise_tile(LINE_PIXELS, CHANNELS, panel, pixel, taps, sums);                                   \
    } else {                                                                                             \
      for (; pixels > 0; pixels--, pixel.w++, sums += PANEL) {                                           \
        depthwise_tile(1, CHANNELS, panel, pixel, taps, sums);                                           \
      }                                                                                                  \
    }                                                                                                    \
  }
TILES(one, ONE_VECTOR)
TILES(two, TWO_VECTORS)
TILES(partial, PARTIAL)
TILES(repeated, REPEATED)
#undef TILES

/// The taps along `axis` of an output coordinate that lie inside of the input.
ALWAYS_INLINE void clip_taps(const GraftConv *shape, int axis, size_t output, Taps *taps) {
  size_t begin = 0, end = shape->kernel[axis];
  while (begin < end && !is_inside(shape, axis, input_coordinate(shape, axis, output, begin))) begin++;
  while (end > begin && !is_inside(shape, axis, input_coordinate(shape, axis, output, end - 1))) end--;
  taps->begin[axis] = begin;
  taps->end[axis] = end;
}

/// Whether all taps along the width of the output pixels `w` ..< `w + count` lie inside of the input.
ALWAYS_INLINE bool is_interior(const GraftConv *shape, size_t w, int count) {
  return input_coordinate(shape, 2, w, 0) >= 0 &&
         input_coordinate(shape, 2, w + (size_t)count - 1, shape->kernel[2] - 1) < (ptrdiff_t)shape->input[2];
}

/// A run of output pixels of one line.
static void depthwise_line(
    const DepthwisePanel *panel, Channels channels, Pixel pixel, size_t row, size_t count, const Output *output) {
  const GraftConv *shape = panel->shape;
  float sums[LINE_PIXELS * PANEL];
  Taps taps;
  clip_taps(shape, 0, pixel.d, &taps);
  clip_taps(shape, 1, pixel.h, &taps);
  while (count > 0) {
    int pixels = (int)min_size(LINE_PIXELS, count);
    if (is_interior(shape, pixel.w, pixels)) {
      taps.begin[2] = 0;
      taps.end[2] = shape->kernel[2];
    } else {
      pixels = 1;
      clip_taps(shape, 2, pixel.w, &taps);
    }
    switch (channels) {
      case ONE_VECTOR: depthwise_one(pixels, panel, pixel, &taps, sums); break;
      case TWO_VECTORS: depthwise_two(pixels, panel, pixel, &taps, sums); break;
      case PARTIAL: depthwise_partial(pixels, panel, pixel, &taps, sums); break;
      case REPEATED: depthwise_repeated(pixels, panel, pixel, &taps, sums); break;
    }
    finish(output, sums, pixels, row, panel->column, panel->width, !output->epilogue->accumulate, true);
    pixel.w += (size_t)pixels;
    row += (size_t)pixels;
    count -= (size_t)pixels;
  }
}

static void depthwise(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue) {
  const Output output = {y, shape->y_row, epilogue, shape->out_channels};
  const size_t multiplier = shape->out_channels / shape->groups;
  for (size_t p = block.panel_begin; p < block.panel_end; p++) {
    const int width = (int)min_size(PANEL, shape->out_channels - p * PANEL);
    const Channels channels = multiplier > 1    ? REPEATED
                              : width == PANEL ? TWO_VECTORS
                              : width == LANES ? ONE_VECTOR
                                               : PARTIAL;
    const float *weight = packed + p * conv_taps(shape) * PANEL;
    const DepthwisePanel panel = {shape, x, weight, p * PANEL, width, multiplier};
    for (size_t row = block.row_begin; row < block.row_end;) {
      const Pixel pixel = pixel_at(shape, row);
      const size_t count = min_size(shape->output[2] - pixel.w, block.row_end - row);
      depthwise_line(&panel, channels, pixel, row, count, &output);
      row += count;
    }
  }
}
