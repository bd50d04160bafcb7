package import GraftIR

extension OpDefinition {
  static let scans: [OpDefinition] = [cumsum, cumprod, cummax, cummin, logCumSumExp]

  /// The sums of the elements up to and including each along `axis`.
  package static let cumsum: OpDefinition = scan(
    "cumsum", "Running sum along an axis.", accepts: .numeric,
    differentiability: .vjp { b, op, ct in [try ct[0].map { try b.reverseCumsum($0, axis: try op.int("axis")) }] })

  /// The products of the elements up to and including each along `axis`.
  package static let cumprod: OpDefinition = scan(
    "cumprod", "Running product along an axis.", accepts: .numeric,
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.runningProductGradient(op, ct)]
    })

  /// The largest of the elements up to and including each along `axis`; NaN from the first NaN on.
  package static let cummax: OpDefinition = scan(
    "cummax", "Running maximum along an axis.", accepts: .real,
    differentiability: .vjp { b, op, ct in try b.runningExtremeGradient(ct[0], op) })

  /// The smallest of the elements up to and including each along `axis`; NaN from the first NaN on.
  package static let cummin: OpDefinition = scan(
    "cummin", "Running minimum along an axis.", accepts: .real,
    differentiability: .vjp { b, op, ct in try b.runningExtremeGradient(ct[0], op) })

  /// `log(cumsum(exp(x)))` along `axis`.
  package static let logCumSumExp: OpDefinition = scan(
    "logcumsumexp", "Logarithm of the running sum of exponentials along an axis.", accepts: .floating,
    decomposition: { b, op in
      let axes: Attribute = .list([try op.attribute("axis")])
      let highest = try b(
        .stopGradient, try b(.amax, op[0], attributes: ["axes": axes, "keepdims": .bool(true)]))
      let sums = try b(.cumsum, try b(.exp, try b(.subtract, op[0], highest)), attributes: op.attributes)
      return [try b(.add, try b(.log, sums), highest)]
    })

  private static func scan(
    _ name: String, _ summary: String, accepts: DTypeSet, differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil
  ) -> OpDefinition {
    OpDefinition(
      name, family: .scan, summary: summary, operands: [.tensor("x")], attributes: [AttributeSpec("axis", .axis)],
      infer: { call in
        let type = try call.type(0)
        try call.require(type, accepts)
        _ = try call.axis("axis", rank: type.rank)
        return [type]
      }, differentiability: differentiability, decomposition: decomposition,
      spellings: [.torch("torch.\(name)(input:x, dim:axis)")],
      samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1)])])
  }
}

extension GraphBuilder {
  /// The sums of the elements from each to the end along an axis.
  fileprivate func reverseCumsum(_ x: Operand, axis: Int) throws -> Operand {
    let axes: OrderedAttributes = ["axes": .ints([axis])]
    let reversed = try self(.flip, x, attributes: axes)
    return try self(.flip, try self(.cumsum, reversed, attributes: ["axis": .int(axis)]), attributes: axes)
  }

  /// For each element, the product of those before it times the sum of `ct_j * product of those between it and j`.
  ///
  /// That sum follows from that of the next element, `s_i = ct_i + x_(i+1) * s_(i+1)`, in steps that double; no division is
  /// made, so that elements may be zero.
  fileprivate func runningProductGradient(_ op: OpCall, _ ct: Operand) throws -> Operand {
    let type = try op.type(0)
    let axis = try op.int("axis")
    guard let extent = type.shape[axis].knownValue else {
      let weighted = try reverseCumsum(scaled(ct, by: op.result), axis: axis)
      return try self(.divide, weighted, try conjugated(op[0]))
    }
    func moved(_ x: Operand, by count: Int, filling number: Int) throws -> Operand {
      var (low, high) = (Array(repeating: 0, count: type.rank), Array(repeating: 0, count: type.rank))
      (low[axis], high[axis]) = (count, -count)
      return try self(
        .pad, x, attributes: ["low": .ints(low), "high": .ints(high), "value": .scalar(.int(number))])
    }
    let before = try self(.cumprod, try moved(op[0], by: 1, filling: 1), attributes: ["axis": .int(axis)])
    var (factor, sum) = (try moved(conjugated(op[0]), by: -1, filling: 0), ct)
    var step = 1
    while step < extent {
      sum = try self(.add, sum, try self(.multiply, factor, try moved(sum, by: -step, filling: 0)))
      factor = try self(.multiply, factor, try moved(factor, by: -step, filling: 0))
      step *= 2
    }
    return try scaled(sum, by: before)
  }

  /// Each cotangent goes to the latest element that equals the running extreme there.
  fileprivate func runningExtremeGradient(_ cotangent: Operand?, _ op: OpCall) throws -> [Operand?] {
    guard let cotangent else { return [nil] }
    let axis = try op.int("axis")
    let positions = try runningPositions(of: op.result, in: op[0], axis: axis)
    let zeros = try full(try op.type(0), .float(0))
    return [
      try self(.putAlongAxis, zeros, cotangent, positions, attributes: ["axis": .int(axis), "mode": .string("add")])
    ]
  }

  /// Where along an axis the latest element stands that equals a running extreme.
  package func runningPositions(of extreme: Operand, in x: Operand, axis: Int) throws -> Operand {
    let type = type(x)
    let positions = try positions(type.shape[axis], axis: axis, rank: type.rank, dtype: .int64)
    let isExtreme = try self(.equal, x, extreme)
    let marked = try self(.where_, isExtreme, positions, .int(0))
    return try self(.cummax, marked, attributes: ["axis": .int(axis)])
  }
}
