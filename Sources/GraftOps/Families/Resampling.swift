import GraftIR

extension OpDefinition {
  static let resampling: [OpDefinition] = [resize, gridSample, affineGrid]

  /// `x` [N, C, spatial...] sampled at `size` points along each spatial axis.
  ///
  /// Output i of n lies at `(i + 0.5) * ratio - 0.5` among the s elements of an axis, or with `align_corners` at
  /// `i * (s - 1) / (n - 1)`; `ratio` is `s / n`, or the axis's element of `ratios` where that is not 0. Beyond the ends
  /// the outermost elements repeat. `nearest` takes element `floor(i * ratio)`, `nearest_exact` the nearest; `linear` and
  /// `cubic` (with a = -0.75) interpolate. With `antialias` the kernel is as wide as the ratio where that is above 1, and
  /// the cubic's a is -0.5.
  package static let resize: OpDefinition = OpDefinition(
    "resize", family: .resampling, summary: "x sampled at other points of its spatial axes.", operands: [.tensor("x")],
    attributes: [
      AttributeSpec("size", .dims), AttributeSpec("method", .string(["nearest", "nearest_exact", "linear", "cubic"])),
      AttributeSpec("align_corners", .bool, default: .bool(false)),
      AttributeSpec("antialias", .bool, default: .bool(false)), AttributeSpec("ratios", .numbers, default: .list([])),
    ],
    infer: { call in
      let x = try call.type(0)
      let size = try call.dims("size")
      let ratios = try call.attribute("ratios").asList ?? []
      guard !size.isEmpty, x.rank == size.count + 2, ratios.isEmpty || ratios.count == size.count else {
        throw call.problem("the size \(size) does not fit \(x)")
      }
      return [x.with(shape: x.shape.prefix(2) + size)]
    },
    differentiability: .vjp { b, op, ct in [try ct[0].map { try b.resizeGradient(op, $0) }] },
    samples: [
      Sample(.normal(2, 3, 4, 5), attributes: ["size": .ints([8, 7]), "method": .string("linear")]),
      Sample(
        .normal(2, 3, 4, 5),
        attributes: ["size": .ints([3, 7]), "method": .string("linear"), "align_corners": .bool(true)]),
      Sample(.normal(2, 3, 5), attributes: ["size": .ints([7]), "method": .string("nearest")]),
      Sample(.normal(2, 3, 5), attributes: ["size": .ints([8]), "method": .string("cubic")]),
      Sample(
        .normal(2, 3, 7),
        attributes: ["size": .ints([3]), "method": .string("cubic"), "antialias": .bool(true)]),
      Sample(
        .normal(2, 3, 7), attributes: ["size": .ints([3]), "method": .string("linear"), "antialias": .bool(true)]),
    ])

  /// `x` [N, C, spatial...] sampled at the points of `grid` [N, ..., rank], whose last axis holds coordinates from -1 to 1,
  /// those of the last spatial axis first (Jaderberg et al., 2015).
  package static let gridSample: OpDefinition = OpDefinition(
    "grid_sample", family: .resampling, summary: "x sampled at the points of a grid.",
    operands: [.tensor("x"), .tensor("grid")],
    attributes: [
      AttributeSpec("method", .string(["linear", "nearest", "cubic"]), default: .string("linear")),
      AttributeSpec("padding", .string(["zeros", "border", "reflection"]), default: .string("zeros")),
      AttributeSpec("align_corners", .bool, default: .bool(false)),
    ],
    infer: { call in
      let (x, grid) = (try call.type(0), try call.type(1))
      guard x.rank >= 3, grid.rank == x.rank, grid.shape[grid.rank - 1] == Dim(x.rank - 2) else {
        throw call.problem("\(x) and grid \(grid) do not fit")
      }
      return [x.with(shape: x.shape.prefix(2) + grid.shape.dropFirst().dropLast())]
    }, differentiability: .recomputed, decomposition: { b, op in [try b.gridSample(op)] },
    samples: [Sample(.normal(2, 3, 4, 5), .uniform(-1.2, 1.2, 2, 3, 3, 2))] + gridSamples)

  /// The points [N, spatial..., rank] of a regular grid of extents `size`, moved by the matrices `theta` [N, rank, rank + 1].
  package static let affineGrid: OpDefinition = OpDefinition(
    "affine_grid", family: .resampling, summary: "A regular grid of points, moved by affine matrices.",
    operands: [.tensor("theta")],
    attributes: [AttributeSpec("size", .dims), AttributeSpec("align_corners", .bool, default: .bool(false))],
    infer: { call in
      let theta = try call.type(0)
      let size = try call.dims("size")
      guard theta.rank == 3, theta.shape[1] == Dim(size.count), theta.shape[2] == Dim(size.count + 1) else {
        throw call.problem("takes theta [N, \(size.count), \(size.count + 1)], not \(theta)")
      }
      return [theta.with(shape: [theta.shape[0]] + size + [Dim(size.count)])]
    }, differentiability: .recomputed, decomposition: { b, op in [try b.affineGrid(op)] },
    samples: [
      Sample(.normal(2, 2, 3), attributes: ["size": .ints([4, 5])]),
      Sample(.normal(2, 2, 3), attributes: ["size": .ints([3, 1]), "align_corners": .bool(true)]),
    ])

  private static let gridSamples = [
    ("linear", "border"), ("linear", "reflection"), ("cubic", "zeros"), ("cubic", "reflection"), ("nearest", "border"),
  ].map { method, padding in
    Sample(
      .normal(2, 3, 4, 5), .uniform(-1.6, 1.6, 2, 3, 3, 2),
      attributes: ["method": .string(method), "padding": .string(padding), "align_corners": .bool(method == "cubic")])
  }
}
