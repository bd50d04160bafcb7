public import GraftIR
import GraftNative
import GraftOps
import GraftTransform
import Synchronization

/// A program written in Swift: the same ops as those of a converted model, differentiated, planned and run in the same
/// way.
///
///     let error = Function { x, y in try (x - y).squared().mean() }
///     let value = try error(prediction, target)
///     let (loss, gradients) = try error.valueAndGradient(prediction, target)
///
/// The closure is called once for each combination of types and shapes that the function is called with, to write the
/// program down.
public struct Function: Sendable {
  /// How many tensors it takes.
  public let arity: Int
  private let body: @Sendable ([GraphTensor]) throws -> [GraphTensor]
  private let programs = Programs()

  /// A function of several tensors with several results.
  public init(arity: Int, _ body: @escaping @Sendable ([GraphTensor]) throws -> [GraphTensor]) {
    self.arity = arity
    self.body = body
  }

  public init(_ body: @escaping @Sendable (GraphTensor) throws -> GraphTensor) {
    self.init(arity: 1) { [try body($0[0])] }
  }

  public init(_ body: @escaping @Sendable (GraphTensor, GraphTensor) throws -> GraphTensor) {
    self.init(arity: 2) { [try body($0[0], $0[1])] }
  }

  public init(_ body: @escaping @Sendable (GraphTensor, GraphTensor, GraphTensor) throws -> GraphTensor) {
    self.init(arity: 3) { [try body($0[0], $0[1], $0[2])] }
  }
}

// MARK: - Calling

extension Function {
  /// The first result.
  ///
  /// - Throws: ``Problem`` for another number of tensors than the function takes, and for ops that do not take them.
  public func callAsFunction(_ inputs: Tensor...) throws -> Tensor {
    guard let first = try results(inputs).first else { throw Problem.missing("a result of the function") }
    return first
  }

  /// All results.
  public func results(_ inputs: [Tensor]) throws -> [Tensor] {
    try run(inputs, Signature(inputs, withRespectTo: nil))
  }

  /// The first result, which must be a scalar, and its gradients.
  ///
  /// - Parameter positions: the inputs whose gradients are asked for; by default all of a floating type.
  /// - Throws: ``Problem`` as a call does, and where an op has no gradient.
  public func valueAndGradient(
    _ inputs: Tensor..., withRespectTo positions: [Int]? = nil
  ) throws -> (value: Tensor, gradients: [Tensor]) {
    let positions = positions ?? inputs.indices.filter { inputs[$0].dtype.isFloating }
    let results = try run(inputs, Signature(inputs, withRespectTo: positions))
    guard let value = results.first else { throw Problem.missing("a result of the function") }
    return (value, Array(results.suffix(positions.count)))
  }

  /// The gradients of the first result, which must be a scalar, with respect to the inputs at some positions.
  public func gradients(_ inputs: [Tensor], withRespectTo positions: [Int]) throws -> [Tensor] {
    Array(try run(inputs, Signature(inputs, withRespectTo: positions)).suffix(positions.count))
  }

  /// The program for tensors of given types and shapes, as text.
  public func text(_ types: [(dtype: DType, shape: [Int])]) throws -> String {
    let function = try traced(types.map { TensorType($0.dtype, $0.shape.map { Dim($0) }) })
    return IRPrinter().print(function)
  }

  private func run(_ inputs: [Tensor], _ signature: Signature) throws -> [Tensor] {
    try Problem.wrap {
      try programs.program(for: signature) {
        let function = try traced(signature.types)
        guard let positions = signature.positions else { return function }
        let inputs = function.inputValues
        if let wrong = positions.first(where: { !inputs.indices.contains($0) }) {
          throw Diagnostic(.invalidInput, "the function has no input \(wrong)")
        }
        return try Differentiation.gradient(of: function, withRespectTo: positions.map { inputs[$0] })
      }.run(inputs.map(\.data)).map(Tensor.init)
    }
  }

  /// The program for given types.
  func traced(_ types: [TensorType]) throws -> GraftIR.Function {
    guard types.count == arity else {
      throw Problem(Diagnostic(.invalidInput, "the function takes \(arity) tensors, not \(types.count)"))
    }
    let builder = GraphBuilder(GraftIR.Function(name: "function"))
    let inputs = types.enumerated().map { builder.addInput("x\($0)", $1) }
    let results = try body(inputs)
    for result in results where result.builder !== builder {
      throw Problem(Diagnostic(.invalidInput, "a result of the function does not depend on its inputs"))
    }
    return builder.finished(results.enumerated().map { (name: "\($0)", tensor: $1) })
  }
}

/// What a program is made for.
private struct Signature: Hashable, Sendable {
  var types: [TensorType]
  /// The inputs whose gradients are asked for.
  var positions: [Int]?

  init(_ inputs: [Tensor], withRespectTo positions: [Int]?) {
    types = inputs.map { TensorType($0.dtype, $0.shape.map { Dim($0) }) }
    self.positions = positions
  }
}

/// The programs that a function has been called for.
private final class Programs: Sendable {
  private let known = Mutex<[Signature: NativeProgram]>([:])

  func program(for signature: Signature, _ make: () throws -> GraftIR.Function) throws -> NativeProgram {
    if let program = known.withLock({ $0[signature] }) { return program }
    let program = try NativeProgram(make(), kernels: .ofThisProcess()) { _ in nil }
    known.withLock { $0[signature] = program }
    return program
  }
}
