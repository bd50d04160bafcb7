public import Foundation
import GraftFiles
public import GraftIR
import GraftNative

/// The element type of a tensor.
public typealias DType = GraftIR.DType

/// Numbers in a regular grid of any number of axes, in row-major order.
///
/// A value: copies are independent, and share memory as long as nobody changes it.
///
///     let x: Tensor = [[1, 2, 3], [4, 5, 6]]
///     let y = try Tensor([0.5, 1.5], shape: [2, 1])
///     let image = try Tensor(contentsOf: URL(filePath: "image.npy"))
public struct Tensor: Sendable {
  let data: TensorData

  init(_ data: TensorData) { self.data = data }

  public var dtype: DType { data.dtype }
  /// The extent of each axis; none for a scalar.
  public var shape: [Int] { data.shape }
  /// The number of axes.
  public var rank: Int { data.shape.count }
  /// The number of elements.
  public var count: Int { data.count }
  /// The number of bytes of the elements.
  public var byteCount: Int { data.byteCount }
}

// MARK: - Making tensors

extension Tensor {
  /// A tensor of `elements` in row-major order, a vector unless a shape is given.
  ///
  /// - Throws: ``Problem`` when there are not as many elements as the shape says.
  public init<Scalar: TensorScalar>(_ elements: [Scalar], shape: [Int]? = nil) throws {
    let shape = shape ?? [elements.count]
    data = try Problem.wrap {
      let expected = try TensorData.byteCount(dtype: Scalar.scalarType, shape: shape)
      guard expected == elements.count * MemoryLayout<Scalar>.stride else {
        throw Diagnostic(.invalidInput, "\(elements.count) elements were given for the shape \(shape)")
      }
      return try TensorData(dtype: Scalar.scalarType, shape: shape) { target in
        elements.withUnsafeBytes { target.copyMemory(from: $0) }
      }
    }
  }

  /// One number, without axes.
  public init<Scalar: TensorScalar>(_ scalar: Scalar) throws { try self.init([scalar], shape: []) }

  /// A tensor of one repeated number.
  ///
  /// - Throws: ``Problem`` for a negative extent, or more bytes than memory can hold.
  public init<Scalar: TensorScalar>(repeating scalar: Scalar, shape: [Int]) throws {
    data = try Problem.wrap {
      try TensorData(dtype: Scalar.scalarType, shape: shape) { target in
        target.bindMemory(to: Scalar.self).update(repeating: scalar)
      }
    }
  }

  /// Tensors of one shape and dtype one after another along a new first axis.
  ///
  /// - Throws: ``Problem`` when there are none, or they differ.
  public init(stacking tensors: [Tensor]) throws {
    guard let first = tensors.first, tensors.allSatisfy({ $0.shape == first.shape && $0.dtype == first.dtype }) else {
      throw Problem(Diagnostic(.invalidInput, "only tensors of one shape and dtype can be stacked"))
    }
    data = try Problem.wrap {
      try TensorData(dtype: first.dtype, shape: [tensors.count] + first.shape) { target in
        for (index, tensor) in tensors.enumerated() {
          let part = UnsafeMutableRawBufferPointer(
            rebasing: target[index * first.byteCount..<(index + 1) * first.byteCount])
          tensor.data.withUnsafeBytes { part.copyMemory(from: $0) }
        }
      }
    }
  }

  /// Random elements, the same on every machine for the same seed: of the standard normal distribution for floating
  /// types, 0 or 1 for booleans, and for integers from 0 up to `limit`, which is left out.
  ///
  /// - Throws: ``Problem`` for a shape that is not possible.
  public init(random shape: [Int], dtype: DType = .float32, limit: Int = 100, seed: UInt64 = 0) throws {
    var random = CounterRandom(seed: seed)
    let distribution: RandomDistribution =
      switch dtype.category {
      case .bool: .bernoulli(probability: 0.5)
      case .integer: .integers(0...Int64(max(limit, 1) - 1))
      default: .normal()
      }
    data = try Problem.wrap { try TensorData(random: distribution, dtype: dtype, shape: shape, using: &random) }
  }
}

// MARK: - Elements

extension Tensor {
  /// The elements in row-major order.
  ///
  /// - Throws: ``Problem`` when the tensor is of another type.
  public func elements<Scalar: TensorScalar>(of type: Scalar.Type = Scalar.self) throws -> [Scalar] {
    try withElements(of: type) { Array($0) }
  }

  /// Calls `body` with the elements where they lie, without copying them; the pointer is valid during the call.
  ///
  /// - Throws: ``Problem`` when the tensor is of another type, and what `body` throws.
  public func withElements<Scalar: TensorScalar, Result>(
    of type: Scalar.Type = Scalar.self, _ body: (UnsafeBufferPointer<Scalar>) throws -> Result
  ) throws -> Result {
    guard dtype == Scalar.scalarType else {
      throw Problem(
        Diagnostic(
          .invalidInput, "a tensor of \(dtype.rawValue) has no elements of \(Scalar.self)",
          remedy: "Convert it with `converted(to: .\(Scalar.scalarType.rawValue))`."))
    }
    let aligned = try Problem.wrap { try data.aligned() }
    return try aligned.withUnsafeBytes { try body($0.bindMemory(to: Scalar.self)) }
  }

  /// The single element of a tensor of one.
  ///
  /// - Throws: ``Problem`` when there are more or none, or they are of another type.
  public func scalar<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) throws -> Scalar {
    let elements = try elements(of: type)
    guard elements.count == 1 else {
      throw Problem(Diagnostic(.invalidInput, "a tensor of shape \(shape) is not one number"))
    }
    return elements[0]
  }

  /// The tensor with another element type; rounds towards zero from floating to integer.
  ///
  /// - Throws: ``Problem`` for a conversion that does not exist, as from complex to real.
  public func converted(to dtype: DType) throws -> Tensor {
    try Tensor(Problem.wrap { try data.converted(to: dtype) })
  }

  /// The same elements under another shape; one extent may be -1, which follows from the others.
  ///
  /// - Throws: ``Problem`` when the shape is for another number of elements.
  public func reshaped(_ shape: [Int]) throws -> Tensor {
    var shape = shape
    if let open = shape.firstIndex(of: -1) {
      let others = shape.enumerated().reduce(1) { $1.offset == open ? $0 : $0 &* $1.element }
      shape[open] = others > 0 ? count / others : 0
    }
    return try Tensor(Problem.wrap { try data.reshaped(shape) })
  }
}

extension Tensor: Equatable {
  /// Whether type, shape and all elements are the same, bit by bit.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.dtype == b.dtype, a.shape == b.shape else { return false }
    return a.data.withUnsafeBytes { a in b.data.withUnsafeBytes { a.elementsEqual($0) } }
  }
}

// MARK: - Files

extension Tensor {
  /// Reads a `.npy` file.
  ///
  /// - Throws: ``Problem`` when there is none, or it is damaged.
  public init(contentsOf url: URL) throws { data = try Problem.wrap { try NumPyFile.read(path: url.path) } }

  /// The same tensor, copied if it views a file where its elements do not lie at addresses that the processor reads whole,
  /// as in many `.npz` archives. A model copies such an input in each of its calls.
  public func aligned() throws -> Tensor { try Tensor(Problem.wrap { try data.aligned() }) }

  /// Writes a `.npy` file; an existing one is replaced when the new one is complete.
  ///
  /// - Throws: ``Problem`` when it cannot be written, or NumPy has no such dtype.
  public func write(to url: URL) throws { try Problem.wrap { try NumPyFile.write(data, to: url.path) } }
}

extension Problem {
  /// Runs `body`; what it throws becomes a problem.
  static func wrap<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw Problem(error) }
  }
}
