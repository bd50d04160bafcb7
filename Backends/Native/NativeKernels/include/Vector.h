#ifndef GRAFT_NATIVE_KERNELS_VECTOR_H
#define GRAFT_NATIVE_KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "Path.h"

#pragma clang assume_nonnull begin

/// The type of the elements of a buffer. Halves are for storage: only casts and moves know them.
typedef enum GraftType {
  /// One byte, 0 or 1.
  GRAFT_TYPE_BOOL,
  GRAFT_TYPE_U8,
  GRAFT_TYPE_I8,
  GRAFT_TYPE_I16,
  GRAFT_TYPE_I32,
  GRAFT_TYPE_I64,
  GRAFT_TYPE_U16,
  GRAFT_TYPE_U32,
  GRAFT_TYPE_U64,
  GRAFT_TYPE_F16,
  GRAFT_TYPE_BF16,
  GRAFT_TYPE_F32,
  GRAFT_TYPE_F64,
  GRAFT_TYPE_COUNT,
} GraftType;

/// What a block function computes from each element of its operands, which are called x, y and z.
///
/// The floating types have all operators but the shifts and those of bits. The integer types have those that are
/// marked; they wrap on overflow. Booleans have the operators of logic and comparison, and add, multiply, maximum and
/// minimum, which are or, and, or, and. A zero divisor of integers gives -1 as quotient and x as remainder (fmod too).
typedef enum GraftOperator {
  // Of x.
  GRAFT_OP_NEGATIVE,  // integers too
  GRAFT_OP_ABS,       // integers too
  /// -1, 0 or 1; 0 for NaN, as PyTorch has it.
  GRAFT_OP_SIGN,  // integers too
  GRAFT_OP_EXP,
  GRAFT_OP_EXP2,
  GRAFT_OP_EXPM1,
  GRAFT_OP_LOG,
  GRAFT_OP_LOG2,
  GRAFT_OP_LOG10,
  GRAFT_OP_LOG1P,
  GRAFT_OP_SQRT,
  GRAFT_OP_RSQRT,
  GRAFT_OP_RECIPROCAL,
  GRAFT_OP_SQUARE,  // integers too
  GRAFT_OP_TANH,
  GRAFT_OP_SIGMOID,
  /// The greater of x and 0.
  GRAFT_OP_RELU,  // integers too
  /// x * sigmoid(x).
  GRAFT_OP_SILU,
  /// x times the standard normal distribution's cumulative function; the right digits in its lower tail too.
  GRAFT_OP_GELU_ERF,
  /// The approximation of the former by a hyperbolic tangent.
  GRAFT_OP_GELU_TANH,
  /// The derivatives of these two.
  GRAFT_OP_GELU_ERF_SLOPE,
  GRAFT_OP_GELU_TANH_SLOPE,
  /// log(1 + exp(x)).
  GRAFT_OP_SOFTPLUS,
  GRAFT_OP_ERF,
  GRAFT_OP_ERFC,
  GRAFT_OP_SIN,
  GRAFT_OP_COS,
  GRAFT_OP_TAN,
  GRAFT_OP_ASIN,
  GRAFT_OP_ACOS,
  GRAFT_OP_ATAN,
  GRAFT_OP_SINH,
  GRAFT_OP_COSH,
  GRAFT_OP_ASINH,
  GRAFT_OP_ACOSH,
  GRAFT_OP_ATANH,
  GRAFT_OP_FLOOR,
  GRAFT_OP_CEIL,
  /// The nearest integer; halves go to the even one.
  GRAFT_OP_ROUND,
  GRAFT_OP_TRUNC,
  // Of x, with booleans as results.
  GRAFT_OP_IS_NAN,
  GRAFT_OP_IS_INFINITE,
  GRAFT_OP_IS_FINITE,
  GRAFT_OP_SIGN_BIT,     // signed integers too
  GRAFT_OP_LOGICAL_NOT,  // integers too
  // Of the bits of integers; of booleans.
  GRAFT_OP_BITWISE_NOT,

  // Of x and y.
  GRAFT_OP_ADD,       // integers too
  GRAFT_OP_SUBTRACT,  // integers too
  GRAFT_OP_MULTIPLY,  // integers too
  GRAFT_OP_DIVIDE,
  /// Integers too; a negative exponent gives the integer part of the power, and 0 for a base of 0.
  GRAFT_OP_POWER,
  /// The greater of x and y; NaN if either is.
  GRAFT_OP_MAXIMUM,  // integers too
  /// The lesser of x and y; NaN if either is.
  GRAFT_OP_MINIMUM,  // integers too
  /// The greater of x and y; the other one where one is NaN.
  GRAFT_OP_FMAX,
  /// The lesser of x and y; the other one where one is NaN.
  GRAFT_OP_FMIN,
  /// The angle of the point with ordinate x and abscissa y.
  GRAFT_OP_ATAN2,
  GRAFT_OP_HYPOT,
  GRAFT_OP_COPYSIGN,
  /// The quotient rounded towards minus infinity.
  GRAFT_OP_FLOOR_DIVIDE,  // integers too
  /// The quotient rounded towards zero.
  GRAFT_OP_TRUNCATE_DIVIDE,  // integers too
  /// The rest of the floor division, with the sign of y.
  GRAFT_OP_REMAINDER,  // integers too
  /// The rest of the truncating division, with the sign of x.
  GRAFT_OP_FMOD,  // integers too
  GRAFT_OP_BITWISE_AND,
  GRAFT_OP_BITWISE_OR,
  GRAFT_OP_BITWISE_XOR,
  /// 0 where y is negative or as large as the type has bits.
  GRAFT_OP_LEFT_SHIFT,
  /// Keeps the sign; as if by one bit less than the type has where y is negative or larger.
  GRAFT_OP_RIGHT_SHIFT,
  // Of x and y, with booleans as results; integers too.
  GRAFT_OP_EQUAL,
  GRAFT_OP_NOT_EQUAL,
  GRAFT_OP_LESS,
  GRAFT_OP_LESS_EQUAL,
  GRAFT_OP_GREATER,
  GRAFT_OP_GREATER_EQUAL,

  // Of x, y and z.
  /// y where the boolean x holds, z elsewhere; every type, the halves too.
  GRAFT_OP_WHERE,
  /// The lesser of z and the greater of x and y, so that y and z are limits; NaN if any is. Integers too.
  GRAFT_OP_CLIP,
  /// x * y + z, rounded once where the processor can do that. Integers too.
  GRAFT_OP_FMA,
  GRAFT_OP_COUNT,
} GraftOperator;

/// Computes `n` elements of `dst` from those of the operands that the operator has; the others are ignored.
///
/// All buffers are dense and aligned for their elements only. `dst` may be an operand whose elements are no narrower
/// than those of `dst`, and overlaps no operand otherwise. What an element becomes depends on the operands alone,
/// neither on its place nor on `n`.
typedef void GraftBlock(
    void *dst, const void *a, const void *_Nullable b, const void *_Nullable c, size_t n);

/// The block function of `op` for operands of `type` (for `GRAFT_OP_WHERE` the type of y and z); NULL if there is none.
GraftBlock *_Nullable graft_block(GraftPath path, GraftOperator op, GraftType type);

/// The block function that converts its operand.
///
/// From floating to integer it rounds towards zero and saturates, and NaN becomes 0; to boolean everything but zero
/// becomes 1; from integer to integer it wraps; to floating it rounds to nearest even, to halves by way of float32.
GraftBlock *graft_cast(GraftPath path, GraftType from, GraftType to);

/// The bytes of one element.
size_t graft_type_size(GraftType type);

/// Moves of elements, which depend only on their width. Strides count elements, and may be negative or 0.
typedef struct GraftMoves {
  /// Writes `n` copies of the element at `value`.
  void (*fill)(void *dst, const void *value, size_t n);
  /// Reads `n` elements `stride` apart into a dense block that does not overlap them.
  void (*gather)(void *dst, const void *src, ptrdiff_t stride, size_t n);
  /// Writes a dense block to places `stride` apart that do not overlap it.
  void (*scatter)(void *dst, ptrdiff_t stride, const void *src, size_t n);
  /// `dst[c * dst_stride + r] = src[r * src_stride + c]` for each of `rows` and `columns`.
  void (*transpose)(
      void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, size_t rows, size_t columns);
} GraftMoves;

/// The moves for elements of `width` bytes; NULL unless that is 1, 2, 4 or 8.
const GraftMoves *_Nullable graft_moves(GraftPath path, size_t width);

#pragma clang assume_nonnull end

#endif
