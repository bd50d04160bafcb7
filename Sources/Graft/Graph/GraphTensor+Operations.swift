public import GraftIR
import GraftOps

// MARK: - Arithmetic

extension GraphTensor {
  public static func + (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.applying(.add, [b]) }
  public static func - (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.applying(.subtract, [b]) }
  public static func * (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.applying(.multiply, [b]) }
  public static func / (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.applying(.divide, [b]) }
  public static prefix func - (a: GraphTensor) throws -> GraphTensor { try a.applying(.negative) }

  public func power(_ exponent: GraphTensor) throws -> GraphTensor { try applying(.power, [exponent]) }
  public func maximum(_ other: GraphTensor) throws -> GraphTensor { try applying(.maximum, [other]) }
  public func minimum(_ other: GraphTensor) throws -> GraphTensor { try applying(.minimum, [other]) }

  public func squared() throws -> GraphTensor { try self * self }
  public func sqrt() throws -> GraphTensor { try applying(.sqrt) }
  public func rsqrt() throws -> GraphTensor { try applying(.rsqrt) }
  public func exp() throws -> GraphTensor { try applying(.exp) }
  public func log() throws -> GraphTensor { try applying(.log) }
  public func abs() throws -> GraphTensor { try applying(.abs) }
  /// -1, 0 or 1 by the sign of each element.
  public func sign() throws -> GraphTensor { try applying(.sign) }
  public func sin() throws -> GraphTensor { try applying(.sin) }
  public func cos() throws -> GraphTensor { try applying(.cos) }

  /// The elements with those below `lower` and above `upper` replaced by these.
  public func clipped(_ lower: GraphTensor, _ upper: GraphTensor) throws -> GraphTensor {
    try applying(.clip, [lower, upper])
  }

  /// This tensor moved towards another by a share `weight` of the way: `x + weight * (y - x)`.
  public func interpolated(to other: GraphTensor, _ weight: GraphTensor) throws -> GraphTensor {
    try self + weight * (other - self)
  }
}

// MARK: - Comparisons

infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence

extension GraphTensor {
  public static func .> (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.greater, b) }
  public static func .>= (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.greaterEqual, b) }
  public static func .< (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.less, b) }
  public static func .<= (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.lessEqual, b) }
  public static func .== (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.equal, b) }
  public static func .!= (a: GraphTensor, b: GraphTensor) throws -> GraphTensor { try a.compared(.notEqual, b) }

  private func compared(_ definition: OpDefinition, _ other: GraphTensor) throws -> GraphTensor {
    let pair = try Self.promoted([self, other])
    return try pair[0].applying(definition, [pair[1]])
  }

  /// Where this boolean tensor is true the elements of `x`, elsewhere those of `y`.
  public func select(_ x: GraphTensor, else y: GraphTensor) throws -> GraphTensor {
    let pair = try Self.promoted([x, y])
    return try Problem.wrap {
      guard let builder = builder ?? x.builder ?? y.builder else {
        throw Diagnostic(.invalidInput, "a selection among numbers alone has no place in a program")
      }
      return GraphTensor(builder, try builder(.where_, operand, pair[0].operand, pair[1].operand))
    }
  }
}

// MARK: - Activations

extension GraphTensor {
  public func relu() throws -> GraphTensor { try applying(.relu) }
  public func sigmoid() throws -> GraphTensor { try applying(.sigmoid) }
  public func tanh() throws -> GraphTensor { try applying(.tanh) }
  public func gelu() throws -> GraphTensor { try applying(.gelu) }
  public func silu() throws -> GraphTensor { try applying(.silu) }
  public func softplus() throws -> GraphTensor { try applying(.softplus) }

  /// The exponentials of the elements along an axis, divided by their sum. A negative axis counts from the end.
  public func softmax(_ axis: Int = -1) throws -> GraphTensor {
    try applying(.softmax, [], ["axis": .int(self.axis(axis))])
  }

  public func logSoftmax(_ axis: Int = -1) throws -> GraphTensor {
    try applying(.logSoftmax, [], ["axis": .int(self.axis(axis))])
  }
}

// MARK: - Reductions

extension GraphTensor {
  /// The sum over some axes, all by default. Negative axes count from the end.
  public func sum(_ axes: [Int]? = nil, keepdims: Bool = false) throws -> GraphTensor {
    try reduced(.sum, axes, keepdims)
  }

  public func mean(_ axes: [Int]? = nil, keepdims: Bool = false) throws -> GraphTensor {
    try reduced(.mean, axes, keepdims)
  }

  /// The largest element over some axes.
  public func amax(_ axes: [Int]? = nil, keepdims: Bool = false) throws -> GraphTensor {
    try reduced(.amax, axes, keepdims)
  }

  /// The smallest element over some axes.
  public func amin(_ axes: [Int]? = nil, keepdims: Bool = false) throws -> GraphTensor {
    try reduced(.amin, axes, keepdims)
  }

  private func reduced(_ definition: OpDefinition, _ axes: [Int]?, _ keepdims: Bool) throws -> GraphTensor {
    let axes = axes?.map(axis) ?? Array(0..<rank)
    return try applying(definition, [], ["axes": .ints(axes), "keepdims": .bool(keepdims)])
  }

  /// The place of the largest element along an axis, as int64.
  public func argmax(_ axis: Int = -1) throws -> GraphTensor {
    try applying(.argmax, [], ["axis": .int(self.axis(axis))])
  }

  /// A non-negative axis; one that does not exist is left to the op, which refuses it.
  func axis(_ axis: Int) -> Int { axis < 0 ? axis + rank : axis }
}

// MARK: - Products and shapes

extension GraphTensor {
  /// The matrix product over the last two axes; leading axes broadcast.
  public func matmul(_ other: GraphTensor) throws -> GraphTensor { try applying(.matmul, [other]) }

  /// The elements under another shape; one extent may be -1, which follows from the others when all are known.
  public func reshaped(_ shape: [Int]) throws -> GraphTensor {
    var shape = shape
    if let open = shape.firstIndex(of: -1), let count = type.count.knownValue {
      let others = shape.enumerated().reduce(1) { $1.offset == open ? $0 : $0 * max($1.element, 1) }
      shape[open] = count / others
    }
    return try applying(.reshape, [], ["shape": .ints(shape)])
  }

  /// The axes from `axis` on as one; the extents may be dynamic.
  public func flattened(from axis: Int = 0) throws -> GraphTensor {
    let start = min(max(self.axis(axis), 0), rank)
    let shape = type.shape.prefix(start) + [type.shape.dropFirst(start).reduce(1, *)]
    return try applying(.reshape, [], ["shape": .dims(Array(shape))])
  }

  /// A new axis of extent 1.
  public func expandingDimension(_ axis: Int) throws -> GraphTensor {
    var shape = type.shape
    shape.insert(1, at: min(max(axis < 0 ? axis + rank + 1 : axis, 0), rank))
    return try applying(.reshape, [], ["shape": .dims(shape)])
  }

  /// The axes in another order, reversed by default.
  public func transposed(_ permutation: [Int]? = nil) throws -> GraphTensor {
    try applying(.transpose, [], ["permutation": .ints(permutation ?? Array((0..<rank).reversed()))])
  }

  /// The elements as another type.
  public func converted(to dtype: DType) throws -> GraphTensor {
    self.dtype == dtype ? self : try applying(.cast, [], ["dtype": .dtype(dtype)])
  }

  /// This tensor as a constant to differentiation.
  public func stopGradient() throws -> GraphTensor { try applying(.stopGradient) }
}
