import GraftFiles
import GraftIR
import GraftOps
import GraftTransform

/// Writes tensors that the program holds, but never changes or trains, as the expression that makes them: position
/// numbers as an arange, masks of one value as a fill, a handful of numbers as a literal.
struct FoldKnownTensors: Pass {
  let name = "fold known tensors"
  /// The elements of a constant or buffer.
  let tensor: @Sendable (Argument) throws -> TensorData?

  /// The most elements that are written out.
  private static let literalLimit = 16
  /// Larger buffers are not looked at.
  private static let searchLimit = 1 << 20

  func run(_ function: GraftIR.Function) throws -> GraftIR.Function {
    let updated = Set(function.stateUpdates.map(\.path))
    let builder = GraphBuilder(function)
    var replacements: [Value: Operand] = [:]
    for argument in function.arguments {
      switch argument.role {
      case .constant: break
      case .state(let path, _) where !updated.contains(path): break
      default: continue
      }
      guard let data = try tensor(argument), data.count <= Self.searchLimit else { continue }
      if let operand = try expression(for: data, argument.role, in: builder) {
        if let value = operand.asValue {
          builder.function.setHint(function.info(argument.value).hint, of: value)
        }
        replacements[argument.value] = operand
      }
    }
    if replacements.isEmpty { return function }
    return builder.function.replacing(replacements, prepending: builder.operations)
  }

  private func expression(
    for data: TensorData, _ role: Argument.Role, in builder: GraphBuilder
  ) throws -> Operand? {
    let shape = data.shape.map { Dim($0) }
    let isConstant = if case .constant = role { true } else { false }
    if data.dtype.isInteger || data.dtype == .bool {
      let elements = data.integers()
      if let first = elements.first, elements.allSatisfy({ $0 == first }) {
        let value: Scalar = data.dtype == .bool ? .bool(first != 0) : .int(Int(first))
        return try builder(
          .full, attributes: ["shape": .dims(shape), "value": .scalar(value), "dtype": .dtype(data.dtype)])
      }
      if let arange = try arange(elements, dtype: data.dtype, shape: shape, in: builder) { return arange }
    }
    guard isConstant, data.count <= Self.literalLimit, let literal = literal(data) else { return nil }
    return try builder(.constant, attributes: ["value": .literal(literal)])
  }

  /// Numbers in even steps along the only axis that is longer than 1.
  private func arange(_ elements: [Int64], dtype: DType, shape: [Dim], in builder: GraphBuilder) throws -> Operand? {
    guard elements.count > 2, shape.filter({ $0 != 1 }).count == 1 else { return nil }
    let step = elements[1] &- elements[0]
    guard step != 0, zip(elements, elements.dropFirst()).allSatisfy({ $1 &- $0 == step }) else { return nil }
    let numbers = try builder(
      .arange,
      attributes: [
        "count": .int(elements.count), "start": .scalar(.int(Int(elements[0]))), "step": .scalar(.int(Int(step))),
        "dtype": .dtype(dtype),
      ])
    return shape.count == 1 ? numbers : try builder(.reshape, numbers, attributes: ["shape": .dims(shape)])
  }

  private func literal(_ data: TensorData) -> TensorLiteral? {
    guard !data.dtype.isComplex else { return nil }
    let scalars: [Scalar]
    if data.dtype == .bool {
      scalars = data.integers().map { .bool($0 != 0) }
    } else if data.dtype.isInteger {
      scalars = data.integers().map { .int(Int($0)) }
    } else {
      scalars = data.doubles().map { .float($0) }
    }
    return TensorLiteral(dtype: data.dtype, shape: data.shape, elements: scalars)
  }
}

extension GraftIR.Function {
  /// The function with arguments replaced by values that `operations`, put first, compute.
  fileprivate func replacing(_ replacements: [Value: Operand], prepending operations: [Operation]) -> GraftIR.Function {
    func replaced(_ operand: Operand) -> Operand {
      if case .value(let value) = operand, let other = replacements[value] { return other }
      return operand.mapValues { replacements[$0]?.asValue ?? $0 }
    }
    func replaced(_ block: Block) -> Block {
      var block = block
      block.operations = block.operations.map { operation in
        var operation = operation
        operation.operands = operation.operands.map { replaced($0) }
        operation.regions = operation.regions.map { replaced($0) }
        return operation
      }
      block.results = block.results.map { replaced($0) }
      return block
    }
    var function = self
    function.arguments.removeAll { replacements[$0.value] != nil }
    function.body = replaced(body)
    function.body.operations = operations + function.body.operations
    function.stateUpdates = stateUpdates.map { StateUpdate(path: $0.path, value: replaced($0.value)) }
    return function
  }
}

extension TensorData {
  /// The elements of an integer or boolean tensor.
  fileprivate func integers() -> [Int64] { doubles().map { Int64(clamping: $0) } }
}

extension Int64 {
  fileprivate init(clamping value: Double) {
    self = Int64(exactly: value.rounded()) ?? (value < 0 ? .min : .max)
  }
}
