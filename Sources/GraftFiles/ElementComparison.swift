import GraftIR

/// How far a result is from a reference, element by element.
///
/// Floating-point and complex tensors are compared in float64, whatever their dtypes; integers and bools exactly.
/// A NaN matches a NaN, an infinity the same infinity. Places where only one side is NaN, or an infinity has no equal
/// on the other side, are counted and left out of the error measures.
package struct ElementComparison: Sendable, Equatable {
  /// The number of elements compared.
  package let count: Int
  /// The largest |result - reference| over the finite elements; the modulus when complex; 0 for integers and bools.
  package internal(set) var maximumError = 0.0
  /// The largest |reference| over the finite elements; 0 for integers and bools.
  package internal(set) var scale = 0.0
  /// The root of the mean of |result - reference|^2 over the finite elements.
  package internal(set) var rootMeanSquareError = 0.0
  /// Where the first mismatch is, or else the largest error, in row-major order; nil when all elements are equal.
  package internal(set) var worstIndex: Int?
  /// How many elements are NaN on one side only.
  package internal(set) var nanMismatches = 0
  /// How many elements are infinite on one side and not the same infinity on the other.
  package internal(set) var infinityMismatches = 0
  /// How many elements of integer or bool tensors differ; 0 for other dtypes.
  package internal(set) var exactMismatches = 0

  /// `maximumError / scale`; 0 when there is no error, infinite when there is one and the reference is all zero.
  package var maximumErrorRelativeToScale: Double { maximumError == 0 ? 0 : maximumError / scale }

  /// Whether a NaN, an infinity, an integer or a bool differs.
  package var hasMismatches: Bool { nanMismatches > 0 || infinityMismatches > 0 || exactMismatches > 0 }

  /// Compares `result` with `reference`.
  ///
  /// Throws `TensorDataError` when the shapes differ, or when the dtypes are of different categories (bool, integer,
  /// floating, complex).
  package init(_ result: TensorData, reference: TensorData) throws {
    guard result.shape == reference.shape else {
      throw TensorDataError("a result of shape \(result.shape) where \(reference.shape) is expected")
    }
    guard result.dtype.category == reference.dtype.category else {
      throw TensorDataError("a result of dtype \(result.dtype.rawValue) where \(reference.dtype.rawValue) is expected")
    }
    count = reference.count
    switch reference.dtype.category {
    case .bool, .integer: compareExactly(result, reference)
    case .floating: compareReal(result, reference)
    case .complex: compareComplex(result, reference)
    case .opaque: throw TensorDataError("\(reference.dtype.rawValue) values cannot be compared")
    }
  }
}

/// Elements that are converted and compared at a time: two blocks of this many doubles stay in the first-level cache.
private let blockSize = 1024

extension ElementComparison {
  private mutating func compareExactly(_ result: TensorData, _ reference: TensorData) {
    // Patterns with the top bit set mean different numbers in a signed and an unsigned type.
    let topBit: UInt64 = result.dtype.isSigned == reference.dtype.isSigned ? 0 : 1 << 63
    withBlocks(of: UInt64.self) { ours, theirs in
      var start = 0
      while start < count {
        let length = min(blockSize, count - start)
        let a = UnsafeMutableBufferPointer(rebasing: ours[..<length])
        let b = UnsafeMutableBufferPointer(rebasing: theirs[..<length])
        result.widenToBits(from: start, into: a)
        reference.widenToBits(from: start, into: b)
        var differing = 0
        for index in 0..<length { differing &+= a[index] == b[index] && b[index] & topBit == 0 ? 0 : 1 }
        if differing > 0 {
          if worstIndex == nil {
            worstIndex = (0..<length).first { a[$0] != b[$0] || b[$0] & topBit != 0 }.map { start + $0 }
          }
          exactMismatches += differing
        }
        start += length
      }
    }
  }

  private mutating func compareReal(_ result: TensorData, _ reference: TensorData) {
    var sums = ErrorSums()
    withBlocks(of: Double.self) { ours, theirs in
      var start = 0
      while start < count {
        let length = min(blockSize, count - start)
        let a = UnsafeMutableBufferPointer(rebasing: ours[..<length])
        let b = UnsafeMutableBufferPointer(rebasing: theirs[..<length])
        result.widen(from: start, into: a)
        reference.widen(from: start, into: b)
        let block = BlockErrors(a, b)
        if block.isFinite {
          sums.add(block, at: start, a, b)
        } else {
          for index in 0..<length { sums.addCarefully(a[index], b[index], at: start + index) }
        }
        start += length
      }
    }
    take(sums)
  }

  private mutating func compareComplex(_ result: TensorData, _ reference: TensorData) {
    var sums = ErrorSums()
    withBlocks(of: Double.self) { ours, theirs in
      var start = 0
      while start < count {
        let length = min(blockSize / 2, count - start)
        let a = UnsafeMutableBufferPointer(rebasing: ours[..<(2 * length)])
        let b = UnsafeMutableBufferPointer(rebasing: theirs[..<(2 * length)])
        result.widen(from: 2 * start, into: a)
        reference.widen(from: 2 * start, into: b)
        for index in 0..<length {
          sums.addCarefully(
            (a[2 * index], a[2 * index + 1]), (b[2 * index], b[2 * index + 1]), at: start + index)
        }
        start += length
      }
    }
    take(sums)
  }

  private mutating func take(_ sums: ErrorSums) {
    maximumError = sums.maximum
    scale = sums.scale
    rootMeanSquareError = sums.finite == 0 ? 0 : (sums.squares / Double(sums.finite)).squareRoot()
    if rootMeanSquareError.isInfinite { rootMeanSquareError = sums.maximum }
    worstIndex = sums.firstMismatch ?? sums.worstIndex
    nanMismatches = sums.nanMismatches
    infinityMismatches = sums.infinityMismatches
  }
}

private func withBlocks<Element: BitwiseCopyable>(
  of type: Element.Type,
  _ body: (UnsafeMutableBufferPointer<Element>, UnsafeMutableBufferPointer<Element>) -> Void
) {
  withUnsafeTemporaryAllocation(of: Element.self, capacity: blockSize) { first in
    withUnsafeTemporaryAllocation(of: Element.self, capacity: blockSize) { second in body(first, second) }
  }
}

/// The measures of one block of doubles, right when all of them are finite and not huge.
private struct BlockErrors {
  var maximum = 0.0
  var scale = 0.0
  var squares = 0.0

  /// Whether the sums are finite, which no NaN or infinity among the elements leaves them.
  var isFinite: Bool { squares.isFinite && scale.isFinite }

  /// Four independent chains: one chain runs at the latency of its operation, more than four run out of registers.
  init(_ a: UnsafeMutableBufferPointer<Double>, _ b: UnsafeMutableBufferPointer<Double>) {
    var maxima = (0.0, 0.0, 0.0, 0.0)
    var scales = maxima
    var sums = maxima
    @inline(__always)
    func step(_ x: Double, _ y: Double, _ maximum: inout Double, _ scale: inout Double, _ sum: inout Double) {
      let difference = (x - y).magnitude
      let magnitude = y.magnitude
      maximum = difference > maximum ? difference : maximum
      scale = magnitude > scale ? magnitude : scale
      sum += difference * difference
    }
    var index = 0
    while index + 4 <= a.count {
      step(a[index], b[index], &maxima.0, &scales.0, &sums.0)
      step(a[index + 1], b[index + 1], &maxima.1, &scales.1, &sums.1)
      step(a[index + 2], b[index + 2], &maxima.2, &scales.2, &sums.2)
      step(a[index + 3], b[index + 3], &maxima.3, &scales.3, &sums.3)
      index += 4
    }
    while index < a.count {
      step(a[index], b[index], &maxima.0, &scales.0, &sums.0)
      index += 1
    }
    maximum = max(max(maxima.0, maxima.1), max(maxima.2, maxima.3))
    scale = max(max(scales.0, scales.1), max(scales.2, scales.3))
    squares = (sums.0 + sums.1) + (sums.2 + sums.3)
  }
}

/// The measures of all elements so far.
private struct ErrorSums {
  var maximum = 0.0
  var scale = 0.0
  var squares = 0.0
  var finite = 0
  var worstIndex: Int?
  var firstMismatch: Int?
  var nanMismatches = 0
  var infinityMismatches = 0

  mutating func add(
    _ block: BlockErrors, at start: Int,
    _ a: UnsafeMutableBufferPointer<Double>, _ b: UnsafeMutableBufferPointer<Double>
  ) {
    if block.maximum > maximum {
      maximum = block.maximum
      for index in 0..<a.count where (a[index] - b[index]).magnitude == block.maximum {
        worstIndex = start + index
        break
      }
    }
    scale = max(scale, block.scale)
    squares += block.squares
    finite += a.count
  }

  mutating func addCarefully(_ x: Double, _ y: Double, at index: Int) {
    if noteSpecial(x.isNaN, y.isNaN, x.isInfinite || y.isInfinite, equal: x == y, at: index) { return }
    addFinite(error: (x - y).magnitude, magnitude: y.magnitude, at: index)
  }

  mutating func addCarefully(_ x: (Double, Double), _ y: (Double, Double), at index: Int) {
    let special = noteSpecial(
      x.0.isNaN || x.1.isNaN, y.0.isNaN || y.1.isNaN,
      x.0.isInfinite || x.1.isInfinite || y.0.isInfinite || y.1.isInfinite, equal: x == y, at: index)
    if special { return }
    addFinite(error: modulus(x.0 - y.0, x.1 - y.1), magnitude: modulus(y.0, y.1), at: index)
  }

  /// Counts an element that is NaN or infinite on a side; returns whether it is.
  private mutating func noteSpecial(
    _ resultIsNaN: Bool, _ referenceIsNaN: Bool, _ hasInfinity: Bool, equal: Bool, at index: Int
  ) -> Bool {
    if resultIsNaN || referenceIsNaN {
      if resultIsNaN != referenceIsNaN {
        nanMismatches += 1
        firstMismatch = firstMismatch ?? index
      }
      return true
    }
    if hasInfinity, !equal {
      infinityMismatches += 1
      firstMismatch = firstMismatch ?? index
    }
    return hasInfinity
  }

  private mutating func addFinite(error: Double, magnitude: Double, at index: Int) {
    if error > maximum {
      maximum = error
      worstIndex = index
    }
    scale = max(scale, magnitude)
    squares += error * error
    finite += 1
  }

  /// The square root of x^2 + y^2 without overflow or underflow on the way.
  private func modulus(_ x: Double, _ y: Double) -> Double {
    let large = max(x.magnitude, y.magnitude)
    if large > 1e-140, large < 1e150 { return (x * x + y * y).squareRoot() }
    guard large > 0, large.isFinite else { return large }
    let (u, v) = (x / large, y / large)
    return large * (u * u + v * v).squareRoot()
  }
}
