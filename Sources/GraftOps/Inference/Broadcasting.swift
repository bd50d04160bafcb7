package import GraftIR

/// Shape rules that several families share.
package enum ShapeRule {
  /// The shape to which both broadcast by NumPy's rule, or nil when they do not.
  ///
  /// Symbolic extents that differ are taken to be compatible only when one of them is 1.
  package static func broadcast(_ a: [Dim], _ b: [Dim]) -> [Dim]? {
    let rank = max(a.count, b.count)
    var shape: [Dim] = []
    for position in 0..<rank {
      let x = extent(of: a, position - (rank - a.count))
      let y = extent(of: b, position - (rank - b.count))
      if x == y || y == 1 {
        shape.append(x)
      } else if x == 1 {
        shape.append(y)
      } else {
        return nil
      }
    }
    return shape
  }

  private static func extent(of shape: [Dim], _ index: Int) -> Dim { index < 0 ? 1 : shape[index] }

  /// The shape after reducing `axes`.
  package static func reduced(_ shape: [Dim], axes: [Int], keepdims: Bool) -> [Dim] {
    let reduced = Set(axes)
    return shape.enumerated().compactMap { axis, extent in
      reduced.contains(axis) ? (keepdims ? 1 : nil) : extent
    }
  }

  /// The extent of one spatial axis after a window has slid over it.
  package static func window(
    _ input: Dim, kernel: Dim, stride: Dim, padding: (Dim, Dim), dilation: Dim, ceil: Bool = false
  ) -> Dim {
    let span = input + padding.0 + padding.1 - dilation * (kernel - 1) - 1
    guard ceil else { return span.floorDivided(by: stride) + 1 }
    let count = span.ceilDivided(by: stride) + 1
    // A window that would start in the right padding is dropped.
    if let known = count.knownValue, let s = stride.knownValue, let limit = (input + padding.0).knownValue {
      return Dim((known - 1) * s >= limit ? known - 1 : known)
    }
    return count
  }
}

extension OpCall {
  /// The broadcast type of the tensor operands, which must agree in element type.
  func elementwiseType() throws -> TensorType {
    var merged: TensorType?
    for operand in operands {
      guard let value = operand.asValue else { continue }
      let type = type(of: value)
      guard let known = merged else {
        merged = type
        continue
      }
      guard known.dtype == type.dtype else {
        throw problem("operands have different element types, \(known) and \(type)")
      }
      guard let shape = ShapeRule.broadcast(known.shape, type.shape) else {
        throw problem("shapes do not broadcast: \(known) and \(type)")
      }
      merged = TensorType(known.dtype, shape)
    }
    guard let merged else { throw problem("needs at least one tensor") }
    return merged
  }

  /// - Throws: ``Diagnostic`` for a tensor that cannot have the type that it must have; none is fine.
  func require(_ type: TensorType?, is expected: TensorType, _ name: String) throws {
    if let type, type.isProvablyDifferent(from: expected) {
      throw problem("takes `\(name)` \(expected), not \(type)")
    }
  }

  func require(_ type: TensorType, _ accepted: DTypeSet) throws {
    guard accepted.contains(type.dtype.category) else {
      throw problem("does not take \(type.dtype.rawValue) tensors")
    }
  }
}

/// The kinds of element type that an op takes.
package struct DTypeSet: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let bool = DTypeSet(rawValue: 1)
  package static let integer = DTypeSet(rawValue: 2)
  package static let floating = DTypeSet(rawValue: 4)
  package static let complex = DTypeSet(rawValue: 8)
  package static let real: DTypeSet = [.integer, .floating]
  package static let inexact: DTypeSet = [.floating, .complex]
  package static let numeric: DTypeSet = [.integer, .floating, .complex]
  package static let any: DTypeSet = [.bool, .integer, .floating, .complex]

  package func contains(_ category: DType.Category) -> Bool {
    switch category {
    case .bool: contains(DTypeSet.bool)
    case .integer: contains(DTypeSet.integer)
    case .floating: contains(DTypeSet.floating)
    case .complex: contains(DTypeSet.complex)
    case .opaque: false
    }
  }
}
