import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  /// Branches and loops, whose bodies `torch.export` keeps as graphs of their own.
  static let control: Rules = [
    // cond(pred, true_fn, false_fn, operands)
    "higher_order.cond": { context in
      let operands = try context.operands("arg3")
      let condition = try context.operand("arg0")
      if case .bool(let isTrue)? = condition.asScalar {
        return try context.inlined(isTrue ? "arg1" : "arg2", operands)
      }
      let branches = try ["arg1", "arg2"].map { name in
        try context.region(context.graph(name), capturing: operands)
      }
      let test = try context.cast(context.reshape(condition, []), to: .bool)
      return try context.builder.apply(.cond, [test], regions: branches)
    },
    // while_loop(cond_fn, body_fn, carried_inputs, additional_inputs)
    "higher_order.while_loop": { context in
      let (state, captured) = (try context.loopTensors("arg2"), try context.operands("arg3"))
      let types = state.map { context.type(.value($0)) }
      let regions = try ["arg0", "arg1"].map { name in
        try context.region(context.graph(name), arguments: types, hints: context.names(of: state), capturing: captured)
      }
      return try context.builder.apply(.whileLoop, [.list(state)], regions: regions)
    },
    // scan(combine_fn, init, xs, additional_inputs), over the first axis
    "higher_order.scan": { context in
      let (state, sequences) = (try context.loopTensors("arg1"), try context.loopTensors("arg2"))
      let types = sequences.map { context.type(.value($0)) }
      guard let count = types.first?.shape.first, types.allSatisfy({ $0.rank > 0 }) else {
        throw context.unsupported("it has nothing to scan")
      }
      let elements = types.map { $0.with(shape: Array($0.shape.dropFirst())) }
      let body = try context.region(
        context.graph("arg0"), arguments: state.map { context.type(.value($0)) } + elements,
        hints: context.names(of: state) + elements.map { _ in "x" }, capturing: context.operands("arg3"))
      return try context.builder.apply(
        .scan, [.list(state), .list(sequences)], attributes: ["count": .dim(count)], regions: [body])
    },
  ]
}

extension ImportContext {
  /// A list of tensors and numbers.
  fileprivate func operands(_ name: String) throws -> [Operand] {
    try (argument(name).asList ?? []).map { try operand($0) }
  }

  fileprivate func loopTensors(_ name: String) throws -> [Value] {
    try operands(name).map { operand in
      guard let value = operand.asValue else { throw unsupported("a loop's state must consist of tensors") }
      return value
    }
  }

  /// Names for a loop's state: those that the source gives to what becomes of it, or that it has at first.
  fileprivate func names(of state: [Value]) -> [String] {
    let targets = SourceNames.targets(of: builder.origin)
    return state.enumerated().map { index, value in
      if targets.count == state.count, targets[index] != "_" { return targets[index] }
      return builder.function.info(value).hint ?? "carry"
    }
  }

  /// A branch that is known to be taken, in place.
  fileprivate func inlined(_ name: String, _ operands: [Operand]) throws -> [Operand] {
    let region = try region(graph(name), capturing: operands)
    for operation in region.operations { builder.append(operation) }
    return region.results
  }
}
