// A window of input lines of a convolution of each channel by itself: padded, with the channels of some panels, for lines
// whose pixels cannot be read where they are.

enum {
  /// Elements of the window where it has several panels: what the second-level cache holds, for whole lines are read
  /// faster than parts.
  WINDOW = 64 << 10,
};

static size_t depthwise_panels(const GraftConv *shape) { return divide_up(shape->out_channels, PANEL); }

/// Pixels of a line that its output pixels reach, those in the padding included.
static size_t window_width(const GraftConv *shape) {
  return (shape->output[2] - 1) * shape->stride[2] + (shape->kernel[2] - 1) * shape->dilation[2] + 1;
}

/// From panel to panel of a line in the window: an odd number of pixels, so that panels do not share cache sets.
static size_t window_panel(const GraftConv *shape) { return (window_width(shape) | 1) * PANEL; }

/// Lines that the taps of one output line reach across.
static size_t window_lines(const GraftConv *shape) { return (shape->kernel[1] - 1) * shape->dilation[1] + 1; }

/// Panels whose lines are in the window at a time.
static size_t window_panels(const GraftConv *shape) {
  const size_t count = WINDOW / (shape->kernel[0] * window_lines(shape) * window_panel(shape));
  return count < 1 ? 1 : min_size(count, depthwise_panels(shape));
}

/// Elements of the window.
static size_t window_size(const GraftConv *shape) {
  return shape->kernel[0] * window_lines(shape) * window_panels(shape) * window_panel(shape);
}

/// The lines of the input that are in the window: line h, for tap d of the depth, is number h modulo `lines`, panel by
/// panel.
typedef struct {
  const GraftConv *shape;
  /// Output channels per input channel.
  size_t multiplier;
  size_t panel_begin, panel_end;
  /// From panel to panel of a line.
  size_t panel_size;
  size_t lines;
  float *elements;
  /// Which lines of the input the window holds.
  const float **held;
} Window;

/// Copies a pixel's channels into the window, where panels are `panel_size` apart.
ALWAYS_INLINE void fill_pixel(const Window *window, const float *x, float *out) {
  const size_t channels = window->shape->out_channels, multiplier = window->multiplier;
  for (size_t p = window->panel_begin; p < window->panel_end; p++, out += window->panel_size) {
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
static void fill_line(const Window *window, const float *line, float *to) {
  const GraftConv *shape = window->shape;
  for (size_t w = 0; w < window_width(shape); w++, to += PANEL) {
    const ptrdiff_t coordinate = (ptrdiff_t)w - shape->padding[2];
    if (is_inside(shape, 2, coordinate)) {
      fill_pixel(window, line + coordinate * shape->x_stride[3], to);
    } else {
      for (size_t p = 0; p < window->panel_end - window->panel_begin; p++) zero_run(to + p * window->panel_size, PANEL);
    }
  }
}

/// Line `line` of the input, at coordinate `h` of its height and tap `d` of the depth, in the window.
static const float *window_line(const Window *window, const float *line, size_t d, size_t h) {
  const size_t slot = d * window->lines + h % window->lines;
  float *held = window->elements + slot * (window->panel_end - window->panel_begin) * window->panel_size;
  if (window->held[slot] != line) {
    fill_line(window, line, held);
    window->held[slot] = line;
  }
  return held;
}

