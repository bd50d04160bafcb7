import GraftIR

/// When variables can take their new values: each as soon as it is computed and the old one is not read any more, so that
/// what it was computed from need not be kept.
struct PendingUpdates {
  struct Update {
    var variable: Value
    var value: Operand
  }

  /// Those that no operation has to wait for, by the last operation that they wait for.
  private var byOperation: [Int: [Update]] = [:]
  /// Those that are not done yet.
  var left: [Update] { byOperation.sorted { $0.key < $1.key }.flatMap(\.value) }

  /// - Parameters:
  ///   - paths: the variables.
  ///   - afterResult: whether they may change only after the first result is known.
  init(_ function: Function, of paths: [String], afterResult: Bool) {
    var (definitions, reads) = ([Value: Int](), [Value: Int]())
    for (index, operation) in function.body.operations.enumerated() {
      for value in operation.results { definitions[value] = index }
      for value in operation.usedValues { reads[value] = index }
    }
    let end = function.body.operations.count
    let first = afterResult ? function.body.results.first?.asValue.map { definitions[$0] ?? -1 } ?? end : -1
    // What is copied in the end is read in the end.
    let copied = Set(function.escapingValues)
    for update in function.stateUpdates where paths.contains(update.path) {
      guard let argument = function.arguments.first(where: { $0.path == update.path }) else { continue }
      let isCopied = copied.contains(argument.value) || update.value.asValue.map { definitions[$0] == nil } ?? true
      let last = max(
        update.value.asValue.flatMap { definitions[$0] } ?? end, reads[argument.value] ?? -1, first)
      byOperation[isCopied ? end : last, default: []].append(Update(variable: argument.value, value: update.value))
    }
  }

  /// Those that wait for nothing after an operation.
  mutating func due(after index: Int) -> [Update] { byOperation.removeValue(forKey: index) ?? [] }
}
