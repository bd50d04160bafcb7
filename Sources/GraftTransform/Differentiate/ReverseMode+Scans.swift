import GraftIR
import GraftOps

extension ReverseMode {
  /// A `scan` that collects, after what it yields, what is kept of each run; any other operation as it is.
  func recordingRuns(_ operation: Operation) -> Operation {
    guard operation.name == OpDefinition.scan.name, var region = operation.regions.first,
      let count = operation.attributes["count"]?.asDim
    else { return operation }
    var recording = operation
    let kept = region.keptValues(stateCount: operation.operands[0].values.count)
    region.results += kept.map { .value($0) }
    recording.regions = [region]
    recording.results += kept.map { value in
      let type = builder.function.type(of: value)
      return builder.function.makeValue(type.with(shape: [count] + type.shape))
    }
    return recording
  }

  /// The parts of a scan that records its runs, and what is carried back through it.
  private struct ReversedScan {
    let region: Block
    let initial: [Value]
    let sequences: [Value]
    /// What was kept of each run, along a first axis: the states before it, and products.
    let recorded: [Value]
    /// The positions of what has cotangents among the states and sequences, and in what is collected.
    var states: [Int]
    var elements: [Int]
    var collected: [Int]
    var captures: [Value]
  }

  /// The cotangents that one run of the way back comes to.
  private struct RunCotangents {
    var states: [Operand]
    /// What is added to those of the captures.
    var captures: [Operand?]
    var elements: [Operand]
  }

  func pullThroughScan(_ call: OpCall, _ cotangents: [Operand?]) throws {
    let (initial, sequences, region) = (call[0].values, call[1].values, call.regions[0])
    let keptCount = region.keptValues(stateCount: initial.count).count
    let scan = ReversedScan(
      region: region, initial: initial, sequences: sequences, recorded: Array(call.results.suffix(keptCount)),
      states: initial.indices.filter { isDifferentiable(initial[$0]) },
      elements: sequences.indices.filter { varying.contains(sequences[$0]) },
      collected: (initial.count..<call.results.count - keptCount).filter { cotangents[$0] != nil },
      captures: captures(call))
    let arriving = try scan.states.map { try cotangents[$0] ?? builder.zeros(like: initial[$0]) }
    let read = scan.recorded + sequences + scan.collected.compactMap { cotangents[$0]?.asValue }
    let types = arriving.map(builder.type) + read.map { builder.function.type(of: $0).withoutFirstAxis }

    var (elements, arguments) = ([Operand](), [Value]())
    var sums = SumsOverRuns([], known: [], in: builder)
    var reversed = try builder.region(arguments: types) { given in
      arguments = given.compactMap(\.asValue)
      let run = try runBack(scan, given)
      elements = run.elements
      let known = Set(arguments.dropFirst(arriving.count) + elements.compactMap(\.asValue))
      sums = SumsOverRuns(run.captures, known: known, in: builder)
      return run.states + run.elements + sums.collected.map { .value($0) }
    }
    try carry(sums, of: scan.captures, through: &reversed, after: arriving.count)

    let starts = try arriving + sums.carried.map { try builder.zeros(like: scan.captures[$0.number]) }
    let results = try builder.apply(
      .scan, [.list(starts.compactMap(\.asValue)), .list(read)],
      attributes: ["count": try call.attribute("count"), "reverse": .bool(try !call.bool("reverse"))],
      regions: [reversed])
    let yielded = results[starts.count...]
    var stacks: [Value: Operand] = [:]
    for (value, sequence) in zip(arguments.dropFirst(arriving.count), read) { stacks[value] = .value(sequence) }
    for (value, stack) in zip(elements.compactMap(\.asValue) + sums.collected, yielded) { stacks[value] = stack }
    let totals = try sums.totals(Array(results[arriving.count..<starts.count]), stacks, builder)
    for (value, total) in zip(scan.captures, totals) { if let total { try accumulate(total, at: value) } }
    let targets = scan.states.map { initial[$0] } + scan.elements.map { sequences[$0] }
    for (value, cotangent) in zip(targets, results.prefix(arriving.count) + yielded) {
      try accumulate(cotangent, at: value)
    }
  }

  /// Makes the sums that go through the runs states of the region, after the first `count`.
  private func carry(
    _ sums: SumsOverRuns, of captures: [Value], through region: inout Block, after count: Int
  ) throws {
    let carried = sums.carried.map { number, addend in
      (sum: builder.function.makeValue(builder.function.type(of: captures[number])), addend: addend)
    }
    let additions = try builder.region { _ in try carried.map { try builder(.add, .value($0.sum), $0.addend) } }
    region.operations += additions.operations
    region.arguments.insert(contentsOf: carried.map(\.sum), at: count)
    region.results.insert(contentsOf: additions.results, at: count)
  }

  /// One run of the region again, as far as its values were not kept, and back.
  ///
  /// - Parameter arguments: the cotangents of the states, what was kept of the run, the elements, the cotangents of what was
  ///   collected.
  private func runBack(_ scan: ReversedScan, _ arguments: [Operand]) throws -> RunCotangents {
    var rest = arguments[...]
    func take(_ count: Int) -> [Operand] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    let carried = take(scan.states.count)
    let states = take(scan.initial.count).compactMap(\.asValue)
    let products = take(scan.recorded.count - states.count).compactMap(\.asValue)
    let elements = take(scan.sequences.count).compactMap(\.asValue)
    var given = [Operand?](repeating: nil, count: scan.region.results.count)
    for (index, cotangent) in zip(scan.states + scan.collected, carried + take(scan.collected.count)) {
      given[index] = cotangent
    }
    var region = builder.copy(scan.region, taking: states + elements)
    let recomputed = region.results.suffix(products.count).compactMap(\.asValue)
    region.results.removeLast(scan.recorded.count)
    let wanted = scan.states.map { states[$0] } + scan.captures + scan.elements.map { elements[$0] }
    let found = try gradients(
      of: region, given, to: wanted,
      known: Dictionary(zip(recomputed, products), uniquingKeysWith: { first, _ in first }))
    func whole(_ range: Range<Int>) throws -> [Operand] {
      try range.map { try found[$0] ?? builder.zeros(like: wanted[$0]) }
    }
    let (first, last) = (scan.states.count, scan.states.count + scan.captures.count)
    return RunCotangents(
      states: try whole(0..<first), captures: Array(found[first..<last]), elements: try whole(last..<wanted.count))
  }
}

extension Block {
  /// What the way back through a scan is given of each run instead of computing it again: the states before it, and the
  /// results of products.
  fileprivate func keptValues(stateCount: Int) -> [Value] {
    arguments.prefix(stateCount) + operations.filter { Self.products.contains($0.name) }.flatMap(\.results)
  }

  private static let products: Set<String> = Set([OpDefinition.matmul, .linear, .conv].map(\.name))
}

extension TensorType {
  fileprivate var withoutFirstAxis: TensorType { with(shape: Array(shape.dropFirst())) }
}
