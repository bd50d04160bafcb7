import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let creation: Rules = [
    "aten.zeros.default": { try filled($0, .int(0)) }, "aten.ones.default": { try filled($0, .int(1)) },
    "aten.zeros_like.default": { try filled($0, .int(0)) }, "aten.ones_like.default": { try filled($0, .int(1)) },
    "aten.new_zeros.default": { try filled($0, .int(0)) }, "aten.new_ones.default": { try filled($0, .int(1)) },
    "aten.empty.memory_format": { try filled($0, .int(0)) }, "aten.empty_like.default": { try filled($0, .int(0)) },
    "aten.empty_strided.default": { try filled($0, .int(0)) }, "aten.new_empty.default": { try filled($0, .int(0)) },
    "aten.new_empty_strided.default": { try filled($0, .int(0)) },
    "aten.empty_permuted.default": { try filled($0, .int(0)) },
    "aten.full.default": { try filled($0, by: "fill_value") },
    "aten.full_like.default": { try filled($0, by: "fill_value") },
    "aten.new_full.default": { try filled($0, by: "fill_value") },
    "aten.scalar_tensor.default": { try filled($0, by: "s") },
    "aten.arange.default": arange, "aten.arange.start": arange, "aten.arange.start_step": arange,
    "aten.linspace.default": { try spaced(.linspace, $0) },
    "aten.logspace.default": { context in
      try spaced(.logspace, context, ["base": .float(context.argument("base").asDouble ?? 10)])
    },
    "aten.eye.default": eye, "aten.eye.m": eye,
    "aten.tril_indices.default": { try triangle(.trilIndices, $0) },
    "aten.triu_indices.default": { try triangle(.triuIndices, $0) },
    "aten.hann_window.default": { try cosineWindow($0, 0.5, periodic: true) },
    "aten.hann_window.periodic": { try cosineWindow($0, 0.5, periodic: try $0.bool("periodic")) },
    "aten.hamming_window.default": { try cosineWindow($0, 0.54, periodic: true) },
    "aten.hamming_window.periodic": { try cosineWindow($0, 0.54, periodic: try $0.bool("periodic")) },
  ]

  /// A tensor of the traced type filled with a number.
  private static func filled(_ context: ImportContext, _ value: Scalar) throws -> [Operand] {
    let type = try context.resultType()
    return [
      try context.op(
        .full, attributes: ["shape": .dims(type.shape), "value": .scalar(value), "dtype": .dtype(type.dtype)])
    ]
  }

  /// A tensor of the traced type filled with an argument: a number, an extent, or a tensor that broadcasts.
  private static func filled(_ context: ImportContext, by name: String) throws -> [Operand] {
    let type = try context.resultType()
    if let value = context.argument(name).asScalar { return try filled(context, value) }
    let tensor = try context.cast(try context.operand(name), to: type.dtype)
    guard tensor.asValue != nil else { throw context.unsupported("`\(name)` must be a number or a tensor") }
    if context.type(tensor).shape == type.shape { return [tensor] }
    return [try context.op(.broadcastTo, tensor, attributes: ["shape": .dims(type.shape)])]
  }

  private static let arange: ImportVocabulary.Rule = { context in
    let type = try context.resultType()
    let (start, step) = (context.argument("start"), context.argument("step"))
    var attributes: OrderedDictionary<String, Attribute> = ["count": .dim(type.shape[0]), "dtype": .dtype(type.dtype)]
    func number(_ argument: TraceArgument) throws -> Scalar {
      guard let scalar = argument.asScalar else { throw context.unsupported("the step must be a known number") }
      if case .float(let value) = scalar, type.dtype.isInteger, value == value.rounded(), abs(value) < 1e15 {
        return .int(Int(value))
      }
      return scalar
    }
    if !step.isNull { attributes["step"] = .scalar(try number(step)) }
    guard case .dim = start, start.asScalar == nil else {
      if !start.isNull { attributes["start"] = .scalar(try number(start)) }
      return [try context.op(.arange, attributes: attributes)]
    }
    let offset = try context.cast(try context.operand("start"), to: type.dtype)
    return [try context.op(.add, offset, try context.op(.arange, attributes: attributes))]
  }

  private static func spaced(
    _ definition: OpDefinition, _ context: ImportContext, _ extra: OrderedDictionary<String, Attribute> = [:]
  ) throws -> [Operand] {
    let type = try context.resultType()
    guard let start = context.argument("start").asScalar, let end = context.argument("end").asScalar else {
      throw context.unsupported("`start` and `end` must be known numbers")
    }
    var attributes = extra
    attributes["start"] = .scalar(start)
    attributes["stop"] = .scalar(end)
    attributes["count"] = .dim(type.shape[0])
    attributes["dtype"] = .dtype(type.dtype)
    return [try context.op(definition, attributes: attributes)]
  }

  private static let eye: ImportVocabulary.Rule = { context in
    let type = try context.resultType()
    return [
      try context.op(
        .eye, attributes: ["rows": .dim(type.shape[0]), "columns": .dim(type.shape[1]), "dtype": .dtype(type.dtype)])
    ]
  }

  private static func triangle(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let type = try context.resultType()
    return [
      try context.op(
        definition,
        attributes: [
          "rows": .dim(try context.dim("row")), "columns": .dim(try context.dim("col")),
          "offset": .dim(try context.dim("offset")), "count": .dim(type.shape[1]), "dtype": .dtype(type.dtype),
        ])
    ]
  }

  /// `a - (1 - a) * cos(2 * pi * k / n)`
  private static func cosineWindow(
    _ context: ImportContext, _ a: Double, periodic: Bool
  ) throws -> [Operand] {
    let type = try context.resultType()
    guard let count = type.shape[0].knownValue else { throw context.unsupported("the window's length must be known") }
    let step = 2 * Double.pi / Double(max(periodic ? count : count - 1, 1))
    let angle = try context.op(
      .arange,
      attributes: ["count": .int(count), "step": .float(step), "start": .float(0), "dtype": .dtype(type.dtype)])
    let wave = try context.op(.multiply, try context.op(.cos, angle), .float(1 - a))
    return [try context.op(.subtract, .float(a), wave)]
  }
}
