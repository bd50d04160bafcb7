import GraftIR

extension OpDefinition {
  static let joining: [OpDefinition] = [concat, stack, pad, padMode, roll, tile, repeat_, meshgrid]

  /// Tensors one after another along an axis.
  package static let concat: OpDefinition = OpDefinition(
    "concat", family: .shape, summary: "Tensors one after another along an axis.", operands: [.variadic("xs")],
    attributes: [AttributeSpec("axis", .dim)], promotion: .common,
    infer: { call in
      let types = try call.types(0)
      guard let first = types.first else { throw call.problem("needs at least one tensor") }
      let axis = try call.axis("axis", rank: first.rank)
      var shape = first.shape
      shape[axis] = 0
      for type in types {
        guard type.dtype == first.dtype, type.rank == first.rank,
          shape.indices.allSatisfy({ $0 == axis || type.shape[$0] == first.shape[$0] })
        else { throw call.problem("\(type) does not fit \(first)") }
        shape[axis] = shape[axis] + type.shape[axis]
      }
      return [first.with(shape: shape)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let axis = try op.int("axis")
      var start: Dim = 0
      let parts = try op.types(0).map { type in
        defer { start = start + type.shape[axis] }
        return try b.slice(ct, axis: axis, from: start, to: start + type.shape[axis])
      }
      return [.list(parts.compactMap(\.asValue))]
    },
    spellings: [.torch("torch.cat(tensors:xs, dim:axis=0)"), .tensorFlow("tensorflow.concat(values:xs, axis)")],
    samples: [Sample(.list([.normal(2, 3), .normal(2, 1)]), attributes: ["axis": .int(1)])])

  /// Tensors of one shape along a new axis.
  package static let stack: OpDefinition = OpDefinition(
    "stack", family: .shape, summary: "Tensors of one shape along a new axis.", operands: [.variadic("xs")],
    attributes: [AttributeSpec("axis", .dim)], promotion: .common,
    infer: { call in
      let types = try call.types(0)
      guard let first = types.first, types.allSatisfy({ $0 == first }) else {
        throw call.problem("needs tensors of one type")
      }
      var shape = first.shape
      shape.insert(Dim(types.count), at: try call.axis("axis", rank: first.rank + 1))
      return [first.with(shape: shape)]
    },
    decomposition: { b, op in
      let axis = try op.int("axis")
      let parts = try op[0].values.map { value -> Operand in
        var shape = op.type(of: value).shape
        shape.insert(1, at: axis)
        return try b(.reshape, .value(value), attributes: ["shape": .dims(shape)])
      }
      return [try b(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])]
    },
    spellings: [.torch("torch.stack(tensors:xs, dim:axis=0)"), .tensorFlow("tensorflow.stack(values:xs, axis=0)")],
    samples: [Sample(.list([.normal(2, 3), .normal(2, 3)]), attributes: ["axis": .int(1)])])

  /// `x` with `low` elements before, `high` after and `interior` between the elements of each axis.
  package static let pad: OpDefinition = OpDefinition(
    "pad", family: .shape, summary: "x with a number before, after and between its elements.", operands: [.tensor("x")],
    attributes: [
      AttributeSpec("low", .dims), AttributeSpec("high", .dims), AttributeSpec("interior", .dims, default: .list([])),
      AttributeSpec("value", .scalar, default: .int(0)),
    ],
    infer: { call in
      let type = try call.type(0)
      let (low, high) = (try call.dims("low"), try call.dims("high"))
      let interior = try call.padInterior(rank: type.rank)
      guard low.count == type.rank, high.count == type.rank else { throw call.problem("does not fit \(type)") }
      return [
        type.with(
          shape: type.shape.indices.map { axis in
            let extent = type.shape[axis]
            let spread = interior[axis] == 0 || extent == 0 ? extent : (extent - 1) * (interior[axis] + 1) + 1
            return spread + low[axis] + high[axis]
          })
      ]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let (low, high) = (try op.dims("low"), try op.dims("high"))
      let interior = try op.padInterior(rank: low.count)
      // What was cut off gets nothing.
      func cut(_ ends: [Dim]) -> [Dim] { ends.map { ($0.knownValue ?? 0) < 0 ? -$0 : 0 } }
      let isCut = (cut(low) + cut(high)).contains { $0 != 0 }
      let whole = isCut ? try b(.pad, ct, attributes: ["low": .dims(cut(low)), "high": .dims(cut(high))]) : ct
      var ranges = AxisRanges(all: b.shape(whole))
      for axis in low.indices {
        ranges.starts[axis] = low[axis] + cut(low)[axis]
        ranges.stops[axis] = ranges.stops[axis] - high[axis] - cut(high)[axis]
        ranges.steps[axis] = interior[axis] + 1
      }
      return [try b(.slice, whole, attributes: ranges.values)]
    },
    samples: [
      Sample(.normal(2, 3), attributes: ["low": .ints([0, 1]), "high": .ints([2, 0])]),
      Sample(
        .normal(4), attributes: ["low": .ints([1]), "high": .ints([0]), "interior": .ints([1]), "value": .float(2)]),
    ])

  /// `x` continued beyond its ends by its own elements: `reflect` without and `edge` with the end repeated, or `wrap`.
  package static let padMode: OpDefinition = OpDefinition(
    "pad_mode", family: .shape, summary: "x continued beyond its ends by its own elements.", operands: [.tensor("x")],
    attributes: [
      AttributeSpec("low", .dims), AttributeSpec("high", .dims),
      AttributeSpec("mode", .string(["reflect", "edge", "wrap"])),
    ],
    infer: { call in
      let type = try call.type(0)
      let (low, high) = (try call.dims("low"), try call.dims("high"))
      guard low.count == type.rank, high.count == type.rank else { throw call.problem("does not fit \(type)") }
      return [type.with(shape: type.shape.indices.map { type.shape[$0] + low[$0] + high[$0] })]
    },
    decomposition: { b, op in
      let (low, high) = (try op.dims("low"), try op.dims("high"))
      var x = op[0]
      for axis in low.indices where low[axis] != 0 || high[axis] != 0 {
        x = try b.continued(x, axis: axis, low: low[axis], high: high[axis], mode: try op.string("mode"))
      }
      return [x]
    },
    samples: ["reflect", "edge", "wrap"].map { mode in
      Sample(.normal(3, 4), attributes: ["low": .ints([0, 2]), "high": .ints([1, 1]), "mode": .string(mode)])
    })

  /// The elements along the axes moved on by `shifts`, those at the end back to the start.
  package static let roll: OpDefinition = OpDefinition(
    "roll", family: .shape, summary: "The elements along the axes moved on, around the end.", operands: [.tensor("x")],
    attributes: [AttributeSpec("shifts", .dims), AttributeSpec("axes", .axes)],
    infer: { call in
      let type = try call.type(0)
      guard try call.dims("shifts").count == call.axes("axes", rank: type.rank).count else {
        throw call.problem("needs a shift for each axis")
      }
      return [type]
    },
    decomposition: { b, op in
      var x = op[0]
      for (shift, axis) in zip(try op.dims("shifts"), try op.ints("axes")) {
        let extent = b.shape(x)[axis]
        let start = (-shift).remainder(by: extent)
        if start == 0 { continue }
        let parts = [
          try b.slice(x, axis: axis, from: start, to: extent), try b.slice(x, axis: axis, from: 0, to: start),
        ]
        x = try b(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
      }
      return [x]
    }, samples: [Sample(.normal(3, 4), attributes: ["shifts": .ints([-1, 2]), "axes": .ints([0, 1])])])

  /// Copies of the whole of `x` side by side, `repeats` of them along each axis; missing leading axes count as 1.
  package static let tile: OpDefinition = OpDefinition(
    "tile", family: .shape, summary: "Copies of x side by side.", operands: [.tensor("x")],
    attributes: [AttributeSpec("repeats", .dims)],
    infer: { call in
      let type = try call.type(0)
      let repeats = try call.dims("repeats")
      guard repeats.count >= type.rank else { throw call.problem("needs a count for each axis of \(type)") }
      let extents = Array(repeating: Dim(1), count: repeats.count - type.rank) + type.shape
      return [type.with(shape: zip(extents, repeats).map { $0 * $1 })]
    },
    decomposition: { b, op in
      let repeats = try op.dims("repeats")
      let shape = try op.type(0).shape
      let extents = Array(repeating: Dim(1), count: repeats.count - shape.count) + shape
      let spread = try b(.reshape, op[0], attributes: ["shape": .dims(extents.flatMap { [1, $0] })])
      let copied = try b(
        .broadcastTo, spread, attributes: ["shape": .dims(zip(repeats, extents).flatMap { [$0, $1] })])
      return [try b(.reshape, copied, attributes: ["shape": .dims(zip(extents, repeats).map { $0 * $1 })])]
    }, spellings: .numpyAndJAX("tile(A:x, reps:repeats)"),
    samples: [Sample(.normal(2, 3), attributes: ["repeats": .ints([2, 1, 2])])])

  /// Each element along an axis `count` times in a row.
  package static let repeat_: OpDefinition = OpDefinition(
    "repeat", family: .shape, summary: "Each element along an axis several times in a row.", operands: [.tensor("x")],
    attributes: [AttributeSpec("count", .dim), AttributeSpec("axis", .axis)],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      var shape = type.shape
      shape[axis] = shape[axis] * (try call.dim("count"))
      return [type.with(shape: shape)]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      var (single, several, merged) = (type.shape, type.shape, type.shape)
      single.insert(1, at: axis + 1)
      several.insert(try op.dim("count"), at: axis + 1)
      merged[axis] = merged[axis] * (try op.dim("count"))
      let spread = try b(.reshape, op[0], attributes: ["shape": .dims(single)])
      let copied = try b(.broadcastTo, spread, attributes: ["shape": .dims(several)])
      return [try b(.reshape, copied, attributes: ["shape": .dims(merged)])]
    }, spellings: .numpyAndJAX("repeat(a:x, repeats:count, axis=None)"),
    samples: [Sample(.normal(2, 3), attributes: ["count": .int(2), "axis": .int(1)])])

  /// Coordinate grids of vectors: the i-th result varies along axis i only (`ij`); `xy` swaps the first two axes.
  package static let meshgrid: OpDefinition = OpDefinition(
    "meshgrid", family: .creation, summary: "Coordinate grids of vectors.", operands: [.variadic("xs")],
    attributes: [AttributeSpec("indexing", .string(["ij", "xy"]), default: .string("ij"))], results: ["grids"],
    infer: { call in
      let types = try call.types(0)
      guard types.allSatisfy({ $0.rank == 1 }) else { throw call.problem("takes vectors") }
      var shape = types.map { $0.shape[0] }
      if try call.string("indexing") == "xy", shape.count > 1 { shape.swapAt(0, 1) }
      return types.map { $0.with(shape: shape) }
    },
    decomposition: { b, op in
      let types = try op.types(0)
      let swaps = try op.string("indexing") == "xy" && types.count > 1
      var shape = types.map { $0.shape[0] }
      if swaps { shape.swapAt(0, 1) }
      return try op[0].values.enumerated().map { index, value in
        let axis = swaps && index < 2 ? 1 - index : index
        var column = Array(repeating: Dim(1), count: types.count)
        column[axis] = shape[axis]
        let spread = try b(.reshape, .value(value), attributes: ["shape": .dims(column)])
        return try b(.broadcastTo, spread, attributes: ["shape": .dims(shape)])
      }
    }, samples: [Sample(.list([.normal(2), .normal(3)]))])
}

extension OpCall {
  fileprivate func padInterior(rank: Int) throws -> [Dim] {
    let interior = try dims("interior")
    guard interior.isEmpty || interior.count == rank else { throw problem("does not fit rank \(rank)") }
    return interior.isEmpty ? Array(repeating: 0, count: rank) : interior
  }
}

extension GraphBuilder {
  /// One axis continued beyond its ends.
  fileprivate func continued(_ x: Operand, axis: Int, low: Dim, high: Dim, mode: String) throws -> Operand {
    let extent = shape(x)[axis]
    func repeated(_ start: Dim, _ count: Dim) throws -> Operand {
      var wide = shape(x)
      wide[axis] = count
      let end = try slice(x, axis: axis, from: start, to: start + 1)
      return try self(.broadcastTo, end, attributes: ["shape": .dims(wide)])
    }
    func mirrored(_ start: Dim, _ stop: Dim) throws -> Operand {
      try self(.flip, try slice(x, axis: axis, from: start, to: stop), attributes: ["axes": .ints([axis])])
    }
    var parts: [Operand] = []
    if low != 0 {
      switch mode {
      case "reflect": parts.append(try mirrored(1, low + 1))
      case "edge": parts.append(try repeated(0, low))
      default: parts.append(try slice(x, axis: axis, from: extent - low, to: extent))
      }
    }
    parts.append(x)
    if high != 0 {
      switch mode {
      case "reflect": parts.append(try mirrored(extent - high - 1, extent - 1))
      case "edge": parts.append(try repeated(extent - 1, high))
      default: parts.append(try slice(x, axis: axis, from: 0, to: high))
      }
    }
    return try self(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
  }
}
