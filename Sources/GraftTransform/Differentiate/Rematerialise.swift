import GraftIR
import GraftOps

/// Has the way back compute what chosen modules computed again, from what went into them, instead of keeping it
/// (Chen et al., 2016).
///
/// Each call of a chosen module is a segment. What is used outside of its segment stays, and so do arguments; everything else
/// that the way back reads is computed once more, where it is first needed, behind barriers that keep the two from
/// being taken for one.
struct Rematerialise {
  /// Whether a module's values are computed again; of modules within each other, the outermost counts.
  let isChosen: (ModuleCall) -> Bool

  /// - Parameter forwardCount: how many of the function's operations go forward.
  func run(_ function: Function, forwardCount: Int) throws -> Function {
    let builder = GraphBuilder(function)
    let worker = Worker(self, builder, Array(function.body.operations.prefix(forwardCount)), function)
    for operation in function.body.operations.prefix(forwardCount) { builder.append(operation) }
    for operation in function.body.operations.dropFirst(forwardCount) { try worker.appendBackward(operation) }
    return builder.finished()
  }

  private final class Worker {
    private let builder: GraphBuilder
    private var producers: [Value: Operation] = [:]
    /// The segment of each value that is computed in one and used in no other place of the way forward.
    private var segments: [Value: ModuleCall] = [:]
    private var again: [Value: Value] = [:]
    private var barriers: [Value: Value] = [:]
    private let weights: Set<Value>

    init(_ options: Rematerialise, _ builder: GraphBuilder, _ forward: [Operation], _ function: Function) {
      self.builder = builder
      weights = Set(function.arguments.filter { $0.path != nil }.map(\.value))
      for operation in forward {
        guard let segment = operation.origin.modules.first(where: options.isChosen), operation.regions.isEmpty else {
          continue
        }
        for result in operation.results {
          producers[result] = operation
          segments[result] = segment
        }
      }
      for operation in forward {
        let own = operation.origin.modules.first(where: options.isChosen)
        for value in operation.usedValues where segments[value] != own { segments[value] = nil }
      }
      for value in function.escapingValues { segments[value] = nil }
    }

    func appendBackward(_ operation: Operation) throws {
      builder.append(try reading(operation, operation.usedValues.filter { segments[$0] != nil }))
    }

    /// The operation with some of the values that it reads as the way back sees them.
    private func reading(_ operation: Operation, _ values: [Value]) throws -> Operation {
      let pairs = try values.map { ($0, try computedAgain($0)) }
      let replacements = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
      return operation.mapValues { replacements[$0] ?? $0 }
    }

    /// The value of the way forward, computed on the way back.
    private func computedAgain(_ value: Value) throws -> Value {
      if let known = again[value] { return known }
      guard segments[value] != nil, let original = producers[value] else { return try kept(value) }
      var operation = try reading(original, original.usedValues)
      operation.results = original.results.map { result in
        let info = builder.function.info(result)
        let renewed = builder.function.makeValue(info.type, hint: info.hint)
        again[result] = renewed
        return renewed
      }
      builder.append(operation)
      return again[value] ?? value
    }

    /// A value that is kept, as the way back sees it.
    private func kept(_ value: Value) throws -> Value {
      if weights.contains(value) { return value }
      if let known = barriers[value] { return known }
      let barrier = try builder(.barrier, .value(value)).asValue ?? value
      barriers[value] = barrier
      return barrier
    }
  }
}
