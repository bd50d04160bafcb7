import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let reductions: Rules = [
    "aten.sum.default": { try reduce(.sum, $0) }, "aten.sum.dim_IntList": { try reduce(.sum, $0) },
    "aten.mean.default": { try reduce(.mean, $0) }, "aten.mean.dim": { try reduce(.mean, $0) },
    "aten.prod.default": { try reduce(.prod, $0) }, "aten.prod.dim_int": { try reduce(.prod, $0) },
    "aten.nansum.default": { try reduce(.sum, $0, skipsNaN: true) },
    "aten.nanmean.default": nanMean,
    "aten.any.default": { try test(.anyTrue, $0) }, "aten.any.dim": { try test(.anyTrue, $0) },
    "aten.any.dims": { try test(.anyTrue, $0) }, "aten.all.default": { try test(.allTrue, $0) },
    "aten.all.dim": { try test(.allTrue, $0) }, "aten.all.dims": { try test(.allTrue, $0) },
    "aten.amax.default": { try extreme(.amax, $0) }, "aten.amin.default": { try extreme(.amin, $0) },
    "aten.max.default": { try extreme(.amax, $0) }, "aten.min.default": { try extreme(.amin, $0) },
    "aten.max.dim": { [try extreme(.amax, $0)[0], try position(.argmax, $0)] },
    "aten.min.dim": { [try extreme(.amin, $0)[0], try position(.argmin, $0)] },
    "aten.aminmax.default": { [try extreme(.amin, $0)[0], try extreme(.amax, $0)[0]] },
    "aten.argmax.default": { [try position(.argmax, $0)] }, "aten.argmin.default": { [try position(.argmin, $0)] },
    "aten.var.default": { [try variance(.variance, $0)] }, "aten.var.dim": { [try variance(.variance, $0)] },
    "aten.var.correction": { [try variance(.variance, $0)] },
    "aten.std.default": { [try variance(.standardDeviation, $0)] },
    "aten.std.dim": { [try variance(.standardDeviation, $0)] },
    "aten.std.correction": { [try variance(.standardDeviation, $0)] },
    "aten.var_mean.default": { [try variance(.variance, $0), try mean($0)] },
    "aten.var_mean.dim": { [try variance(.variance, $0), try mean($0)] },
    "aten.var_mean.correction": { [try variance(.variance, $0), try mean($0)] },
    "aten.std_mean.default": { [try variance(.standardDeviation, $0), try mean($0)] },
    "aten.std_mean.dim": { [try variance(.standardDeviation, $0), try mean($0)] },
    "aten.std_mean.correction": { [try variance(.standardDeviation, $0), try mean($0)] },
    "aten.logsumexp.default": { try reduce(.logSumExp, $0) },
    "aten.histc.default": histogram,
    "aten.count_nonzero.default": { try extreme(.countNonzero, $0) },
    "aten.count_nonzero.dim_IntList": { try extreme(.countNonzero, $0) },
    "aten.norm.Scalar": { [try norm($0, "p")] }, "aten.norm.ScalarOpt_dim": { [try norm($0, "p")] },
    "aten.norm.ScalarOpt_dim_dtype": { [try norm($0, "p")] }, "aten.norm.ScalarOpt_dtype": { [try norm($0, "p")] },
    "aten.linalg_vector_norm.default": { [try norm($0, "ord")] },
    "aten.linalg_norm.default": { context in
      let rank = context.type(try context.tensor("self")).rank
      let axes = try context.ints("dim").count
      // An order of None flattens; with an order two axes are a matrix.
      if context.argument("ord").isNull || (axes == 0 ? rank : axes) == 1 { return [try norm(context, "ord")] }
      return [try matrixNorm(context)]
    },
    "aten.linalg_norm.ord_str": { [try matrixNorm($0)] },
    "aten.linalg_matrix_norm.default": { [try matrixNorm($0)] },
    "aten.linalg_matrix_norm.str_ord": { [try matrixNorm($0)] },
    "aten.dist.default": { context in
      let dtype = try context.resultType().dtype
      let x = try context.cast(try context.tensor("self"), to: dtype)
      let difference = try context.op(.subtract, x, try context.cast(try context.tensor("other"), to: dtype))
      return [try context.norm(difference, order: try context.double("p"), keepdims: false)]
    },
    "aten.quantile.default": { try quantile($0, q: "q", ignoresNaN: false) },
    "aten.quantile.scalar": { try quantile($0, q: "q", ignoresNaN: false) },
    "aten.nanquantile.default": { try quantile($0, q: "q", ignoresNaN: true) },
    "aten.nanquantile.scalar": { try quantile($0, q: "q", ignoresNaN: true) },
    "aten.median.default": { [try median($0, ignoresNaN: false)] },
    "aten.nanmedian.default": { [try median($0, ignoresNaN: true)] },
    "aten.median.dim": { context in
      let x = try context.tensor("self")
      if context.type(x).rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
      let axis = try context.axis("dim", rank: context.type(x).rank)
      guard let extent = context.type(x).shape[axis].knownValue, extent > 0 else {
        throw context.unsupported("the extent of the axis must be known")
      }
      return try ordered(context, position: (extent - 1) / 2, axis: axis)
    },
    "aten.bincount.default": {
      throw $0.unsupported("the result's extent depends on the values; use `torch.zeros(n).index_add(0, x, ones)`")
    },
  ]

  /// Equal limits stand for the least and the greatest element, one on each side of them where those are equal.
  private static let histogram: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    var (low, high) = (try context.operand("min"), try context.operand("max"))
    if low.asScalar?.asDouble == high.asScalar?.asDouble {
      let all: OrderedAttributes = ["axes": .ints(Array(0..<context.type(x).rank))]
      let (least, greatest) = (try context.op(.amin, x, attributes: all), try context.op(.amax, x, attributes: all))
      let isOne = try context.op(.equal, least, greatest)
      low = try context.op(.where_, isOne, try context.op(.subtract, least, .int(1)), least)
      high = try context.op(.where_, isOne, try context.op(.add, greatest, .int(1)), greatest)
    }
    return [try context.op(.histogram, x, low, high, attributes: ["bins": .dim(try context.dim("bins"))])]
  }

  /// A reduction that computes in its result's element type.
  static func reduce(
    _ definition: OpDefinition, _ context: ImportContext, skipsNaN: Bool = false
  ) throws -> [Operand] {
    var x = try context.tensor("self")
    let dtype = try context.resultType().dtype
    // Sums count booleans by themselves.
    let counts = definition.name == OpDefinition.sum.name && context.type(x).dtype == .bool && dtype == .int64
    if !counts { x = try context.cast(x, to: dtype) }
    if skipsNaN { x = try context.op(.where_, try context.op(.equal, x, x), x, .int(0)) }
    return [try context.op(definition, x, attributes: try reduction(context))]
  }

  private static func reduction(_ context: ImportContext) throws -> OrderedAttributes {
    let axes = try context.axes("dim", rank: context.type(try context.tensor("self")).rank)
    return ["axes": .ints(axes.sorted()), "keepdims": .bool(try context.bool("keepdim"))]
  }

  private static func test(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let result = try context.op(definition, try context.tensor("self"), attributes: try reduction(context))
    return [try context.cast(result, to: try context.resultType().dtype)]
  }

  private static func extreme(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let x = try context.tensor("self")
    if context.type(x).rank == 0, definition.name != "count_nonzero" { return [x] }
    return [try context.op(definition, x, attributes: try reduction(context))]
  }

  private static func position(_ definition: OpDefinition, _ context: ImportContext) throws -> Operand {
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    if rank == 0 { return try context.builder.full(TensorType(.int64), .int(0)) }
    let keepdims = Attribute.bool(try context.bool("keepdim"))
    if context.argument("dim").isNull { return try context.op(definition, x, attributes: ["keepdims": keepdims]) }
    let axis = try context.axis("dim", rank: rank)
    return try context.op(definition, x, attributes: ["axis": .int(axis), "keepdims": keepdims])
  }

  private static func mean(_ context: ImportContext) throws -> Operand {
    try context.op(.mean, try context.tensor("self"), attributes: try reduction(context))
  }

  private static func variance(_ definition: OpDefinition, _ context: ImportContext) throws -> Operand {
    var correction = context.argument("correction").asDouble ?? 1
    if let unbiased = context.argument("unbiased").asBool { correction = unbiased ? 1 : 0 }
    var attributes = try reduction(context)
    attributes["correction"] = .float(correction)
    return try context.op(definition, try context.tensor("self"), attributes: attributes)
  }

  private static let nanMean: ImportVocabulary.Rule = { context in
    let x = try context.cast(try context.tensor("self"), to: try context.resultType().dtype)
    let attributes = try reduction(context)
    let isNumber = try context.op(.equal, x, x)
    let total = try context.op(.sum, try context.op(.where_, isNumber, x, .int(0)), attributes: attributes)
    let count = try context.op(.sum, isNumber, attributes: attributes)
    return [try context.op(.divide, total, try context.cast(count, to: context.type(x).dtype))]
  }

  private static func norm(_ context: ImportContext, _ name: String) throws -> Operand {
    let x = try context.tensor("self")
    let order = context.argument(name).isNull ? 2 : try context.double(name)
    let dtype = try context.resultType().dtype
    let source = context.type(x).dtype
    let wide = source.isComplex ? x : try context.cast(x, to: dtype)
    return try context.op(
      .vectorNorm, wide, attributes: try reduction(context).merging(["order": .float(order)]) { first, _ in first })
  }

  private static func quantile(_ context: ImportContext, q: String, ignoresNaN: Bool) throws -> [Operand] {
    let x = try context.tensor("self")
    var attributes: OrderedAttributes = [
      "keepdims": .bool(try context.bool("keepdim")), "method": .string(try context.string("interpolation")),
      "ignores_nan": .bool(ignoresNaN),
    ]
    if !context.argument("dim").isNull {
      attributes["axis"] = .int(try context.axis("dim", rank: context.type(x).rank))
    }
    return [try context.op(.quantile, x, try context.operand(q), attributes: attributes)]
  }

  /// PyTorch's median is the lower of the two in the middle.
  private static func median(_ context: ImportContext, ignoresNaN: Bool) throws -> Operand {
    let x = try context.tensor("self")
    let type = context.type(x)
    if type.dtype.isFloating {
      return try context.op(
        .quantile, x, .float(0.5), attributes: ["method": .string("lower"), "ignores_nan": .bool(ignoresNaN)])
    }
    let flat = try context.reshape(x, [type.count])
    let sorted = try context.op(.sort, flat, attributes: ["axis": .int(0)])
    let middle = (type.count - 1).floorDivided(by: 2)
    return try context.op(.select, sorted, attributes: ["axis": .int(0), "index": .dim(middle)])
  }

  // MARK: Matrix norms

  private static func matrixNorm(_ context: ImportContext) throws -> Operand {
    let given = try context.tensor(context.node.args["A"] == nil ? "self" : "A")
    let rank = context.type(given).rank
    let named = try context.ints("dim").map { try context.normalized(axis: $0, rank: rank) }
    let axes = named.isEmpty ? [rank - 2, rank - 1] : named
    guard rank >= 2, axes.count == 2, axes[0] != axes[1] else { throw context.unsupported("needs two axes") }
    let dtype = try context.resultType().dtype
    let x = context.type(given).dtype.isComplex ? given : try context.cast(given, to: dtype)
    let keepdims = try context.bool("keepdim")
    let order = context.argument("ord")
    if order.asString == "fro" {
      return try context.norm(x, order: 2, axes: axes.sorted(), keepdims: keepdims)
    }
    switch order.asDouble.map({ ($0.magnitude, $0 > 0) }) {
    case (1, let largest)?: return try context.lineNorm(x, summed: axes[0], over: axes[1], largest, keepdims)
    case (.infinity, let largest)?: return try context.lineNorm(x, summed: axes[1], over: axes[0], largest, keepdims)
    default: break
    }
    let word = order.asString ?? order.asDouble.map { String(Int($0.rounded())) } ?? ""
    guard ["nuc", "2", "-2"].contains(word) else { throw context.unsupported("there is no such order") }
    let rest = (0..<rank).filter { !axes.contains($0) }
    let norm = try context.op(
      .matrixNorm, try context.transpose(x, rest + axes), attributes: ["order": .string(word)])
    return try context.reshape(norm, try context.resultType().shape)
  }
}

extension ImportContext {
  func norm(_ x: Operand, order: Double, axes: [Int]? = nil, keepdims: Bool) throws -> Operand {
    try op(
      .vectorNorm, x,
      attributes: [
        "axes": .ints(axes ?? Array(0..<type(x).rank)), "keepdims": .bool(keepdims), "order": .float(order),
      ])
  }

  /// The largest or smallest sum of magnitudes along one axis.
  fileprivate func lineNorm(
    _ x: Operand, summed: Int, over axis: Int, _ largest: Bool, _ keepdims: Bool
  ) throws -> Operand {
    let sums = try norm(x, order: 1, axes: [summed], keepdims: true)
    let extreme = try op(
      largest ? .amax : .amin, sums, attributes: ["axes": .ints([axis]), "keepdims": .bool(true)])
    return keepdims ? extreme : try reshape(extreme, try resultType().shape)
  }
}
