import GraftIR

extension GraphBuilder {
  /// A logarithm of a probability that is as good as none, and with which one can still calculate.
  private static let never = -1e30

  /// The decomposition of ``OpDefinition/ctcLoss``: the forward algorithm as a scan over the time steps.
  func connectionistLoss(_ op: OpCall) throws -> Operand {
    let (x, targets) = (try op.type(0), try op.type(1))
    guard targets.rank == 2 else { throw op.problem("takes targets [N, S], not \(targets)") }
    let path = try labelsBetweenBlanks(op)
    let (batch, states) = (x.shape[1], shape(path)[1])
    let wide = try self(
      .broadcastTo, try shaped(path, [1, batch, states]), attributes: ["shape": .dims([x.shape[0], batch, states])])
    let emitted = try self(.takeAlongAxis, op[0], wide, attributes: ["axis": .int(2)])
    let first = try shaped(slice(emitted, axis: 0, from: 0, to: 1), [batch, states])
    let position = try positions(states, axis: 1, rank: 2, dtype: .int64)
    let start = try self(.where_, try self(.less, position, .int(2)), first, .float(Self.never))
    let end = try alpha(op, from: start, slice(emitted, axis: 0, from: 1, to: x.shape[0]), path)
    let length = try shaped(self(.cast, op[3], attributes: ["dtype": .dtype(.int64)]), [batch, 1])
    let last = try self(.multiply, length, .int(2))
    let isLast = try self(
      .bitwiseOr, try self(.equal, position, last), try self(.equal, position, try self(.subtract, last, .int(1))))
    let ends = Term(self, try self(.where_, isLast, end, .float(Self.never)))
    let highest = try Term(self, self(.stopGradient, self(.amax, ends.operand, attributes: ["axes": .ints([1])])))
    let column = Term(self, try shaped(highest.operand, [batch, 1]))
    let loss = try -(sum((ends - column).exp, axis: 1).log + highest)
    return try reducedLoss(op, loss + normalization(op))
  }

  /// Zeros [N] that have the gradient of a log_softmax before the loss, which PyTorch takes the loss's gradient through: the
  /// probabilities of the time steps that count.
  private func normalization(_ op: OpCall) throws -> Term {
    let x = try op.type(0)
    let lengths = try shaped(self(.cast, op[2], attributes: ["dtype": .dtype(.int64)]), [1, x.shape[1]])
    let time = try positions(x.shape[0], axis: 0, rank: 2, dtype: .int64)
    let isCounted = Term(self, try self(.less, time, lengths))
    let total = try sum(Term(self, op[0]).exp, axis: 2)
    let mass = try sum(total.where_(isCounted, else: 0), axis: 0)
    return try mass - Term(self, self(.stopGradient, mass.operand))
  }

  private func reducedLoss(_ op: OpCall, _ given: Term) throws -> Operand {
    let isEmpty = Term(self, try self(.equal, op[2], .int(0)))
    let hasNoLabel = Term(self, try self(.equal, op[3], .int(0)))
    let rest = try Term(0).where_(hasNoLabel, else: given * 0 + Term(.infinity))
    var loss = try rest.where_(isEmpty, else: given)
    let isPossible = try loss < Term(-Self.never / 2)
    loss = try loss.where_(isPossible, else: Term(op.bool("zero_infinity") ? 0 : .infinity))
    let reduction = try op.string("reduction")
    if reduction == "mean" {
      let count = try self(
        .cast, try self(.maximum, op[3], .int(1)), attributes: ["dtype": .dtype(type(loss.operand).dtype)])
      loss = try loss / Term(self, count)
    }
    return try reduced(loss.operand, by: reduction)
  }

  /// The labels [N, 2 S + 1] with blanks before, between and after them.
  private func labelsBetweenBlanks(_ op: OpCall) throws -> Operand {
    let targets = try op.type(1)
    let blank = try op.int("blank")
    let blanks = try full(targets.with(dtype: .int64), .int(blank))
    let labels = try self(.cast, op[1], attributes: ["dtype": .dtype(.int64)])
    let pairs = try self(.stack, .list([blanks, labels].compactMap(\.asValue)), attributes: ["axis": .int(2)])
    let (batch, count) = (targets.shape[0], targets.shape[1])
    let last = try full(TensorType(.int64, [batch, 1]), .int(blank))
    return try self(
      .concat, .list([try shaped(pairs, [batch, 2 * count]), last].compactMap(\.asValue)),
      attributes: ["axis": .int(1)])
  }

  /// The logarithms [N, 2 S + 1] of the probabilities of ending in each state, after the time steps that count.
  private func alpha(_ op: OpCall, from start: Operand, _ emitted: Operand, _ path: Operand) throws -> Operand {
    let (type, count) = (type(start), shape(emitted)[0])
    let lengths = try shaped(self(.cast, op[2], attributes: ["dtype": .dtype(.int64)]), [type.shape[0], 1])
    let earlier = try shifted(path, by: 2, filling: .int(-1))
    let isLabel = try self(.notEqual, path, .int(op.int("blank")))
    let skips = try self(.bitwiseAnd, isLabel, try self(.notEqual, path, earlier))
    let times = try self(.arange, attributes: ["count": .dim(count), "dtype": .dtype(.int64), "start": .int(1)])
    let body = try region(arguments: [type, type, TensorType(.int64)]) { arguments in
      let alpha = arguments[0]
      let one = Term(self, try shifted(alpha, by: 1, filling: .float(Self.never)))
      let two = Term(
        self, try self(.where_, skips, try shifted(alpha, by: 2, filling: .float(Self.never)), .float(Self.never)))
      let own = Term(self, alpha)
      let largest = try own.applying(.maximum, one).applying(.maximum, two)
      let highest = Term(self, try self(.stopGradient, largest.operand))
      let total = try (own - highest).exp + (one - highest).exp + (two - highest).exp
      let next = try total.log + highest + Term(self, arguments[1])
      return [try self(.where_, try self(.less, arguments[2], lengths), next.operand, alpha)]
    }
    return try apply(
      .scan, [.list(start.values), .list(emitted.values + times.values)], attributes: ["count": .dim(count)],
      regions: [body])[0]
  }

  /// The columns moved to the right.
  private func shifted(_ x: Operand, by count: Int, filling number: Scalar) throws -> Operand {
    try self(
      .pad, x, attributes: ["low": .ints([0, count]), "high": .ints([0, -count]), "value": .scalar(number)])
  }
}
