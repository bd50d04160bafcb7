import GraftIR
import GraftOps

/// Puts the forms that were chosen in the place of the values.
final class IndexFormWriter {
  private let builder: GraphBuilder
  private let analysis: IndexFunctionAnalysis
  private let table: IndexPlanTable
  private let forms: [Value: IndexPlanTable.Reference]
  private let broadcastForms: [Value: IndexPlanTable.Reference]
  private let maskForms: [Value: IndexFormChoice.Mask]
  private var replacements: [Value: Value] = [:]
  /// What stands for values in operations of which nothing is known.
  private var broadcasts: [Value: Value] = [:]
  /// What stands for the masks of attention.
  private var masks: [Value: Operand] = [:]
  /// Views, named like what they show until another name is found for them.
  private var views: Set<Value> = []
  /// What is written already and can be used where the writer is.
  private var operands: [Place: Operand] = [:]

  /// A planned operation in calls of modules and functions, which become functions that compute their own.
  private struct Place: Hashable {
    var node: Int
    var modules: [ModuleCall]
    var call: Int?
  }

  init(_ analysis: IndexFunctionAnalysis, _ choice: IndexFormChoice) {
    builder = GraphBuilder(analysis.function)
    self.analysis = analysis
    table = choice.table
    forms = choice.forms
    broadcastForms = choice.broadcastForms
    maskForms = choice.masks
  }

  func written() throws -> Function {
    let body = try write(builder.function.body)
    var result = builder.function
    result.body = body
    result.stateUpdates = result.stateUpdates.map { StateUpdate(path: $0.path, value: substitute($0.value)) }
    result.mapPassed { replacements[$0] ?? $0 }
    return result
  }

  private func substitute(_ operand: Operand) -> Operand { operand.mapValues { replacements[$0] ?? $0 } }

  private func write(_ block: Block) throws -> Block {
    let outer = operands
    defer { operands = outer }
    var result = try builder.region { _ in
      for operation in block.operations { try write(operation) }
      return block.results.map(substitute)
    }
    result.arguments = block.arguments
    return result
  }

  private func write(_ original: Operation) throws {
    var operation = original
    if original.masksAttention, let mask = original.operands[3].asValue, let form = maskForms[mask] {
      if form.isCausal { operation.attributes["causal"] = .bool(true) }
      operation.operands[3] = masks[mask] ?? .absent
    }
    if !original.results.allSatisfy({ analysis[$0] != nil }) {
      operation.operands = operation.operands.map { $0.mapValues { broadcasts[$0] ?? $0 } }
    }
    operation.operands = operation.operands.map(substitute)
    operation.regions = try original.regions.map(write)
    builder.append(operation)
    // What is written anew stands where the value came from, so that it belongs to the same module.
    builder.origin = original.origin
    for result in original.results {
      if let mask = maskForms[result] { masks[result] = try operand(mask.mask, maskNamedLike: result) }
      if let form = broadcastForms[result] { broadcasts[result] = try operand(form, namedLike: result).asValue }
      if let form = forms[result] { replacements[result] = try operand(form, namedLike: result).asValue }
    }
  }

  private func operand(_ reference: IndexPlanTable.Reference, namedLike original: Value) throws -> Operand {
    let written = try operand(reference)
    if let value = written.asValue { nameLike(original, value) }
    return written
  }

  /// A mask is named for what it is, unless its name says so or it shows another value.
  private func operand(_ reference: IndexPlanTable.Reference, maskNamedLike original: Value) throws -> Operand {
    let written = try operand(reference)
    guard let value = written.asValue else { return written }
    let hint = builder.function.info(original).hint
    if hint?.contains("mask") == true {
      nameLike(original, value)
    } else if builder.function.info(value).hint == nil {
      builder.function.setHint("mask", of: value)
    }
    return written
  }

  /// Gives a value that was written the name that another had.
  private func nameLike(_ original: Value, _ value: Value) {
    guard value != original, let hint = builder.function.info(original).hint else { return }
    if builder.function.info(value).hint == nil || views.remove(value) != nil {
      builder.function.setHint(hint, of: value)
    }
  }

  private func operand(_ reference: IndexPlanTable.Reference) throws -> Operand {
    switch reference {
    case .value(let value): return substitute(.value(value))
    case .scalar(let scalar): return .scalar(scalar)
    case .absent: return .absent
    case .list(let parts): return .list(try parts.compactMap { try operand($0).asValue })
    case .node(let number):
      let place = Place(node: number, modules: builder.origin.modules, call: builder.origin.call)
      if let known = operands[place] { return known }
      let node = table.nodes[number]
      guard let definition = OpCatalogue.definition(node.op) else {
        throw Diagnostic(.internalError, "there is no op `\(node.op)`")
      }
      let inner = try node.operands.map(operand)
      let results = try builder.apply(definition, inner, attributes: node.attributes)
      operands[place] = results[node.result]
      nameView(inner, results[node.result])
      return results[node.result]
    }
  }

  private func nameView(_ operands: [Operand], _ result: Operand) {
    guard operands.count == 1, let shown = operands[0].asValue, let view = result.asValue,
      let hint = builder.function.info(shown).hint
    else { return }
    builder.function.setHint(hint, of: view)
    views.insert(view)
  }
}
