// Functions of vectors that epilogues and the softmax of attention need. NaN stays NaN.

ALWAYS_INLINE V at_least(V x, V low) { return x < low ? low : x; }
ALWAYS_INLINE V at_most(V x, V high) { return x > high ? high : x; }
ALWAYS_INLINE V magnitude(V x) { return (V)((I)x & 0x7fffffff); }
ALWAYS_INLINE V with_sign_of(V x, V sign) {
  return (V)((I)x | ((I)sign & INT32_MIN));
}

/// e raised to `x`, within 1 ulp, denormal results included.
ALWAYS_INLINE V exponential(V x) {
  const V rounder = splat(12582912.0f);
  x = at_least(at_most(x, splat(89.5f)), splat(-105.0f));
  V shifted = x * 1.44269504f + rounder;
  V n = shifted - rounder;
  V r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
#if LANES == 16
  return _mm512_scalef_ps(p, n);
#else
  // In two steps, because 2^n alone may be out of range where the result is not.
  I exponent = (I)shifted - (I)rounder;
  I half = exponent >> 1;
  p = p * (V)((half + 127) << 23);
  return p * (V)((exponent - half + 127) << 23);
#endif
}

/// 1 / (1 + exp(-x)), within 3 ulp.
ALWAYS_INLINE V sigmoid(V x) {
  const V p = exponential(-magnitude(x));
  return (x < 0.0f ? p : splat(1)) / (1.0f + p);
}

/// The hyperbolic tangent, within 2 ulp.
ALWAYS_INLINE V hyperbolic_tangent(V x) {
  V t = magnitude(x);
  V z = x * x;
  V p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  V small = p * z * x + x;
  V large = with_sign_of(1.0f - 2.0f / (exponential(t + t) + 1.0f), x);
  return t < 0.625f ? small : large;
}

/// x times the normal distribution function. Coefficients of erf and of log(erfc): N. Juffa's.
ALWAYS_INLINE V gelu(V x) {
  V a = x * 0.707106781f;
  V t = magnitude(a);
  V s = a * a;
  V p = s * -5.96761703e-4f + 4.99119423e-3f;
  p = p * s - 2.67681349e-2f;
  p = p * s + 1.12819925e-1f;
  p = p * s - 3.76125336e-1f;
  p = p * s + 1.28379166e-1f;
  V inner = 0.5f + 0.5f * (p * a + a);

  t = at_most(t, splat(10.5f));
  s = t * t;
  V q = t * -1.72853470e-5f + 3.83197126e-4f;
  V u = t * -3.88396438e-3f + 2.42546219e-2f;
  q = q * s + u;
  q = q * t - 1.06777877e-1f;
  q = q * t - 6.34846687e-1f;
  q = q * t - 1.28717512e-1f;
  q = q * t - t;
  V tail = 0.5f * exponential(q);
  V outer = a < 0.0f ? tail : 1.0f - tail;
  return x * (t < 0.927734375f ? inner : outer);
}

ALWAYS_INLINE V gelu_tanh(V x) {
  V twice = x * 1.59576912f;
  return x * sigmoid(twice + twice * (x * x) * 0.044715f);
}

ALWAYS_INLINE V hardswish(V x) {
  V gate = at_most(at_least(x + 3.0f, splat(0)), splat(6));
  return x * gate / 6.0f;
}

ALWAYS_INLINE V activate(GraftActivation activation, V x) {
  switch (activation) {
    case GRAFT_IDENTITY: return x;
    case GRAFT_RELU: return at_least(x, splat(0));
    case GRAFT_RELU6: return at_most(at_least(x, splat(0)), splat(6));
    case GRAFT_SIGMOID: return sigmoid(x);
    case GRAFT_SILU: return x * sigmoid(x);
    case GRAFT_HARDSWISH: return hardswish(x);
    case GRAFT_TANH: return hyperbolic_tangent(x);
    case GRAFT_GELU: return gelu(x);
    case GRAFT_GELU_TANH: return gelu_tanh(x);
  }
  return x;
}
