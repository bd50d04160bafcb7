import GraftIR

/// Block functions in Swift, for what the C kernels do not have: complex numbers and special functions.
enum SwiftBlocks {
  /// The function of an operator for operands of a type; nil if there is none.
  static func function(_ name: BlockOperator, _ type: DType) -> BlockFunction? {
    switch type {
    case .complex64: ComplexBlocks.single[name]
    case .complex128: ComplexBlocks.double[name]
    case .float32: SpecialBlocks.single[name]
    case .float64: SpecialBlocks.double[name]
    default: DivisorBlocks.function(name, type)
    }
  }

  @inline(__always)
  static func unary<X: BitwiseCopyable, Result: BitwiseCopyable>(
    _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ count: Int, _ function: (X) -> Result
  ) {
    let (results, x) = (target.assumingMemoryBound(to: Result.self), a.assumingMemoryBound(to: X.self))
    for index in 0..<count { results[index] = function(x[index]) }
  }

  @inline(__always)
  static func binary<X: BitwiseCopyable, Y: BitwiseCopyable, Result: BitwiseCopyable>(
    _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer?, _ count: Int,
    _ function: (X, Y) -> Result
  ) {
    guard let b else { return }
    let (x, y) = (a.assumingMemoryBound(to: X.self), b.assumingMemoryBound(to: Y.self))
    let results = target.assumingMemoryBound(to: Result.self)
    for index in 0..<count { results[index] = function(x[index], y[index]) }
  }

  /// The elements of one of two operands, by a boolean.
  @inline(__always)
  static func choose<X: BitwiseCopyable>(
    _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer?, _ c: UnsafeRawPointer?,
    _ count: Int, _ type: X.Type
  ) {
    guard let b, let c else { return }
    let (x, y) = (b.assumingMemoryBound(to: X.self), c.assumingMemoryBound(to: X.self))
    let results = target.assumingMemoryBound(to: X.self)
    let chooses = a.assumingMemoryBound(to: UInt8.self)
    for index in 0..<count { results[index] = chooses[index] != 0 ? x[index] : y[index] }
  }
}

/// Moves of elements of 16 bytes, which the C kernels do not have.
enum WideMoves {
  /// One element, `count` times; addresses need only be aligned for 8 bytes.
  static func fill(_ target: UnsafeMutableRawPointer, _ element: UnsafeRawPointer, _ count: Int) {
    gather(target, element, step: 0, count)
  }

  static func gather(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, step: Int, _ count: Int) {
    for index in 0..<count { (target + index * 16).copyMemory(from: source + index * step, byteCount: 16) }
  }

  static func scatter(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, step: Int, _ count: Int) {
    for index in 0..<count { (target + index * step).copyMemory(from: source + index * 16, byteCount: 16) }
  }
}
