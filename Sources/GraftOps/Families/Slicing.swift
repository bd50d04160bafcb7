package import GraftIR
package import OrderedCollections

extension OpDefinition {
  static let slicing: [OpDefinition] = [slice, sliceUpdate, select, selectUpdate, split, unstack, flip]

  /// `x[start:stop:step]` along every axis at once; bounds count from zero and lie within the extents, steps are positive.
  package static let slice: OpDefinition = OpDefinition(
    "slice", family: .indexing, summary: "A range of each axis.", operands: [.tensor("x")],
    attributes: AxisRanges.attributes,
    infer: { call in
      let type = try call.type(0)
      return [type.with(shape: try AxisRanges(call, rank: type.rank).shape)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try AxisRanges(op, rank: try op.type(0).rank).spread(ct, over: try op.type(0).shape, b)]
    },
    samples: [
      Sample(
        .normal(4, 6),
        attributes: ["starts": .ints([1, 0]), "stops": .ints([3, 6]), "steps": .ints([1, 2])])
    ])

  /// `x` with a range of each axis replaced by `update`, which broadcasts to the ranges' extents.
  ///
  /// With `mode` `add` the update is added to what is there.
  package static let sliceUpdate: OpDefinition = OpDefinition(
    "slice_update", family: .indexing, summary: "x with a range of each axis replaced.",
    operands: [.tensor("x"), .tensorOrScalar("update")],
    attributes: AxisRanges.attributes + [AttributeSpec("mode", .string(["set", "add"]), default: .string("set"))],
    infer: { call in
      let type = try call.type(0)
      let shape = try AxisRanges(call, rank: type.rank).shape
      if call[1].asValue != nil {
        let update = try call.type(1)
        guard update.dtype == type.dtype, ShapeRule.broadcast(update.shape, shape) == shape else {
          throw call.problem("\(update) does not fit the range \(type.with(shape: shape))")
        }
      }
      return [type]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let ranges = try AxisRanges(op, rank: try op.type(0).rank)
      let dx = try op.string("mode") == "add" ? ct : try b(.sliceUpdate, ct, .float(0), attributes: ranges.values)
      return [dx, try b.unbroadcast(try b(.slice, ct, attributes: ranges.values), like: op[1])]
    },
    samples: [
      Sample(
        .normal(4, 6), .normal(2, 3),
        attributes: ["starts": .ints([1, 0]), "stops": .ints([3, 6]), "steps": .ints([1, 2])]),
      Sample(
        .normal(4), .scalar(.float(2)),
        attributes: ["starts": .ints([1]), "stops": .ints([3]), "steps": .ints([1]), "mode": .string("add")]),
    ])

  /// `x[:, index]`: one position of an axis, which goes away.
  package static let select: OpDefinition = OpDefinition(
    "select", family: .indexing, summary: "One position of an axis.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("index", .dim)],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      return [type.with(shape: ShapeRule.reduced(type.shape, axes: [axis], keepdims: false))]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      var shape = try op.type(0).shape
      let (axis, index) = (try op.axis("axis", rank: shape.count), try op.dim("index"))
      let range = AxisRanges(shape, axis: axis, from: index, to: index + 1)
      let whole = shape
      shape[axis] = 1
      return [try range.spread(b(.reshape, ct, attributes: ["shape": .dims(shape)]), over: whole, b)]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      let index = try op.dim("index")
      let part = try b.slice(op[0], axis: axis, from: index, to: index + 1)
      let shape = ShapeRule.reduced(type.shape, axes: [axis], keepdims: false)
      return [try b(.reshape, part, attributes: ["shape": .dims(shape)])]
    }, samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1), "index": .int(2)])])

  /// `x` with one position of an axis replaced by `update`, which broadcasts.
  package static let selectUpdate: OpDefinition = OpDefinition(
    "select_update", family: .indexing, summary: "x with one position of an axis replaced.",
    operands: [.tensor("x"), .tensorOrScalar("update")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("index", .dim)],
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      let index = try op.dim("index")
      var update = op[1]
      if update.asValue != nil {
        let update_ = b.shape(update)
        let missing = type.rank - 1 - update_.count
        var shape = Array(repeating: Dim(1), count: max(0, missing)) + update_
        shape.insert(1, at: axis)
        update = try b(.reshape, update, attributes: ["shape": .dims(shape)])
      }
      let ranges = AxisRanges(type.shape, axis: axis, from: index, to: index + 1)
      return [try b(.sliceUpdate, op[0], update, attributes: ranges.values)]
    },
    samples: [
      Sample(.normal(3, 4), .normal(3), attributes: ["axis": .int(1), "index": .int(2)]),
      Sample(.normal(3, 4), .scalar(.float(1)), attributes: ["axis": .int(0), "index": .int(0)]),
    ])

  /// `x` cut along an axis into parts of the given sizes.
  package static let split: OpDefinition = OpDefinition(
    "split", family: .shape, summary: "x cut along an axis into parts of the given sizes.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("sizes", .dims)], results: ["parts"],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      return try call.dims("sizes").map { size in
        var shape = type.shape
        shape[axis] = size
        return type.with(shape: shape)
      }
    },
    decomposition: { b, op in
      let axis = try op.axis("axis", rank: try op.type(0).rank)
      var start: Dim = 0
      return try op.dims("sizes").map { size in
        defer { start = start + size }
        return try b.slice(op[0], axis: axis, from: start, to: start + size)
      }
    }, samples: [Sample(.normal(3, 6), attributes: ["axis": .int(1), "sizes": .ints([2, 4])])])

  /// Every position of an axis as a tensor of its own.
  package static let unstack: OpDefinition = OpDefinition(
    "unstack", family: .shape, summary: "Every position of an axis as a tensor of its own.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis)], results: ["parts"],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      guard let count = type.shape[axis].knownValue, (0...1 << 16).contains(count) else {
        throw call.problem("the extent of axis \(axis) of \(type) must be known")
      }
      let part = type.with(shape: ShapeRule.reduced(type.shape, axes: [axis], keepdims: false))
      return Array(repeating: part, count: count)
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      return try (0..<(type.shape[axis].knownValue ?? 0)).map { index in
        try b(.select, op[0], attributes: ["axis": .int(axis), "index": .int(index)])
      }
    }, samples: [Sample(.normal(3, 2), attributes: ["axis": .int(1)])])

  /// The axes in reverse.
  package static let flip: OpDefinition = OpDefinition(
    "flip", family: .shape, summary: "The elements along the axes in reverse.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axes", .axes)],
    infer: { call in
      let type = try call.type(0)
      _ = try call.axes("axes", rank: type.rank)
      return [type]
    },
    differentiability: .vjp { b, op, ct in [try ct[0].map { try b(.flip, $0, attributes: op.attributes) }] },
    spellings: [
      .aten("flip.default(self:x, dims:axes)"), .torch("torch.flip(input:x, dims:axes)"),
    ] + .numpyAndJAX("flip(x, axis:axes)"),
    samples: [Sample(.normal(3, 4), attributes: ["axes": .ints([1])])])
}

/// A range of every axis of a tensor.
package struct AxisRanges: Hashable, Sendable {
  package var starts: [Dim]
  package var stops: [Dim]
  package var steps: [Dim]

  static let attributes = [
    AttributeSpec("starts", .dims), AttributeSpec("stops", .dims), AttributeSpec("steps", .dims),
  ]

  /// All of every axis.
  package init(all shape: [Dim]) {
    starts = shape.map { _ in 0 }
    stops = shape
    steps = shape.map { _ in 1 }
  }

  /// A range of one axis and all of the others.
  package init(_ shape: [Dim], axis: Int, from start: Dim, to stop: Dim, step: Dim = 1) {
    self.init(all: shape)
    starts[axis] = start
    stops[axis] = stop
    steps[axis] = step
  }

  package init(starts: [Dim], stops: [Dim], steps: [Dim]) {
    self.starts = starts
    self.stops = stops
    self.steps = steps
  }

  /// The ranges that an operation names.
  ///
  /// - Throws: ``Diagnostic`` when there is not one for each axis.
  package init(_ call: OpCall, rank: Int) throws {
    starts = try call.dims("starts")
    stops = try call.dims("stops")
    steps = try call.dims("steps")
    guard starts.count == rank, stops.count == rank, steps.count == rank else {
      throw call.problem("needs a range for each of \(rank) axes")
    }
    guard steps.allSatisfy({ $0.knownValue.map { $0 > 0 } ?? true }) else { throw call.problem("steps are positive") }
  }

  package var values: OrderedDictionary<String, Attribute> {
    ["starts": .dims(starts), "stops": .dims(stops), "steps": .dims(steps)]
  }

  /// The extents of the ranges.
  package var shape: [Dim] {
    starts.indices.map { (stops[$0] - starts[$0]).ceilDivided(by: steps[$0]) }
  }

  /// The ranges of the ranges: `x[self][other]` in one step, or nil when both cut the same axis in steps.
  package func followed(by other: AxisRanges) -> AxisRanges? {
    var merged = self
    for axis in starts.indices {
      if steps[axis] != 1 {
        guard other.starts[axis] == 0, other.stops[axis] == shape[axis], other.steps[axis] == 1 else { return nil }
        continue
      }
      merged.starts[axis] = starts[axis] + other.starts[axis]
      merged.stops[axis] = starts[axis] + other.stops[axis]
      merged.steps[axis] = other.steps[axis]
    }
    return merged
  }

  /// Zeros of the given shape with `part` in the ranges.
  func spread(_ part: Operand, over shape: [Dim], _ b: GraphBuilder) throws -> Operand {
    let extents = self.shape
    let covered = starts.indices.map { axis in
      extents[axis] == 0 ? starts[axis] : starts[axis] + (extents[axis] - 1) * steps[axis] + 1
    }
    return try b(
      .pad, part,
      attributes: [
        "low": .dims(starts), "high": .dims(zip(shape, covered).map { $0 - $1 }),
        "interior": .dims(steps.map { $0 - 1 }), "value": .scalar(.int(0)),
      ])
  }
}

extension GraphBuilder {
  /// `x[..., start:stop:step, ...]` along one axis.
  package func slice(_ x: Operand, axis: Int, from start: Dim, to stop: Dim, step: Dim = 1) throws -> Operand {
    let ranges = AxisRanges(shape(x), axis: axis, from: start, to: stop, step: step)
    if ranges == AxisRanges(all: shape(x)) { return x }
    return try self(.slice, x, attributes: ranges.values)
  }
}
