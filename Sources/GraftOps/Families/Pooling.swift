package import GraftIR

extension OpDefinition {
  static let pooling: [OpDefinition] = [
    maxPool, maxPoolWithIndices, averagePool, adaptiveAveragePool, adaptiveMaxPool, fractionalMaxPool, maxUnpool,
  ]

  /// The maximum in each window of the spatial axes of `x` [..., spatial...]; padding counts as minus infinity.
  package static let maxPool: OpDefinition = OpDefinition(
    "max_pool", family: .pooling, summary: "Maximum in each window of the spatial axes.", operands: [.tensor("x")],
    attributes: PoolWindow.attributes + [AttributeSpec("dilation", .dims, default: .list([]))],
    infer: { call in
      let x = try call.type(0)
      return [x.with(shape: try PoolWindow(call, rank: x.rank).shape(x.shape))]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let x = try op.type(0)
      let window = try PoolWindow(op, rank: x.rank)
      let indices = try b.apply(.maxPoolWithIndices, [op[0]], attributes: op.attributes)[1]
      return [
        try b(.maxUnpool, ct, indices, attributes: ["size": .dims(x.shape.suffix(window.rank)), "add": .bool(true)])
      ]
    },
    samples: [
      Sample(
        .normal(2, 3, 8, 8),
        attributes: ["kernel": .ints([3, 3]), "stride": .ints([2, 2]), "padding": .ints([1, 1, 1, 1])]),
      Sample(
        .normal(2, 3, 9),
        attributes: [
          "kernel": .ints([3]), "stride": .ints([1]), "padding": .ints([1, 0]), "dilation": .ints([2]),
        ]),
    ])

  /// As `max_pool`, with the row-major position of each maximum (the first of several) among the spatial axes of x.
  package static let maxPoolWithIndices: OpDefinition = OpDefinition(
    "max_pool_with_indices", family: .pooling, summary: "Maximum in each window, and where it was found.",
    operands: [.tensor("x")],
    attributes: PoolWindow.attributes + [AttributeSpec("dilation", .dims, default: .list([]))],
    results: ["values", "indices"],
    infer: { call in
      let x = try call.type(0)
      let values = x.with(shape: try PoolWindow(call, rank: x.rank).shape(x.shape))
      return [values, values.with(dtype: .int64)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0], let indices = op.results.dropFirst().first else { return [nil] }
      let x = try op.type(0)
      let size = x.shape.suffix(try PoolWindow(op, rank: x.rank).rank)
      return [try b(.maxUnpool, ct, .value(indices), attributes: ["size": .dims(Array(size)), "add": .bool(true)])]
    },
    samples: [
      Sample(
        .normal(2, 3, 8, 8),
        attributes: ["kernel": .ints([2, 2]), "stride": .ints([2, 2]), "padding": .ints([0, 0, 0, 0])])
    ])

  /// The mean in each window of the spatial axes of `x` [..., spatial...]; padding counts as zeros.
  ///
  /// `counted` is the part of the padding, low and high of each axis, that counts as elements of the window; what is
  /// beyond it does not. `divisor`, if given, divides the sum instead of the number of elements.
  package static let averagePool: OpDefinition = OpDefinition(
    "avg_pool", family: .pooling, summary: "Mean in each window of the spatial axes.", operands: [.tensor("x")],
    attributes: PoolWindow.attributes + [
      AttributeSpec("counted", .dims), AttributeSpec("divisor", .scalar, default: Attribute.none),
    ],
    infer: { call in
      let x = try call.type(0)
      let window = try PoolWindow(call, rank: x.rank)
      guard try call.dims("counted").count == 2 * window.rank else { throw call.problem("`counted` does not fit") }
      return [x.with(shape: window.shape(x.shape))]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let type = try op.type(0)
      let window = try PoolWindow(op, rank: type.rank)
      let sums = try window.sums(op[0], padding: window.padding, b)
      if let divisor = try op.optional("divisor")?.asScalar { return [try b(.divide, sums, .scalar(divisor))] }
      let counted = try op.dims("counted").pairs
      let extents = Array(type.shape.suffix(window.rank))
      if window.isCounted(counted) {
        return [try b(.divide, sums, try b.size(window.kernel.reduce(1, *), dtype: type.dtype))]
      }
      let inner = zip(extents, counted).map { $0 + $1.0 + $1.1 }
      let ones = try b(
        .full, attributes: ["shape": .dims([1, 1] + inner), "value": .scalar(.float(1)), "dtype": .dtype(type.dtype)])
      let rest = zip(window.padding, counted).map { ($0.0 - $1.0, $0.1 - $1.1) }
      let counts = try window.sums(ones, padding: rest, b)
      let shape = try PoolWindow(op, rank: type.rank).shape(type.shape).suffix(window.rank)
      return [try b(.divide, sums, try b(.reshape, counts, attributes: ["shape": .dims(Array(shape))]))]
    },
    samples: [
      Sample(
        .normal(2, 3, 8, 8),
        attributes: [
          "kernel": .ints([3, 3]), "stride": .ints([2, 2]), "padding": .ints([1, 1, 1, 1]),
          "counted": .ints([1, 1, 1, 1]),
        ]),
      Sample(
        .normal(2, 3, 8),
        attributes: ["kernel": .ints([3]), "stride": .ints([2]), "padding": .ints([1, 1]), "counted": .ints([0, 0])]),
      Sample(
        .normal(2, 3, 8),
        attributes: [
          "kernel": .ints([2]), "stride": .ints([2]), "padding": .ints([0, 0]), "counted": .ints([0, 0]),
          "divisor": .float(3),
        ]),
    ])

  /// The mean of each of `size` nearly equal parts of the spatial axes: part i of n elements among s runs from
  /// `floor(i * n / s)` to `ceil((i + 1) * n / s)`.
  package static let adaptiveAveragePool: OpDefinition = OpDefinition(
    "adaptive_avg_pool", family: .pooling, summary: "Mean of each of nearly equal parts of the spatial axes.",
    operands: [.tensor("x")], attributes: [AttributeSpec("size", .dims)],
    infer: { call in
      let x = try call.type(0)
      return [x.with(shape: try call.adaptiveShape(x))]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let x = try op.type(0)
      let size = try op.dims("size")
      return [
        try zip(size, (x.rank - size.count)...).reduce(op[0]) { result, part in
          try b.averagedParts(result, axis: part.1, count: part.0)
        }
      ]
    },
    samples: [
      Sample(.normal(2, 3, 7, 5), attributes: ["size": .ints([3, 2])]),
      Sample(.normal(2, 3, 8), attributes: ["size": .ints([4])]),
    ])

  /// The maximum of each of `size` nearly equal parts of the spatial axes, and its row-major position among them.
  package static let adaptiveMaxPool: OpDefinition = OpDefinition(
    "adaptive_max_pool", family: .pooling, summary: "Maximum of each of nearly equal parts of the spatial axes.",
    operands: [.tensor("x")], attributes: [AttributeSpec("size", .dims)], results: ["values", "indices"],
    infer: { call in
      let x = try call.type(0)
      let values = x.with(shape: try call.adaptiveShape(x))
      return [values, values.with(dtype: .int64)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0], let indices = op.results.dropFirst().first else { return [nil] }
      let size = try op.type(0).shape.suffix(op.dims("size").count)
      return [try b(.maxUnpool, ct, .value(indices), attributes: ["size": .dims(Array(size)), "add": .bool(true)])]
    }, samples: [Sample(.normal(2, 3, 7, 5), attributes: ["size": .ints([3, 2])])])

  /// The maximum of `size` windows of extents `kernel` along each spatial axis, and its row-major position among them.
  ///
  /// The windows stand at uneven distances, which `samples` [..., axes] in [0, 1) determine for each channel of `x`
  /// [..., spatial...]: of s windows of k elements among n, window i < s - 1 starts at
  /// `floor((i + sample) * a) - floor(sample * a)` with `a = (n - k) / (s - 1)`, the last at n - k (Graham, 2014).
  package static let fractionalMaxPool: OpDefinition = OpDefinition(
    "fractional_max_pool", family: .pooling, summary: "Maximum in each of windows at pseudo-random distances.",
    operands: [.tensor("x"), .tensor("samples")],
    attributes: [AttributeSpec("kernel", .dims), AttributeSpec("size", .dims)], results: ["values", "indices"],
    infer: { call in
      let (x, samples) = (try call.type(0), try call.type(1))
      let values = x.with(shape: try call.adaptiveShape(x))
      let rank = try call.dims("size").count
      guard try call.dims("kernel").count == rank, samples.shape == x.shape.dropLast(rank) + [Dim(rank)] else {
        throw call.problem("the window or the samples \(samples) do not fit \(x)")
      }
      return [values, values.with(dtype: .int64)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0], let indices = op.results.dropFirst().first else { return [nil, nil] }
      let size = try op.type(0).shape.suffix(op.dims("size").count)
      let dx = try b(.maxUnpool, ct, .value(indices), attributes: ["size": .dims(Array(size)), "add": .bool(true)])
      return [dx, nil]
    },
    spellings: [],
    samples: [
      Sample(
        .normal(2, 3, 7, 5), .uniform(0, 1, 2, 3, 2), attributes: ["kernel": .ints([2, 2]), "size": .ints([3, 2])])
    ])

  /// Zeros of spatial extents `size`, with the elements of `x` at their `indices`; the last of several counts, or with
  /// `add` their sum.
  package static let maxUnpool: OpDefinition = OpDefinition(
    "max_unpool", family: .pooling, summary: "Zeros with the elements of x at given positions.",
    operands: [.tensor("x"), .tensor("indices")],
    attributes: [AttributeSpec("size", .dims), AttributeSpec("add", .bool, default: .bool(false))],
    infer: { call in
      let (x, indices) = (try call.type(0), try call.type(1))
      let size = try call.dims("size")
      guard x.rank > size.count, x.shape == indices.shape else {
        throw call.problem("\(x) and indices \(indices) do not fit")
      }
      return [x.with(shape: x.shape.dropLast(size.count) + size)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let (x, rank) = (try op.type(0), try op.dims("size").count)
      func flat(_ y: Operand) throws -> Operand {
        try b.shaped(y, b.shape(y).dropLast(rank) + [b.shape(y).suffix(rank).reduce(1, *)])
      }
      let picked = try b(.takeAlongAxis, try flat(ct), try flat(op[1]), attributes: ["axis": .int(x.rank - rank)])
      return [try b.shaped(picked, x.shape), nil]
    },
    samples: [
      Sample(.normal(2, 3, 2), .integers(0, 8, 2, 3, 2), attributes: ["size": .ints([8]), "add": .bool(true)])
    ])
}

/// The attributes of a pooling window, per spatial axis.
private struct PoolWindow {
  static let attributes = [
    AttributeSpec("kernel", .dims), AttributeSpec("stride", .dims), AttributeSpec("padding", .dims),
  ]

  var kernel: [Dim]
  var stride: [Dim]
  var padding: [(Dim, Dim)]
  var dilation: [Dim]
  var rank: Int { kernel.count }

  init(_ call: OpCall, rank: Int) throws {
    kernel = try call.dims("kernel")
    stride = try call.dims("stride")
    let pairs = try call.dims("padding")
    let given = call.definition.attribute("dilation") == nil ? [] : try call.dims("dilation")
    dilation = given.isEmpty ? Array(repeating: 1, count: kernel.count) : given
    guard !kernel.isEmpty, rank > kernel.count, stride.count == kernel.count, dilation.count == kernel.count,
      pairs.count == 2 * kernel.count
    else { throw call.problem("the window does not fit a tensor of rank \(rank)") }
    padding = pairs.pairs
  }

  func shape(_ x: [Dim]) -> [Dim] {
    let leading = x.count - rank
    return x.prefix(leading)
      + (0..<rank).map { axis in
        ShapeRule.window(
          x[axis + leading], kernel: kernel[axis], stride: stride[axis], padding: padding[axis],
          dilation: dilation[axis])
      }
  }

  func isCounted(_ counted: [(Dim, Dim)]) -> Bool { zip(padding, counted).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 } }

  /// The sum in each window, as a convolution of every channel with ones.
  func sums(_ x: Operand, padding: [(Dim, Dim)], _ b: GraphBuilder) throws -> Operand {
    let type = b.type(x)
    let spatial = Array(type.shape.suffix(rank))
    let channels = type.shape.dropLast(rank).reduce(Dim(1), *)
    let flat = try b(.reshape, x, attributes: ["shape": .dims([channels, 1] + spatial)])
    let ones = try b(
      .full, attributes: ["shape": .dims([1, 1] + kernel), "value": .scalar(.float(1)), "dtype": .dtype(type.dtype)])
    let sums = try b(
      .conv, flat, ones,
      attributes: [
        "stride": .dims(stride), "padding": .dims(padding.flatMap { [$0.0, $0.1] }), "dilation": .dims(dilation),
      ])
    let shape = type.shape.dropLast(rank) + b.shape(sums).suffix(rank)
    return try b(.reshape, sums, attributes: ["shape": .dims(Array(shape))])
  }
}

extension [Dim] {
  /// Low and high ends, which alternate.
  package var pairs: [(Dim, Dim)] { stride(from: 0, to: count - 1, by: 2).map { (self[$0], self[$0 + 1]) } }
}

extension OpCall {
  fileprivate func adaptiveShape(_ x: TensorType) throws -> [Dim] {
    let size = try dims("size")
    guard !size.isEmpty, x.rank > size.count else { throw problem("the size \(size) does not fit \(x)") }
    return x.shape.dropLast(size.count) + size
  }
}

extension GraphBuilder {
  /// x with an axis replaced by the means of `count` nearly equal parts: a product with a matrix of the parts' shares.
  fileprivate func averagedParts(_ x: Operand, axis: Int, count: Dim) throws -> Operand {
    let type = type(x)
    let extent = type.shape[axis]
    func column(_ values: Operand) throws -> Operand {
      try self(.reshape, values, attributes: ["shape": .dims([count, 1])])
    }
    func numbers(_ count: Dim) throws -> Operand {
      try self(.arange, attributes: ["count": .dim(count), "dtype": .dtype(.float64)])
    }
    // Exact in float64 for every extent that fits in memory: element j is in part i if i * n < (j + 1) * s and
    // j * s < (i + 1) * n.
    let (part, element) = (try column(try numbers(count)), try numbers(extent))
    let (n, s) = (try size(extent, dtype: .float64), try size(count, dtype: .float64))
    let isAfterStart = try self(
      .less, try self(.multiply, part, n), try self(.multiply, try self(.add, element, .float(1)), s))
    let isBeforeEnd = try self(
      .less, try self(.multiply, element, s), try self(.multiply, try self(.add, part, .float(1)), n))
    let one = try self(.cast, isAfterStart, attributes: ["dtype": .dtype(type.dtype)])
    let inside = try self(.where_, isBeforeEnd, one, .float(0))
    let size = try self(.sum, inside, attributes: ["axes": .ints([1]), "keepdims": .bool(true)])
    let shares = try self(.divide, inside, size)
    var permutation = Array(0..<type.rank)
    permutation.swapAt(axis, type.rank - 1)
    let last = try self(.transpose, x, attributes: ["permutation": .ints(permutation)])
    let means = try self(.matmul, last, try matrixTransposed(shares))
    return try self(.transpose, means, attributes: ["permutation": .ints(permutation)])
  }
}
