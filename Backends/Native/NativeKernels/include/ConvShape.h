#ifndef GRAFT_NATIVE_KERNELS_CONV_SHAPE_H
#define GRAFT_NATIVE_KERNELS_CONV_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// A convolution, channels last: x [batch, depth, height, width, in_channels] with contiguous channels, and y
/// [batch * depth * height * width, out_channels] with contiguous channels and rows `y_row` apart. Arrays of three are
/// depth, height and width; fewer dimensions have leading sizes of 1. Strides of memory are in elements.
typedef struct {
  size_t batch;
  size_t in_channels;
  size_t out_channels;
  /// Divides both numbers of channels.
  size_t groups;
  size_t input[3];
  size_t output[3];
  size_t kernel[3];
  size_t stride[3];
  size_t dilation[3];
  /// Zeros in front; those behind follow from the sizes. May be negative.
  ptrdiff_t padding[3];
  /// From image to image, plane to plane, line to line and pixel to pixel of x.
  ptrdiff_t x_stride[4];
  ptrdiff_t y_row;
  /// Whether the weight is packed before each call, and not once for many.
  bool weight_changes;
} GraftConv;

#pragma clang assume_nonnull end

#endif
