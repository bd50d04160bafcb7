import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let activations: Rules = [
    "aten.gelu.default": { context in
      let approximate = context.argument("approximate").asString == "tanh"
      return [try context.op(.gelu, try context.tensor("self"), attributes: ["approximate": .bool(approximate)])]
    },
    "aten.hardtanh.default": { context in
      let (low, high) = (try context.double("min_val"), try context.double("max_val"))
      let x = try context.tensor("self")
      if low == 0, high == 6 { return [try context.op(.relu6, x)] }
      return [try context.op(.hardtanh, x, attributes: ["low": .float(low), "high": .float(high)])]
    },
    "aten.elu.default": { context in
      guard context.argument("scale").asDouble == 1, context.argument("input_scale").asDouble == 1 else {
        throw context.unsupported("`scale` and `input_scale` must be 1")
      }
      let alpha = try context.double("alpha")
      return [try context.op(.elu, try context.tensor("self"), attributes: ["alpha": .float(alpha)])]
    },
    "aten.softplus.default": { context in
      let x = try context.tensor("self")
      let (beta, threshold) = (try context.double("beta"), try context.double("threshold"))
      let smooth = try context.op(.softplus, x, attributes: ["beta": .float(beta)])
      // Above a threshold of 20 the curve and the line are the same number in float32.
      if threshold >= 20 { return [smooth] }
      let scaled = beta == 1 ? x : try context.op(.multiply, x, .float(beta))
      return [try context.op(.where_, try context.op(.greater, scaled, .float(threshold)), x, smooth)]
    },
    "aten.prelu.default": { context in
      let (x, weight) = (try context.tensor("self"), try context.tensor("weight"))
      let rank = context.type(x).rank
      let count = context.type(weight).count
      guard count != 1, rank > 2 else { return [try context.op(.prelu, x, weight)] }
      let aligned = try context.reshape(weight, [count] + Array(repeating: 1, count: rank - 2))
      return [try context.op(.prelu, x, aligned)]
    },
    "aten.softmax.int": { try alongAxis(.softmax, $0) }, "aten._softmax.default": { try alongAxis(.softmax, $0) },
    "aten.special_softmax.default": { try alongAxis(.softmax, $0) },
    "aten.log_softmax.int": { try alongAxis(.logSoftmax, $0) },
    "aten._log_softmax.default": { try alongAxis(.logSoftmax, $0) },
    "aten.special_log_softmax.default": { try alongAxis(.logSoftmax, $0) },
    "aten._prelu_kernel.default": { context in
      [try context.op(.prelu, try context.tensor("self"), try context.tensor("weight"))]
    },
  ]

  /// A softmax in the result's element type; a scalar counts as a vector of one.
  private static func alongAxis(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let x = try context.cast(try context.tensor("self"), to: try context.resultType().dtype)
    let shape = context.type(x).shape
    let axis = try context.axis("dim", rank: shape.count)
    let vector = shape.isEmpty ? try context.reshape(x, [1]) : x
    return [try context.reshape(try context.op(definition, vector, attributes: ["axis": .int(axis)]), shape)]
  }
}
