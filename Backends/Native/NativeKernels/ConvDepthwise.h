// Convolutions of each channel by itself: a window of input lines, padded, with the channels of one panel, over which
// tiles of output pixels pass.

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

/// Pixels of a line that its output pixels reach, those in the padding included.
static size_t window_width(const GraftConv *shape) {
  return (shape->output[2] - 1) * shape->stride[2] + (shape->kernel[2] - 1) * shape->dilation[2] + 1;
}

/// Lines that the taps of one output line reach across.
static size_t window_lines(const GraftConv *shape) { return (shape->kernel[1] - 1) * shape->dilation[1] + 1; }

/// Lines of taps: those of one output line have a kernel's width of taps each.
static size_t tap_lines(const GraftConv *shape) { return shape->kernel[0] * shape->kernel[1]; }

static size_t depthwise_scratch_bytes(const GraftConv *shape) {
  const size_t lines = shape->kernel[0] * window_lines(shape);
  const size_t pointers = lines + 2 * tap_lines(shape);
  return pointers * sizeof(const float *) + lines * window_width(shape) * PANEL * sizeof(float);
}

/// One panel of output channels, and the lines of its input channels that are in the window: line h of the input, for
/// tap d of the depth, is number h modulo `lines`.
typedef struct {
  const GraftConv *shape;
  size_t column;
  int width;
  size_t lines, line_size;
  float *window;
  /// Which lines of the input the window holds.
  const float **held;
  /// The lines and the weights of the taps of the current output line that are not in the padding.
  const float **taps, **weights;
  size_t tap_count;
} Depthwise;

/// Copies a line's channels into the window, with zeros where it is padded.
static void fill_line(const Depthwise *panel, const float *line, float *to) {
  const GraftConv *shape = panel->shape;
  const size_t multiplier = shape->out_channels / shape->groups, pixels = panel->line_size / PANEL;
  const int second = panel->width - LANES;
  for (size_t w = 0; w < pixels; w++, to += PANEL) {
    const ptrdiff_t coordinate = (ptrdiff_t)w - shape->padding[2];
    if (!is_inside(shape, 2, coordinate)) {
      store(to, splat(0));
      store(to + LANES, splat(0));
      continue;
    }
    const float *x = line + coordinate * shape->x_stride[3];
    if (multiplier == 1) {
      store(to, load_first(x + panel->column, panel->width));
      if (second > 0) store(to + LANES, load_first(x + panel->column + LANES, second));
    } else {
      for (int c = 0; c < panel->width; c++) to[c] = x[(panel->column + (size_t)c) / multiplier];
    }
  }
}

/// Line `line` of the input, at coordinate `h` of its height and tap `d` of the depth, in the window.
ALWAYS_INLINE const float *window_line(const Depthwise *panel, const float *line, size_t d, size_t h) {
  const size_t slot = d * panel->lines + h % panel->lines;
  float *held = panel->window + slot * panel->line_size;
  if (panel->held[slot] != line) {
    fill_line(panel, line, held);
    panel->held[slot] = line;
  }
  return held;
}

/// Finds the lines of the taps of the output line of `pixel`.
static void move_window(Depthwise *panel, const float *x, const float *weight, Pixel pixel) {
  const GraftConv *shape = panel->shape;
  panel->tap_count = 0;
  for (size_t i = 0; i < tap_lines(shape); i++) {
    const size_t tap_d = i / shape->kernel[1], tap_h = i % shape->kernel[1];
    const ptrdiff_t d = input_coordinate(shape, 0, pixel.d, tap_d), h = input_coordinate(shape, 1, pixel.h, tap_h);
    if (!is_inside(shape, 0, d) || !is_inside(shape, 1, h)) continue;
    const float *image = x + (ptrdiff_t)pixel.image * shape->x_stride[0];
    const float *line = image + d * shape->x_stride[1] + h * shape->x_stride[2];
    panel->taps[panel->tap_count] = window_line(panel, line, tap_d, (size_t)h);
    panel->weights[panel->tap_count++] = weight + i * shape->kernel[2] * PANEL;
  }
}

/// Sums over the taps of `pixels` output pixels from number `first` of the line on, rows of PANEL.
ALWAYS_INLINE void depthwise_tile(
    const int pixels, const int vectors, const Depthwise *panel, size_t first, float *sums) {
  const GraftConv *shape = panel->shape;
  const size_t next = shape->stride[2] * PANEL, tap = shape->dilation[2] * PANEL;
  V sum[LINE_PIXELS][2];
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = splat(0);
  }
  for (size_t line = 0; line < panel->tap_count; line++) {
    const float *x = panel->taps[line] + first * next, *weight = panel->weights[line];
    for (size_t w = 0; w < shape->kernel[2]; w++, x += tap, weight += PANEL) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const V factor = load(weight + v * LANES);
        UNROLL for (int i = 0; i < pixels; i++) sum[i][v] += load(x + (size_t)i * next + v * LANES) * factor;
      }
    }
  }
  UNROLL for (int i = 0; i < pixels; i++) {
    UNROLL for (int v = 0; v < vectors; v++) store(sums + i * PANEL + v * LANES, sum[i][v]);
  }
}

/// As many as `count` output pixels from number `first` of the line on; how many.
ALWAYS_INLINE int depthwise_pixels(
    const int vectors, const Depthwise *panel, size_t first, size_t count, float *sums) {
  if (count >= LINE_PIXELS) {
    depthwise_tile(LINE_PIXELS, vectors, panel, first, sums);
    return LINE_PIXELS;
  }
  if (count >= 4) {
    depthwise_tile(4, vectors, panel, first, sums);
    return 4;
  }
  if (count >= 2) {
    depthwise_tile(2, vectors, panel, first, sums);
    return 2;
  }
  depthwise_tile(1, vectors, panel, first, sums);
  return 1;
}

/// Output pixels from `row` on, which are numbers `first` ... of one line.
static void depthwise_line(const Depthwise *panel, size_t first, size_t row, size_t count, const Output *output) {
  float sums[LINE_PIXELS * PANEL];
  const bool starts = !output->epilogue->accumulate;
  while (count > 0) {
    const int pixels = panel->width > LANES ? depthwise_pixels(2, panel, first, count, sums)
                                            : depthwise_pixels(1, panel, first, count, sums);
    finish(output, sums, pixels, row, panel->column, panel->width, starts, true);
    first += (size_t)pixels;
    row += (size_t)pixels;
    count -= (size_t)pixels;
  }
}

static void depthwise(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const GraftEpilogue finished = bounded(epilogue);
  const Output output = {y, shape->y_row, &finished, shape->out_channels};
  const size_t lines = window_lines(shape), slots = shape->kernel[0] * lines;
  Depthwise panel = {.shape = shape, .lines = lines, .line_size = window_width(shape) * PANEL};
  panel.window = scratch;
  panel.held = (const float **)(panel.window + slots * panel.line_size);
  panel.taps = panel.held + slots;
  panel.weights = panel.taps + tap_lines(shape);
  for (size_t p = block.panel_begin; p < block.panel_end; p++) {
    panel.column = p * PANEL;
    panel.width = (int)min_size(PANEL, shape->out_channels - panel.column);
    for (size_t slot = 0; slot < slots; slot++) panel.held[slot] = NULL;
    for (size_t row = block.row_begin; row < block.row_end;) {
      const Pixel pixel = pixel_at(shape, row);
      const size_t count = min_size(shape->output[2] - pixel.w, block.row_end - row);
      move_window(&panel, x, packed + p * conv_taps(shape) * PANEL, pixel);
      depthwise_line(&panel, pixel.w, row, count, &output);
      row += count;
    }
  }
}
