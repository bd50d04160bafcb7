package import GraftIR

extension OpCatalogue {
  /// Checks a function entirely: its structure, and that every operation fits its op's definition and has the result
  /// types that the definition infers, as far as dimensions can be told apart.
  ///
  /// - Throws: ``Diagnostic`` with the code `invalid-program` that names the op, the value and the source line.
  package static func verify(_ function: Function) throws {
    try function.verify()
    try verify(function.body, in: function)
    let states = function.arguments.reduce(into: [String: TensorType]()) { types, argument in
      if case .state(let path, _) = argument.role { types[path] = function.type(of: argument.value) }
    }
    for update in function.stateUpdates {
      guard let value = update.value.asValue, let type = states[update.path] else { continue }
      let updated = function.type(of: value)
      if type.isProvablyDifferent(from: updated) {
        throw Diagnostic(.invalidProgram, "state `\(update.path)` is a \(type) but its update is a \(updated)")
      }
    }
  }

  private static func verify(_ block: Block, in function: Function) throws {
    for operation in block.operations {
      for region in operation.regions { try verify(region, in: function) }
      do {
        try verify(operation, of: definition(of: operation), in: function)
      } catch var diagnostic as Diagnostic {
        diagnostic.location = diagnostic.location ?? operation.origin.location
        throw diagnostic
      }
    }
  }

  private static func verify(_ operation: Operation, of definition: OpDefinition, in function: Function) throws {
    func problem(_ message: String) -> Diagnostic { Diagnostic(.invalidProgram, "\(definition.name): \(message)") }
    for spec in definition.attributes {
      guard let value = operation.attributes[spec.name] else {
        if spec.defaultValue == nil { throw problem("attribute `\(spec.name)` is missing") }
        continue
      }
      if !spec.accepts(value) { throw problem("attribute `\(spec.name)` cannot be \(value)") }
    }
    let inferred = try definition.resultTypes(
      operands: operation.operands, attributes: operation.attributes, regions: operation.regions, in: function)
    guard inferred.count == operation.results.count else {
      throw problem("has \(inferred.count) results, not \(operation.results.count)")
    }
    for (type, value) in zip(inferred, operation.results) {
      let recorded = function.type(of: value)
      guard recorded.isProvablyDifferent(from: type) else { continue }
      let hint = function.info(value).hint.map { "\($0)." } ?? ""
      throw problem("%\(hint)\(value.id) is recorded as \(recorded) but is a \(type)")
    }
  }
}

extension TensorType {
  /// Whether the types differ in dtype, rank, or an extent for all values of the symbols.
  package func isProvablyDifferent(from other: TensorType) -> Bool {
    guard dtype == other.dtype, rank == other.rank else { return true }
    return zip(shape, other.shape).contains { $0.isProvablyDifferent(from: $1) }
  }
}

extension Dim {
  /// Whether the extents differ for all values of the symbols.
  package func isProvablyDifferent(from other: Dim) -> Bool { (self - other).knownValue.map { $0 != 0 } ?? false }
}

extension AttributeSpec {
  /// Whether the attribute is of the kind that the specification asks for. An attribute whose default is `none` may
  /// always be `none`.
  package func accepts(_ attribute: Attribute) -> Bool {
    if attribute.isNone { return defaultValue?.isNone ?? false }
    return switch kind {
    case .bool: attribute.asBool != nil
    case .float: attribute.asDouble != nil
    case .dtype: attribute.asDType != nil
    case .literal: if case .literal = attribute { true } else { false }
    case .dim: attribute.canonical.asDim != nil
    case .dims: attribute.canonical.asDims != nil
    case .axis: attribute.canonical.asInt != nil
    case .axes: attribute.canonical.asInts != nil
    case .string(let words): attribute.asString.map(words.contains) ?? false
    case .scalar: attribute.asScalar != nil
    case .numbers: attribute.asList?.allSatisfy { $0.asDouble != nil } ?? false
    case .text: attribute.asString != nil
    }
  }
}
