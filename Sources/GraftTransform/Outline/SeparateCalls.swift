import GraftIR

/// Prepares calls of the source's functions for becoming functions: each computes its own again what common
/// subexpressions took from one for another, and those that stay part of their callers are forgotten.
struct SeparateCalls {
  private var function: Function
  private let inlined: Set<Int>
  /// The operations that have been separated, last ones first.
  private var operations: [Operation] = []
  /// By value, the positions of the operations that read it.
  private var readers: [Value: [Int]] = [:]
  /// The first results of copies.
  private var copies: Set<Value> = []

  /// - Parameter inlined: the calls that stay part of their callers.
  init(_ function: Function, inlining inlined: Set<Int>) {
    self.function = function
    self.inlined = inlined
  }

  consuming func run() -> Function {
    if function.calls.isEmpty { return function }
    let body = function.body.operations.map { operation in
      var operation = operation
      operation.origin = outlined(operation.origin)
      return operation
    }
    function.calls = function.calls.map { call in
      var call = call
      call.parent = outlined(call.parent)
      return call
    }
    for operation in body.reversed() { place(operation) }
    function.body.operations = sinkingCopies()
    return function
  }

  /// The innermost call that becomes a function, of those around a call and it itself.
  private func outlined(_ call: Int?) -> Int? { function.chain(to: call).last { !inlined.contains($0) } }

  private func outlined(_ origin: Origin) -> Origin {
    var origin = origin
    origin.call = outlined(origin.call)
    var calls: Set<Int?> = [origin.call]
    origin.copies = origin.copies.compactMap { copy in
      let call = outlined(copy.call)
      return calls.insert(call).inserted ? Origin.Place(call: call, frames: copy.frames) : nil
    }
    return origin
  }

  // MARK: Copies

  /// Appends the operation, and a copy in each call that computes it again and reads it.
  private mutating func place(_ original: Operation) {
    var operation = original
    operation.origin.copies = []
    let places = [original.origin.place] + original.origin.copies
    if places.count == 1 { return append(operation) }
    let calls = places.map(\.call)
    var read = Set(
      operation.results.flatMap { readers[$0, default: []] }.map { call(of: operations[$0], among: calls) })
    let escapes = operation.results.contains(where: function.escapingValues.contains)
    if escapes { read.insert(call(nearest: [], among: calls)) }
    for place in places.reversed() where read.contains(place.call) {
      if place.call == operation.origin.call {
        append(operation)
      } else {
        append(copy(of: operation, at: place, among: calls, escapes: escapes))
      }
    }
  }

  private mutating func append(_ operation: Operation) {
    for value in Set(operation.usedValues) { readers[value, default: []].append(operations.count) }
    operations.append(operation)
  }

  /// The operation with results of its own, which those read for whom this place is the one that computes it.
  private mutating func copy(
    of operation: Operation, at place: Origin.Place, among calls: [Int?], escapes: Bool
  ) -> Operation {
    var copy = operation
    copy.origin.place = place
    copy.results = operation.results.map { function.makeValue(function.type(of: $0), hint: function.info($0).hint) }
    copies.insert(copy.results[0])
    let own = Dictionary(uniqueKeysWithValues: zip(operation.results, copy.results))
    for position in Set(operation.results.flatMap { readers[$0, default: []] })
    where call(of: operations[position], among: calls) == place.call {
      operations[position] = operations[position].mapValues { own[$0] ?? $0 }
      for (value, renamed) in own where readers[value, default: []].contains(position) {
        readers[value]?.removeAll { $0 == position }
        readers[renamed, default: []].append(position)
      }
    }
    if escapes, call(nearest: [], among: calls) == place.call {
      function.body.results = function.body.results.map { $0.mapValues { own[$0] ?? $0 } }
      function.stateUpdates = function.stateUpdates.map {
        StateUpdate(path: $0.path, value: $0.value.mapValues { own[$0] ?? $0 })
      }
    }
    return copy
  }

  /// Which of the calls computes what an operation reads: the nearest one, where the fewest values pass between calls.
  private func call(of reader: Operation, among calls: [Int?]) -> Int? {
    call(nearest: function.chain(to: reader.origin.call), among: calls)
  }

  private func call(nearest chain: [Int], among calls: [Int?]) -> Int? {
    func distance(_ call: Int?) -> Int {
      let other = function.chain(to: call)
      let shared = zip(chain, other).prefix { $0 == $1 }.count
      return chain.count + other.count - 2 * shared
    }
    return calls.reduce(calls[0]) { distance($1) < distance($0) ? $1 : $0 }
  }

  // MARK: Order

  /// The operations in order, the copies where the source computes them: before what reads them, and what stands on later
  /// lines of the same call.
  private func sinkingCopies() -> [Operation] {
    var result: [Operation] = []
    for operation in operations {
      guard let first = operation.results.first, copies.contains(first) else {
        result.append(operation)
        continue
      }
      let values = Set(operation.results)
      let next = result.lastIndex { !values.isDisjoint(with: $0.usedValues) || isLater($0, than: operation) }
      result.insert(operation, at: next.map { $0 + 1 } ?? 0)
    }
    return result.reversed()
  }

  private func isLater(_ other: Operation, than copy: Operation) -> Bool {
    let depth = copy.origin.call.map { function.calls[$0].frames } ?? 0
    let (lines, own) = (other.origin.frames, copy.origin.frames)
    guard copy.origin.call.map(function.chain(to: other.origin.call).contains) ?? true,
      min(lines.count, own.count) > depth, lines.prefix(depth) == own.prefix(depth)
    else { return false }
    return lines[depth].line > own[depth].line
  }
}

extension Operation {
  /// The operation with other values in the place of those that it and its regions read.
  func mapValues(_ transform: (Value) -> Value) -> Operation {
    var copy = self
    copy.operands = operands.map { $0.mapValues(transform) }
    copy.regions = regions.map { $0.mapValues(transform) }
    return copy
  }
}
