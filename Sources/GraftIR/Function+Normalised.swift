extension Function {
  /// Every value in the order of definition: arguments first, then each operation's results before the contents of its
  /// regions.
  package var definitions: [Value] {
    var values = arguments.map(\.value)
    body.collectDefinitions(into: &values)
    return values
  }

  /// The values that are defined outside of all regions, in order.
  package var outermostDefinitions: [Value] { arguments.map(\.value) + body.operations.flatMap(\.results) }

  /// The values that are defined outside of all regions.
  package var outermostValues: Set<Value> { Set(outermostDefinitions) }

  /// What is known of a value, or nil for one that does not belong to this function.
  package func knownInfo(_ value: Value) -> ValueInfo? { values.indices.contains(value.id) ? values[value.id] : nil }

  /// The same function with its values numbered in the order of definition, without values that nothing defines, and
  /// with attributes in their canonical form: what its text form reads back as.
  ///
  /// The function must pass ``verify()``.
  package func normalised() -> Function {
    var result = Function(name: name, summary: summary)
    result.symbols = symbols
    result.inputs = inputs
    result.inputNames = inputNames
    result.outputs = outputs
    var renamed: [Value: Value] = [:]
    for value in definitions {
      renamed[value] = result.makeValue(type(of: value), hint: info(value).hint)
    }
    let rename = { (value: Value) in renamed[value] ?? value }
    result.arguments = arguments.map { Argument($0.role, rename($0.value)) }
    result.body = body.mapValues(rename)
    result.stateUpdates = stateUpdates.map { StateUpdate(path: $0.path, value: $0.value.mapValues(rename)) }
    let outermost = outermostValues
    (result.passedNames, result.calls) = (passedNames, calls)
    result.mapPassed { outermost.contains($0) ? renamed[$0] : nil }
    return result
  }
}

extension Block {
  fileprivate func collectDefinitions(into values: inout [Value]) {
    values += arguments
    for operation in operations {
      values += operation.results
      for region in operation.regions { region.collectDefinitions(into: &values) }
    }
  }

  /// The block with every value replaced, defined or used, inside regions too, and attributes in canonical form.
  fileprivate func mapValues(_ transform: (Value) -> Value) -> Block {
    Block(
      arguments: arguments.map(transform),
      operations: operations.map { operation in
        Operation(
          operation.name, operation.operands.map { $0.mapValues(transform) },
          attributes: operation.attributes.mapValues(\.canonical), results: operation.results.map(transform),
          regions: operation.regions.map { $0.mapValues(transform) }, origin: operation.origin)
      },
      results: results.map { $0.mapValues(transform) })
  }
}
