import GraftIR

/// Gives the modules of a class one signature where the first of them computes and returns a value that the others are
/// handed: it is handed nothing in its place, and the others return what they were handed.
///
/// T5's first block computes the bias of relative positions that all blocks add: `bias, x = block(params, x, bias)`.
package struct HandOnValues {
  package init() {}

  /// - Parameter path: of the function's module.
  package func run(_ function: OutlinedFunction, at path: String = "") -> OutlinedFunction {
    var function = function
    for first in function.function.body.operations.indices { unite(callAt: first, in: &function, at: path) }
    function.calls = function.calls.map { site in
      CallSite(path: site.path, callee: run(site.callee, at: path.joined(site.path)))
    }
    return function
  }

  /// A call that computes a value, one that is handed it, and where the value stands among the results of the one and the
  /// operands of the other.
  fileprivate struct Level {
    var first: Int
    var later: Int
    var result: Int
    var operand: Int
    /// The path of the first one's module.
    var path: String
    /// What the later one calls its input.
    var name: String
    /// What the results are called.
    var hints: [String?]
  }

  /// Unites a call with those behind it that are handed what it computes.
  private func unite(callAt first: Int, in function: inout OutlinedFunction, at path: String) {
    for value in function.function.body.operations[first].results {
      let plans = function.function.body.operations.indices.dropFirst(first + 1).compactMap { later in
        levels(passing: value, from: Call(function, first, path), to: Call(function, later, path))
      }
      guard let plan = plans.first else { continue }
      function.handNothing(plan[...])
      for other in plans where other.map(\.place) == plan.map(\.place) { function.handOn(value, other[...]) }
    }
  }

  /// A call in a function.
  private struct Call {
    let function: OutlinedFunction
    let position: Int
    let callee: OutlinedFunction
    /// The path of the called module.
    let path: String

    /// - Returns: nil if there is no call of a module at the position.
    init?(_ function: OutlinedFunction, _ position: Int, _ path: String) {
      guard let site = function.operation(position).callSite, function.calls[site].callee.kind == .module else {
        return nil
      }
      self.function = function
      self.position = position
      callee = function.calls[site].callee
      self.path = path.joined(function.calls[site].path)
    }

    var operation: Operation { function.operation(position) }

    /// The calls that the called function makes.
    var inner: [Call] { callee.function.body.operations.indices.compactMap { Call(callee, $0, path) } }
  }

  /// The calls that pass a value on, from those of a function to those within them; nil unless the calls are alike in all
  /// but that.
  private func levels(passing value: Value, from first: Call?, to later: Call?) -> [Level]? {
    guard let first, let later, let level = level(of: value, from: first, to: later) else { return nil }
    for one in first.inner {
      for other in later.inner {
        if let inner = levels(passing: value, from: one, to: other) { return [level] + inner }
      }
    }
    return [level]
  }

  /// - Returns: nil unless the first call returns the value, the later one is handed it, and they are of one class and
  ///   alike otherwise.
  private func level(of value: Value, from first: Call, to later: Call) -> Level? {
    var (results, operands) = (first.operation.results, later.operation.operands)
    guard first.callee.name == later.callee.name, let result = results.firstIndex(of: value),
      let operand = operands.firstIndex(of: .value(value))
    else { return nil }
    results.remove(at: result)
    operands.remove(at: operand)
    guard results.map(first.function.function.type) == later.operation.results.map(later.function.function.type),
      operands.map(later.function.type) == first.operation.operands.map(first.function.type)
    else { return nil }
    let own = later.callee.function
    let name = own.passedName(of: value, in: later.path) ?? own.inputNames[operand]
    var hints = first.operation.results.map { first.function.function.info($0).hint }
    hints[result] = name
    return Level(
      first: first.position, later: later.position, result: result, operand: operand, path: first.path, name: name,
      hints: hints)
  }
}

extension HandOnValues.Level {
  fileprivate var place: [Int] { [result, operand] }
}

extension OutlinedFunction {
  fileprivate func operation(_ position: Int) -> Operation { function.body.operations[position] }

  fileprivate func type(of operand: Operand) -> TensorType? { operand.asValue.map(function.type) }

  /// Hands nothing to the first call, or with `value` the function's own input that is handed nothing, and so on within.
  fileprivate mutating func handNothing(_ levels: ArraySlice<HandOnValues.Level>, _ value: Value? = nil) {
    guard let level = levels.first, let site = operation(level.first).callSite else { return }
    function.body.operations[level.first].operands.insert(value.map { .value($0) } ?? .absent, at: level.operand)
    let computed = operation(level.first).results[level.result]
    function.setHint(level.name, of: computed)
    calls[site].callee.function.setHint(level.name, of: computed)
    let own = calls[site].callee.insertInput(level.name, function.type(of: computed), at: level.operand)
    let entry = PassedNames.Entry(module: level.path, name: level.name, value: own)
    calls[site].callee.function.passedNames.record(entry)
    calls[site].callee.handNothing(levels.dropFirst(), own)
  }

  /// Makes the later call return the value that it is handed, and what follows read it from there, and so on within.
  fileprivate mutating func handOn(_ value: Value, _ levels: ArraySlice<HandOnValues.Level>) {
    guard let level = levels.first, let site = operation(level.later).callSite else { return }
    let returned = function.makeValue(function.type(of: value), hint: function.info(value).hint)
    function.body.operations[level.later].results.insert(returned, at: level.result)
    for (result, hint) in zip(operation(level.later).results, level.hints) { function.setHint(hint, of: result) }
    let replaced = { $0 == value ? returned : $0 }
    for position in function.body.operations.indices.dropFirst(level.later + 1) {
      function.body.operations[position] = operation(position).mapValues(replaced)
    }
    function.body.results = function.body.results.map { $0.mapValues(replaced) }
    calls[site].callee.optionalInputs.insert(level.operand)
    let given = calls[site].callee.function.inputValues[level.operand]
    calls[site].callee.insertResult(given, at: level.result)
    calls[site].callee.handOn(given, levels.dropFirst())
  }

  /// Adds an input that may be left out.
  private mutating func insertInput(_ name: String, _ type: TensorType, at index: Int) -> Value {
    let value = function.makeValue(type, hint: name)
    let inputs = function.arguments.indices.filter { function.arguments[$0].isInput }
    let end = inputs.last.map { $0 + 1 } ?? function.arguments.firstIndex { $0.role == .key }
    let position = inputs.indices.contains(index) ? inputs[index] : end ?? function.arguments.endIndex
    for (leaf, place) in inputs.enumerated() where leaf >= index {
      function.arguments[place].role = .input(leaf: leaf + 1)
    }
    function.arguments.insert(Argument(.input(leaf: index), value), at: position)
    function.inputNames.insert(name, at: index)
    function.inputs = .dict(function.inputNames.enumerated().map { Tree.Field($1, .leaf($0)) })
    optionalInputs = Set(optionalInputs.map { $0 < index ? $0 : $0 + 1 }).union([index])
    return value
  }

  private mutating func insertResult(_ value: Value, at index: Int) {
    function.body.results.insert(.value(value), at: index)
    function.outputs = .tuple(function.body.results.indices.map { .leaf($0) })
  }
}

extension Argument {
  fileprivate var isInput: Bool { if case .input = role { true } else { false } }
}

extension String {
  /// The path of a module by its path from the one at this path.
  fileprivate func joined(_ path: String) -> String {
    isEmpty ? path : path.isEmpty ? self : "\(self).\(path)"
  }
}
