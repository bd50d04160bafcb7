package import GraftIR
import GraftOps

/// Reshapes before it takes apart: equal parts of the last axis that are each reshaped alike, as query, key and value are
/// into heads, become the positions of an axis of their own.
///
/// `q, k, v = split(x, 3)` and a reshape of each to [..., H, D] are `q, k, v = unstack(x.reshape(..., 3, H, D))`.
package struct SplitIntoHeads: Pass {
  package let name = "split into heads"

  package init() {}

  package func run(_ function: Function) throws -> Function {
    var function = function
    let operations = function.body.operations
    var readers: [Value: [Int]] = [:]
    for (index, operation) in operations.enumerated() {
      for value in operation.usedValues { readers[value, default: []].append(index) }
    }
    for value in function.escapingValues { readers[value, default: []].append(-1) }
    var replaced: [Int: [Operation]] = [:]
    for (index, split) in operations.enumerated() where split.name == "split" {
      let reshapes = split.results.compactMap { part -> Int? in
        guard let own = readers[part], own.count == 1, own[0] >= 0, operations[own[0]].name == "reshape",
          operations[own[0]].origin.modules == split.origin.modules,
          operations[own[0]].origin.call == split.origin.call
        else { return nil }
        return own[0]
      }
      let results = reshapes.flatMap { operations[$0].results }
      guard reshapes.count == split.results.count, reshapes.count > 1, let x = split.operands.first?.asValue,
        let shape = stackedShape(of: split, into: results.map { function.type(of: $0).shape }, in: function)
      else { continue }
      let leading = function.type(of: x).shape.count - 1
      let stacked = function.makeValue(function.type(of: x).with(shape: shape), hint: nil)
      replaced[index] = [
        Operation(
          "reshape", split.operands, attributes: ["shape": .dims(shape)], results: [stacked], origin: split.origin),
        Operation(
          "unstack", [.value(stacked)], attributes: ["axis": .int(leading)], results: results, origin: split.origin),
      ]
      for (part, result) in zip(split.results, results) where function.info(result).hint == nil {
        function.setHint(function.info(part).hint, of: result)
      }
      for reshape in reshapes { replaced[reshape] = [] }
    }
    function.body.operations = operations.enumerated().flatMap { replaced[$0] ?? [$1] }
    return function
  }

  /// The shape [..., parts, H, D] for parts [..., H * D] that are reshaped to [..., H, D]; nil if they are not.
  private func stackedShape(of split: Operation, into shapes: [[Dim]], in function: Function) -> [Dim]? {
    let parts = split.results.map { function.type(of: $0).shape }
    guard let part = parts.first, let shape = shapes.first, parts.allSatisfy({ $0 == part }),
      shapes.allSatisfy({ $0 == shape }), shape.count > part.count, shape.starts(with: part.dropLast()),
      shape.dropFirst(part.count - 1).allSatisfy({ $0.knownValue != nil }),
      split.attributes["axis"]?.asInt.map({ $0 == part.count - 1 || $0 == -1 }) ?? false
    else { return nil }
    return part.dropLast() + [Dim(split.results.count)] + shape.dropFirst(part.count - 1)
  }
}
