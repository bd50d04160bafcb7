import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let random: Rules = [
    "aten.native_dropout.default": { context in
      guard context.argument("train").asBool ?? true else { return [try context.tensor("input"), .absent] }
      return [try dropped(context), .absent]
    },
    "aten.dropout.default": { context in
      try context.bool("train") ? [try dropped(context)] : [try context.tensor("input")]
    },
    "aten.rrelu.default": rrelu,
    "aten.rrelu_with_noise.default": rrelu,
    "aten.rrelu_with_noise_functional.default": { context in
      [try rrelu(context)[0], .absent]
    },
    "aten.bernoulli.default": { try bernoulli($0, try $0.tensor("self")) },
    "aten.bernoulli.p": { try bernoulli($0, .float(try $0.double("p"))) },
    "aten.bernoulli.Tensor": { try bernoulli($0, try $0.tensor("p")) },
    "aten.rand.default": { [try draw(.uniform, $0)] }, "aten.rand_like.default": { [try draw(.uniform, $0)] },
    "aten.uniform.default": { context in
      let (low, high) = (try context.double("from"), try context.double("to"))
      return [try draw(.uniform, context, ["low": .float(low), "high": .float(high)])]
    },
    "aten.randn.default": { [try draw(.normal, $0)] }, "aten.randn_like.default": { [try draw(.normal, $0)] },
    "aten.normal.float_float": normal, "aten.normal.Tensor_float": normal, "aten.normal.float_Tensor": normal,
    "aten.normal.Tensor_Tensor": normal, "aten.normal_functional.default": normal,
    "aten.exponential.default": { context in
      let rate = try context.double("lambd")
      let draw = try draw(.exponential, context)
      return [rate == 1 ? draw : try context.op(.divide, draw, .float(rate))]
    },
    "aten.randint.default": integers, "aten.randint.low": integers, "aten.randint_like.default": integers,
    "aten.randint_like.low_dtype": integers, "aten.random.from": integers, "aten.random.to": integers,
    "aten.randperm.default": { [try draw(.randomPermutation, $0)] },
    "aten.multinomial.default": { context in
      [
        try context.op(
          .multinomial, try context.tensor("self"), context.drawKey(),
          attributes: [
            "count": .dim(try context.dim("num_samples")), "replacement": .bool(try context.bool("replacement")),
          ])
      ]
    },
  ]

  private static func dropped(_ context: ImportContext) throws -> Operand {
    let x = try context.tensor("input")
    let rate = try context.double("p")
    if rate == 0 { return x }
    return try context.op(.dropout, x, context.drawKey(), attributes: ["rate": .float(rate)])
  }

  private static let rrelu: ImportVocabulary.Rule = { context in
    let (lower, upper) = (try context.double("lower"), try context.double("upper"))
    let x = try context.tensor("self")
    guard try context.bool("training") else {
      return [try context.op(.leakyRelu, x, attributes: ["slope": .float((lower + upper) / 2)])]
    }
    return [
      try context.op(
        .randomRelu, x, context.drawKey(), attributes: ["lower": .float(lower), "upper": .float(upper)])
    ]
  }

  private static func bernoulli(_ context: ImportContext, _ p: Operand) throws -> [Operand] {
    [try context.op(.bernoulli, p, context.drawKey(), attributes: ["shape": .dims(try context.resultType().shape)])]
  }

  /// Numbers of the traced type; half-precision ones are drawn in float32.
  private static func draw(
    _ definition: OpDefinition, _ context: ImportContext, _ extra: OrderedDictionary<String, Attribute> = [:]
  ) throws -> Operand {
    let type = try context.resultType()
    var attributes: OrderedDictionary<String, Attribute> = ["shape": .dims(type.shape), "dtype": .dtype(type.dtype)]
    attributes.merge(extra) { _, new in new }
    return try context.op(definition, context.drawKey(), attributes: attributes)
  }

  /// `mean + std * z`, in which PyTorch lets no gradient flow to the mean and the deviation.
  private static let normal: ImportVocabulary.Rule = { context in
    let dtype = try context.resultType().dtype
    var z = try draw(.normal, context)
    func moment(_ name: String) throws -> Operand {
      let operand = try context.cast(try context.operand(name), to: dtype)
      return operand.asValue == nil ? operand : try context.op(.stopGradient, operand)
    }
    let (mean, std) = (try moment("mean"), try moment("std"))
    if std.asScalar?.asDouble != 1, !std.isAbsent { z = try context.op(.multiply, std, z) }
    if mean.asScalar?.asDouble != 0, !mean.isAbsent { z = try context.op(.add, mean, z) }
    return [z]
  }

  private static let integers: ImportVocabulary.Rule = { context in
    let type = try context.resultType()
    let low = context.argument("low").asDim ?? context.argument("from").asDim ?? 0
    guard let high = context.argument("high").asDim ?? context.argument("to").asDim else {
      throw context.unsupported("the upper limit must be an integer")
    }
    let drawn: DType = type.dtype.isInteger ? type.dtype : .int64
    return [
      try context.op(
        .randomInteger, context.drawKey(),
        attributes: ["shape": .dims(type.shape), "dtype": .dtype(drawn), "low": .dim(low), "high": .dim(high)])
    ]
  }
}
