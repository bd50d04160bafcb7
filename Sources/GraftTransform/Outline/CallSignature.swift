import GraftIR
import OrderedCollections

/// In which order a function of the source takes and returns values, and under which names.
struct CallSignature {
  private let call: FunctionCall
  private let source: Function

  /// - Parameters:
  ///   - call: a call of it.
  ///   - source: the program.
  init(_ call: FunctionCall, in source: Function) {
    self.call = call
    self.source = source
  }

  /// The values that the function reads in the order and by the names of its parameters, as far as they are known; then
  /// those that it reads from around it, by their own names.
  ///
  /// What was passed may have been rewritten: a value of its type is then known by its variable, and if that is not unique,
  /// by its place among all that are left, as arguments are computed in order.
  func named(_ values: [Value]) -> [(value: Value, name: String)] {
    var parameters = call.arguments.compactMap { argument in argument.value.asValue.map { (argument.name, $0) } }
    var left = values
    var found: [String: Value] = [:]
    func assign(where matches: (Value, Value) -> Bool) {
      for (name, given) in parameters {
        let candidates = left.filter { matches($0, given) }
        guard candidates.count == 1 else { continue }
        found[name] = candidates[0]
        left.removeAll { $0 == candidates[0] }
      }
      parameters.removeAll { found[$0.0] != nil }
    }
    assign { $0 == $1 }
    assign { source.isLike($0, $1) }
    let order = Dictionary(
      source.outermostDefinitions.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
    for form in OrderedSet(left.map(source.form)) {
      let values = left.filter { source.form(of: $0) == form }.sorted { order[$0, default: 0] < order[$1, default: 0] }
      let names = parameters.filter { source.form(of: $0.1) == form }.map(\.0)
      if names.count == values.count { found.merge(zip(names, values)) { known, _ in known } }
    }
    left.removeAll(where: found.values.contains)
    let ordered = call.arguments.compactMap { argument in
      found[argument.name].map { (value: $0, name: argument.name) }
    }
    return ordered + left.map { (value: $0, name: source.info($0).hint ?? "x") }
  }

  /// The values that the function returns in the order in which it does, as far as that is known.
  func ordered(_ results: [Value]) -> [Value] {
    guard call.returns.count == results.count else { return results }
    var left = results
    let named = call.returns.map { name -> Value? in
      guard let name, let index = left.firstIndex(where: { source.info($0).hint == name }) else { return nil }
      return left.remove(at: index)
    }
    return named.map { $0 ?? left.removeFirst() }
  }
}
