import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let pooling: Rules = [
    "aten.max_pool1d.default": { try maxPool($0, rank: 1) },
    "aten.max_pool2d.default": { try maxPool($0, rank: 2) },
    "aten.max_pool3d.default": { try maxPool($0, rank: 3) },
    "aten.max_pool1d_with_indices.default": { try maxPoolWithIndices($0, rank: 1) },
    "aten.max_pool2d_with_indices.default": { try maxPoolWithIndices($0, rank: 2) },
    "aten.max_pool3d_with_indices.default": { try maxPoolWithIndices($0, rank: 3) },
    "aten.avg_pool1d.default": { try averagePool($0, rank: 1) },
    "aten.avg_pool2d.default": { try averagePool($0, rank: 2) },
    "aten.avg_pool3d.default": { try averagePool($0, rank: 3) },
    "aten.adaptive_avg_pool1d.default": { try adaptiveAveragePool($0, rank: 1) },
    "aten.adaptive_avg_pool2d.default": { try adaptiveAveragePool($0, rank: 2) },
    "aten._adaptive_avg_pool2d.default": { try adaptiveAveragePool($0, rank: 2) },
    "aten.adaptive_avg_pool3d.default": { try adaptiveAveragePool($0, rank: 3) },
    "aten._adaptive_avg_pool3d.default": { try adaptiveAveragePool($0, rank: 3) },
    "aten.adaptive_max_pool1d.default": { try adaptiveMaxPool($0, rank: 1) },
    "aten.adaptive_max_pool2d.default": { try adaptiveMaxPool($0, rank: 2) },
    "aten.adaptive_max_pool3d.default": { try adaptiveMaxPool($0, rank: 3) },
    "aten.fractional_max_pool2d.default": { try fractionalMaxPool($0, rank: 2) },
    "aten.fractional_max_pool3d.default": { try fractionalMaxPool($0, rank: 3) },
    "aten.max_unpool2d.default": { try maxUnpool($0, rank: 2) },
    "aten.max_unpool3d.default": { try maxUnpool($0, rank: 3) },
  ]

  private static func maxPool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    try context.builder.apply(
      .maxPool, [try context.tensor("self")], attributes: try window(context, rank: rank).attributes)
  }

  private static func maxPoolWithIndices(_ context: ImportContext, rank: Int) throws -> [Operand] {
    if !context.isUsed(result: 1) { return try maxPool(context, rank: rank) + [.absent] }
    return try context.builder.apply(
      .maxPoolWithIndices, [try context.tensor("self")], attributes: try window(context, rank: rank).attributes)
  }

  private static func averagePool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let window = try window(context, rank: rank)
    var attributes = window.attributes
    let counts = try context.bool("count_include_pad")
    attributes["counted"] = .dims(window.given.flatMap { counts ? [$0, $0] : [0, 0] })
    if let divisor = context.argument("divisor_override").asScalar { attributes["divisor"] = .scalar(divisor) }
    return try context.builder.apply(.averagePool, [try context.tensor("self")], attributes: attributes)
  }

  private static func adaptiveAveragePool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let x = try context.tensor("self")
    let (from, size) = (Array(context.type(x).shape.suffix(rank)), try adaptiveSize(context, rank: rank))
    if from == size { return [x] }
    if size.allSatisfy({ $0 == 1 }) {
      let axes = Array(context.type(x).rank - rank..<context.type(x).rank)
      return [try context.op(.mean, x, attributes: ["axes": .ints(axes), "keepdims": .bool(true)])]
    }
    if let step = equalParts(from, size) {
      return [
        try context.op(
          .averagePool, x,
          attributes: [
            "kernel": .dims(step), "stride": .dims(step), "padding": .dims(step.flatMap { _ in [0, 0] }),
            "counted": .dims(step.flatMap { _ in [0, 0] }),
          ])
      ]
    }
    return [try context.op(.adaptiveAveragePool, x, attributes: ["size": .dims(size)])]
  }

  private static func adaptiveMaxPool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let x = try context.tensor("self")
    let size = try adaptiveSize(context, rank: rank)
    if !context.isUsed(result: 1), let step = equalParts(Array(context.type(x).shape.suffix(rank)), size) {
      let value = try context.op(
        .maxPool, x,
        attributes: [
          "kernel": .dims(step), "stride": .dims(step), "padding": .dims(step.flatMap { _ in [0, 0] }),
        ])
      return [value, .absent]
    }
    return try context.builder.apply(.adaptiveMaxPool, [x], attributes: ["size": .dims(size)])
  }

  /// PyTorch's samples of two axes are those of the width, then of the height; of three axes, in the order of the axes.
  private static func fractionalMaxPool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let x = try context.tensor("self")
    let type = context.type(x)
    var samples = try context.cast(try context.tensor("random_samples"), to: type.dtype)
    if rank == 2 {
      samples = try context.op(.flip, samples, attributes: ["axes": .ints([context.type(samples).rank - 1])])
    }
    samples = try context.reshape(samples, type.shape.dropLast(rank) + [Dim(rank)])
    return try context.builder.apply(
      .fractionalMaxPool, [x, samples],
      attributes: [
        "kernel": .dims(try context.dims("kernel_size", rank: rank)),
        "size": .dims(try adaptiveSize(context, rank: rank)),
      ])
  }

  private static func maxUnpool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let size = try context.resultType().shape.suffix(rank)
    return [
      try context.op(
        .maxUnpool, try context.tensor("self"), try context.tensor("indices"), attributes: ["size": .dims(Array(size))])
    ]
  }

  /// The extents of the result; the trace has filled in those that stay as they are.
  private static func adaptiveSize(_ context: ImportContext, rank: Int) throws -> [Dim] {
    Array(try context.resultType().shape.suffix(rank))
  }

  /// The extents of the parts where all are equal.
  private static func equalParts(_ from: [Dim], _ size: [Dim]) -> [Dim]? {
    let steps = zip(from, size).compactMap { $0.exactQuotient(by: $1) }
    return steps.count == size.count ? steps : nil
  }

  private static func window(_ context: ImportContext, rank: Int) throws -> TorchPoolWindow {
    try TorchPoolWindow(context, rank: rank)
  }
}

/// The arguments that PyTorch's pooling functions share.
///
/// With `ceil_mode` the high padding is as much as the windows reach over: the trace says how many there are.
private struct TorchPoolWindow {
  var attributes: OrderedDictionary<String, Attribute>
  /// The padding as it was given, per axis.
  var given: [Dim]

  init(_ context: ImportContext, rank: Int) throws {
    let kernel = try context.dims("kernel_size", rank: rank)
    let stride = try context.dims("stride").isEmpty ? kernel : try context.dims("stride", rank: rank)
    given = try context.dims("padding", rank: rank)
    let ones = Array(repeating: Dim(1), count: rank)
    let dilation = context.argument("dilation").isNull ? ones : try context.dims("dilation", rank: rank)
    var pairs = given.map { ($0, $0) }
    if try context.bool("ceil_mode") {
      let from = context.type(try context.tensor("self")).shape.suffix(rank)
      let to = try context.resultType().shape.suffix(rank)
      for (axis, (input, output)) in zip(from, to).enumerated() {
        let reach = (output - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
        pairs[axis].1 = Dim.maximum(pairs[axis].1, reach - input - pairs[axis].0)
      }
    }
    attributes = [
      "kernel": .dims(kernel), "stride": .dims(stride), "padding": .dims(pairs.flatMap { [$0.0, $0.1] }),
    ]
    if dilation != ones { attributes["dilation"] = .dims(dilation) }
  }
}
