// Convolutions of each channel by itself: a window of input lines, padded, with the channels of one panel, over which
// tiles of output pixels pass.

enum {
#if LANES == 16 || defined(__aarch64__)
  LINE_PIXELS = 8,
#else
  LINE_PIXELS = 4,
#endif
  /// Elements of the window where it has several panels: what the second-level cache holds, for whole lines are read
  /// faster than parts.
  WINDOW = 64 << 10,
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

/// Pixels of a line that its output pixels reach, those in the padding included.
static size_t window_width(const GraftConv *shape) {
  return (shape->output[2] - 1) * shape->stride[2] + (shape->kernel[2] - 1) * shape->dilation[2] + 1;
}

/// From panel to panel of a line in the window: an odd number of pixels, so that panels do not share cache sets.
static size_t window_panel(const GraftConv *shape) { return (window_width(shape) | 1) * PANEL; }

/// Lines that the taps of one output line reach across.
static size_t window_lines(const GraftConv *shape) { return (shape->kernel[1] - 1) * shape->dilation[1] + 1; }

/// Lines of taps: those of one output line have a kernel's width of taps each.
static size_t tap_lines(const GraftConv *shape) { return shape->kernel[0] * shape->kernel[1]; }

/// Panels whose lines are in the window at a time.
static size_t window_panels(const GraftConv *shape) {
  const size_t count = WINDOW / (shape->kernel[0] * window_lines(shape) * window_panel(shape));
  return count < 1 ? 1 : min_size(count, depthwise_panels(shape));
}

static size_t depthwise_scratch_bytes(const GraftConv *shape) {
  const size_t slots = shape->kernel[0] * window_lines(shape);
  const size_t pointers = slots + 2 * tap_lines(shape);
  return pointers * sizeof(const float *) + slots * window_panels(shape) * window_panel(shape) * sizeof(float);
}

/// A range of panels, and the lines of their input channels that are in the window: line h of the input, for tap d of
/// the depth, is number h modulo `lines`, panel by panel.
typedef struct {
  const GraftConv *shape;
  /// Output channels per input channel.
  size_t multiplier;
  size_t panel_begin, panel_end;
  /// From panel to panel of a line.
  size_t panel_size;
  size_t lines;
  float *window;
  /// Which lines of the input the window holds.
  const float **held;
  /// The lines of the current output line's taps that are not in the padding, and their numbers among all.
  const float **taps;
  size_t *tap_numbers;
  size_t tap_count;
} Depthwise;

/// Copies a pixel's channels into the window, where panels are `panel_size` apart.
ALWAYS_INLINE void fill_pixel(const Depthwise *range, const float *x, float *out) {
  const size_t channels = range->shape->out_channels, multiplier = range->multiplier;
  for (size_t p = range->panel_begin; p < range->panel_end; p++, out += range->panel_size) {
    const size_t column = p * PANEL, width = min_size(PANEL, channels - column);
    if (multiplier > 1) {
      for (size_t c = 0; c < width; c++) out[c] = x[(column + c) / multiplier];
    } else if (width == PANEL) {
      store(out, load(x + column));
      store(out + LANES, load(x + column + LANES));
    } else {
      copy_run(out, x + column, width);
    }
  }
}

/// Copies a line's channels into the window, with zeros where it is padded.
static void fill_line(const Depthwise *range, const float *line, float *to) {
  const GraftConv *shape = range->shape;
  for (size_t w = 0; w < window_width(shape); w++, to += PANEL) {
    const ptrdiff_t coordinate = (ptrdiff_t)w - shape->padding[2];
    if (is_inside(shape, 2, coordinate)) {
      fill_pixel(range, line + coordinate * shape->x_stride[3], to);
    } else {
      for (size_t p = 0; p < range->panel_end - range->panel_begin; p++) zero_run(to + p * range->panel_size, PANEL);
    }
  }
}

/// Line `line` of the input, at coordinate `h` of its height and tap `d` of the depth, in the window.
static const float *window_line(const Depthwise *range, const float *line, size_t d, size_t h) {
  const size_t slot = d * range->lines + h % range->lines;
  float *held = range->window + slot * (range->panel_end - range->panel_begin) * range->panel_size;
  if (range->held[slot] != line) {
    fill_line(range, line, held);
    range->held[slot] = line;
  }
  return held;
}

/// Finds the lines of the taps of the output line of `pixel`.
static void move_window(Depthwise *range, const float *x, Pixel pixel) {
  const GraftConv *shape = range->shape;
  range->tap_count = 0;
  for (size_t i = 0; i < tap_lines(shape); i++) {
    const size_t tap_d = i / shape->kernel[1], tap_h = i % shape->kernel[1];
    const ptrdiff_t d = input_coordinate(shape, 0, pixel.d, tap_d), h = input_coordinate(shape, 1, pixel.h, tap_h);
    if (!is_inside(shape, 0, d) || !is_inside(shape, 1, h)) continue;
    const float *image = x + (ptrdiff_t)pixel.image * shape->x_stride[0];
    const float *line = image + d * shape->x_stride[1] + h * shape->x_stride[2];
    range->taps[range->tap_count] = window_line(range, line, tap_d, (size_t)h);
    range->tap_numbers[range->tap_count++] = i;
  }
}

/// Sums over the taps of `pixels` output pixels, rows of PANEL. The first pixel's taps begin at `offset` in the lines
/// of the window.
ALWAYS_INLINE void depthwise_tile(
    const int pixels, const int vectors, const Depthwise *range, size_t offset, const float *weight,
    const TileEnd *end) {
  const GraftConv *shape = range->shape;
  const size_t next = shape->stride[2] * PANEL, tap = shape->dilation[2] * PANEL, width = shape->kernel[2];
  V sum[LINE_PIXELS][2];
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = splat(0);
  }
  for (size_t line = 0; line < range->tap_count; line++) {
    const float *x = range->taps[line] + offset, *factors = weight + range->tap_numbers[line] * width * PANEL;
    for (size_t w = 0; w < width; w++, x += tap, factors += PANEL) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const V factor = load(factors + v * LANES);
        UNROLL for (int i = 0; i < pixels; i++) sum[i][v] += load(x + (size_t)i * next + v * LANES) * factor;
      }
    }
  }
  write_tile(pixels, vectors, sum, end);
}

#define TILE(PIXELS)                                                                                     \
  static void depthwise_##PIXELS(                                                                        \
      bool two, const Depthwise *range, size_t offset, const float *weight, const TileEnd *end) {        \
    if (two) {                                                                                           \
      depthwise_tile(PIXELS, 2, range, offset, weight, end);                                             \
    } else {                                                                                             \
      depthwise_tile(PIXELS, 1, range, offset, weight, end);                                             \
    }                                                                                                    \
  }
TILE(1) TILE(2) TILE(4)
#if LANES == 16 || defined(__aarch64__)
TILE(8)
#endif
#undef TILE

/// `count` output pixels from `row` on, which are numbers `first` ... of one line.
static void depthwise_line(
    const Depthwise *range, const float *packed, size_t first, size_t row, size_t count, const Output *output) {
  const GraftConv *shape = range->shape;
  const bool starts = !output->epilogue->accumulate, simple = is_simple(output->epilogue);
  float sums[LINE_PIXELS * PANEL];
  for (size_t pixels; count > 0; first += pixels, row += pixels, count -= pixels) {
    pixels = count >= LINE_PIXELS ? LINE_PIXELS : count >= 4 ? 4 : count >= 2 ? 2 : 1;
    size_t offset = first * shape->stride[2] * PANEL;
    for (size_t p = range->panel_begin; p < range->panel_end; p++, offset += range->panel_size) {
      const int width = (int)min_size(PANEL, shape->out_channels - p * PANEL);
      const float *weight = packed + p * conv_taps(shape) * PANEL;
      const bool two = width > LANES, in_place = simple && width % LANES == 0;
      const TileEnd end =
          in_place ? simple_end(output, row, p * PANEL, true, true) : (TileEnd){.out = sums, .out_row = PANEL};
      switch (pixels) {
        case 1: depthwise_1(two, range, offset, weight, &end); break;
        case 2: depthwise_2(two, range, offset, weight, &end); break;
        case 4: depthwise_4(two, range, offset, weight, &end); break;
#if LANES == 16 || defined(__aarch64__)
        default: depthwise_8(two, range, offset, weight, &end); break;
#endif
      }
      if (!in_place) finish(output, sums, (int)pixels, row, p * PANEL, width, starts, true);
    }
  }
}

/// Computes the rows of `block` for the panels of `range`.
static void depthwise_panel_range(
    Depthwise *range, const float *x, const float *packed, GraftOutputBlock block, const Output *output) {
  const GraftConv *shape = range->shape;
  for (size_t slot = 0; slot < shape->kernel[0] * range->lines; slot++) range->held[slot] = NULL;
  for (size_t row = block.row_begin; row < block.row_end;) {
    const Pixel pixel = pixel_at(shape, row);
    const size_t count = min_size(shape->output[2] - pixel.w, block.row_end - row);
    move_window(range, x, pixel);
    depthwise_line(range, packed, pixel.w, row, count, output);
    row += count;
  }
}

static void depthwise(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const GraftEpilogue finished = bounded(epilogue);
  const Output output = {y, shape->y_row, &finished, shape->out_channels};
  const size_t slots = shape->kernel[0] * window_lines(shape), step = window_panels(shape);
  Depthwise range = {.shape = shape, .panel_size = window_panel(shape), .lines = window_lines(shape)};
  range.multiplier = shape->out_channels / shape->groups;
  range.window = scratch;
  range.held = (const float **)(range.window + slots * step * range.panel_size);
  range.taps = range.held + slots;
  range.tap_numbers = (size_t *)(range.taps + tap_lines(shape));
  for (size_t p = block.panel_begin; p < block.panel_end; p += step) {
    range.panel_begin = p;
    range.panel_end = min_size(p + step, block.panel_end);
    depthwise_panel_range(&range, x, packed, block, &output);
  }
}
