package import GraftIR

/// The values of a function's symbols, from the shapes of its inputs.
package struct InputSizes {
  private let function: Function

  package init(_ function: Function) { self.function = function }

  /// - Throws: ``Diagnostic`` that names the input whose dtype, rank or extent does not fit, and what was expected.
  package func bind(_ shapes: [[Int]], _ dtypes: [DType]?) throws -> [String: Int] {
    let values = function.inputValues
    guard shapes.count == values.count else {
      throw Diagnostic(.invalidInput, "\(function.name) takes \(values.count) inputs, not \(shapes.count)")
    }
    var sizes: [String: Int] = [:]
    for (index, value) in values.enumerated() {
      let type = function.type(of: value)
      if let dtype = dtypes?[index], dtype != type.dtype { throw misfit(index, "a tensor of \(dtype.rawValue)") }
      guard shapes[index].count == type.rank else { throw misfit(index, "shape \(shapes[index])") }
      for (dim, extent) in zip(type.shape, shapes[index]) { try solve(dim, extent, &sizes, index, shapes[index]) }
    }
    for (index, value) in values.enumerated() {
      let expected = function.type(of: value).shape.map { $0.evaluate(sizes) }
      guard expected == shapes[index] else { throw misfit(index, "shape \(shapes[index])", sizes) }
    }
    try check(sizes)
    return sizes
  }

  /// Takes the value of a dimension's symbol where the dimension determines one.
  private func solve(
    _ dim: Dim, _ extent: Int, _ sizes: inout [String: Int], _ index: Int, _ shape: [Int]
  ) throws {
    guard let symbol = dim.linearSymbol, sizes[symbol] == nil else { return }
    let (constant, coefficient) = (dim.constant, dim.terms[0].coefficient)
    guard extent >= constant, (extent - constant).isMultiple(of: coefficient) else {
      throw misfit(index, "shape \(shape)")
    }
    sizes[symbol] = (extent - constant) / coefficient
  }

  private func check(_ sizes: [String: Int]) throws {
    for symbol in function.symbols {
      guard let size = sizes[symbol.name] else {
        throw Diagnostic(.invalidProgram, "no input determines the size \(symbol.name)")
      }
      guard size >= symbol.minimum, size <= symbol.maximum ?? .max else {
        let range = symbol.maximum.map { "from \(symbol.minimum) to \($0)" } ?? "at least \(symbol.minimum)"
        throw Diagnostic(.invalidInput, "the size \(symbol.name) is \(size), and must be \(range)")
      }
    }
  }

  private func misfit(_ index: Int, _ given: String, _ sizes: [String: Int] = [:]) -> Diagnostic {
    let name = function.inputNames.indices.contains(index) ? function.inputNames[index] : "\(index)"
    let type = function.type(of: function.inputValues[index])
    var remedy: String?
    let known = type.shape.flatMap(\.symbols).compactMap { name in sizes[name].map { "\(name) = \($0)" } }
    if !known.isEmpty { remedy = "Other inputs say that \(known.joined(separator: ", "))." }
    return Diagnostic(.invalidInput, "input `\(name)` must be \(type), and is \(given)", remedy: remedy)
  }
}
