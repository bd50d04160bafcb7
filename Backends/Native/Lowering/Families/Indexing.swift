import GraftIR
import GraftOps

extension LoweringRule {
  static let indexing: [LoweringRule] = [
    LoweringRule(.index) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let source = try planner.view(planner.expression(call[0], as: dtype))
      let picks = try planner.picks(call, of: source, indices: call[1])
      let target = try planner.allocate(shape, source.dtype)
      planner.add(TakeStep(picks: picks, target: target.transposed(picks.resultOrder)))
      return [Expression(target)]
    },
    LoweringRule(.indexUpdate) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let computeType = dtype.computeType
      let x = try planner.expression(call[0], as: dtype).converted(to: computeType)
      let target = try planner.allocate(shape, computeType)
      try planner.compute(Expression(planner.view(x)), into: target)
      let picks = try planner.picks(call, of: target, indices: call[2])
      guard let mode = UpdateMode(rawValue: try call.string("mode")) else {
        throw Diagnostic(.unsupported, "updates by \(try call.string("mode")) are not native yet")
      }
      let update = try planner.expression(call[1], as: dtype).converted(to: computeType)
      let places = try planner.view(planner.stretched(update, picks.resultShape)).transposed(picks.resultOrder)
      if mode == .add, let step = AddRowsStep(picks, places, planner.kernels.vector) {
        planner.add(step)
        return [Expression(target).converted(to: dtype)]
      }
      func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
        PutStep<Element>(mode: mode, picks: picks, update: places)
      }
      planner.add(try planner.step(computeType) { make($0) })
      return [Expression(target).converted(to: dtype)]
    },
    LoweringRule(.embeddingBag) { planner, call in [try planner.embeddingBag(call)] },
  ]
}

extension Planner {
  /// The places that a call's index tensors name.
  func picks(_ call: OpCall, of source: View, indices operand: Operand) throws -> IndexPicks {
    let axes = try call.axes("axes", rank: source.rank)
    let indices = try operand.values.map { try expression($0).converted(to: .int64) }
    let shape = indices.reduce([]) { Self.broadcast($0, $1.shape) }
    let views = try indices.map { try view(stretched($0, shape)) }
    return IndexPicks(axes: Array(zip(axes, views)).map { (axis: $0, indices: $1) }, source: source)
  }
}

extension Planner {
  fileprivate func embeddingBag(_ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    func floating(_ operand: Operand) throws -> View {
      try view(expression(operand, as: dtype).converted(to: dtype.computeType))
    }
    func integers(_ operand: Operand) throws -> View {
      try view(expression(operand, as: .int64).converted(to: .int64))
    }
    let (table, indices, offsets) = (try floating(call[0]), try integers(call[1]), try integers(call[2]))
    let scale = call[3].isAbsent ? nil : try floating(call[3])
    let padding = try call.optional("padding_index")?.asInt
    guard offsets.rank == 1, offsets.shape[0] >= shape[0], scale.map({ $0.shape == indices.shape }) ?? true else {
      throw invalid("embedding_bag needs the offset of each bag and a factor for each index")
    }
    let target = try allocate(shape, table.dtype)
    let mode = try call.string("mode")
    add(
      try floatingStep(
        table.dtype,
        float: EmbeddingBagStep<Float>(
          mode: .init(rawValue: mode) ?? .mean, table: table, indices: indices, offsets: offsets, scale: scale,
          padding: padding, target: target),
        double: EmbeddingBagStep<Double>(
          mode: .init(rawValue: mode) ?? .mean, table: table, indices: indices, offsets: offsets, scale: scale,
          padding: padding, target: target)))
    return Expression(target).converted(to: dtype)
  }
}

extension IndexPicks {
  /// The result's axes in the order of the indices' first, then the tensor's others: the indices' stand where the first
  /// indexed axis stood, or in front where those are apart.
  var resultOrder: [Int] {
    let indexed = axes.map(\.axis)
    let areTogether = zip(indexed, indexed.dropFirst()).allSatisfy { $1 == $0 + 1 }
    let start = areTogether ? indexed.first ?? 0 : 0
    let picked = Array(start..<start + shape.count)
    let others = (0..<shape.count + rest.count).filter { !picked.contains($0) }
    return picked + others
  }

  /// The shape of what the indices pick.
  var resultShape: [Int] {
    let inOrder = shape + rest.map { source.shape[$0] }
    var result = inOrder
    for (place, axis) in zip(inOrder, resultOrder) { result[axis] = place }
    return result
  }
}
