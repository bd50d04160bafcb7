#ifndef GRAFT_NATIVE_KERNELS_MATMUL_EPILOGUE_H
#define GRAFT_NATIVE_KERNELS_MATMUL_EPILOGUE_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// A function of one element. NaN stays NaN.
typedef enum GraftActivation {
  GRAFT_IDENTITY,
  GRAFT_RELU,
  GRAFT_RELU6,
  GRAFT_SIGMOID,
  GRAFT_SILU,
  GRAFT_HARDSWISH,
  GRAFT_TANH,
  /// x times the normal distribution function of x.
  GRAFT_GELU,
  /// The approximation of it by a hyperbolic tangent.
  GRAFT_GELU_TANH,
} GraftActivation;

/// What happens to a product before it is written, while it is in registers:
///
///     c = clamp(activation(alpha * product + [c] + [bias] + [residual]), low, high)
///
/// where the terms in brackets may be absent, and the residual may come after the activation.
typedef struct {
  float alpha;
  /// Adds to what the output holds.
  bool accumulate;
  /// Adds the residual to the activation's result, not to its argument.
  bool residual_last;
  GraftActivation activation;
  /// One per column of the whole output.
  const float *_Nullable bias;
  /// The output's shape, with contiguous columns; must not overlap the output.
  const float *_Nullable residual;
  /// From one row of the residual to the next, in elements.
  ptrdiff_t residual_row;
  /// Bounds of the result, infinite for none.
  float low;
  float high;
} GraftEpilogue;

#pragma clang assume_nonnull end

#endif
