import GraftIR
package import GraftSyntax

/// How a function reads a dynamic extent off its inputs.
package struct EmittedExtent {
  package enum Source {
    /// It is the size of an input's axis.
    case axis(of: PythonExpression, Int)
    /// It follows from one: `x.shape[1] // 2` where the axis is twice as long.
    case derived
  }

  package var source: Source
  package var expression: PythonExpression
}

extension FunctionEmitter {
  /// Where a dynamic extent can be read: nil if no input has it.
  package func extent(of symbol: String) -> EmittedExtent? {
    var derived: EmittedExtent?
    for argument in function.arguments {
      guard case .input = argument.role, let input = initialBindings[argument.value] else { continue }
      for (axis, extent) in function.type(of: argument.value).shape.enumerated() where extent.symbols == [symbol] {
        let size = input.attribute("shape")[.integer(axis)]
        if extent.asSymbol == symbol { return EmittedExtent(source: .axis(of: input, axis), expression: size) }
        derived = derived ?? extent.solved(from: size).map { EmittedExtent(source: .derived, expression: $0) }
      }
    }
    return derived
  }

  /// The number of axes of the input that an expression reads.
  package func rank(of input: PythonExpression) -> Int? {
    function.arguments.first { initialBindings[$0.value] == input }.map { function.type(of: $0.value).rank }
  }
}

extension Dim {
  /// The symbol in terms of the extent's size, for an extent `a * symbol + b`.
  fileprivate func solved(from size: PythonExpression) -> PythonExpression? {
    guard linearSymbol != nil else { return nil }
    let shifted = constant == 0 ? size : constant < 0 ? size + .integer(-constant) : size - .integer(constant)
    return terms[0].coefficient == 1 ? shifted : shifted.floorDivided(by: .integer(terms[0].coefficient))
  }
}
