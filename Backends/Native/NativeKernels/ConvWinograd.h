// Convolutions of 3 x 3 taps by minimal filtering (Winograd, 1980; Lavin and Gray, 2015): tiles of 2 x 4 output pixels
// take 24 multiplications per channel instead of 72. Points are 0, 1, -1 and infinity along the height, and 0, plus and
// minus sqrt(1/2), plus and minus sqrt(2), and infinity along the width, for which float32 loses less than two bits.

enum {
  WINOGRAD_HEIGHT = 2,
  WINOGRAD_WIDTH = 4,
  /// Pixels of the input that a tile of the output reaches.
  PATCH_HEIGHT = WINOGRAD_HEIGHT + 2,
  PATCH_WIDTH = WINOGRAD_WIDTH + 2,
  PLACES = PATCH_HEIGHT * PATCH_WIDTH,
  /// Elements of transformed input that stay in the second-level cache while panels pass.
  WINOGRAD_BLOCK = 1 << 17,
};

#define NEAR_POINT 0.70710678118654752440
#define FAR_POINT 1.41421356237309504880

static size_t winograd_tiles_across(const GraftConv *shape) { return divide_up(shape->output[2], WINOGRAD_WIDTH); }

static size_t winograd_tile_lines(const GraftConv *shape) {
  return shape->batch * divide_up(shape->output[1], WINOGRAD_HEIGHT);
}

/// Where a tile is: the image, and the first of its pixels.
typedef struct {
  size_t image, top, left;
} WinogradTile;

static WinogradTile winograd_tile(const GraftConv *shape, size_t tile) {
  const size_t across = winograd_tiles_across(shape), lines = divide_up(shape->output[1], WINOGRAD_HEIGHT);
  return (WinogradTile){
      .image = tile / across / lines,
      .top = tile / across % lines * WINOGRAD_HEIGHT,
      .left = tile % across * WINOGRAD_WIDTH,
  };
}

/// From tile to tile of transformed input: not a power of two, so that rows do not share cache sets.
static size_t winograd_row(const GraftConv *shape) { return divide_up(shape->in_channels, LANES) * LANES + 16; }

/// Tiles whose input is transformed at a time: enough for each element of the weight that is read.
static size_t winograd_block(const GraftConv *shape) {
  const size_t tiles = WINOGRAD_BLOCK / (PLACES * winograd_row(shape)), least = 6 * TILE_ROWS;
  return tiles < least ? least : tiles / TILE_ROWS * TILE_ROWS;
}

static bool winograd_applies(const GraftConv *shape) {
  const bool is_plain = shape->groups == 1 && shape->kernel[0] == 1 && shape->input[0] == 1 && shape->output[0] == 1 &&
                        shape->padding[0] == 0 && shape->kernel[1] == 3 && shape->kernel[2] == 3 &&
                        shape->stride[1] == 1 && shape->stride[2] == 1 && shape->dilation[1] == 1 &&
                        shape->dilation[2] == 1;
  // With few channels the transformations cost more than they save, with few tiles reading the larger weight does, and
  // with some more transforming it.
  const size_t tiles = winograd_tile_lines(shape) * winograd_tiles_across(shape);
  return is_plain && shape->in_channels >= 16 && shape->out_channels >= LANES && tiles >= (shape->weight_changes ? 16 : 2) * TILE_ROWS;
}

static size_t winograd_packed_count(const GraftConv *shape) {
  return divide_up(shape->out_channels, PANEL) * PLACES * shape->in_channels * PANEL;
}

static size_t winograd_scratch_bytes(const GraftConv *shape) {
  return winograd_block(shape) * PLACES * (winograd_row(shape) + PANEL) * sizeof(float);
}

/// Transforms lines of three taps in double precision, `taps[w][column]`.
static void winograd_line_taps(const double taps[3][PANEL], double out[PATCH_WIDTH][PANEL]) {
  const double a = NEAR_POINT, b = FAR_POINT, near = 1 / (2 * a * a * (a * a - b * b)), far = -near * a * a / (b * b);
  for (int c = 0; c < PANEL; c++) {
    const double near_even = (taps[0][c] + a * a * taps[2][c]) * near, near_odd = a * taps[1][c] * near;
    const double far_even = (taps[0][c] + b * b * taps[2][c]) * far, far_odd = b * taps[1][c] * far;
    out[0][c] = taps[0][c] / (a * a * b * b);
    out[1][c] = near_even + near_odd;
    out[2][c] = near_even - near_odd;
    out[3][c] = far_even + far_odd;
    out[4][c] = far_even - far_odd;
    out[5][c] = taps[2][c];
  }
}

/// The taps of one channel and `width` columns, to rows of PANEL that are `step` apart.
static void winograd_taps(const float *from, const ptrdiff_t stride[5], size_t width, float *to, size_t step) {
  double lines[3][PATCH_WIDTH][PANEL], taps[3][PANEL] = {{0}};
  for (int h = 0; h < 3; h++) {
    for (size_t c = 0; c < width; c++) {
      const float *line = from + (ptrdiff_t)c * stride[0] + h * stride[3];
      for (int w = 0; w < 3; w++) taps[w][c] = line[w * stride[4]];
    }
    winograd_line_taps(taps, lines[h]);
  }
  for (size_t w = 0; w < PATCH_WIDTH; w++, to += step) {
    for (int c = 0; c < PANEL; c++) {
      const double top = lines[0][w][c], middle = lines[1][w][c], bottom = lines[2][w][c];
      to[c] = (float)top;
      to[1 * PATCH_WIDTH * step + c] = (float)((top + middle + bottom) / 2);
      to[2 * PATCH_WIDTH * step + c] = (float)((top - middle + bottom) / 2);
      to[3 * PATCH_WIDTH * step + c] = (float)bottom;
    }
  }
}

/// Packs a weight: panels, in each the places, in each rows of PANEL for the channels.
static void winograd_pack(
    const GraftConv *shape, const float *weight, const ptrdiff_t stride[5], size_t panel_begin, size_t panel_end,
    float *packed) {
  const size_t step = shape->in_channels * PANEL;
  for (size_t p = panel_begin; p < panel_end; p++) {
    const size_t width = min_size(PANEL, shape->out_channels - p * PANEL);
    const float *from = weight + (ptrdiff_t)(p * PANEL) * stride[0];
    float *to = packed + p * PLACES * step;
    for (size_t c = 0; c < shape->in_channels; c++, from += stride[1], to += PANEL) {
      winograd_taps(from, stride, width, to, step);
    }
  }
}

/// The places of a line from its pixels.
ALWAYS_INLINE void winograd_line(V d[PATCH_WIDTH]) {
  const float a = (float)NEAR_POINT, b = (float)FAR_POINT;
  const V even_near = d[4] - d[2] * 2.0f, odd_near = (d[3] - d[1] * 2.0f) * a;
  const V even_far = d[4] - d[2] * 0.5f, odd_far = (d[3] - d[1] * 0.5f) * b;
  const V first = d[0] + (d[4] - d[2] * 2.5f), last = d[5] + (d[1] - d[3] * 2.5f);
  d[0] = first;
  d[1] = even_near + odd_near;
  d[2] = even_near - odd_near;
  d[3] = even_far + odd_far;
  d[4] = even_far - odd_far;
  d[5] = last;
}

/// A tile's patch of the input: where its pixels are, NULL for those in the padding.
typedef struct {
  const float *pixels[PATCH_HEIGHT][PATCH_WIDTH];
  bool is_inside;
} Patch;

static Patch winograd_patch(const GraftConv *shape, const float *x, WinogradTile tile) {
  Patch patch = {.is_inside = true};
  for (size_t h = 0; h < PATCH_HEIGHT; h++) {
    const ptrdiff_t y = input_coordinate(shape, 1, tile.top, h);
    for (size_t w = 0; w < PATCH_WIDTH; w++) {
      const ptrdiff_t z = input_coordinate(shape, 2, tile.left, w);
      const bool inside = is_inside(shape, 1, y) && is_inside(shape, 2, z);
      const ptrdiff_t offset = (ptrdiff_t)tile.image * shape->x_stride[0] + y * shape->x_stride[2] + z * shape->x_stride[3];
      patch.pixels[h][w] = inside ? x + offset : NULL;
      patch.is_inside &= inside;
    }
  }
  return patch;
}

/// Transforms `count` channels from `channel` on and writes them to places that are `step` apart.
ALWAYS_INLINE void winograd_input(
    const Patch *patch, bool inside, size_t channel, int count, float *to, size_t step) {
  V d[PATCH_HEIGHT][PATCH_WIDTH];
  UNROLL for (int h = 0; h < PATCH_HEIGHT; h++) {
    UNROLL for (int w = 0; w < PATCH_WIDTH; w++) {
      const float *pixel = patch->pixels[h][w];
      d[h][w] = inside || pixel ? load_first(pixel + channel, count) : splat(0);
    }
    winograd_line(d[h]);
  }
  UNROLL for (int w = 0; w < PATCH_WIDTH; w++) {
    const V column[PATCH_HEIGHT] = {
        d[0][w] - d[2][w], d[1][w] + d[2][w], d[2][w] - d[1][w], d[1][w] - d[3][w]};
    UNROLL for (int h = 0; h < PATCH_HEIGHT; h++) store(to + (size_t)(h * PATCH_WIDTH + w) * step, column[h]);
  }
}

/// Transforms the input of tiles `begin` ..< `end`: for each place, rows of channels.
static void winograd_inputs(
    const GraftConv *shape, const float *x, size_t begin, size_t end, float *to, size_t step) {
  const size_t channels = shape->in_channels, row = winograd_row(shape);
  for (size_t t = begin; t < end; t++, to += row) {
    const Patch patch = winograd_patch(shape, x, winograd_tile(shape, t));
    size_t c = 0;
    if (patch.is_inside) {
      for (; c + LANES <= channels; c += LANES) winograd_input(&patch, true, c, LANES, to + c, step);
    }
    for (; c < channels; c += LANES) {
      winograd_input(&patch, false, c, (int)min_size(LANES, channels - c), to + c, step);
    }
  }
}

/// The output pixels of a tile from its places, which are `step` apart.
ALWAYS_INLINE void winograd_output(const float *from, size_t step, V y[WINOGRAD_HEIGHT][WINOGRAD_WIDTH]) {
  const float a = (float)NEAR_POINT, b = (float)FAR_POINT;
  V lines[WINOGRAD_HEIGHT][PATCH_WIDTH];
  UNROLL for (int w = 0; w < PATCH_WIDTH; w++) {
    V m[PATCH_HEIGHT];
    UNROLL for (int h = 0; h < PATCH_HEIGHT; h++) m[h] = load(from + (size_t)(h * PATCH_WIDTH + w) * step);
    lines[0][w] = m[0] + (m[1] + m[2]);
    lines[1][w] = (m[1] - m[2]) - m[3];
  }
  UNROLL for (int h = 0; h < WINOGRAD_HEIGHT; h++) {
    const V *m = lines[h];
    const V near_sum = m[1] + m[2], near = (m[1] - m[2]) * a, far_sum = m[3] + m[4], far = (m[3] - m[4]) * b;
    y[h][0] = m[0] + near_sum + far_sum;
    y[h][1] = near + far;
    y[h][2] = near_sum * 0.5f + far_sum * 2.0f;
    y[h][3] = near * 0.5f + far * 2.0f + m[5];
  }
}

/// Writes `width` columns from `column` on of the output pixels of one tile.
static void winograd_write(
    const GraftConv *shape, const float *sums, size_t step, WinogradTile tile, size_t column, int width,
    const Output *output) {
  const size_t first = (tile.image * shape->output[1] + tile.top) * shape->output[2] + tile.left;
  const int rows = (int)min_size(WINOGRAD_HEIGHT, shape->output[1] - tile.top);
  const int columns = (int)min_size(WINOGRAD_WIDTH, shape->output[2] - tile.left);
  const GraftEpilogue e = *output->epilogue;
  for (int v = 0; v < width; v += LANES) {
    V y[WINOGRAD_HEIGHT][WINOGRAD_WIDTH];
    winograd_output(sums + v, step, y);
    const int count = min_int(width - v, LANES);
    const V bias = e.bias ? load_first(e.bias + column + v, count) : splat(0);
    for (int h = 0; h < rows; h++) {
      for (int w = 0; w < columns; w++) {
        const size_t row = first + (size_t)h * shape->output[2] + (size_t)w;
        const float *residual = e.residual ? e.residual + (ptrdiff_t)row * e.residual_row + column + v : NULL;
        float *to = output->c + (ptrdiff_t)row * output->c_row + column + v;
        finish_vector(&e, y[h][w], bias, residual, to, count, !e.accumulate, true);
      }
    }
  }
}

/// sums[place] = input[place] x panel[place] for `tiles` tiles.
static void winograd_products(
    const GraftConv *shape, const float *input, size_t tiles, const float *panel, int width, float *sums) {
  const size_t row = winograd_row(shape), channels = shape->in_channels, block = winograd_block(shape);
  const size_t tile_count = divide_up(tiles, TILE_ROWS), blocks = divide_up(channels, DEPTH);
  for (size_t place = 0; place < PLACES; place++) {
    for (size_t t = 0; t < tile_count; t++) {
      const size_t begin = tiles * t / tile_count;
      const int rows = (int)(tiles * (t + 1) / tile_count - begin);
      float *to = sums + (place * block + begin) * PANEL;
      for (size_t b = 0; b < blocks; b++) {
        const size_t from = b * DEPTH;
        const TileEnd end = {.out = to, .out_row = PANEL, .base = b ? to : NULL, .base_row = PANEL};
        const StagedRows left = {.start = input + (place * block + begin) * row + from, .row = (ptrdiff_t)row};
        tile_kernel(rows, left, width)(
            min_size(DEPTH, channels - from), left, panel + (place * channels + from) * PANEL, &end);
      }
    }
  }
}

static void winograd(
    const GraftConv *shape, const float *x, const float *packed, float *y, GraftOutputBlock block,
    const GraftEpilogue *epilogue, void *scratch) {
  const size_t across = winograd_tiles_across(shape), at_once = winograd_block(shape), row = winograd_row(shape);
  const size_t first = block.row_begin * across, tiles = block.row_end * across - first;
  const size_t blocks = divide_up(tiles, at_once), step = shape->in_channels * PANEL;
  const GraftEpilogue own = bounded(epilogue);
  const Output output = {y, shape->y_row, &own, shape->out_channels};
  float *input = scratch, *sums = input + at_once * PLACES * row;
  for (size_t b = 0; b < blocks; b++) {
    const size_t begin = first + tiles * b / blocks, end = first + tiles * (b + 1) / blocks;
    winograd_inputs(shape, x, begin, end, input, at_once * row);
    for (size_t p = block.panel_begin; p < block.panel_end; p++) {
      const int width = (int)min_size(PANEL, shape->out_channels - p * PANEL);
      winograd_products(shape, input, end - begin, packed + p * PLACES * step, width, sums);
      for (size_t t = begin; t < end; t++) {
        winograd_write(shape, sums + (t - begin) * PANEL, at_once * PANEL, winograd_tile(shape, t), p * PANEL, width, &output);
      }
    }
  }
}

#undef NEAR_POINT
#undef FAR_POINT
