// Convolutions as products: the left rows are output pixels, their depths (taps, channels), copied tile by tile.

/// Panels of one group.
static size_t conv_group_panels(const GraftConv *shape) {
  return divide_up(shape->out_channels / shape->groups, PANEL);
}

static size_t conv_panels(const GraftConv *shape) { return shape->groups * conv_group_panels(shape); }

static size_t conv_taps(const GraftConv *shape) { return shape->kernel[0] * shape->kernel[1] * shape->kernel[2]; }

static size_t conv_depth(const GraftConv *shape) { return conv_taps(shape) * (shape->in_channels / shape->groups); }

static size_t conv_packed_count(const GraftConv *shape) { return conv_panels(shape) * conv_depth(shape) * PANEL; }

static size_t conv_scratch_bytes(void) { return STAGED * sizeof(float); }

static void conv_pack(
    const GraftConv *shape, const float *weight, const ptrdiff_t stride[5], size_t panel_begin, size_t panel_end,
    float *packed) {
  const size_t columns = shape->out_channels / shape->groups, channels = shape->in_channels / shape->groups;
  const size_t panels = conv_group_panels(shape), depth = conv_depth(shape);
  for (size_t p = panel_begin; p < panel_end; p++) {
    const size_t column = p % panels * PANEL;
    const int width = (int)min_size(PANEL, columns - column);
    const float *first = weight + (ptrdiff_t)(p / panels * columns + column) * stride[0];
    float *to = packed + p * depth * PANEL;
    for (size_t tap = 0; tap < conv_taps(shape); tap++, to += channels * PANEL) {
      const size_t w = tap % shape->kernel[2], h = tap / shape->kernel[2] % shape->kernel[1];
      const size_t d = tap / shape->kernel[2] / shape->kernel[1];
      const float *from = first + (ptrdiff_t)d * stride[2] + (ptrdiff_t)h * stride[3] + (ptrdiff_t)w * stride[4];
      pack_panel(from, stride[1], stride[0], 0, channels, width, to);
    }
  }
}

/// An output pixel, in units of the output.
typedef struct {
  size_t image, d, h, w;
} Pixel;

ALWAYS_INLINE Pixel pixel_at(const GraftConv *shape, size_t index) {
  Pixel pixel;
  pixel.w = index % shape->output[2];
  index /= shape->output[2];
  pixel.h = index % shape->output[1];
  index /= shape->output[1];
  pixel.d = index % shape->output[0];
  pixel.image = index / shape->output[0];
  return pixel;
}

/// Where `tap` of an output coordinate lies along `axis` of the input; out of bounds in the padding.
ALWAYS_INLINE ptrdiff_t input_coordinate(const GraftConv *shape, int axis, size_t output, size_t tap) {
  return (ptrdiff_t)(output * shape->stride[axis] + tap * shape->dilation[axis]) - shape->padding[axis];
}

ALWAYS_INLINE bool is_inside(const GraftConv *shape, int axis, ptrdiff_t coordinate) {
  return (size_t)coordinate < shape->input[axis];
}

/// Writes `count` zeros, and more up to a whole vector.
ALWAYS_INLINE void zero_run(float *to, size_t count) {
  for (size_t i = 0; i < count; i += LANES) store(to + i, splat(0));
}

typedef struct {
  const GraftConv *shape;
  /// The group's first channel.
  const float *x;
  /// Channels of the group.
  size_t channels;
  /// Taps along a line are next to each other in memory.
  bool dense;
} ConvLeft;

/// Elements `from` ..< `to` of a line of taps, those along the width of an input line, for one output pixel that may
/// lie at the border.
ALWAYS_INLINE void copy_clipped(
    const ConvLeft *left, const float *line, size_t w, size_t from, size_t to, float *out) {
  const ptrdiff_t channels = (ptrdiff_t)left->channels, start = input_coordinate(left->shape, 2, w, 0);
  const ptrdiff_t end = (ptrdiff_t)left->shape->input[2] - start;
  const size_t low = start < 0 ? (size_t)(-start * channels) : 0, high = end > 0 ? (size_t)(end * channels) : 0;
  const size_t a = low < from ? from : min_size(low, to), b = high < a ? a : min_size(high, to);
  zero_run(out, a - from);
  if (a < b) copy_run(out + (a - from), line + start * channels + (ptrdiff_t)a, b - a);
  zero_run(out + (b - from), to - b);
}

/// The same, tap by tap, for `pixels` output pixels from number `w` of their line on.
ALWAYS_INLINE void copy_taps(
    const ConvLeft *left, const float *line, size_t w, int pixels, size_t from, size_t to, float *out) {
  const GraftConv *shape = left->shape;
  size_t tap = from / left->channels, channel = from % left->channels;
  for (size_t i = from, count; i < to; i += count, tap++, channel = 0) {
    count = min_size(left->channels - channel, to - i);
    for (int pixel = 0; pixel < pixels; pixel++) {
      const ptrdiff_t x = input_coordinate(shape, 2, w + (size_t)pixel, tap);
      float *run = out + pixel * STAGED_ROW + (i - from);
      if (is_inside(shape, 2, x)) {
        copy_run(run, line + x * shape->x_stride[3] + (ptrdiff_t)channel, count);
      } else {
        zero_run(run, count);
      }
    }
  }
}

/// The same, from `line` or, where that is NULL, from the padding.
ALWAYS_INLINE void copy_line(
    const ConvLeft *left, const float *line, size_t w, int pixels, size_t from, size_t to, float *out) {
  const GraftConv *shape = left->shape;
  if (!line) {
    for (int pixel = 0; pixel < pixels; pixel++) zero_run(out + pixel * STAGED_ROW, to - from);
  } else if (!left->dense) {
    copy_taps(left, line, w, pixels, from, to, out);
  } else if (
      input_coordinate(shape, 2, w, 0) >= 0 &&
      is_inside(shape, 2, input_coordinate(shape, 2, w + (size_t)pixels - 1, shape->kernel[2] - 1))) {
    const float *run = line + input_coordinate(shape, 2, w, 0) * shape->x_stride[3] + (ptrdiff_t)from;
    const ptrdiff_t step = (ptrdiff_t)shape->stride[2] * shape->x_stride[3];
    for (int pixel = 0; pixel < pixels; pixel++, run += step) copy_run(out + pixel * STAGED_ROW, run, to - from);
  } else {
    for (int pixel = 0; pixel < pixels; pixel++) {
      copy_clipped(left, line, w + (size_t)pixel, from, to, out + pixel * STAGED_ROW);
    }
  }
}

/// Depths `from` ..< `to` of `pixels` output pixels of one line, `first` on. Runs are written in ascending order, for a
/// run may write zeros behind its end.
ALWAYS_INLINE void stage_line(const ConvLeft *left, Pixel first, int pixels, size_t from, size_t to, float *out) {
  const GraftConv *shape = left->shape;
  const size_t length = shape->kernel[2] * left->channels;
  const float *image = left->x + (ptrdiff_t)first.image * shape->x_stride[0];
  size_t line = from / length, offset = from % length;
  for (size_t i = from, count; i < to; i += count, line++, offset = 0) {
    count = min_size(length - offset, to - i);
    const ptrdiff_t d = input_coordinate(shape, 0, first.d, line / shape->kernel[1]);
    const ptrdiff_t h = input_coordinate(shape, 1, first.h, line % shape->kernel[1]);
    const bool inside = is_inside(shape, 0, d) && is_inside(shape, 1, h);
    const float *taps = inside ? image + d * shape->x_stride[1] + h * shape->x_stride[2] : NULL;
    copy_line(left, taps, first.w, pixels, offset, offset + count, out + (i - from));
  }
}

ALWAYS_INLINE StagedRows stage_pixels(
    const void *context, const RowCut *cut, size_t t, size_t from, size_t to, float *buffer) {
  const ConvLeft *left = context;
  const size_t row = tile_begin(cut, t);
  const int rows = tile_rows(cut, t);
  for (int r = 0, pixels; r < rows; r += pixels) {
    const Pixel first = pixel_at(left->shape, row + (size_t)r);
    pixels = (int)min_size((size_t)(rows - r), left->shape->output[2] - first.w);
    stage_line(left, first, pixels, from, to, buffer + r * STAGED_ROW);
  }
  return (StagedRows){.start = buffer, .row = STAGED_ROW};
}

/// Whether output pixel i is input pixel i, at a constant stride.
static bool is_pointwise(const GraftConv *shape) {
  ptrdiff_t extent = shape->x_stride[3];
  for (int axis = 2; axis >= 0; axis--) {
    const bool same = shape->kernel[axis] == 1 && shape->stride[axis] == 1 && shape->padding[axis] == 0 &&
                      shape->output[axis] == shape->input[axis];
    if (!same || (shape->x_stride[axis + 1] != extent && shape->input[axis] > 1)) return false;
    extent *= (ptrdiff_t)shape->input[axis];
  }
  return shape->x_stride[0] == extent || shape->batch == 1;
}

/// The epilogue of the columns from `column` on.
static GraftEpilogue epilogue_from(const GraftEpilogue *epilogue, size_t column) {
  GraftEpilogue result = bounded(epilogue);
  if (result.bias) result.bias += column;
  if (result.residual) result.residual += column;
  return result;
}

static void conv(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const size_t columns = shape->out_channels / shape->groups, channels = shape->in_channels / shape->groups;
  const size_t panels = conv_group_panels(shape), depth = conv_depth(shape);
  const bool dense = shape->dilation[2] == 1 && shape->x_stride[3] == (ptrdiff_t)channels;
  const bool pointwise = is_pointwise(shape);
  for (size_t p = block.panel_begin, end; p < block.panel_end; p = end) {
    const size_t group = p / panels, first = group * panels;
    end = min_size(first + panels, block.panel_end);
    const GraftOutputBlock part = {block.row_begin, block.row_end, p - first, end - first};
    const GraftEpilogue own = epilogue_from(epilogue, group * columns);
    const Output output = {y + group * columns, shape->y_row, &own, columns};
    const PackedRight right = {packed + first * depth * PANEL, depth};
    const float *from = x + group * channels;
    if (pointwise) {
      const GraftMatmul matrix = {channels, columns, shape->x_stride[3], 1, shape->y_row};
      const LeftMatrix left = left_matrix(&matrix, from);
      product(stage_matrix, &left, packed_panels, &right, depth, &output, part, scratch);
    } else {
      const ConvLeft left = {shape, from, channels, dense};
      product(stage_pixels, &left, packed_panels, &right, depth, &output, part, scratch);
    }
  }
}
