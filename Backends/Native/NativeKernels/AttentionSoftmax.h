// The softmax of attention over blocks of keys: a running maximum and sum per query.

enum {
  /// Keys of a block.
  KEYS = 256,
  KEYS_ROW = KEYS + 16,
  /// Queries of a tile, up to a whole vector.
  SOFTMAX_ROWS = (TILE_ROWS + LANES - 1) / LANES * LANES,
};

/// Keys that `query` may see, counted from key 0.
ALWAYS_INLINE size_t visible_keys(const GraftAttention *shape, size_t query) {
  if (!shape->causal) return shape->keys;
  const ptrdiff_t end = (ptrdiff_t)query + shape->diagonal + 1;
  return end > 0 ? min_size((size_t)end, shape->keys) : 0;
}

static const void *mask_of_query(const GraftAttention *shape, const void *mask, size_t query) {
  const ptrdiff_t offset = (ptrdiff_t)query * shape->mask_row;
  switch (shape->mask) {
    case GRAFT_MASK_NONE: break;
    case GRAFT_MASK_BOOLEAN: return (const uint8_t *)mask + offset;
    case GRAFT_MASK_FLOAT: return (const float *)mask + offset;
  }
  return NULL;
}

/// The scores under the mask's elements from `column` on, of which `count` exist.
ALWAYS_INLINE V masked(const GraftAttention *shape, const void *mask, size_t column, int count, V scores) {
  const ptrdiff_t stride = shape->mask_column;
  if (shape->mask == GRAFT_MASK_FLOAT) {
    const float *from = (const float *)mask + (ptrdiff_t)column * stride;
    if (stride == 1) return scores + load_first(from, count);
    if (stride == 0) return scores + *from;
    V terms = splat(0);
    for (int i = 0; i < count && i < LANES; i++) terms[i] = from[i * stride];
    return scores + terms;
  }
  const uint8_t *from = (const uint8_t *)mask + (ptrdiff_t)column * stride;
  typedef uint8_t Bytes __attribute__((ext_vector_type(LANES)));
  Bytes bytes = 0;
  if (stride == 1 && count >= LANES) {
    __builtin_memcpy(&bytes, from, LANES);
  } else {
    for (int i = 0; i < count && i < LANES; i++) bytes[i] = from[i * stride];
  }
  return __builtin_convertvector(bytes, I) != 0 ? scores : splat(-__builtin_inff());
}

/// What is known of the queries of a tile after some blocks: for each the maximum of its scores, and the sum of
/// exp(score - maximum).
typedef struct {
  float maximum[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
} Softmax;

/// The maxima, or the sums, of the lanes of each vector.
ALWAYS_INLINE V reduce_rows(const bool maximum, V rows[LANES]) {
  transpose(rows);
  UNROLL for (int width = LANES / 2; width > 0; width /= 2) {
    UNROLL for (int i = 0; i < width; i++) {
      const V a = rows[i], b = rows[i + width];
      rows[i] = maximum ? (a > b ? a : b) : a + b;
    }
  }
  return rows[0];
}

/// The highest of `count` scores, which the mask is applied to first; those up to a whole vector become -inf.
static V mask_row(const GraftAttention *shape, const void *mask, size_t first_key, size_t count, float *scores) {
  const V none = splat(-__builtin_inff());
  V highest = none;
  size_t i = 0;
  if (shape->mask == GRAFT_MASK_NONE) {
    for (; i + LANES <= count; i += LANES) {
      const V s = load(scores + i);
      highest = s > highest ? s : highest;
    }
  }
  for (; i < count; i += LANES) {
    V s = load(scores + i);
    const int keys = (int)min_size(count - i, LANES);
    if (shape->mask != GRAFT_MASK_NONE) s = masked(shape, mask, first_key + i, keys, s);
    if (keys < LANES) s = first_lanes(keys) ? s : none;
    store(scores + i, s);
    highest = s > highest ? s : highest;
  }
  return highest;
}

/// Turns scores into exp(score - origin), in rows of `depth` of which the last have no key and become 0; their sum.
static V exponentiate_row(float origin, size_t count, size_t depth, float *scores) {
  V sum = splat(0);
  size_t i = 0;
  for (; i < count; i += LANES) {
    const V p = exponential(load(scores + i) - origin);
    store(scores + i, p);
    sum += p;
  }
  for (; i < depth; i += LANES) store(scores + i, splat(0));
  return sum;
}

/// Turns the scores of `rows` queries from `query` on, and of `depth` keys from `first_key` on, into
/// exp(score - maximum), where the keys that a query does not see have 0. `mask` is the whole head's.
/// - Parameter factors: for each query what its sums so far are to be multiplied by.
static void softmax_block(
    const GraftAttention *shape, size_t query, int rows, size_t first_key, size_t depth, const void *mask,
    float *scores, Softmax *state, float *factors) {
  for (int first = 0; first < rows; first += LANES) {
    const int group = min_int(rows - first, LANES);
    size_t count[LANES];
    V row[LANES];
    for (int r = 0; r < LANES; r++) row[r] = splat(0);
    for (int r = 0; r < group; r++) {
      const size_t t = query + (size_t)(first + r), seen = visible_keys(shape, t);
      count[r] = seen > first_key ? min_size(seen - first_key, depth) : 0;
      row[r] = mask_row(shape, mask_of_query(shape, mask, t), first_key, count[r], scores + (first + r) * KEYS_ROW);
    }
    const V highest = reduce_rows(true, row), before = load(state->maximum + first);
    const V maximum = highest > before ? highest : before;
    // Where nothing is seen yet every score is -inf, or NaN, which must show.
    const V origin = maximum == -__builtin_inff() ? splat(0) : maximum;
    const V factor = exponential(before - origin);
    for (int r = 0; r < LANES; r++) row[r] = splat(0);
    for (int r = 0; r < group; r++) {
      row[r] = exponentiate_row(origin[r], count[r], depth, scores + (first + r) * KEYS_ROW);
    }
    store(state->maximum + first, maximum);
    store(state->sum + first, load(state->sum + first) * factor + reduce_rows(false, row));
    store(factors + first, factor);
  }
}
