import GraftIR
import GraftOps

/// Small random programs of positions: a few lines of numbers, then operations on whatever is there.
struct RandomIndexProgram {
  private var generator: SplitMix
  private let builder: GraphBuilder
  /// Values of type i64 and bool with a shape among [T], [1, T], [T, 1], [T, T] and [N, T].
  private var numbers: [Operand] = []
  private var truths: [Operand] = []

  /// The program for a seed over the inputs that `function` declares, the first of which is `mask: bool[N,T]`.
  static func make(seed: UInt64, over function: Function) throws -> Function {
    var program = RandomIndexProgram(generator: SplitMix(state: seed), builder: GraphBuilder(function))
    return try program.function()
  }

  private init(generator: SplitMix, builder: GraphBuilder) {
    self.generator = generator
    self.builder = builder
  }

  private mutating func function() throws -> Function {
    let line = try builder(.arange, attributes: ["count": .dim(.symbol("T")), "dtype": .dtype(.int64)])
    numbers = [
      line, try builder(.reshape, line, attributes: ["shape": .dims([.symbol("T"), 1])]),
      try builder(
        .arange,
        attributes: [
          "count": .dim(.symbol("T")), "start": .scalar(.int(pick(-2...2))), "step": .scalar(.int(pick(-2...2))),
          "dtype": .dtype(.int64),
        ]),
    ]
    truths = [.value(builder.function.arguments[0].value), try builder(.lessEqual, numbers[0], numbers[1])]
    for _ in 0..<pick(4...14) { try step() }
    var results = [try builder(.exp, try builder(.cast, pick(numbers), attributes: ["dtype": .dtype(.float32)]))]
    results.append(try builder(.exp, try builder(.cast, pick(truths), attributes: ["dtype": .dtype(.float32)])))
    results.append(try attention(mask: pick(truths)))
    builder.function.outputs = .tuple(results.indices.map { .leaf($0) })
    return builder.finished(results: results)
  }

  private mutating func attention(mask: Operand) throws -> Operand {
    let inputs = builder.function.arguments.suffix(3).map { Operand.value($0.value) }
    let shape = builder.shape(mask)
    let isFitting = ShapeRule.broadcast(shape, [.symbol("T"), .symbol("T")])?.count == 2
    return try builder(.scaledDotProductAttention, inputs[0], inputs[1], inputs[2], isFitting ? mask : truths[1])
  }

  // MARK: Steps

  private mutating func step() throws {
    switch pick(0...11) {
    case 0...2: try number([.add, .subtract, .multiply, .maximum, .minimum])
    case 3:
      let definition = pick([OpDefinition.floorDivide, .remainder])
      numbers.append(try builder(definition, pick(numbers), .int(pick(1...4))))
    case 4...5: try truth([.equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual])
    case 6...7:
      guard let (x, y) = pair(truths) else { return }
      truths.append(try builder(pick([.bitwiseAnd, .bitwiseOr, .bitwiseXor]), x, y))
    case 8:
      truths.append(try builder(.bitwiseNot, pick(truths)))
    case 9:
      numbers.append(try builder(.cast, pick(truths), attributes: ["dtype": .dtype(.int64)]))
    case 10: try select()
    default: try shape()
    }
  }

  private mutating func number(_ definitions: [OpDefinition]) throws {
    if let (x, y) = pair(numbers), pick(0...3) > 0 {
      numbers.append(try builder(pick(definitions), x, y))
    } else {
      numbers.append(try builder(pick(definitions), pick(numbers), .int(pick(-3...3))))
    }
  }

  private mutating func truth(_ definitions: [OpDefinition]) throws {
    if let (x, y) = pair(numbers), pick(0...2) > 0 {
      truths.append(try builder(pick(definitions), x, y))
    } else {
      truths.append(try builder(pick(definitions), pick(numbers), .int(pick(-3...4))))
    }
  }

  private mutating func select() throws {
    guard let (x, y) = pair(numbers), let condition = truths.last,
      let shape = ShapeRule.broadcast(builder.shape(x), builder.shape(y)),
      ShapeRule.broadcast(builder.shape(condition), shape) != nil
    else { return }
    numbers.append(try builder(.where_, condition, x, y))
  }

  private mutating func shape() throws {
    let x = pick(numbers)
    let shape = builder.shape(x)
    guard let axis = shape.indices.last(where: { shape[$0] == .symbol("T") }) else { return }
    switch pick(0...6) {
    case 0: numbers.append(try builder(.cumsum, x, attributes: ["axis": .int(axis)]))
    case 1: numbers.append(try builder(.flip, x, attributes: ["axes": .ints([axis])]))
    case 2 where shape.count == 2:
      numbers.append(try builder(.transpose, x, attributes: ["permutation": .ints([1, 0])]))
    case 3:
      // The differences of neighbours, the first to a number of its own.
      let first = try builder(.subtract, try builder.slice(x, axis: axis, from: 0, to: 1), .int(pick(0...2)))
      let longer = try builder(
        .concat, .list([first, x].compactMap(\.asValue)), attributes: ["axis": .int(axis)])
      let all = Dim.symbol("T")
      numbers.append(
        try builder(
          .subtract, try builder.slice(longer, axis: axis, from: 1, to: all + 1),
          try builder.slice(longer, axis: axis, from: 0, to: all)))
    case 4:
      var (low, high) = (shape.map { _ in Dim(0) }, shape.map { _ in Dim(0) })
      (low[axis], high[axis]) = (Dim(pick(0...1)), 1)
      let padded = try builder(
        .pad, x, attributes: ["low": .dims(low), "high": .dims(high), "value": .scalar(.int(pick(-1...1)))])
      numbers.append(try builder.slice(padded, axis: axis, from: 1, to: .symbol("T") + 1))
    case 5 where shape.count == 1:
      numbers.append(
        try builder(.broadcastTo, x, attributes: ["shape": .dims([.symbol("N"), .symbol("T")])]))
    default: try gather()
    }
  }

  /// `mask[n, t]` for each place, by numbers of rows and columns that lie within.
  private mutating func gather() throws {
    let rows = try builder(.arange, attributes: ["count": .dim(.symbol("N")), "dtype": .dtype(.int64)])
    let batch = try builder(.reshape, rows, attributes: ["shape": .dims([.symbol("N"), 1])])
    let within = try builder(
      .minimum, try builder(.maximum, pick(numbers.filter { builder.shape($0).count == 1 }), .int(0)), numbers[0])
    let indices = Operand.list([batch, within].compactMap(\.asValue))
    truths.append(try builder(.index, truths[0], indices, attributes: ["axes": .ints([0, 1])]))
  }

  // MARK: Draws

  private mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  private mutating func pick<T>(_ choices: [T]) -> T { choices[pick(0...choices.count - 1)] }

  /// Two operands whose shapes broadcast.
  private mutating func pair(_ operands: [Operand]) -> (Operand, Operand)? {
    for _ in 0..<4 {
      let (x, y) = (pick(operands), pick(operands))
      if ShapeRule.broadcast(builder.shape(x), builder.shape(y)) != nil { return (x, y) }
    }
    return nil
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
