// Attention by tiles of queries and blocks of keys, without the matrix of scores.

enum {
  /// Tiles of queries that share a block of keys while it is in the cache.
  QUERY_TILES = 8,
  QUERIES = QUERY_TILES * TILE_ROWS,
};

static size_t attention_value_row(const GraftAttention *shape) { return divide_up(shape->value_width, PANEL) * PANEL; }

/// Room for rows of q, in a stride that does not collide in the cache.
static size_t attention_query_row(const GraftAttention *shape) { return divide_up(shape->width, LANES) * LANES + 16; }

static size_t attention_packed_count(const GraftAttention *shape) {
  return packed_count(shape->width, shape->keys) + packed_count(shape->keys, shape->value_width);
}

static void attention_pack(
    const GraftAttention *shape, const float *k, const float *v, size_t key_begin, size_t key_end, float *packed) {
  const size_t panels_end = divide_up(key_end, PANEL);
  pack_b(k, 1, shape->k_row, shape->width, shape->keys, key_begin / PANEL, panels_end, packed);
  float *values = packed + packed_count(shape->width, shape->keys);
  for (size_t column = 0; column < shape->value_width; column += PANEL, values += shape->keys * PANEL) {
    const int width = (int)min_size(PANEL, shape->value_width - column);
    pack_panel(v + column, shape->v_row, 1, key_begin, key_end, width, values + key_begin * PANEL);
  }
}

static size_t attention_scratch_bytes(const GraftAttention *shape) {
  const size_t row = attention_query_row(shape) + attention_value_row(shape);
  return (QUERIES * row + TILE_ROWS * KEYS_ROW) * sizeof(float) + QUERY_TILES * sizeof(Softmax);
}

/// The scratch of one call.
typedef struct {
  float *queries;
  float *sums;
  float *scores;
  Softmax *softmax;
} AttentionScratch;

static AttentionScratch attention_scratch(const GraftAttention *shape, void *scratch) {
  AttentionScratch s;
  s.queries = scratch;
  s.sums = s.queries + QUERIES * attention_query_row(shape);
  s.scores = s.sums + QUERIES * attention_value_row(shape);
  s.softmax = (Softmax *)(s.scores + TILE_ROWS * KEYS_ROW);
  return s;
}

/// Copies queries `begin` ..< `end`, scaled, and clears what is known of them.
static void start_queries(
    const GraftAttention *shape, const float *q, size_t begin, size_t end, const AttentionScratch *scratch) {
  const size_t row = attention_query_row(shape), value_row = attention_value_row(shape);
  for (size_t t = begin; t < end; t++) {
    const float *from = q + (ptrdiff_t)t * shape->q_row;
    float *to = scratch->queries + (t - begin) * row;
    for (size_t i = 0; i < shape->width; i += LANES) {
      store(to + i, load_first(from + i, (int)min_size(shape->width - i, LANES)) * shape->scale);
    }
    float *sums = scratch->sums + (t - begin) * value_row;
    for (size_t i = 0; i < value_row; i += LANES) store(sums + i, splat(0));
  }
  for (int tile = 0; tile < QUERY_TILES; tile++) {
    for (int i = 0; i < SOFTMAX_ROWS; i += LANES) {
      store(scratch->softmax[tile].maximum + i, splat(-__builtin_inff()));
      store(scratch->softmax[tile].sum + i, splat(0));
    }
  }
}

/// Divides by the sums of the weights and writes queries `begin` ..< `end`.
static void write_queries(
    const GraftAttention *shape, size_t begin, size_t end, const AttentionScratch *scratch, float *out) {
  const size_t value_row = attention_value_row(shape);
  for (size_t t = begin; t < end; t++) {
    const float sum = scratch->softmax[(t - begin) / TILE_ROWS].sum[(t - begin) % TILE_ROWS];
    const float factor = 1 / sum;
    const float *sums = scratch->sums + (t - begin) * value_row;
    float *to = out + (ptrdiff_t)t * shape->out_row;
    for (size_t i = 0; i < shape->value_width; i += LANES) {
      const V mean = sum == 0 ? splat(0) : load(sums + i) * factor;
      store_first(to + i, mean, (int)min_size(shape->value_width - i, LANES));
    }
  }
}

/// Adds keys `key` ..< `key + depth` to the queries `query` ..< `query + rows`, which are `index` ... in the scratch.
static void attend_tile(
    const GraftAttention *shape, const float *packed, const void *mask, size_t query, size_t index, int rows,
    size_t key, size_t depth, const AttentionScratch *scratch) {
  const size_t query_row = attention_query_row(shape), value_row = attention_value_row(shape);
  const StagedRows queries = {.start = scratch->queries + index * query_row, .row = (ptrdiff_t)query_row};
  for (size_t s = 0; s < depth; s += PANEL) {
    const float *keys = packed + (key + s) / PANEL * shape->width * PANEL;
    const TileEnd end = {.out = scratch->scores + s, .out_row = KEYS_ROW};
    tile_kernel(rows, queries, (int)min_size(PANEL, depth - s))(shape->width, queries, keys, &end);
  }
  float factors[SOFTMAX_ROWS];
  softmax_block(
      shape, query, rows, key, depth, mask, scratch->scores, &scratch->softmax[index / TILE_ROWS], factors);
  const float *values = packed + packed_count(shape->width, shape->keys) + key * PANEL;
  float tile[TILE_ROWS * PANEL];
  const StagedRows scores = {.start = scratch->scores, .row = KEYS_ROW};
  for (size_t column = 0; column < shape->value_width; column += PANEL, values += shape->keys * PANEL) {
    const int width = (int)min_size(PANEL, shape->value_width - column);
    const TileEnd end = {.out = tile, .out_row = PANEL};
    tile_kernel(rows, scores, width)(depth, scores, values, &end);
    for (int r = 0; r < rows; r++) {
      float *sums = scratch->sums + (index + (size_t)r) * value_row + column;
      for (int v = 0; v < width; v += LANES) {
        store(sums + v, load(sums + v) * factors[r] + load(tile + r * PANEL + v));
      }
    }
  }
}

static void attention(
    const GraftAttention *shape, const float *q, const float *packed, const void *mask, float *out, size_t query_begin,
    size_t query_end, void *scratch) {
  const AttentionScratch s = attention_scratch(shape, scratch);
  for (size_t begin = query_begin; begin < query_end; begin += QUERIES) {
    const size_t end = min_size(begin + QUERIES, query_end);
    start_queries(shape, q, begin, end, &s);
    const size_t seen = visible_keys(shape, end - 1);
    for (size_t key = 0; key < seen; key += KEYS) {
      const size_t depth = min_size(KEYS, seen - key);
      for (size_t t = begin; t < end; t += TILE_ROWS) {
        const int rows = (int)min_size(TILE_ROWS, end - t);
        const size_t tile_seen = visible_keys(shape, t + (size_t)rows - 1);
        if (tile_seen <= key) continue;
        attend_tile(shape, packed, mask, t, t - begin, rows, key, min_size(depth, tile_seen - key), &s);
      }
    }
    write_queries(shape, begin, end, &s, out);
  }
}
