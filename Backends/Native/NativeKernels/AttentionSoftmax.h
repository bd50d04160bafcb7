// The softmax of attention over blocks of keys: a running maximum and sum per query.

enum {
  /// Keys of a block.
  KEYS = 256,
  KEYS_ROW = KEYS + 16,
};

/// What is known of a query after some blocks: the maximum of its scores, and the sum of exp(score - maximum).
typedef struct {
  float maximum, sum;
} Softmax;

/// Keys that `query` may see, counted from key 0.
ALWAYS_INLINE size_t visible_keys(const GraftAttention *shape, size_t query) {
  if (!shape->causal) return shape->keys;
  const ptrdiff_t end = (ptrdiff_t)query + shape->diagonal + 1;
  return end > 0 ? min_size((size_t)end, shape->keys) : 0;
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

/// Turns the `depth` scores of `query` and the keys from `first_key` on into exp(score - maximum), where the keys that it
/// does not see have 0.
/// - Returns: the factor by which what was summed so far shrinks.
static float softmax_block(
    const GraftAttention *shape, size_t query, size_t first_key, size_t depth, const void *mask, float *scores,
    Softmax *state) {
  const size_t seen = visible_keys(shape, query);
  const size_t count = seen > first_key ? min_size(seen - first_key, depth) : 0;
  const V none = splat(-__builtin_inff());
  V lane;
  for (int i = 0; i < LANES; i++) lane[i] = (float)i;
  V highest = none;
  for (size_t i = 0; i < count; i += LANES) {
    V s = load(scores + i);
    if (shape->mask != GRAFT_MASK_NONE) s = masked(shape, mask, first_key + i, (int)min_size(count - i, LANES), s);
    if (count - i < LANES) s = lane < (float)(count - i) ? s : none;
    store(scores + i, s);
    highest = s > highest ? s : highest;
  }
  const float block = lanes_max(highest), before = state->maximum;
  const float maximum = block > before ? block : before;
  state->maximum = maximum;
  V sum = splat(0);
  // Where nothing is seen yet every score is -inf, or NaN, which must show.
  const float origin = maximum == -__builtin_inff() ? 0 : maximum;
  size_t i = 0;
  for (; i < count; i += LANES) {
    const V p = exponential(load(scores + i) - origin);
    store(scores + i, p);
    sum += p;
  }
  for (; i < depth; i += LANES) store(scores + i, splat(0));
  const float factor = exponential(splat(before - origin))[0];
  state->sum = state->sum * factor + lanes_sum(sum);
  return factor;
}
