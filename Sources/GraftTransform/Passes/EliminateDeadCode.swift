package import GraftIR

/// Removes operations whose results nothing uses, random ones too, and unused results of `mode`, `cond` and `scan`.
package struct EliminateDeadCode: Pass {
  package let name = "eliminate dead code"
  package init() {}

  package func run(_ function: Function) throws -> Function {
    var function = function
    var live = Set(function.stateUpdates.flatMap(\.value.values))
    function.body = swept(function.body, &live)
    return function
  }

  /// Ops that yield what one of their regions yields, result by result.
  private static let branching: Set<String> = ["mode", "cond"]

  /// The block without its dead operations; `live` gains every value that the block uses.
  private func swept(_ block: Block, _ live: inout Set<Value>) -> Block {
    live.formUnion(block.results.flatMap(\.values))
    var kept: [Operation] = []
    for operation in block.operations.reversed() {
      guard operation.results.contains(where: live.contains) else { continue }
      var operation = operation
      if Self.branching.contains(operation.name) { operation.keepResults(where: live.contains) }
      if operation.name == "scan" {
        operation.keepResults(after: operation.operands[0].values.count, where: live.contains)
      }
      operation.regions = operation.regions.map { swept($0, &live) }
      live.formUnion(operation.operands.flatMap(\.values))
      kept.append(operation)
    }
    return Block(arguments: block.arguments, operations: kept.reversed(), results: block.results)
  }
}

extension Operation {
  /// Drops results, and what the regions yield for them, but for the first `count`.
  fileprivate mutating func keepResults(after count: Int = 0, where isLive: (Value) -> Bool) {
    let kept = results.indices.filter { $0 < count || isLive(results[$0]) }
    guard kept.count < results.count, regions.allSatisfy({ $0.results.count == results.count }) else { return }
    for index in regions.indices { regions[index].results = kept.map { regions[index].results[$0] } }
    results = kept.map { results[$0] }
  }
}
