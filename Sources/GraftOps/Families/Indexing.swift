package import GraftIR

extension OpDefinition {
  static let indexing: [OpDefinition] =
    [index, indexUpdate, takeAlongAxis, putAlongAxis, oneHot, isIn, searchSorted] + diagonals

  /// Elements of `x` picked by integer tensors, one for each of `axes`, which broadcast together (NumPy's advanced
  /// indexing): their axes stand where the indexed ones stood, or in front when those are not adjacent.
  ///
  /// Negative indices count from the end; others outside the extent are not allowed.
  package static let index: OpDefinition = OpDefinition(
    "index", family: .indexing, summary: "Elements picked by integer tensors along some axes.",
    operands: [.tensor("x"), .variadic("indices")], attributes: [AttributeSpec("axes", .axes)],
    infer: { call in [try call.type(0).with(shape: try call.indexedShape(indices: 1))] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let zeros = try b.full(try op.type(0), .float(0))
      return [
        try b(
          .indexUpdate, zeros, ct, op[1],
          attributes: ["axes": try op.attribute("axes"), "mode": .string("add")]), nil,
      ]
    },
    samples: [
      Sample(.normal(5, 3), .list([.integers(-5, 5, 2, 4)]), attributes: ["axes": .ints([0])]),
      Sample(
        .normal(5, 3, 4), .list([.integers(0, 5, 6), .integers(0, 4, 2, 1)]), attributes: ["axes": .ints([0, 2])]),
    ])

  /// `x` with the elements that `index` would pick replaced by, or combined with, `update`, which broadcasts to them.
  ///
  /// Where `set` writes an element more than once, any of the writes may win.
  package static let indexUpdate: OpDefinition = OpDefinition(
    "index_update", family: .indexing, summary: "x with elements picked by integer tensors replaced or combined.",
    operands: [.tensor("x"), .tensorOrScalar("update"), .variadic("indices")],
    attributes: [AttributeSpec("axes", .axes), AttributeSpec("mode", .string(updateModes), default: .string("set"))],
    infer: { call in
      let type = try call.type(0)
      let shape = try call.indexedShape(indices: 2)
      if call[1].asValue != nil {
        let update = try call.type(1)
        guard update.dtype == type.dtype, ShapeRule.broadcast(update.shape, shape) == shape else {
          throw call.problem("\(update) does not fit the elements \(type.with(shape: shape))")
        }
      }
      return [type]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil, nil] }
      let picked = try b(.index, ct, op[2], attributes: ["axes": try op.attribute("axes")])
      switch try op.string("mode") {
      case "add": return [ct, try b.unbroadcast(picked, like: op[1]), nil]
      case "set":
        let rest = try b(.indexUpdate, ct, .float(0), op[2], attributes: ["axes": try op.attribute("axes")])
        return [rest, try b.unbroadcast(picked, like: op[1]), nil]
      case "multiply":
        let ones = try b.full(try op.type(0), .float(1))
        let factors = try b(.indexUpdate, ones, op[1], op[2], attributes: op.attributes)
        let dx = try b.scaled(ct, by: factors)
        let others = try b.scaled(ct, by: op.result)
        let part = try b(.index, others, op[2], attributes: ["axes": try op.attribute("axes")])
        // Exact where no factor is zero.
        return [dx, try b.unbroadcast(b(.divide, part, b.conjugated(op[1])), like: op[1]), nil]
      default: return try b.indexedExtremeGradients(op, ct)
      }
    },
    samples: [
      Sample(
        .normal(5, 3), .normal(2, 3), .list([.tensor(.init(dtype: .int32, shape: [2]), .permutation)]),
        attributes: ["axes": .ints([0])]),
      Sample(
        .normal(5, 3), .normal(4, 3), .list([.integers(0, 5, 4)]),
        attributes: ["axes": .ints([0]), "mode": .string("add")]),
    ])

  static let updateModes = ["set", "add", "multiply", "min", "max"]

  /// `x[i, indices[i, j]]` along one axis: `x` and `indices` [broadcast] agree in the others.
  package static let takeAlongAxis: OpDefinition = OpDefinition(
    "take_along_axis", family: .indexing, summary: "Elements picked along one axis, each by its own index.",
    operands: [.tensor("x"), .tensor("indices")], attributes: [AttributeSpec("axis", .axis)],
    infer: { call in [try call.type(0).with(shape: try call.type(1).shape)] },
    decomposition: { b, op in
      let axis = try op.axis("axis", rank: try op.type(0).rank)
      let indices = try b.alongAxis(op[1], axis: axis)
      return [try b(.index, op[0], indices, attributes: ["axes": .ints(Array(0..<(try op.type(0).rank)))])]
    }, spellings: .numpyAndJAX("take_along_axis(arr:x, indices, axis)"),
    samples: [Sample(.normal(3, 4), .integers(0, 4, 3, 2), attributes: ["axis": .int(1)])])

  /// `x` with the elements that `take_along_axis` would pick replaced by, or combined with, `update` of the indices' shape.
  package static let putAlongAxis: OpDefinition = OpDefinition(
    "put_along_axis", family: .indexing, summary: "x with elements picked along one axis replaced or combined.",
    operands: [.tensor("x"), .tensorOrScalar("update"), .tensor("indices")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("mode", .string(updateModes), default: .string("set"))],
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      let rank = try op.type(0).rank
      let indices = try b.alongAxis(op[2], axis: try op.axis("axis", rank: rank))
      return [
        try b(
          .indexUpdate, op[0], op[1], indices,
          attributes: ["axes": .ints(Array(0..<rank)), "mode": try op.attribute("mode")])
      ]
    },
    samples: [
      Sample(
        .normal(3, 4), .normal(3, 2), .integers(0, 4, 3, 2), attributes: ["axis": .int(1), "mode": .string("add")])
    ])

  /// A new last axis of extent `count` that is 1 at the index and 0 elsewhere.
  package static let oneHot: OpDefinition = OpDefinition(
    "one_hot", family: .indexing, summary: "A new last axis that is 1 at the index and 0 elsewhere.",
    operands: [.tensor("indices")], attributes: [AttributeSpec("count", .dim), AttributeSpec("dtype", .dtype)],
    infer: { call in
      [TensorType(try call.dtype("dtype"), try call.type(0).shape + [try call.dim("count")])]
    }, differentiability: .none("takes integers"),
    decomposition: { b, op in
      let type = try op.type(0)
      let classes = try b(.arange, attributes: ["count": try op.attribute("count"), "dtype": .dtype(type.dtype)])
      let column = try b(.reshape, op[0], attributes: ["shape": .dims(type.shape + [1])])
      return [try b(.cast, try b(.equal, column, classes), attributes: ["dtype": try op.attribute("dtype")])]
    },
    spellings: [
      .torch("torch.nn.functional.one_hot(input:indices, num_classes:count=-1)"),
      .jax("jax.nn.one_hot(x:indices, num_classes:count, dtype)"),
    ], samples: [Sample(.integers(0, 4, 5), attributes: ["count": .int(4), "dtype": .dtype(.int32)])])

  /// Whether each element of `x` is among those of `values`.
  package static let isIn: OpDefinition = OpDefinition(
    "is_in", family: .indexing, summary: "Whether each element is among those of another tensor.",
    operands: [.tensor("x"), .tensor("values")], promotion: .common,
    infer: { [try $0.type(0).with(dtype: .bool)] },
    differentiability: .none("yields booleans"),
    decomposition: { b, op in
      let (x, values) = (try op.type(0), try op.type(1))
      let column = try b(.reshape, op[0], attributes: ["shape": .dims(x.shape + [1])])
      let row = try b(.reshape, op[1], attributes: ["shape": .dims([values.count])])
      return [try b(.anyTrue, try b(.equal, column, row), attributes: ["axes": .ints([x.rank])])]
    }, spellings: .numpyAndJAX("isin(element:x, test_elements:values)"),
    samples: [Sample(.integers(0, 9, 3, 4), .integers(0, 9, 3))])

  /// Where each of `values` [..., m] belongs in the ascending last axis of `sorted` [..., n]: the number of elements
  /// below it, or with `right` those not above it. Leading axes agree, unless `sorted` is a vector.
  package static let searchSorted: OpDefinition = OpDefinition(
    "search_sorted", family: .sorting, summary: "Where values belong in an ascending axis.",
    operands: [.tensor("sorted"), .tensor("values")],
    attributes: [AttributeSpec("right", .bool, default: .bool(false)), AttributeSpec("dtype", .dtype)],
    promotion: .common, infer: { call in [try call.type(1).with(dtype: try call.dtype("dtype"))] },
    differentiability: .none("yields integers"),
    decomposition: { b, op in
      let (sorted, values) = (try op.type(0), try op.type(1))
      var shape = sorted.shape
      if sorted.rank > 1 { shape.insert(1, at: sorted.rank - 1) }
      let row = try b(.reshape, op[0], attributes: ["shape": .dims(shape)])
      let column = try b(.reshape, op[1], attributes: ["shape": .dims(values.shape + [1])])
      let below = try b(try op.bool("right") ? .lessEqual : .less, row, column)
      let counted = try b(.cast, below, attributes: ["dtype": try op.attribute("dtype")])
      return [try b(.sum, counted, attributes: ["axes": .ints([values.rank])])]
    },
    samples: [
      Sample(
        .tensor(.init(dtype: .float32, shape: [4]), .permutation), .normal(3), attributes: ["dtype": .dtype(.int32)])
    ])
}

extension OpCall {
  /// The shape of the elements that the index tensors from operand `position` pick.
  fileprivate func indexedShape(indices position: Int) throws -> [Dim] {
    let type = try type(0)
    let axes = try axes("axes", rank: type.rank)
    let indices = try types(position)
    guard axes.count == indices.count, !axes.isEmpty, axes == axes.sorted() else {
      throw problem("needs an index tensor for each of the axes \(axes), in order")
    }
    var picked: [Dim] = []
    for index in indices {
      guard index.dtype.isInteger else { throw problem("indices are integers, not \(index)") }
      guard let merged = ShapeRule.broadcast(picked, index.shape) else { throw problem("indices do not broadcast") }
      picked = merged
    }
    let rest = ShapeRule.reduced(type.shape, axes: axes, keepdims: false)
    let isAdjacent = axes.count == axes[axes.count - 1] - axes[0] + 1
    let front = isAdjacent ? axes[0] : 0
    return rest.prefix(front) + picked + rest.dropFirst(front)
  }
}

extension GraphBuilder {
  /// Equal shares of the cotangent for the elements, old or new, that are the extreme.
  fileprivate func indexedExtremeGradients(_ op: OpCall, _ ct: Operand) throws -> [Operand?] {
    let type = try op.type(0)
    let axes = try op.attribute("axes")
    func picked(_ x: Operand) throws -> Operand { try self(.index, x, op[2], attributes: ["axes": axes]) }
    func number(_ x: Operand) throws -> Operand { try self(.cast, x, attributes: ["dtype": .dtype(type.dtype)]) }
    let isOld = try number(self(.equal, op[0], op.result))
    let isNew = try number(self(.equal, op[1], try picked(op.result)))
    let count = try self(.indexUpdate, isOld, isNew, op[2], attributes: ["axes": axes, "mode": .string("add")])
    let share = try self(.divide, ct, count)
    let update = try self(.multiply, try picked(share), isNew)
    return [try self(.multiply, share, isOld), try unbroadcast(update, like: op[1]), nil]
  }

  /// A tensor of one number.
  package func full(_ type: TensorType, _ value: Scalar) throws -> Operand {
    try self(.full, attributes: ["shape": .dims(type.shape), "value": .scalar(value), "dtype": .dtype(type.dtype)])
  }

  /// `0, 1, ...` along one of `rank` axes, the others of extent 1.
  package func positions(_ count: Dim, axis: Int, rank: Int, dtype: DType) throws -> Operand {
    let line = try self(.arange, attributes: ["count": .dim(count), "dtype": .dtype(dtype)])
    var shape = Array(repeating: Dim(1), count: rank)
    shape[axis] = count
    return rank == 1 ? line : try self(.reshape, line, attributes: ["shape": .dims(shape)])
  }

  /// One index tensor for each axis: `indices` along `axis`, the others' own positions.
  fileprivate func alongAxis(_ indices: Operand, axis: Int) throws -> Operand {
    let type = type(indices)
    let all = try (0..<type.rank).map { position in
      position == axis
        ? indices : try positions(type.shape[position], axis: position, rank: type.rank, dtype: type.dtype)
    }
    return .list(all.compactMap(\.asValue))
  }
}
