package import GraftIR

/// Replaces symbols by numbers everywhere in a function.
package struct FixSizes: Pass {
  package let name = "fix sizes"
  private let sizes: [String: Int]

  package init(_ sizes: [String: Int]) { self.sizes = sizes }

  package func run(_ function: Function) throws -> Function {
    var function = function
    for argument in function.arguments { fix(argument.value, &function) }
    function.body = fix(function.body, &function)
    function.symbols.removeAll { sizes[$0.name] != nil }
    return function
  }

  private func fix(_ block: Block, _ function: inout Function) -> Block {
    var block = block
    for value in block.arguments { fix(value, &function) }
    for index in block.operations.indices {
      block.operations[index].attributes = block.operations[index].attributes.mapValues(fix)
      block.operations[index].regions = block.operations[index].regions.map { fix($0, &function) }
      for value in block.operations[index].results { fix(value, &function) }
    }
    return block
  }

  private func fix(_ value: Value, _ function: inout Function) {
    let type = function.type(of: value)
    function.setType(type.with(shape: type.shape.map(fix)), of: value)
  }

  private func fix(_ attribute: Attribute) -> Attribute {
    switch attribute {
    case .dim(let dim): .dim(fix(dim))
    case .list(let items): .list(items.map(fix))
    default: attribute
    }
  }

  private func fix(_ dim: Dim) -> Dim {
    guard dim.knownValue == nil else { return dim }
    return dim.evaluate(sizes).map { Dim($0) } ?? dim.substituting { name in sizes[name].map { Dim($0) } }
  }
}
