import GraftFiles
import GraftIR
import GraftOps
import GraftTransform
import Testing

@testable import GraftNative

/// A function's gradient in double precision beside finite differences of the function.
///
/// Both are those of the sum of all results times random numbers; complex numbers count as pairs of real ones.
struct GradientCheck {
  let function: Function
  let inputs: [TensorData]
  /// The inputs that stay symmetric in their last two axes when an element is moved.
  var symmetric: Set<Int> = []
  /// The inputs to which no gradient is asked for.
  var constant: Set<Int> = []
  var seed: UInt64 = 11

  /// How far elements are moved; differences of four points are exact to its fourth power.
  private static let step = 0x1p-16
  /// What rounding in the differences may amount to: the precision over the step, with room for a thousand operations.
  private static let tolerance = 0x1p-52 / step * 1024
  /// Larger inputs are moved in this many random directions, smaller ones element by element.
  private static let directionCount = 16

  /// The arguments of floating or complex type.
  var differentiable: [Int] {
    inputs.indices.filter { inputs[$0].dtype.isDifferentiable && !constant.contains($0) }
  }

  /// The function of the inputs and a cotangent for each result.
  func pullback() throws -> Function {
    let values = function.inputValues
    return try Differentiation.pullback(of: function, withRespectTo: differentiable.map { values[$0] })
  }

  /// Random cotangents, in the order in which the pullback takes them.
  func cotangents() throws -> [TensorData] {
    var random = CounterRandom(seed: seed)
    return try outputs().filter(\.dtype.isDifferentiable).map { output in
      let count = output.count * (output.dtype.isComplex ? 2 : 1)
      let numbers = try TensorData(random: .normal(), dtype: .float64, shape: [count], using: &random)
      return try output.replacing(numbers.doubles)
    }
  }

  /// What differs; empty when nothing does.
  func mismatches() throws -> [String] {
    let derived = try pullback()
    try OpCatalogue.verify(derived)
    let cotangents = try cotangents()
    let results = try NativeProgram.forTests(derived).run(inputs + cotangents)
    let program = try NativeProgram.forTests(function)
    let weights = try cotangents.map { try $0.doubles }
    var found: [String] = []
    for (gradient, index) in zip(results.suffix(differentiable.count), differentiable) {
      let own = try gradient.doubles
      for (number, direction) in try directions(of: index).enumerated() {
        let products = zip(own, direction).map { $0 * $1 }
        let slope = try slope(of: program, at: index, along: direction, weights)
        let (sum, scale) = (products.reduce(0, +), products.reduce(0) { $0 + abs($1) })
        guard own.count == direction.count, abs(sum - slope) <= Self.tolerance * max(1, scale) else {
          found.append("along direction \(number) of input \(index): \(sum) is not \(slope)")
          continue
        }
      }
    }
    return found
  }

  private func outputs() throws -> [TensorData] { try NativeProgram.forTests(function).run(inputs) }

  /// The single elements of an input, or random directions if there are many, which tell any two gradients apart.
  private func directions(of index: Int) throws -> [[Double]] {
    let count = try inputs[index].doubles.count
    var random = CounterRandom(seed: seed &+ UInt64(index) &+ 1)
    let all: [[Double]] = try (0..<min(count, Self.directionCount)).map { number in
      if count > Self.directionCount {
        return try TensorData(random: .normal(), dtype: .float64, shape: [count], using: &random).doubles
      }
      return (0..<count).map { $0 == number ? 1 : 0 }
    }
    guard symmetric.contains(index) else { return all }
    return all.map { $0.addingTransposes(of: inputs[index].shape) }
  }

  private func slope(
    of program: NativeProgram, at index: Int, along direction: [Double], _ weights: [[Double]]
  ) throws -> Double {
    let start = try inputs[index].doubles
    func value(_ distance: Double) throws -> [Double] {
      var all = inputs
      all[index] = try inputs[index].replacing(zip(start, direction).map { $0 + distance * $1 })
      return try program.run(all).filter(\.dtype.isDifferentiable).flatMap { try $0.doubles }
    }
    func change(_ distance: Double) throws -> Double {
      zip(zip(try value(distance), try value(-distance)), weights.joined()).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
    }
    return try (8 * change(Self.step) - change(2 * Self.step)) / (12 * Self.step)
  }
}

extension NativeProgram {
  /// A program without weights, on one thread.
  static func forTests(_ function: Function) throws -> NativeProgram {
    try NativeProgram(
      function, kernels: NativeKernelSet(.choose(environment: [:])), pool: ThreadPool(width: 1), isTraining: true
    ) { _ in nil }
  }
}

extension TensorData {
  /// The elements in double precision, complex ones as pairs.
  var doubles: [Double] {
    get throws {
      try converted(to: dtype.isComplex ? .complex128 : .float64).withElements(of: Double.self) { Array($0) }
    }
  }

  /// A tensor of the same type with these elements.
  func replacing(_ elements: [Double]) throws -> TensorData {
    let wide: DType = dtype.isComplex ? .complex128 : .float64
    return try TensorData(dtype: wide, shape: shape) { target in
      elements.withUnsafeBytes { target.copyMemory(from: $0) }
    }.converted(to: dtype)
  }
}

extension Int {
  /// The place of an element with its last two indices exchanged.
  fileprivate func transposed(in shape: [Int]) -> Int {
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let (plane, rest) = (self / (rows * columns), self % (rows * columns))
    return plane * rows * columns + rest % columns * columns + rest / columns
  }
}

extension [Double] {
  /// Each element off the diagonal with that on the other side of it.
  fileprivate func addingTransposes(of shape: [Int]) -> [Double] {
    indices.map { place in
      let mirror = place.transposed(in: shape)
      return mirror == place ? self[place] : self[place] + self[mirror]
    }
  }
}
