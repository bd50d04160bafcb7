// The way back through attention. The weights of a block of queries are computed again, over all keys; what they send to
// keys and values is summed in the scratch until all queries have been seen.

enum {
  /// Floats of a block's weights, and as many of their gradients, that stay in the second-level cache.
  WEIGHTS_BLOCK = 1 << 16,
  LEAST_TILES = 4,
  MOST_TILES = 16,
};

static size_t weights_row(const GraftAttention *shape) { return divide_up(shape->keys, PANEL) * PANEL + 16; }

/// Queries of a block.
static size_t weights_rows(const GraftAttention *shape) {
  const size_t tiles = WEIGHTS_BLOCK / (weights_row(shape) * TILE_ROWS);
  return TILE_ROWS * (tiles < LEAST_TILES ? LEAST_TILES : min_size(tiles, MOST_TILES));
}

/// A row of keys' or values' gradients: whole panels.
static size_t panels_row(size_t width) { return divide_up(width, PANEL) * PANEL; }

/// What the scratch of one call holds, one after another. Of matrices in panels the name says how they are read.
enum {
  /// Keys and values of the head: [width, keys], [value_width, keys] and [keys, width].
  KEYS_BY_WIDTH,
  VALUES_BY_WIDTH,
  KEYS_BY_KEY,
  /// Sums, [keys, panels_row] each.
  DKEYS,
  DVALUES,
  /// Queries of the block, scaled: rows, and panels [queries, width]; cotangents as panels [queries, value_width].
  QUERY_ROWS,
  QUERY_PANELS,
  COTANGENT_PANELS,
  /// The block's weights, and the gradients of its scores: [queries, weights_row].
  WEIGHTS,
  DSCORES,
  PARTS,
};

/// Where the parts begin, in floats, and where the last ends.
static void attention_gradient_layout(const GraftAttention *shape, size_t start[PARTS + 1]) {
  const size_t rows = weights_rows(shape);
  const size_t counts[PARTS] = {
      [KEYS_BY_WIDTH] = packed_count(shape->width, shape->keys),
      [VALUES_BY_WIDTH] = packed_count(shape->value_width, shape->keys),
      [KEYS_BY_KEY] = packed_count(shape->keys, shape->width),
      [DKEYS] = shape->keys * panels_row(shape->width),
      [DVALUES] = shape->keys * panels_row(shape->value_width),
      [QUERY_ROWS] = rows * attention_query_row(shape),
      [QUERY_PANELS] = packed_count(rows, shape->width),
      [COTANGENT_PANELS] = packed_count(rows, shape->value_width),
      [WEIGHTS] = rows * weights_row(shape),
      [DSCORES] = rows * weights_row(shape),
  };
  start[0] = 0;
  for (int part = 0; part < PARTS; part++) start[part + 1] = start[part] + counts[part];
}

typedef struct {
  float *part[PARTS];
} AttentionGradientScratch;

static AttentionGradientScratch attention_gradient_scratch(const GraftAttention *shape, void *scratch) {
  size_t start[PARTS + 1];
  attention_gradient_layout(shape, start);
  AttentionGradientScratch s;
  for (int part = 0; part < PARTS; part++) s.part[part] = (float *)scratch + start[part];
  return s;
}

static size_t attention_gradient_scratch_bytes(const GraftAttention *shape) {
  size_t start[PARTS + 1];
  attention_gradient_layout(shape, start);
  return start[PARTS] * sizeof(float);
}

static void attention_gradient_start(const GraftAttention *shape, const float *k, const float *v, void *scratch) {
  const AttentionGradientScratch s = attention_gradient_scratch(shape, scratch);
  const size_t panels = divide_up(shape->keys, PANEL);
  pack_b(k, 1, shape->k_row, shape->width, shape->keys, 0, panels, s.part[KEYS_BY_WIDTH]);
  pack_b(v, 1, shape->v_row, shape->value_width, shape->keys, 0, panels, s.part[VALUES_BY_WIDTH]);
  pack_b(k, shape->k_row, 1, shape->keys, shape->width, 0, divide_up(shape->width, PANEL), s.part[KEYS_BY_KEY]);
  const size_t sums = shape->keys * (panels_row(shape->width) + panels_row(shape->value_width));
  __builtin_memset(s.part[DKEYS], 0, sums * sizeof(float));
}

/// Scales queries `begin` ..< `end` and packs them, and the cotangents of their results.
static void stage_queries(
    const GraftAttentionGradient *shape, const float *q, const float *ct, size_t begin, size_t end,
    const AttentionGradientScratch *s) {
  const GraftAttention *forward = &shape->forward;
  const size_t row = attention_query_row(forward), count = end - begin;
  for (size_t t = begin; t < end; t++) {
    const float *from = q + (ptrdiff_t)t * forward->q_row;
    float *to = s->part[QUERY_ROWS] + (t - begin) * row;
    for (size_t i = 0; i < forward->width; i += LANES) {
      store(to + i, load_first(from + i, (int)min_size(forward->width - i, LANES)) * forward->scale);
    }
  }
  pack_b(s->part[QUERY_ROWS], (ptrdiff_t)row, 1, count, forward->width, 0, divide_up(forward->width, PANEL), s->part[QUERY_PANELS]);
  pack_b(
      ct + (ptrdiff_t)begin * shape->cotangent_row, shape->cotangent_row, 1, count, forward->value_width, 0,
      divide_up(forward->value_width, PANEL), s->part[COTANGENT_PANELS]);
}

/// out [rows, n] = left [rows, depth] x the panels of right [depth, n], a whole vector at a time.
static void tile_row(
    StagedRows left, int rows, size_t depth, const float *right, size_t n, float *out, size_t out_row) {
  for (size_t column = 0; column < n; column += PANEL, right += depth * PANEL) {
    const TileEnd end = {.out = out + column, .out_row = (ptrdiff_t)out_row};
    tile_kernel(rows, left, (int)min_size(PANEL, n - column))(depth, left, right, &end);
  }
}

/// Turns the scores of `rows` queries from `query` on into weights, and the gradients of the weights into those of the
/// scores. Keys that a query does not see get zeros, up to `depth` keys, a whole number of vectors.
static void weights_and_gradients(
    const GraftAttention *shape, size_t query, int rows, size_t depth, const void *mask, float *weights,
    float *dscores) {
  const size_t stride = weights_row(shape);
  for (int first = 0; first < rows; first += LANES) {
    const int group = min_int(rows - first, LANES);
    float *p = weights + (size_t)first * stride, *slope = dscores + (size_t)first * stride;
    size_t count[LANES];
    V row[LANES];
    for (int r = 0; r < LANES; r++) row[r] = splat(0);
    for (int r = 0; r < group; r++) {
      const size_t t = query + (size_t)(first + r);
      count[r] = visible_keys(shape, t);
      row[r] = mask_row(shape, mask_of_query(shape, mask, t), 0, count[r], p + (size_t)r * stride);
    }
    const V maximum = reduce_rows(true, row);
    // Where nothing is seen every score is -inf, or NaN, which must show.
    const V origin = maximum == -__builtin_inff() ? splat(0) : maximum;
    for (int r = 0; r < LANES; r++) row[r] = splat(0);
    for (int r = 0; r < group; r++) row[r] = exponentiate_row(origin[r], count[r], depth, p + (size_t)r * stride);
    const V sum = reduce_rows(false, row);
    const V factor = sum == 0 ? splat(0) : 1 / sum;
    for (int r = 0; r < LANES; r++) row[r] = splat(0);
    for (int r = 0; r < group; r++) {
      float *own = p + (size_t)r * stride, *slopes = slope + (size_t)r * stride;
      for (size_t i = 0; i < count[r]; i += LANES) {
        const V weight = load(own + i) * factor[r];
        store(own + i, weight);
        row[r] += weight * load(slopes + i);
      }
    }
    const V share = reduce_rows(false, row);
    for (int r = 0; r < group; r++) {
      float *own = p + (size_t)r * stride, *slopes = slope + (size_t)r * stride;
      size_t i = 0;
      for (; i < count[r]; i += LANES) store(slopes + i, load(own + i) * (load(slopes + i) - share[r]));
      for (; i < depth; i += LANES) store(slopes + i, splat(0));
    }
  }
}

/// dq = scale x dscores x keys, for `rows` queries that see `depth` keys.
static void query_gradients(
    const GraftAttentionGradient *shape, const float *dscores, int rows, size_t depth, const float *keys, float *dq) {
  const GraftAttention *forward = &shape->forward;
  const size_t stride = weights_row(forward);
  float sums[TILE_ROWS * PANEL];
  for (size_t column = 0; column < forward->width; column += PANEL, keys += forward->keys * PANEL) {
    const int width = (int)min_size(PANEL, forward->width - column);
    TileEnd end = {.out = sums, .out_row = PANEL};
    size_t key = 0;
    do {
      const size_t part = min_size(DEPTH, depth - key);
      const StagedRows left = {.start = dscores + key, .row = (ptrdiff_t)stride};
      tile_kernel(rows, left, width)(part, left, keys + key * PANEL, &end);
      end.base = sums;
      end.base_row = PANEL;
      key += part;
    } while (key < depth);
    for (int r = 0; r < rows; r++) {
      float *to = dq + r * shape->dquery_row + (ptrdiff_t)column;
      for (int v = 0; v < width; v += LANES) {
        store_first(to + v, load(sums + r * PANEL + v) * forward->scale, min_int(width - v, LANES));
      }
    }
  }
}

/// sums [keys, n] += the transpose of left [count, keys] x the panels of right [count, n]; both for queries from `query` on.
static void add_transposed(
    const GraftAttention *shape, size_t query, size_t count, size_t keys, const float *left, const float *right, size_t n,
    float *sums) {
  const RowCut cut = {0, keys, divide_up(keys, TILE_ROWS)};
  const size_t stride = weights_row(shape), row = panels_row(n);
  for (size_t t = 0; t < cut.tiles; t++) {
    const size_t key = tile_begin(&cut, t);
    // The first query that sees the key.
    const ptrdiff_t first = shape->causal ? (ptrdiff_t)key - shape->diagonal - (ptrdiff_t)query : 0;
    const size_t from = first > 0 ? min_size((size_t)first, count) : 0;
    const StagedRows columns = {.start = left + from * stride + key, .row = (ptrdiff_t)stride, .by_depth = true};
    for (size_t column = 0; column < n; column += PANEL) {
      float *to = sums + key * row + column;
      const TileEnd end = {.out = to, .out_row = (ptrdiff_t)row, .base = to, .base_row = (ptrdiff_t)row};
      Tile *kernel = tile_kernel(tile_rows(&cut, t), columns, (int)min_size(PANEL, n - column));
      kernel(count - from, columns, right + column * count + from * PANEL, &end);
    }
  }
}

static void attention_gradient(
    const GraftAttentionGradient *shape, const float *q, const float *ct, const void *mask, float *dq, void *scratch) {
  const GraftAttention *forward = &shape->forward;
  const AttentionGradientScratch s = attention_gradient_scratch(forward, scratch);
  const size_t stride = weights_row(forward), query_row = attention_query_row(forward), block = weights_rows(forward);
  for (size_t begin = 0; begin < forward->queries; begin += block) {
    const size_t end = min_size(begin + block, forward->queries), seen = visible_keys(forward, end - 1);
    const size_t depth = divide_up(seen, LANES) * LANES;
    stage_queries(shape, q, ct, begin, end, &s);
    const RowCut cut = {begin, end - begin, divide_up(end - begin, TILE_ROWS)};
    for (size_t tile = 0; tile < cut.tiles; tile++) {
      const size_t t = tile_begin(&cut, tile);
      const int rows = tile_rows(&cut, tile);
      const size_t own = visible_keys(forward, t + (size_t)rows - 1);
      float *weights = s.part[WEIGHTS] + (t - begin) * stride, *dscores = s.part[DSCORES] + (t - begin) * stride;
      const StagedRows queries = {.start = s.part[QUERY_ROWS] + (t - begin) * query_row, .row = (ptrdiff_t)query_row};
      const StagedRows cotangents = {.start = ct + (ptrdiff_t)t * shape->cotangent_row, .row = shape->cotangent_row};
      tile_row(queries, rows, forward->width, s.part[KEYS_BY_WIDTH], own, weights, stride);
      tile_row(cotangents, rows, forward->value_width, s.part[VALUES_BY_WIDTH], own, dscores, stride);
      weights_and_gradients(forward, t, rows, depth, mask, weights, dscores);
      if (dq) query_gradients(shape, dscores, rows, own, s.part[KEYS_BY_KEY], dq + (ptrdiff_t)t * shape->dquery_row);
    }
    add_transposed(
        forward, begin, end - begin, seen, s.part[DSCORES], s.part[QUERY_PANELS], forward->width, s.part[DKEYS]);
    add_transposed(
        forward, begin, end - begin, seen, s.part[WEIGHTS], s.part[COTANGENT_PANELS], forward->value_width,
        s.part[DVALUES]);
  }
}

static void write_sums(const float *sums, size_t keys, size_t width, float *out, ptrdiff_t out_row) {
  for (size_t key = 0; key < keys; key++, sums += panels_row(width), out += out_row) {
    for (size_t i = 0; i < width; i += LANES) store_first(out + i, load(sums + i), (int)min_size(width - i, LANES));
  }
}

static void attention_gradient_end(const GraftAttentionGradient *shape, float *dk, float *dv, void *scratch) {
  const GraftAttention *forward = &shape->forward;
  const AttentionGradientScratch s = attention_gradient_scratch(forward, scratch);
  if (dk) write_sums(s.part[DKEYS], forward->keys, forward->width, dk, shape->dkey_row);
  if (dv) write_sums(s.part[DVALUES], forward->keys, forward->value_width, dv, shape->dvalue_row);
}
