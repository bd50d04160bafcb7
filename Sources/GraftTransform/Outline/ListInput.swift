package import GraftIR

/// Inputs of a function that it reads only as a list, all at once: `torch.cat(features, 1)`.
package struct ListInput: Sendable {
  /// Which of the inputs they are.
  package var range: Range<Int>
  package var name: String
  /// The operation that reads them.
  fileprivate var reader: Operation
  fileprivate var readerHint: String?

  /// The list that instances of one class take, of a different length each; nil if they take none.
  package static func common(to functions: [Function]) -> ListInput? {
    guard Set(functions.map(\.inputValues.count)).count > 1 else { return nil }
    let lists = functions.compactMap { ListInput($0) }
    guard let first = lists.first else { return nil }
    let isCommon = lists.allSatisfy { $0.range.lowerBound == first.range.lowerBound && $0.name == first.name }
    return isCommon ? first : nil
  }

  private init?(_ function: Function) {
    let inputs = function.inputValues
    let uses = function.body.operations.flatMap(\.usedValues) + function.escapingValues
    for operation in function.body.operations {
      for case .list(let values) in operation.operands where values.count > 1 {
        guard let first = values.first, let start = inputs.firstIndex(of: first),
          inputs[start...].starts(with: values), uses.count(where: values.contains) == values.count
        else { continue }
        range = start..<(start + values.count)
        reader = operation
        readerHint = operation.results.first.flatMap { function.info($0).hint }
        name = operation.origin.location?.firstArgument ?? "\(function.info(first).hint ?? "value")s"
        return
      }
    }
    return nil
  }

  /// Makes the function take the list as one input, be it of one element.
  ///
  /// - Returns: which of the inputs are its elements; nil if the function does not read them as a list.
  package func take(in function: inout Function) -> Range<Int>? {
    guard case .dict(var fields) = function.inputs, fields.count == function.inputValues.count else { return nil }
    let own: Range<Int>
    if let list = ListInput(function), list.range.lowerBound == range.lowerBound {
      own = list.range
    } else if readsSingle(in: &function) {
      own = range.lowerBound..<(range.lowerBound + 1)
    } else {
      return nil
    }
    let elements = fields[own].map(\.tree)
    fields.replaceSubrange(own, with: [Tree.Field(name, .list(elements))])
    function.inputs = .dict(fields)
    return own
  }

  /// Lets the function read an input as a list of itself.
  private func readsSingle(in function: inout Function) -> Bool {
    let inputs = function.inputValues
    guard inputs.indices.contains(range.lowerBound), let first = function.body.operations.first,
      reader.operands.count == 1, reader.results.count == 1
    else { return false }
    let input = inputs[range.lowerBound]
    guard !function.escapingValues.contains(input),
      !function.body.operations.contains(where: { $0.regions.contains { $0.freeValues.contains(input) } })
    else { return false }
    let joined = function.makeValue(function.type(of: input), hint: readerHint)
    for index in function.body.operations.indices {
      let operands = function.body.operations[index].operands
      function.body.operations[index].operands = operands.map { $0.mapValues { $0 == input ? joined : $0 } }
    }
    var operation = reader
    operation.operands = [.list([input])]
    operation.results = [joined]
    operation.origin.modules = first.origin.modules
    function.body.operations.insert(operation, at: 0)
    return true
  }
}

extension SourceLocation {
  /// The variable that the statement's last call passes first: `features` of `y = torch.cat(features, 1)`.
  fileprivate var firstArgument: String? {
    guard let open = text.lastIndex(of: "(") else { return nil }
    let name = text[text.index(after: open)...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    guard let first = name.first, first.isLetter, name.endIndex < text.endIndex, ",)".contains(text[name.endIndex])
    else { return nil }
    return String(name)
  }
}
