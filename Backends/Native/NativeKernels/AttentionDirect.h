// Attention of few queries: keys and values are read in place, once.

/// The lanes of sum[j] sum to q . k[j], for `keys` keys; the remaining sums are those of the last key.
static void score_vectors(const GraftAttention *shape, const float *q, const float *k, int keys, V sum[LANES]) {
  for (int first = 0; first < LANES; first += 4) {
    const float *key[4];
    V dot[4];
    UNROLL for (int j = 0; j < 4; j++) {
      key[j] = k + min_int(first + j, keys - 1) * shape->k_row;
      dot[j] = splat(0);
    }
    size_t i = 0;
    for (; i + LANES <= shape->width; i += LANES) {
      const V x = load(q + i);
      UNROLL for (int j = 0; j < 4; j++) dot[j] += x * load(key[j] + i);
    }
    if (i < shape->width) {
      const V x = load(q + i);
      UNROLL for (int j = 0; j < 4; j++) dot[j] += x * load_first(key[j] + i, (int)(shape->width - i));
    }
    UNROLL for (int j = 0; j < 4; j++) sum[first + j] = dot[j];
  }
}

/// scores[s] = q . k[s] for `count` keys, up to a whole vector.
static void score_keys(const GraftAttention *shape, const float *q, const float *k, size_t count, float *scores) {
  for (size_t s = 0; s < count; s += LANES) {
    V sum[LANES];
    score_vectors(shape, q, k + (ptrdiff_t)s * shape->k_row, (int)min_size(LANES, count - s), sum);
    store(scores + s, reduce_rows(false, sum));
  }
}

/// sums = factor * sums + weights x v, for `vectors` vectors of columns of which the last has `last` columns.
ALWAYS_INLINE void add_values(
    const int vectors, const GraftAttention *shape, const float *weights, const float *v, size_t count, int last,
    float factor, float *sums) {
  V sum[4];
  UNROLL for (int i = 0; i < vectors; i++) sum[i] = load(sums + i * LANES) * factor;
  for (size_t s = 0; s < count; s++, v += shape->v_row) {
    const V weight = splat(weights[s]);
    UNROLL for (int i = 0; i < vectors; i++) {
      sum[i] += weight * (i + 1 == vectors ? load_first(v + i * LANES, last) : load(v + i * LANES));
    }
  }
  UNROLL for (int i = 0; i < vectors; i++) store(sums + i * LANES, sum[i]);
}

static void weigh_values(
    const GraftAttention *shape, const float *weights, const float *v, size_t count, float factor, float *sums) {
  size_t column = 0;
  for (; column + 4 * LANES <= shape->value_width; column += 4 * LANES) {
    add_values(4, shape, weights, v + column, count, LANES, factor, sums + column);
  }
  for (; column < shape->value_width; column += LANES) {
    const int last = (int)min_size(LANES, shape->value_width - column);
    add_values(1, shape, weights, v + column, count, last, factor, sums + column);
  }
}

static void attention_direct(
    const GraftAttention *shape, const float *q, const float *k, const float *v, const void *mask, float *out,
    size_t query_begin, size_t query_end, void *scratch) {
  const AttentionScratch s = attention_scratch(shape, scratch);
  for (size_t t = query_begin; t < query_end; t++) {
    start_queries(shape, q, t, t + 1, &s);
    const size_t seen = visible_keys(shape, t);
    for (size_t key = 0; key < seen; key += KEYS) {
      const size_t depth = min_size(KEYS, seen - key);
      score_keys(shape, s.queries, k + (ptrdiff_t)key * shape->k_row, depth, s.scores);
      float factors[SOFTMAX_ROWS];
      softmax_block(shape, t, 1, key, depth, mask, s.scores, s.softmax, factors);
      weigh_values(shape, s.scores, v + (ptrdiff_t)key * shape->v_row, depth, factors[0], s.sums);
    }
    write_queries(shape, t, t + 1, &s, out);
  }
}
