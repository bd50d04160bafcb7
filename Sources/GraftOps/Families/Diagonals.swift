import GraftIR

extension OpDefinition {
  static let diagonals: [OpDefinition] = [tril, triu, diagonal, diagonalEmbed, slidingWindows, patches, foldPatches]

  /// `x` [..., R, C] with zeros above the `offset`-th diagonal.
  package static let tril: OpDefinition = triangle("tril", "x with zeros above a diagonal.", keepsLower: true)

  /// `x` [..., R, C] with zeros below the `offset`-th diagonal.
  package static let triu: OpDefinition = triangle("triu", "x with zeros below a diagonal.", keepsLower: false)

  private static func triangle(_ name: String, _ summary: String, keepsLower: Bool) -> OpDefinition {
    OpDefinition(
      name, family: .shape, summary: summary, operands: [.tensor("x")],
      attributes: [AttributeSpec("offset", .dim, default: .int(0))],
      infer: { call in
        let type = try call.type(0)
        guard type.rank >= 2 else { throw call.problem("takes matrices, not \(type)") }
        return [type]
      },
      decomposition: { b, op in
        let type = try op.type(0)
        let rows = try b.positions(type.shape[type.rank - 2], axis: 0, rank: 2, dtype: .int64)
        let columns = try b.positions(type.shape[type.rank - 1], axis: 1, rank: 2, dtype: .int64)
        let edge = try b(.add, rows, try b.size(try op.dim("offset"), dtype: .int64))
        let keep = try b(keepsLower ? .lessEqual : .greaterEqual, columns, edge)
        return [try b(.where_, keep, op[0], type.dtype == .bool ? .bool(false) : .int(0))]
      },
      spellings: [
        .aten("\(name).default(self:x, diagonal:offset)"), .torch("torch.\(name)(input:x, diagonal:offset=0)"),
        .numpy("numpy.\(name)(m:x, k:offset=0)"), .jax("jax.numpy.\(name)(m:x, k:offset=0)"),
      ], samples: [Sample(.normal(3, 4)), Sample(.normal(2, 4, 3), attributes: ["offset": .int(-1)])])
  }

  /// The `offset`-th diagonal of the planes of two axes, as the last axis.
  package static let diagonal: OpDefinition = OpDefinition(
    "diagonal", family: .shape, summary: "A diagonal of the planes of two axes, as the last axis.",
    operands: [.tensor("x")],
    attributes: [
      AttributeSpec("offset", .dim, default: .int(0)), AttributeSpec("axis1", .axis), AttributeSpec("axis2", .axis),
    ],
    infer: { call in
      let type = try call.type(0)
      let (axis1, axis2) = (try call.axis("axis1", rank: type.rank), try call.axis("axis2", rank: type.rank))
      guard axis1 != axis2 else { throw call.problem("needs two different axes") }
      let rest = ShapeRule.reduced(type.shape, axes: [axis1, axis2], keepdims: false)
      let extent = ShapeRule.diagonal(type.shape[axis1], type.shape[axis2], offset: try call.dim("offset"))
      return [type.with(shape: rest + [extent])]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let (axis1, axis2) = (try op.int("axis1"), try op.int("axis2"))
      let rest = type.shape.indices.filter { $0 != axis1 && $0 != axis2 }
      let planes = try b(.transpose, op[0], attributes: ["permutation": .ints(rest + [axis1, axis2])])
      let (rows, columns) = (type.shape[axis1], type.shape[axis2])
      let offset = try op.dim("offset")
      let extent = ShapeRule.diagonal(rows, columns, offset: offset)
      let flat = try b(
        .reshape, planes, attributes: ["shape": .dims(rest.map { type.shape[$0] } + [rows * columns])])
      let isAbove = (offset.knownValue ?? 0) >= 0
      let start = isAbove ? offset : -offset * columns
      let stop = extent == 0 ? start : start + (extent - 1) * (columns + 1) + 1
      return [try b.slice(flat, axis: rest.count, from: start, to: stop, step: columns + 1)]
    },
    spellings: [
      .torch("torch.diagonal(input:x, offset=0, dim1:axis1=0, dim2:axis2=1)"),
      .numpy("numpy.diagonal(a:x, offset=0, axis1=0, axis2=1)"),
      .jax("jax.numpy.diagonal(a:x, offset=0, axis1=0, axis2=1)"),
    ],
    samples: [
      Sample(.normal(3, 4), attributes: ["offset": .int(1), "axis1": .int(0), "axis2": .int(1)]),
      Sample(.normal(3, 4, 2), attributes: ["offset": .int(-1), "axis1": .int(0), "axis2": .int(1)]),
    ])

  /// Matrices [..., n + |offset|, n + |offset|] with `x` [..., n] on the `offset`-th diagonal and zeros elsewhere.
  package static let diagonalEmbed: OpDefinition = OpDefinition(
    "diagonal_embed", family: .shape, summary: "Matrices with x on a diagonal and zeros elsewhere.",
    operands: [.tensor("x")], attributes: [AttributeSpec("offset", .dim, default: .int(0))],
    infer: { call in
      let type = try call.type(0)
      let offset = try call.int("offset")
      guard let last = type.shape.last, offset != Int.min else { throw call.problem("takes vectors") }
      let extent = last + Dim(Swift.abs(offset))
      return [type.with(shape: type.shape.dropLast() + [extent, extent])]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let offset = try op.int("offset")
      let axis = type.rank - 1
      let extent = type.shape[axis] + Dim(Swift.abs(offset))
      var (low, high) = (Array(repeating: Dim(0), count: type.rank), Array(repeating: Dim(0), count: type.rank))
      (low[axis], high[axis]) = (Dim(max(offset, 0)), Dim(max(-offset, 0)))
      let row = try b(.pad, op[0], attributes: ["low": .dims(low), "high": .dims(high)])
      let spread = try b(
        .reshape, row, attributes: ["shape": .dims(type.shape.dropLast() + [1, extent])])
      let rows = try b.positions(extent, axis: 0, rank: 2, dtype: .int64)
      let columns = try b.positions(extent, axis: 1, rank: 2, dtype: .int64)
      let isDiagonal = try b(.equal, columns, try b(.add, rows, .int(offset)))
      return [try b(.where_, isDiagonal, spread, type.dtype == .bool ? .bool(false) : .int(0))]
    }, samples: [Sample(.normal(2, 3)), Sample(.normal(3), attributes: ["offset": .int(-1)])])

  /// Windows of `size` elements along an axis, `step` apart: the axis counts windows, a new last axis the elements.
  package static let slidingWindows: OpDefinition = OpDefinition(
    "sliding_windows", family: .shape, summary: "Windows along an axis, their elements as the last axis.",
    operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("size", .dim), AttributeSpec("step", .dim)],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      let size = try call.dim("size")
      var shape = type.shape
      shape[axis] = (shape[axis] - size).floorDivided(by: try call.dim("step")) + 1
      return [type.with(shape: shape + [size])]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      let (size, step) = (try op.int("size"), try op.dim("step"))
      let count = (type.shape[axis] - Dim(size)).floorDivided(by: step) + 1
      guard size >= 0, size <= 1 << 12 else { throw op.problem("the window is too large to write out") }
      let parts = try (0..<size).map { offset in
        let stop = Dim(offset) + (count - 1) * step + 1
        return try b.slice(op[0], axis: axis, from: Dim(offset), to: stop, step: step)
      }
      return [try b(.stack, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(type.rank)])]
    },
    samples: [Sample(.normal(7, 2), attributes: ["axis": .int(0), "size": .int(3), "step": .int(2)])])

  /// The patches of images `x` [N, C, H, W] under a sliding kernel, as columns: [N, C * kh * kw, number of patches].
  package static let patches: OpDefinition = OpDefinition(
    "patches", family: .convolution, summary: "Patches of images under a sliding kernel, as columns.",
    operands: [.tensor("x")], attributes: patchAttributes,
    infer: { call in
      let type = try call.type(0)
      guard type.rank == 4 else { throw call.problem("takes [N, C, H, W], not \(type)") }
      let grid = try PatchGrid(call, height: type.shape[2], width: type.shape[3])
      return [type.with(shape: [type.shape[0], type.shape[1] * Dim(grid.taps), grid.rows * grid.columns])]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let grid = try PatchGrid(op, height: type.shape[2], width: type.shape[3])
      let padded = try b(
        .pad, op[0],
        attributes: ["low": .dims([0, 0] + grid.padding), "high": .dims([0, 0] + grid.padding)])
      let parts = try grid.offsets.map { offset in
        try b(.slice, padded, attributes: grid.ranges(at: offset, of: b.shape(padded)).values)
      }
      let stacked = try b(.stack, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(2)])
      let shape = [type.shape[0], type.shape[1] * Dim(grid.taps), grid.rows * grid.columns]
      return [try b(.reshape, stacked, attributes: ["shape": .dims(shape)])]
    },
    samples: [
      Sample(
        .normal(2, 3, 5, 6),
        attributes: [
          "kernel": .ints([2, 3]), "stride": .ints([2, 1]), "padding": .ints([1, 0]), "dilation": .ints([1, 2]),
        ])
    ])

  /// The images [N, C, H, W] of `size` (H, W) whose patches are summed from the columns `x` [N, C * kh * kw, patches]: the
  /// transpose of ``patches``.
  package static let foldPatches: OpDefinition = OpDefinition(
    "fold_patches", family: .convolution, summary: "Images summed from patches given as columns.",
    operands: [.tensor("x")], attributes: [AttributeSpec("size", .dims)] + patchAttributes,
    infer: { call in
      let type = try call.type(0)
      let size = try call.dims("size")
      guard type.rank == 3, size.count == 2 else { throw call.problem("takes [N, C * kh * kw, patches], not \(type)") }
      let grid = try PatchGrid(call, height: size[0], width: size[1])
      return [type.with(shape: [type.shape[0], type.shape[1].floorDivided(by: Dim(grid.taps))] + size)]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let size = try op.dims("size")
      let grid = try PatchGrid(op, height: size[0], width: size[1])
      let channels = type.shape[1].floorDivided(by: Dim(grid.taps))
      let columns = try b(
        .reshape, op[0],
        attributes: ["shape": .dims([type.shape[0], channels, Dim(grid.taps), grid.rows, grid.columns])])
      let padded = [type.shape[0], channels, size[0] + 2 * grid.padding[0], size[1] + 2 * grid.padding[1]]
      var total: Operand?
      for (tap, offset) in grid.offsets.enumerated() {
        let part = try b(.select, columns, attributes: ["axis": .int(2), "index": .int(tap)])
        let placed = try grid.ranges(at: offset, of: padded).spread(part, over: padded, b)
        total = try total.map { try b(.add, $0, placed) } ?? placed
      }
      guard let total else { throw op.problem("the kernel is empty") }
      let image = AxisRanges(
        starts: [0, 0] + grid.padding, stops: [padded[0], padded[1]] + zip(size, grid.padding).map { $0 + $1 },
        steps: [1, 1, 1, 1])
      return [try b(.slice, total, attributes: image.values)]
    },
    samples: [
      Sample(
        .normal(2, 12, 6),
        attributes: [
          "size": .ints([3, 4]), "kernel": .ints([2, 2]), "stride": .ints([1, 1]), "padding": .ints([0, 0]),
          "dilation": .ints([1, 1]),
        ])
    ])

  private static let patchAttributes = [
    AttributeSpec("kernel", .dims), AttributeSpec("stride", .dims), AttributeSpec("padding", .dims),
    AttributeSpec("dilation", .dims),
  ]
}

/// Where a kernel of known extents [kh, kw] stands as it slides over an image.
private struct PatchGrid {
  var kernel: [Int]
  var stride: [Dim]
  var padding: [Dim]
  var dilation: [Dim]
  var rows: Dim
  var columns: Dim

  init(_ call: OpCall, height: Dim, width: Dim) throws {
    kernel = try call.ints("kernel")
    stride = try call.dims("stride")
    padding = try call.dims("padding")
    dilation = try call.dims("dilation")
    guard kernel.count == 2, stride.count == 2, padding.count == 2, dilation.count == 2,
      kernel.allSatisfy({ (1...1024).contains($0) })
    else { throw call.problem("takes two numbers for each setting") }
    rows = ShapeRule.window(
      height, kernel: Dim(kernel[0]), stride: stride[0], padding: (padding[0], padding[0]), dilation: dilation[0])
    columns = ShapeRule.window(
      width, kernel: Dim(kernel[1]), stride: stride[1], padding: (padding[1], padding[1]), dilation: dilation[1])
  }

  var taps: Int { kernel[0] * kernel[1] }

  var offsets: [[Dim]] {
    (0..<kernel[0]).flatMap { row in (0..<kernel[1]).map { [Dim(row) * dilation[0], Dim($0) * dilation[1]] } }
  }

  /// Which elements of the padded image one tap of the kernel meets.
  func ranges(at offset: [Dim], of shape: [Dim]) -> AxisRanges {
    var ranges = AxisRanges(all: shape)
    for (axis, count) in [(0, rows), (1, columns)] {
      ranges.starts[axis + 2] = offset[axis]
      ranges.stops[axis + 2] = offset[axis] + (count - 1) * stride[axis] + 1
      ranges.steps[axis + 2] = stride[axis]
    }
    return ranges
  }
}

extension ShapeRule {
  /// The length of a diagonal of a plane.
  static func diagonal(_ rows: Dim, _ columns: Dim, offset: Dim) -> Dim {
    if (offset.knownValue ?? 0) >= 0 { return .maximum(0, .minimum(rows, columns - offset)) }
    return .maximum(0, .minimum(rows + offset, columns))
  }
}
