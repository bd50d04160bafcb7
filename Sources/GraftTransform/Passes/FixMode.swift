package import GraftIR
import GraftOps

/// Makes a function that behaves in one mode whatever the mode is.
///
/// In inference `dropout` is its operand, `batch_norm` uses the running statistics, and `mode` is its second region; the
/// random key of a function that draws in training only is then unused.
package struct FixMode: Pass {
  package let name = "fix mode"
  private let isTraining: Bool

  package init(isTraining: Bool) { self.isTraining = isTraining }

  package func run(_ function: Function) throws -> Function {
    let rewritten = try Rewriter(name, isTraining ? [] : Self.inference).run(function)
    var fixed = rewritten
    var replaced: [Value: Operand] = [:]
    fixed.body = flatten(rewritten.body, &replaced)
    fixed.stateUpdates = fixed.stateUpdates.map {
      StateUpdate(path: $0.path, value: substitute($0.value, replaced))
    }
    return fixed
  }

  /// The block with the regions of `mode` operations in their place.
  private func flatten(_ block: Block, _ replaced: inout [Value: Operand]) -> Block {
    var flat = Block(arguments: block.arguments)
    for original in block.operations {
      var operation = original
      operation.operands = original.operands.map { substitute($0, replaced) }
      if operation.name == "mode", operation.regions.count == 2 {
        let region = flatten(operation.regions[isTraining ? 0 : 1], &replaced)
        flat.operations += region.operations
        for (result, operand) in zip(operation.results, region.results) { replaced[result] = operand }
      } else {
        operation.regions = operation.regions.map { flatten($0, &replaced) }
        flat.operations.append(operation)
      }
    }
    flat.results = block.results.map { substitute($0, replaced) }
    return flat
  }

  private func substitute(_ operand: Operand, _ replaced: [Value: Operand]) -> Operand {
    switch operand {
    case .value(let value): replaced[value] ?? operand
    case .list(let values): .list(values.map { replaced[$0]?.asValue ?? $0 })
    case .scalar, .absent: operand
    }
  }

  private static let inference: [RewriteRule] = [
    RewriteRule("dropout in inference", "dropout") { _, site in [site.op[0]] },
    RewriteRule("batch_norm in inference", "batch_norm") { b, site in
      guard try site.op.string("statistics") == "mode" else { return nil }
      var attributes = site.op.attributes
      attributes["statistics"] = .string("running")
      return try b.apply(.batchNorm, site.op.operands, attributes: attributes)
    },
    RewriteRule("attention in inference", "attention") { b, site in
      guard !site.op[4].isAbsent else { return nil }
      var attributes = site.op.attributes
      attributes["dropout_rate"] = nil
      return try b.apply(.scaledDotProductAttention, Array(site.op.operands.prefix(4)), attributes: attributes)
    },
    RewriteRule("recurrent network in inference", "lstm", "gru", "rnn") { b, site in
      let definition = site.op.definition
      guard let key = definition.operandIndex("rng"), !site.op[key].isAbsent else { return nil }
      var attributes = site.op.attributes
      attributes["dropout_rate"] = nil
      return try b.apply(definition, Array(site.op.operands.prefix(key)), attributes: attributes)
    },
  ]
}
