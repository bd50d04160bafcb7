import GraftIR
import GraftOps
import OrderedCollections

/// One pass forward over a block, which lays its operations down, and one back, which lays down those of the cotangents.
///
/// Going forward, an op that some asked value reaches and that has no gradient of its own is replaced by its decomposition;
/// all others stay whole. Going back, cotangents that meet at a value are added.
final class ReverseMode {
  let builder: GraphBuilder
  /// What depends on the values asked for, through ops that have a gradient.
  private(set) var varying: Set<Value>
  private var replacements: [Value: Value] = [:]
  /// What has arrived at each value, to be added.
  private var contributions: [Value: [Operand]] = [:]
  /// The operations to go back over.
  private var tape: [Operation] = []
  /// What has been computed already, by results of the operations.
  private let known: [Value: Value]

  init(_ builder: GraphBuilder, from values: Set<Value>, known: [Value: Value] = [:]) {
    self.builder = builder
    varying = values
    self.known = known
  }

  /// What stands for an operand of the original block.
  func current(_ operand: Operand) -> Operand { operand.mapValues { replacements[$0] ?? $0 } }

  /// The sum of what has arrived at a value; nil if nothing has.
  func cotangent(of value: Value) throws -> Operand? {
    guard let parts = contributions[value], let first = parts.first else { return nil }
    let sum = try builder.joined(parts) ?? parts.dropFirst().reduce(first) { try builder(.add, $0, $1) }
    contributions[value] = [sum]
    if let gradient = sum.asValue, builder.function.info(gradient).hint == nil,
      let hint = builder.function.info(value).hint
    {
      builder.function.setHint(hint + "_grad", of: gradient)
    }
    return sum
  }

  // MARK: Forward

  /// Appends the block's operations.
  func forward(_ block: Block) throws {
    let useful = block.valuesForResults
    for operation in block.operations {
      try place(operation, isUseful: operation.results.contains(where: useful.contains))
    }
  }

  private func place(_ original: Operation, isUseful: Bool) throws {
    var operation = original.mapValues { replacements[$0] ?? $0 }
    operation.origin.call = nil
    operation.origin.copies = []
    if operation.results.contains(where: { known[$0] != nil }) {
      operation.results = operation.results.map { known[$0] ?? $0 }
      for (old, new) in zip(original.results, operation.results) { replacements[old] = new }
      return isUseful && isReached(operation) ? remember(operation) : ()
    }
    guard isUseful, isReached(operation) else { return builder.append(operation) }
    let definition = try OpCatalogue.definition(of: operation)
    switch definition.differentiability {
    case .zero: builder.append(operation)
    case .decomposed: try expand(operation, definition.decomposition)
    case .region: if try !replaceLoop(operation) { record(recordingRuns(operation)) }
    case .vjp, .recomputed, .none: record(operation)
    }
  }

  /// Appends an operation that will be gone back over.
  private func record(_ operation: Operation) {
    builder.append(operation)
    remember(operation)
  }

  /// Goes back over an operation that has been computed.
  private func remember(_ operation: Operation) {
    tape.append(operation)
    varying.formUnion(operation.results.filter(isDifferentiable))
  }

  /// Puts a scan in the place of a loop whose runs are bounded.
  private func replaceLoop(_ operation: Operation) throws -> Bool {
    guard operation.name == OpDefinition.whileLoop.name, operation.attributes["bound"]?.asDim != nil else {
      return false
    }
    try expand(operation) { builder, call in try builder.boundedLoop(call) }
    return true
  }

  private func isReached(_ operation: Operation) -> Bool {
    operation.results.contains(where: isDifferentiable) && operation.usedValues.contains(where: varying.contains)
  }

  func isDifferentiable(_ value: Value) -> Bool { builder.function.type(of: value).dtype.isDifferentiable }

  private func expand(_ operation: Operation, _ decomposition: OpDefinition.Decomposition?) throws {
    guard let decomposition else { throw problem(operation, "has no decomposition") }
    let call = OpCall(operation, of: try OpCatalogue.definition(of: operation), in: builder.function)
    let draft = try located(operation) { try builder.region { _ in try decomposition(builder, call) } }
    for placed in draft.operations { try place(placed, isUseful: true) }
    for (old, new) in zip(operation.results, draft.results) {
      guard let value = current(new).asValue else { throw problem(operation, "does not yield a value") }
      replacements[old] = value
      if builder.function.info(value).hint == nil {
        builder.function.setHint(builder.function.info(old).hint, of: value)
      }
    }
  }

  // MARK: Backward

  /// Appends the operations that take the cotangents from the results back to the values asked for.
  func backward() throws {
    for operation in tape.reversed() {
      let given = try operation.results.map(cotangent)
      guard given.contains(where: { $0 != nil }) else { continue }
      try located(operation, isBackward: true) { try pull(operation, given) }
    }
  }

  /// Adds a cotangent to what has arrived at a value; what no asked value reaches needs none.
  func accumulate(_ cotangent: Operand, at value: Value) throws {
    guard varying.contains(value) else { return }
    let type = builder.function.type(of: value)
    var cotangent = cotangent
    if let number = cotangent.asScalar { cotangent = try builder.full(type, number) }
    if builder.type(cotangent).dtype.isComplex, !type.dtype.isComplex { cotangent = try builder(.real, cotangent) }
    guard !builder.type(cotangent).isProvablyDifferent(from: type) else {
      throw Diagnostic(.internalError, "the cotangent of a \(type) is a \(builder.type(cotangent))")
    }
    contributions[value, default: []].append(cotangent)
  }

  private func pull(_ operation: Operation, _ given: [Operand?]) throws {
    let definition = try OpCatalogue.definition(of: operation)
    var call = OpCall(operation, of: definition, in: builder.function)
    call.varying = varying
    switch definition.differentiability {
    case .zero, .decomposed: return
    case .none(let reason):
      throw Diagnostic(
        .unsupported, "`\(operation.name)` has no gradient: \(reason)",
        remedy: "Stop the gradient before it, or differentiate with respect to what it does not depend on.")
    case .region: try pullThroughRegions(call, given)
    case .recomputed:
      guard let decomposition = definition.decomposition else { throw problem(operation, "has no decomposition") }
      let whole = try builder.region { _ in try decomposition(builder, call) }
      let values = Array(OrderedSet(operation.operands.flatMap(\.values).filter(varying.contains)))
      for (value, part) in zip(values, try gradients(of: whole, given, to: values)) {
        if let part { try accumulate(part, at: value) }
      }
    case .vjp(let vjp):
      for (operand, cotangent) in zip(operation.operands, try vjp(builder, call, given)) {
        guard let cotangent, !cotangent.isAbsent else { continue }
        guard case .list(let parts) = cotangent else {
          if let value = operand.asValue { try accumulate(cotangent, at: value) }
          continue
        }
        for (value, part) in zip(operand.values, parts) { try accumulate(.value(part), at: value) }
      }
    }
  }

  /// Appends a block of fresh values, and what takes the cotangents of its results back to `values`; some may get none.
  ///
  /// - Parameter known: values that take the place of the block's, whose operations are not appended.
  func gradients(
    of block: Block, _ given: [Operand?], to values: [Value], known: [Value: Value] = [:]
  ) throws -> [Operand?] {
    let inner = ReverseMode(builder, from: varying.union(values), known: known)
    try inner.forward(block)
    for (result, cotangent) in zip(block.results, given) {
      if let cotangent, let value = inner.current(result).asValue { try inner.accumulate(cotangent, at: value) }
    }
    try inner.backward()
    return try values.map(inner.cotangent)
  }

  // MARK: Origins

  /// Runs `body` with what it appends, and what it throws, at the place of an operation.
  private func located<Result>(
    _ operation: Operation, isBackward: Bool = false, _ body: () throws -> Result
  ) throws -> Result {
    let outer = builder.origin
    builder.origin = operation.origin
    if isBackward { builder.origin.modules = operation.origin.modules.map(\.gradient) }
    builder.origin.node = ""
    defer { builder.origin = outer }
    do {
      return try body()
    } catch var diagnostic as Diagnostic {
      diagnostic.location = diagnostic.location ?? operation.origin.location
      throw diagnostic
    }
  }

  private func problem(_ operation: Operation, _ message: String) -> Diagnostic {
    Diagnostic(.internalError, "`\(operation.name)` \(message)", at: operation.origin.location)
  }
}

extension Block {
  /// The values that the block's results depend on.
  fileprivate var valuesForResults: Set<Value> {
    var useful = Set(results.flatMap(\.values))
    for operation in operations.reversed() where operation.results.contains(where: useful.contains) {
      useful.formUnion(operation.usedValues)
    }
    return useful
  }

  /// The block with the values that it reads from outside replaced.
  func mapValues(_ transform: (Value) -> Value) -> Block {
    var block = self
    block.operations = operations.map { $0.mapValues(transform) }
    block.results = results.map { $0.mapValues(transform) }
    return block
  }
}
