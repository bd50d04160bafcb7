import NativeKernels

/// How a convolution in float32 is computed.
enum ConvolutionAlgorithm: Sendable {
  /// As a product: rows are output pixels.
  case direct
  /// Each channel by itself: rows are output pixels.
  case depthwise
  /// Taps of 3 x 3 by minimal filtering (Winograd): rows are lines of tiles of output pixels.
  case winograd
}

extension MatmulKernels {
  func algorithm(_ shape: GraftConv) -> ConvolutionAlgorithm {
    if shape.isDepthwise { return .depthwise }
    return withUnsafePointer(to: shape) { table.pointee.winograd_applies($0) } ? .winograd : .direct
  }

  /// Panels of output channels; each group has its own, the last of which may be partial.
  func panels(_ shape: GraftConv) -> Int {
    withUnsafePointer(to: shape) {
      shape.isDepthwise ? table.pointee.depthwise_panels($0) : table.pointee.conv_panels($0)
    }
  }

  /// The rows that tasks are cut between.
  func rows(_ shape: GraftConv) -> Int {
    switch algorithm(shape) {
    case .direct, .depthwise: shape.rows
    case .winograd: withUnsafePointer(to: shape) { table.pointee.winograd_tile_lines($0) }
    }
  }

  /// The number of floats of a packed weight.
  func packedCount(_ shape: GraftConv) -> Int {
    withUnsafePointer(to: shape) {
      switch algorithm(shape) {
      case .direct: table.pointee.conv_packed_count($0)
      case .depthwise: table.pointee.depthwise_packed_count($0)
      case .winograd: table.pointee.winograd_packed_count($0)
      }
    }
  }

  func scratchBytes(_ shape: GraftConv) -> Int {
    withUnsafePointer(to: shape) {
      switch algorithm(shape) {
      case .direct: table.pointee.conv_scratch_bytes()
      case .depthwise: table.pointee.depthwise_scratch_bytes($0)
      case .winograd: table.pointee.winograd_scratch_bytes($0)
      }
    }
  }

  /// Packs some panels of a weight [O, C / groups, depth, height, width] of these five strides; all of them for a
  /// depthwise convolution.
  func pack(
    _ shape: GraftConv, _ weight: UnsafePointer<Float>, strides: [Int], panels: Range<Int>,
    into packed: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: shape) { shape in
      strides.withUnsafeBufferPointer { strides in
        guard let strides = strides.baseAddress else { return }
        switch algorithm(shape.pointee) {
        case .direct: table.pointee.conv_pack(shape, weight, strides, panels.lowerBound, panels.upperBound, packed)
        case .depthwise: table.pointee.depthwise_pack(shape, weight, strides, packed)
        case .winograd:
          table.pointee.winograd_pack(shape, weight, strides, panels.lowerBound, panels.upperBound, packed)
        }
      }
    }
  }

  /// Some rows and panels of a convolution.
  func convolve(
    _ shape: GraftConv, _ x: UnsafePointer<Float>, packed: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    _ part: OutputPart, _ epilogue: GraftEpilogue, scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) { shape in
      withUnsafePointer(to: epilogue) { epilogue in
        switch algorithm(shape.pointee) {
        case .direct: table.pointee.conv(shape, x, packed, y, part.kernel, epilogue, scratch)
        case .depthwise: table.pointee.depthwise(shape, x, packed, y, part.kernel, epilogue, scratch)
        case .winograd: table.pointee.winograd(shape, x, packed, y, part.kernel, epilogue, scratch)
        }
      }
    }
  }
}
