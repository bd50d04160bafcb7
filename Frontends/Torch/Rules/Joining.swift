import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let joining: Rules = [
    "aten.cat.default": concatenated, "aten.concat.default": concatenated, "aten.concatenate.default": concatenated,
    "aten.stack.default": { context in
      let parts = try context.tensors("tensors")
      let axis = try context.axis("dim", rank: try context.resultType().rank)
      return [try context.op(.stack, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])]
    },
    "aten.hstack.default": { try stacked($0, minimum: 1, axis: 1) },
    "aten.vstack.default": { try stacked($0, minimum: 2, axis: 0) },
    "aten.row_stack.default": { try stacked($0, minimum: 2, axis: 0) },
    "aten.column_stack.default": { try stacked($0, minimum: 2, axis: 1) },
    "aten.dstack.default": { try stacked($0, minimum: 3, axis: 2) },
    "aten.constant_pad_nd.default": { try padded($0, mode: "constant") },
    "aten.pad.default": { try padded($0, mode: try $0.string("mode")) },
    "aten.reflection_pad1d.default": { try padded($0, mode: "reflect") },
    "aten.reflection_pad2d.default": { try padded($0, mode: "reflect") },
    "aten.reflection_pad3d.default": { try padded($0, mode: "reflect") },
    "aten.replication_pad1d.default": { try padded($0, mode: "replicate") },
    "aten.replication_pad2d.default": { try padded($0, mode: "replicate") },
    "aten.replication_pad3d.default": { try padded($0, mode: "replicate") },
    "aten._pad_circular.default": { try padded($0, mode: "circular") },
    "aten.roll.default": { context in
      let x = try context.tensor("self")
      let shape = context.type(x).shape
      let (shifts, given) = (try context.dims("shifts"), try context.ints("dims"))
      guard !given.isEmpty else {
        let flat = try context.reshape(x, [context.type(x).count])
        let rolled = try context.op(.roll, flat, attributes: ["shifts": .dims(shifts), "axes": .ints([0])])
        return [try context.reshape(rolled, shape)]
      }
      let axes = try given.map { try context.normalized(axis: $0, rank: shape.count) }
      if Set(axes).count == axes.count {
        return [try context.op(.roll, x, attributes: ["shifts": .dims(shifts), "axes": .ints(axes)])]
      }
      return [
        try zip(shifts, axes).reduce(x) { x, step in
          try context.op(.roll, x, attributes: ["shifts": .dims([step.0]), "axes": .ints([step.1])])
        }
      ]
    },
    "aten.repeat.default": { try tiled($0, "repeats") },
    "aten.tile.default": { try tiled($0, "dims") },
    "aten.repeat_interleave.self_int": { context in
      let x = try context.tensor("self")
      let type = context.type(x)
      let flat = context.argument("dim").isNull ? try context.reshape(x, [type.count]) : x
      let axis = context.argument("dim").isNull ? 0 : try context.axis("dim", rank: type.rank)
      return [
        try context.op(.repeat_, flat, attributes: ["count": .dim(try context.dim("repeats")), "axis": .int(axis)])
      ]
    },
    "aten.repeat_interleave.self_Tensor": {
      throw $0.unsupported("the result's extent depends on the values of `repeats`; give one number instead")
    },
    "aten.repeat_interleave.Tensor": {
      throw $0.unsupported("the result's extent depends on the values of `repeats`; give one number instead")
    },
    "aten.meshgrid.default": { try meshgrid($0, "ij") },
    "aten.meshgrid.indexing": { try meshgrid($0, try $0.string("indexing")) },
    "aten.unfold.default": { context in
      let x = try context.tensor("self")
      let rank = context.type(x).rank
      if rank == 0 { return [try context.reshape(x, try context.resultType().shape)] }
      return [
        try context.op(
          .slidingWindows, x,
          attributes: [
            "axis": .int(try context.axis("dimension", rank: rank)), "size": .dim(try context.dim("size")),
            "step": .dim(try context.dim("step")),
          ])
      ]
    },
    "aten.im2col.default": { context in
      let x = try context.tensor("self")
      let (shape, result) = (context.type(x).shape, try context.resultType().shape)
      let batched = shape.count == 4 ? x : try context.reshape(x, [1] + shape)
      let columns = try context.op(.patches, batched, attributes: try patchAttributes(context))
      return [try context.reshape(columns, result)]
    },
    "aten.col2im.default": { context in
      let x = try context.tensor("self")
      let (shape, result) = (context.type(x).shape, try context.resultType().shape)
      let batched = shape.count == 3 ? x : try context.reshape(x, [1] + shape)
      var attributes = try patchAttributes(context)
      attributes["size"] = .dims(try context.dims("output_size", rank: 2))
      return [try context.reshape(try context.op(.foldPatches, batched, attributes: attributes), result)]
    },
    "aten.kron.default": { context in
      let dtype = try context.resultType().dtype
      let x = try context.cast(try context.tensor("self"), to: dtype)
      let y = try context.cast(try context.tensor("other"), to: dtype)
      let rank = max(context.type(x).rank, context.type(y).rank)
      func spread(_ operand: Operand, isFirst: Bool) throws -> Operand {
        let shape = Array(repeating: Dim(1), count: rank - context.type(operand).rank) + context.type(operand).shape
        return try context.reshape(operand, shape.flatMap { isFirst ? [$0, 1] : [1, $0] })
      }
      let product = try context.op(.multiply, try spread(x, isFirst: true), try spread(y, isFirst: false))
      return [try context.reshape(product, try context.resultType().shape)]
    },
    "aten.block_diag.default": blockDiagonal,
  ]

  private static let concatenated: ImportVocabulary.Rule = { context in
    let rank = try context.resultType().rank
    // PyTorch skips vectors without elements whatever the rank of the others.
    let parts = try context.tensors("tensors").filter { context.type($0).rank == rank }
    if parts.count == 1 { return [parts[0]] }
    let axis = try context.axis("dim", rank: rank)
    return [try context.op(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])]
  }

  private static func stacked(_ context: ImportContext, minimum: Int, axis: Int) throws -> [Operand] {
    var axis = axis
    let parts = try context.tensors("tensors").map { part -> Operand in
      let shape = context.type(part).shape
      guard shape.count < minimum || shape.count < 2 else { return part }
      if minimum == 1 { axis = 0 }
      if shape.count >= minimum { return part }
      switch (minimum, shape.count) {
      case (3, 1): return try context.reshape(part, [1] + shape + [1])
      case (3, 2): return try context.reshape(part, shape + [1])
      case (2, 1) where axis == 1: return try context.reshape(part, shape + [1])
      default: return try context.reshape(part, Array(repeating: 1, count: minimum - shape.count) + shape)
      }
    }
    return [try context.op(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])]
  }

  // MARK: Padding

  /// `pad` counts from the last axis: low and high of the last, then of the one before.
  private static func padded(_ context: ImportContext, mode: String) throws -> [Operand] {
    var x = try context.tensor("self")
    let rank = context.type(x).rank
    let name = context.node.args["pad"] == nil ? "padding" : "pad"
    let pairs = try context.dims(name)
    guard pairs.count % 2 == 0, pairs.count <= 2 * rank else { throw context.unsupported("`\(name)` does not fit") }
    var (low, high) = (Array(repeating: Dim(0), count: rank), Array(repeating: Dim(0), count: rank))
    for position in 0..<pairs.count / 2 {
      (low[rank - 1 - position], high[rank - 1 - position]) = (pairs[2 * position], pairs[2 * position + 1])
    }
    // Negative padding cuts.
    for axis in 0..<rank {
      let extent = context.type(x).shape[axis]
      let cut = [low[axis], high[axis]].map { ($0.knownValue ?? 0) < 0 ? -$0 : 0 }
      guard cut != [0, 0] else { continue }
      x = try context.slice(x, axis: axis, from: cut[0], to: extent - cut[1])
      (low[axis], high[axis]) = (low[axis] + cut[0], high[axis] + cut[1])
    }
    if (low + high).allSatisfy({ $0 == 0 }) { return [x] }
    let attributes: OrderedAttributes = ["low": .dims(low), "high": .dims(high)]
    switch mode {
    case "constant":
      let value = context.argument("value").asScalar ?? .int(0)
      return [try context.op(.pad, x, attributes: attributes.merging(["value": .scalar(value)]) { first, _ in first })]
    case "reflect", "replicate", "circular":
      let word = ["reflect": "reflect", "replicate": "edge", "circular": "wrap"][mode] ?? mode
      return [
        try context.op(.padMode, x, attributes: attributes.merging(["mode": .string(word)]) { first, _ in first })
      ]
    default: throw context.unsupported("there is no padding mode `\(mode)`")
    }
  }

  private static func tiled(_ context: ImportContext, _ name: String) throws -> [Operand] {
    let x = try context.tensor("self")
    var repeats = try context.dims(name)
    let missing = context.type(x).rank - repeats.count
    if missing > 0 { repeats = Array(repeating: 1, count: missing) + repeats }
    if repeats.allSatisfy({ $0 == 1 }) {
      let lead = Array(repeating: Dim(1), count: repeats.count - context.type(x).rank)
      return [try context.reshape(x, lead + context.type(x).shape)]
    }
    return [try context.op(.tile, x, attributes: ["repeats": .dims(repeats)])]
  }

  private static func meshgrid(_ context: ImportContext, _ indexing: String) throws -> [Operand] {
    let vectors = try context.tensors("tensors").map { try context.reshape($0, [context.type($0).count]) }
    return try context.builder.apply(
      .meshgrid, [.list(vectors.compactMap(\.asValue))], attributes: ["indexing": .string(indexing)])
  }

  private static func patchAttributes(_ context: ImportContext) throws -> OrderedAttributes {
    [
      "kernel": .dims(try context.dims("kernel_size", rank: 2)), "stride": .dims(try context.dims("stride", rank: 2)),
      "padding": .dims(try context.dims("padding", rank: 2)),
      "dilation": .dims(try context.dims("dilation", rank: 2)),
    ]
  }

  private static let blockDiagonal: ImportVocabulary.Rule = { context in
    let result = try context.resultType().shape
    var row: Dim = 0
    var column: Dim = 0
    let blocks = try context.tensors("tensors").map { part -> Operand in
      let shape = context.type(part).shape
      let matrix = try context.reshape(part, Array(repeating: 1, count: max(0, 2 - shape.count)) + shape)
      let extents = context.type(matrix).shape
      defer { (row, column) = (row + extents[0], column + extents[1]) }
      return try context.op(
        .pad, matrix,
        attributes: [
          "low": .dims([0, column]), "high": .dims([0, result[1] - column - extents[1]]),
        ])
    }
    return [try context.op(.concat, .list(blocks.compactMap(\.asValue)), attributes: ["axis": .int(0)])]
  }
}
