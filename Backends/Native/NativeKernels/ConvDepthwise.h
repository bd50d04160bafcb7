// Convolutions of each channel by itself: tiles of output pixels of a line pass over the input lines of their taps.

#include "ConvDepthwiseWindow.h"

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

/// Whether the input is read where it is, and not from a window: for three taps side by side, if vectors are whole and no
/// channel is read for several. A tile of more taps reads so many pixels, which may be any number of bytes apart, that
/// they do not stay in the first-level cache.
static bool is_read_in_place(const GraftConv *shape) {
  return shape->kernel[2] == 3 && shape->dilation[2] == 1 && shape->stride[2] <= 2 && shape->out_channels % LANES == 0 &&
         shape->out_channels == shape->groups;
}

/// Lines of taps: those of one output line have a kernel's width of taps each.
static size_t tap_lines(const GraftConv *shape) { return shape->kernel[0] * shape->kernel[1]; }

static size_t depthwise_scratch_bytes(const GraftConv *shape) {
  const size_t slots = shape->kernel[0] * window_lines(shape);
  const size_t pointers = slots + 2 * tap_lines(shape);
  return pointers * sizeof(const float *) + (is_read_in_place(shape) ? 0 : window_size(shape) * sizeof(float));
}

/// The lines that a line of output depends on.
typedef struct {
  const GraftConv *shape;
  /// The lines of the taps that are not in the padding, and their numbers among all.
  const float **taps;
  size_t *tap_numbers;
  size_t tap_count;
  /// Whether the lines are those of the input, of which those in the padding are missing, and not of the window.
  bool is_in_place;
  /// From panel to panel of a line.
  ptrdiff_t panel;
} Lines;

/// Finds the lines of the taps of the output line of `pixel`, in the window if there is one.
static void find_lines(Lines *lines, const float *x, Pixel pixel, Window *window) {
  const GraftConv *shape = lines->shape;
  lines->tap_count = 0;
  for (size_t i = 0; i < tap_lines(shape); i++) {
    const size_t tap_d = i / shape->kernel[1], tap_h = i % shape->kernel[1];
    const ptrdiff_t d = input_coordinate(shape, 0, pixel.d, tap_d), h = input_coordinate(shape, 1, pixel.h, tap_h);
    if (!is_inside(shape, 0, d) || !is_inside(shape, 1, h)) continue;
    const float *image = x + (ptrdiff_t)pixel.image * shape->x_stride[0];
    const float *line = image + d * shape->x_stride[1] + h * shape->x_stride[2];
    lines->taps[lines->tap_count] = window ? window_line(window, line, tap_d, (size_t)h) : line;
    lines->tap_numbers[lines->tap_count++] = i;
  }
}

#include "ConvDepthwiseTiles.h"

/// `count` output pixels from `row` on, which are numbers `first` ... of one line, of some panels; the lines begin with
/// the channels of the first.
static void depthwise_line(
    const Lines *lines, const float *packed, size_t first, size_t row, size_t count, size_t panel_begin,
    size_t panel_end, const Output *output) {
  const GraftConv *shape = lines->shape;
  const bool starts = !output->epilogue->accumulate, simple = is_simple(output->epilogue);
  DepthwiseTile *const(*tiles)[2] = depthwise_tiles(lines);
  const RowCut cut = {row, count, divide_up(count, LINE_PIXELS)};
  float sums[LINE_PIXELS * PANEL];
  for (size_t t = 0; t < cut.tiles; t++) {
    const size_t begin = tile_begin(&cut, t);
    const int pixels = tile_rows(&cut, t);
    const size_t column = first + begin - row;
    ptrdiff_t channel = 0;
    for (size_t p = panel_begin; p < panel_end; p++, channel += lines->panel) {
      const int width = (int)min_size(PANEL, shape->out_channels - p * PANEL);
      const float *weight = packed + p * conv_taps(shape) * PANEL;
      const bool in_place = simple && width % LANES == 0;
      const TileEnd end =
          in_place ? simple_end(output, begin, p * PANEL, true, true) : (TileEnd){.out = sums, .out_row = PANEL};
      tiles[pixels - 1][width > LANES](lines, column, channel, weight, &end);
      if (!in_place) finish(output, sums, pixels, begin, p * PANEL, width, starts, true);
    }
  }
}

/// Computes the rows of `block`, whose panels' channels `x` begins with or the window takes.
static void depthwise_rows(
    Lines *lines, const float *x, const float *packed, GraftOutputBlock block, const Output *output, Window *window) {
  const GraftConv *shape = lines->shape;
  for (size_t row = block.row_begin; row < block.row_end;) {
    const Pixel pixel = pixel_at(shape, row);
    const size_t count = min_size(shape->output[2] - pixel.w, block.row_end - row);
    find_lines(lines, x, pixel, window);
    depthwise_line(lines, packed, pixel.w, row, count, block.panel_begin, block.panel_end, output);
    row += count;
  }
}

/// Computes the rows of `block`, as many panels at a time as the window has.
static void depthwise_by_window(
    Lines *lines, const float *x, const float *packed, GraftOutputBlock block, const Output *output, void *scratch) {
  const GraftConv *shape = lines->shape;
  Window window = {.shape = shape, .panel_size = window_panel(shape), .lines = window_lines(shape)};
  window.multiplier = shape->out_channels / shape->groups;
  window.elements = scratch;
  window.held = lines->taps + tap_lines(shape);
  for (size_t p = block.panel_begin; p < block.panel_end; p += window_panels(shape)) {
    GraftOutputBlock part = block;
    part.panel_begin = window.panel_begin = p;
    part.panel_end = window.panel_end = min_size(p + window_panels(shape), block.panel_end);
    for (size_t slot = 0; slot < shape->kernel[0] * window.lines; slot++) window.held[slot] = NULL;
    depthwise_rows(lines, x, packed, part, output, &window);
  }
}

static void depthwise(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const GraftEpilogue finished = bounded(epilogue);
  const Output output = {y, shape->y_row, &finished, shape->out_channels};
  const size_t window = is_read_in_place(shape) ? 0 : window_size(shape);
  Lines lines = {.shape = shape, .is_in_place = is_read_in_place(shape)};
  lines.tap_numbers = (size_t *)((float *)scratch + window);
  lines.taps = (const float **)(lines.tap_numbers + tap_lines(shape));
  if (lines.is_in_place) {
    lines.panel = PANEL;
    depthwise_rows(&lines, x + block.panel_begin * PANEL, packed, block, &output, NULL);
  } else {
    lines.panel = (ptrdiff_t)window_panel(shape);
    depthwise_by_window(&lines, x, packed, block, &output, scratch);
  }
}
