import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let linearAlgebra: Rules = products.merging(decompositions) { first, _ in first }

  private static let products: Rules = [
    "aten.addmm.default": { try scaledSum($0, "mat1", "mat2") },
    "aten.baddbmm.default": { try scaledSum($0, "batch1", "batch2") },
    "aten.addmv.default": { try scaledSum($0, "mat", "vec") },
    "aten.addr.default": { context in
      try scaledSum(context, try context.op(.outer, try context.tensor("vec1"), try context.tensor("vec2")))
    },
    "aten.addbmm.default": { context in
      let product = try matmul(context, "batch1", "batch2")
      return try scaledSum(context, try context.op(.sum, product, attributes: ["axes": .ints([0])]))
    },
    "aten.dot.default": { [try matmul($0, "self", "tensor")] },
    "aten.vdot.default": { context in
      let x = try context.tensor("self")
      let conjugate = context.type(x).dtype.isComplex ? try context.op(.conj, x) : x
      return [try context.op(.matmul, conjugate, try context.tensor("other"))]
    },
    "aten.inner.default": { context in
      let (x, y) = (try context.tensor("self"), try context.tensor("other"))
      let (rankX, rankY) = (context.type(x).rank, context.type(y).rank)
      if rankX == 0 || rankY == 0 { return [try context.op(.multiply, x, y)] }
      if rankY <= 2 {
        return [rankY == 1 ? try context.op(.matmul, x, y) : try context.op(.linear, x, y, .absent)]
      }
      return [
        try context.op(.tensordot, x, y, attributes: ["x_axes": .ints([rankX - 1]), "y_axes": .ints([rankY - 1])])
      ]
    },
    "aten.outer.default": { context in
      let dtype = try context.resultType().dtype
      let (x, y) = (try context.tensor("self"), try context.tensor("vec2"))
      return [try context.op(.outer, try context.cast(x, to: dtype), try context.cast(y, to: dtype))]
    },
    "aten.ger.default": { [try $0.op(.outer, try $0.tensor("self"), try $0.tensor("vec2"))] },
    "aten.linalg_matmul.default": { [try matmul($0, "self", "other")] },
    "aten.linalg_vecdot.default": { context in
      let (x, y) = (try context.tensor("x"), try context.tensor("y"))
      let dtype = try context.resultType().dtype
      let product = try context.op(
        .multiply, context.type(x).dtype.isComplex ? try context.op(.conj, x) : context.cast(x, to: dtype),
        try context.cast(y, to: dtype))
      let axis = try context.axis("dim", rank: context.type(product).rank)
      return [try context.op(.sum, product, attributes: ["axes": .ints([axis])])]
    },
    "aten.chain_matmul.default": { try chain($0, "matrices") },
    "aten.linalg_multi_dot.default": { try chain($0, "tensors") },
    "aten.tensordot.default": { context in
      let (x, y) = (try context.tensor("self"), try context.tensor("other"))
      let (rankX, rankY) = (context.type(x).rank, context.type(y).rank)
      let axesX = try context.ints("dims_self").map { try context.normalized(axis: $0, rank: rankX) }
      let axesY = try context.ints("dims_other").map { try context.normalized(axis: $0, rank: rankY) }
      return [try context.op(.tensordot, x, y, attributes: ["x_axes": .ints(axesX), "y_axes": .ints(axesY)])]
    },
    "aten.einsum.default": { context in
      [
        try context.builder.apply(
          .einsum, [try context.operand("tensors")],
          attributes: ["equation": .string(try context.string("equation").filter { $0 != " " })])[0]
      ]
    },
    "aten.bilinear.default": { context in
      let (x, y, weight) = (try context.tensor("input1"), try context.tensor("input2"), try context.tensor("weight"))
      let operands = try [x, weight, y].map { operand -> Value in
        guard let value = operand.asValue else { throw context.unsupported("an operand is not a tensor") }
        return value
      }
      let product = try context.builder.apply(
        .einsum, [.list(operands)], attributes: ["equation": .string("...i,oij,...j->...o")])[0]
      let bias = try context.operand("bias")
      return [bias.isAbsent ? product : try context.op(.add, product, bias)]
    },
  ]

  private static func matmul(_ context: ImportContext, _ left: String, _ right: String) throws -> Operand {
    try context.op(.matmul, try context.tensor(left), try context.tensor(right))
  }

  private static func scaledSum(_ context: ImportContext, _ left: String, _ right: String) throws -> [Operand] {
    try scaledSum(context, try matmul(context, left, right))
  }

  /// `alpha * product + beta * self`.
  private static func scaledSum(_ context: ImportContext, _ product: Operand) throws -> [Operand] {
    let (alpha, beta) = (context.argument("alpha").asScalar, context.argument("beta").asScalar)
    let product = try scaled(context, product, alpha)
    // With a zero beta, infinities and NaN in `self` do not count.
    if beta?.asDouble == 0 { return [product] }
    return [try context.op(.add, product, try scaled(context, try context.tensor("self"), beta))]
  }

  private static func scaled(_ context: ImportContext, _ x: Operand, _ factor: Scalar?) throws -> Operand {
    guard let factor, factor.asDouble != 1 else { return x }
    return try context.op(.multiply, x, .scalar(factor))
  }

  /// A product of several matrices, in the order that needs the fewest multiplications.
  private static func chain(_ context: ImportContext, _ name: String) throws -> [Operand] {
    guard case .list(let values) = try context.operand(name), let first = values.first else {
      throw context.unsupported("`\(name)` must be a list of tensors")
    }
    if values.count == 1 { return [.value(first)] }
    return [
      try values.dropFirst().reduce(Operand.value(first)) { try context.op(.matmul, $0, .value($1)) }
    ]
  }
}
