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
  var seed: UInt64 = 11

  /// How far an element is moved; differences of six points are exact to its sixth power.
  private static let step = 0x1p-15
  /// What rounding in the differences may amount to: the precision over the step, with room for a thousand operations.
  private static let tolerance = 0x1p-52 / step * 1024

  /// The arguments of floating or complex type.
  var differentiable: [Int] { inputs.indices.filter { inputs[$0].dtype.isDifferentiable } }

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
      let exact = try differences(of: program, at: index, weights)
      guard own.count == exact.count else {
        found.append("the gradient of input \(index) has \(own.count) elements instead of \(exact.count)")
        continue
      }
      let folded = symmetric.contains(index) ? own.addingTransposes(of: inputs[index].shape) : own
      let scale = max(1, exact.map(abs).max() ?? 1)
      for (place, (a, b)) in zip(folded, exact).enumerated() where !(abs(a - b) <= Self.tolerance * scale) {
        found.append("element \(place) of input \(index): \(a) is not \(b)")
      }
    }
    return found
  }

  private func outputs() throws -> [TensorData] { try NativeProgram.forTests(function).run(inputs) }

  private func differences(of program: NativeProgram, at index: Int, _ weights: [[Double]]) throws -> [Double] {
    let start = try inputs[index].doubles
    let stencil: [(Double, Double)] = [(1, 3.0 / 4), (2, -3.0 / 20), (3, 1.0 / 60)]
    return try start.indices.map { place in
      func value(_ offset: Double) throws -> [Double] {
        var moved = start
        moved[place] += offset
        let mirror = symmetric.contains(index) ? place.transposed(in: inputs[index].shape) : place
        if mirror != place { moved[mirror] += offset }
        var all = inputs
        all[index] = try inputs[index].replacing(moved)
        return try program.run(all).filter(\.dtype.isDifferentiable).flatMap { try $0.doubles }
      }
      var total = 0.0
      for (distance, weight) in stencil {
        let (after, before) = (try value(distance * Self.step), try value(-distance * Self.step))
        let change = zip(zip(after, before), weights.joined()).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
        total += weight * change / Self.step
      }
      return total
    }
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
