import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let indexing: Rules = [
    "aten.index.Tensor": { context in
      let x = try context.tensor("self")
      let (axes, indices) = try context.indexTensors(of: x)
      if axes.isEmpty { return [x] }
      return [try context.op(.index, x, indices, attributes: ["axes": .ints(axes)])]
    },
    "aten._unsafe_index.Tensor": { context in
      let x = try context.tensor("self")
      let (axes, indices) = try context.indexTensors(of: x)
      return [try context.op(.index, x, indices, attributes: ["axes": .ints(axes)])]
    },
    "aten.index_put.default": indexPut, "aten._unsafe_index_put.default": indexPut,
    "aten.index_select.default": { context in
      let (x, index) = (try context.tensor("self"), try context.tensor("index"))
      let rank = context.type(x).rank
      let axis = try context.axis("dim", rank: rank)
      let list = Operand.list([try context.reshape(index, [context.type(index).count])].compactMap(\.asValue))
      let vector = rank == 0 ? try context.reshape(x, [1]) : x
      let picked = try context.op(.index, vector, list, attributes: ["axes": .ints([axis])])
      return [try context.reshape(picked, try context.resultType().shape)]
    },
    "aten.index_add.default": { context in
      let source = try context.tensor("source")
      guard let alpha = context.argument("alpha").asScalar else { throw context.unsupported("`alpha` is not a number") }
      let update = alpha.asDouble == 1 ? source : try context.op(.multiply, source, .scalar(alpha))
      return try updateAlong(context, update, mode: "add")
    },
    "aten.index_copy.default": { try updateAlong($0, try $0.tensor("source"), mode: "set") },
    "aten.index_fill.int_Scalar": { try updateAlong($0, try $0.operand("value"), mode: "set") },
    "aten.index_fill.int_Tensor": { context in
      try updateAlong(
        context, try context.cast(try context.tensor("value"), to: context.resultType().dtype), mode: "set")
    },
    "aten.index_reduce.default": { context in
      try updateAlong(
        context, try context.tensor("source"), mode: try updateMode(context, try context.string("reduce")),
        includesSelf: try context.bool("include_self"))
    },
    "aten.take.default": { context in
      let (x, index) = (try context.tensor("self"), try context.tensor("index"))
      let flat = try context.reshape(x, [context.type(x).count])
      return [try context.op(.index, flat, .list(index.values), attributes: ["axes": .ints([0])])]
    },
    "aten.put.default": { context in
      let (x, index) = (try context.tensor("self"), try context.tensor("index"))
      let flat = try context.reshape(x, [context.type(x).count])
      let source = try context.reshape(try context.tensor("source"), context.type(index).shape)
      let mode = try context.bool("accumulate") ? "add" : "set"
      let updated = try context.op(
        .indexUpdate, flat, source, .list(index.values), attributes: ["axes": .ints([0]), "mode": .string(mode)])
      return [try context.reshape(updated, context.type(x).shape)]
    },
    "aten.gather.default": { context in
      let (x, index) = (try context.tensor("self"), try context.tensor("index"))
      if context.type(index).rank == 0 || context.type(x).rank == 0 {
        let flat = try context.reshape(x, [context.type(x).count])
        return [try context.op(.index, flat, .list(index.values), attributes: ["axes": .ints([0])])]
      }
      let axis = try context.axis("dim", rank: context.type(x).rank)
      return [try takenAlong(context, x, index, axis)]
    },
    "aten.take_along_dim.default": { context in
      let (x, index) = (try context.tensor("self"), try context.tensor("indices"))
      guard !context.argument("dim").isNull else {
        let flat = try context.reshape(x, [context.type(x).count])
        let flatIndex = try context.reshape(index, [context.type(index).count])
        return [try context.op(.index, flat, .list(flatIndex.values), attributes: ["axes": .ints([0])])]
      }
      let result = try context.resultType().shape
      let axis = try context.axis("dim", rank: result.count)
      var from = result
      from[axis] = context.type(x).shape[axis]
      return [try takenAlong(context, try context.broadcast(x, from), try context.broadcast(index, result), axis)]
    },
    "aten.scatter.src": { try putAlong($0, "src", mode: "set") },
    "aten.scatter.value": { try putAlong($0, "value", mode: "set") },
    "aten.scatter_add.default": { try putAlong($0, "src", mode: "add") },
    "aten.scatter.reduce": { try putAlong($0, "src", mode: try updateMode($0, try $0.string("reduce"))) },
    "aten.scatter.value_reduce": { try putAlong($0, "value", mode: try updateMode($0, try $0.string("reduce"))) },
    "aten.scatter_reduce.two": { context in
      try putAlong(
        context, "src", mode: try updateMode(context, try context.string("reduce")),
        includesSelf: try context.bool("include_self"))
    },
    "aten.masked_scatter.default": { context in
      let (x, mask) = (try context.tensor("self"), try context.tensor("mask"))
      let source = try context.tensor("source")
      let wide = try context.broadcast(mask, context.type(x).shape)
      let flat = try context.reshape(wide, [context.type(x).count])
      let counted = try context.op(.cumsum, try context.cast(flat, to: .int64), attributes: ["axis": .int(0)])
      let position = try context.op(.subtract, counted, .int(1))
      let flatSource = try context.reshape(source, [context.type(source).count])
      let taken = try context.op(.index, flatSource, .list(position.values), attributes: ["axes": .ints([0])])
      return [try context.op(.where_, wide, try context.reshape(taken, context.type(x).shape), x)]
    },
    "aten.masked_select.default": { throw $0.unsupported(dynamicExtent + "; keep the shape with `torch.where`") },
    "aten.nonzero.default": { throw $0.unsupported(dynamicExtent + "; compute with the mask itself instead") },
    "aten.nonzero_numpy.default": { throw $0.unsupported(dynamicExtent + "; compute with the mask itself instead") },
    "aten.argwhere.default": { throw $0.unsupported(dynamicExtent + "; compute with the mask itself instead") },
    "aten.where.default": { throw $0.unsupported(dynamicExtent + "; use `torch.where(condition, x, y)`") },
    "aten.one_hot.default": { context in
      let count = try context.resultType().shape.last ?? 0
      return [
        try context.op(
          .oneHot, try context.tensor("self"), attributes: ["count": .dim(count), "dtype": .dtype(.int64)])
      ]
    },
    "aten.isin.Tensor_Tensor": { try isIn($0, try $0.tensor("elements"), try $0.tensor("test_elements")) },
    "aten.isin.Tensor_Scalar": { context in
      let x = try context.tensor("elements")
      let found = try context.op(.equal, x, try context.operand("test_element"))
      return [try context.bool("invert") ? try context.op(.equal, found, .bool(false)) : found]
    },
    "aten.searchsorted.Tensor": { try searchSorted($0, "sorted_sequence", try $0.tensor("self")) },
    "aten.searchsorted.Scalar": { context in
      try searchSorted(context, "sorted_sequence", try context.tensor(context.operand("self"), dtype: .float32))
    },
    "aten.bucketize.Tensor": { try searchSorted($0, "boundaries", try $0.tensor("self")) },
    "aten.bucketize.Scalar": { context in
      try searchSorted(context, "boundaries", try context.tensor(context.operand("self"), dtype: .float32))
    },
  ]

  private static let dynamicExtent = "the result's extent depends on the values"

  private static let indexPut: ImportVocabulary.Rule = { context in
    let (x, values) = (try context.tensor("self"), try context.tensor("values"))
    let accumulate = try context.bool("accumulate")
    if let mask = try context.indexMask(of: x) {
      guard context.type(values).count == 1 else {
        throw context.unsupported("as many values as the mask selects; use `torch.where` with values of the full shape")
      }
      let value = try context.reshape(values, [])
      let added = accumulate ? try context.op(.add, x, value) : value
      return [try context.op(.where_, mask, added, x)]
    }
    let (axes, indices) = try context.indexTensors(of: x)
    return [
      try context.op(
        .indexUpdate, x, try context.unbroadcast(values), indices,
        attributes: ["axes": .ints(axes), "mode": .string(accumulate ? "add" : "set")])
    ]
  }

  /// An update of the slices along `dim` that the vector `index` names.
  private static func updateAlong(
    _ context: ImportContext, _ update: Operand, mode: String, includesSelf: Bool = true
  ) throws -> [Operand] {
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    guard rank > 0 else { throw context.unsupported("takes no scalars") }
    let axis = try context.axis("dim", rank: rank)
    let index = try context.tensor("index")
    let list = Operand.list(try context.reshape(index, [context.type(index).count]).values)
    return try context.combined(x, update, mode: mode, includesSelf: includesSelf) { x, update, mode in
      try context.op(
        .indexUpdate, x, update, list, attributes: ["axes": .ints([axis]), "mode": .string(mode)])
    }
  }

  /// An update of single elements along `dim`, each at its own index.
  private static func putAlong(
    _ context: ImportContext, _ source: String, mode: String, includesSelf: Bool = true
  ) throws -> [Operand] {
    let (x, index) = (try context.tensor("self"), try context.tensor("index"))
    let (shape, extents) = (context.type(x).shape, context.type(index).shape)
    guard !shape.isEmpty, extents.count == shape.count else { throw context.unsupported("takes no scalars") }
    let axis = try context.axis("dim", rank: shape.count)
    var update = try context.operand(source)
    if update.asValue != nil {
      var ranges = AxisRanges(all: context.type(update).shape)
      ranges.stops = extents
      update = try context.slice(try context.cast(update, to: context.type(x).dtype), ranges)
      update = try context.unbroadcast(update)
    }
    return try context.combined(x, update, mode: mode, includesSelf: includesSelf) { x, update, mode in
      try context.op(.putAlongAxis, x, update, index, attributes: ["axis": .int(axis), "mode": .string(mode)])
    }
  }

  private static func takenAlong(
    _ context: ImportContext, _ x: Operand, _ index: Operand, _ axis: Int
  ) throws -> Operand {
    var ranges = AxisRanges(all: context.type(x).shape)
    for (position, extent) in context.type(index).shape.enumerated() where position != axis {
      ranges.stops[position] = extent
    }
    return try context.op(.takeAlongAxis, try context.slice(x, ranges), index, attributes: ["axis": .int(axis)])
  }

  private static func updateMode(_ context: ImportContext, _ word: String) throws -> String {
    let modes = [
      "add": "add", "sum": "add", "multiply": "multiply", "prod": "multiply", "amax": "max", "amin": "min",
      "mean": "mean",
    ]
    guard let mode = modes[word] else { throw context.unsupported("there is no reduction `\(word)`") }
    return mode
  }

  private static func isIn(_ context: ImportContext, _ x: Operand, _ values: Operand) throws -> [Operand] {
    let found = try context.op(.isIn, x, values)
    return [try context.bool("invert") ? try context.op(.equal, found, .bool(false)) : found]
  }

  private static func searchSorted(
    _ context: ImportContext, _ name: String, _ values: Operand
  ) throws -> [Operand] {
    var sorted = try context.tensor(name)
    let sorter = try context.operand("sorter")
    if !sorter.isAbsent {
      let axis = context.type(sorted).rank - 1
      sorted = try context.op(.takeAlongAxis, sorted, sorter, attributes: ["axis": .int(axis)])
    }
    let right = try context.bool("right") || context.argument("side").asString == "right"
    return [
      try context.op(
        .searchSorted, sorted, try context.cast(values, to: context.type(sorted).dtype),
        attributes: ["right": .bool(right), "dtype": .dtype(try context.resultType().dtype)])
    ]
  }
}

extension ImportContext {
  /// The argument `indices`: which axes are indexed, and by what.
  fileprivate func indexTensors(of x: Operand) throws -> (axes: [Int], indices: Operand) {
    var axes: [Int] = []
    var values: [Value] = []
    for (axis, item) in (argument("indices").asList ?? []).enumerated() where !item.isNull {
      guard let value = try operand(item).asValue else { throw unsupported("an index is not a tensor") }
      guard type(.value(value)).dtype.isInteger else {
        throw unsupported(
          "a boolean mask selects a number of elements that depends on the values; keep the shape with `torch.where`")
      }
      axes.append(axis)
      values.append(value)
    }
    return (axes, .list(values))
  }

  /// The one boolean mask of the argument `indices`, shaped to broadcast against `x`.
  fileprivate func indexMask(of x: Operand) throws -> Operand? {
    let items = argument("indices").asList ?? []
    let given = items.enumerated().filter { !$0.element.isNull }
    guard given.count == 1, let (position, item) = given.first else { return nil }
    let mask = try operand(item)
    guard mask.asValue != nil, type(mask).dtype == .bool else { return nil }
    let trailing = type(x).rank - position - type(mask).rank
    return try reshape(mask, type(mask).shape + Array(repeating: Dim(1), count: max(0, trailing)))
  }

  /// `apply` with one of the catalogue's modes; `mean` and reductions that leave out what was there are made of several.
  fileprivate func combined(
    _ x: Operand, _ update: Operand, mode: String, includesSelf: Bool,
    _ apply: (Operand, Operand, String) throws -> Operand
  ) throws -> [Operand] {
    let type = type(x)
    var base = x
    if !includesSelf {
      switch mode {
      case "multiply": base = try apply(x, .int(1), "set")
      case "max", "min":
        guard type.dtype.isFloating else { throw unsupported("include_self=False of integers is not supported") }
        base = try apply(x, .float(mode == "max" ? -.infinity : .infinity), "set")
      default: base = try apply(x, .int(0), "set")
      }
    }
    guard mode == "mean" else { return [try apply(base, update, mode)] }
    guard type.dtype.isFloating else { throw unsupported("the mean of integers is not supported") }
    let total = try apply(base, update, "add")
    let ones = try builder.full(type, .int(1))
    let counted = try apply(includesSelf ? ones : try apply(ones, .int(0), "set"), .int(1), "add")
    let count = includesSelf ? counted : try op(.where_, try op(.equal, counted, .int(0)), .int(1), counted)
    return [try op(.divide, total, count)]
  }
}
