import GraftIR
import GraftOps

extension LoweringRule {
  static let reductions: [LoweringRule] = [
    LoweringRule(.sum) { planner, call in [try planner.reduce(.sum, call)] },
    LoweringRule(.prod) { planner, call in [try planner.reduce(.prod, call)] },
    LoweringRule(.amax) { planner, call in [try planner.reduce(.max, call)] },
    LoweringRule(.amin) { planner, call in [try planner.reduce(.min, call)] },
    LoweringRule(.anyTrue) { planner, call in [try planner.reduce(.max, call)] },
    LoweringRule(.allTrue) { planner, call in [try planner.reduce(.min, call, ofNone: true)] },
    LoweringRule(.argmax) { planner, call in [try planner.position(call, isMaximum: true)] },
    LoweringRule(.argmin) { planner, call in [try planner.position(call, isMaximum: false)] },
  ]
}

extension Planner {
  /// A reduction over the call's axes, in the type of its result.
  ///
  /// - Parameter ofNone: what the reduction of no elements is, where that is neither zero nor one.
  fileprivate func reduce(_ kind: ReductionKind, _ call: OpCall, ofNone: Bool? = nil) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try expression(call[0], as: dtype).converted(to: dtype.computeType)
    let axes = try call.axes("axes", rank: x.shape.count)
    let count = axes.reduce(1) { $0 * x.shape[$1] }
    if count == 0, let ofNone { return Expression(.scalar(.bool(ofNone)), dtype: dtype, shape: shape) }
    return try reshaped(reduce(kind, x, over: axes), shape).converted(to: dtype)
  }

  /// A reduction that drops the axes.
  func reduce(_ kind: ReductionKind, _ x: Expression, over axes: [Int]) throws -> Expression {
    if let unrepeated = try unrepeatedReduction(kind, x, over: axes) { return unrepeated }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let source = try view(x).transposed(kept + axes)
    if let first = innermost(of: source, after: kept.count), kind != .prod {
      let inner = try reduce(kind, Expression(source), over: [first])
      return try reduce(kind, inner, over: Array(kept.count..<source.rank - 1))
    }
    let target = try allocate(kept.map { x.shape[$0] }, x.dtype)
    if let step = MatrixReductionStep(kind, source, target, kernels.path) {
      add(step)
    } else {
      add(try reduction(kind, source, target))
    }
    return Expression(target)
  }

  /// The reduction where x repeats one element along some of the axes: a sum is so many times as large.
  private func unrepeatedReduction(
    _ kind: ReductionKind, _ x: Expression, over axes: [Int]
  ) throws -> Expression? {
    guard case .view(let source) = x.node, kind != .prod, x.shape.allSatisfy({ $0 > 0 }) else { return nil }
    let repeated = axes.filter { source.strides[$0] == 0 && source.shape[$0] > 1 }
    guard !repeated.isEmpty else { return nil }
    var single = source
    for axis in repeated { single.shape[axis] = 1 }
    let reduced = try reduce(kind, Expression(single), over: axes)
    guard kind == .sum else { return reduced }
    let count = repeated.reduce(1) { $0 * source.shape[$1] }
    return try applying(.multiply, reduced, Expression(.scalar(.int(count)), dtype: x.dtype, shape: []))
  }

  /// The axis with the nearest elements among those that are reduced, where they do not lie as one: taken by itself, it
  /// leaves less for the others.
  private func innermost(of source: View, after kept: Int) -> Int? {
    guard source.count > 0, MatrixReductionStep.isOfSeveralAxes(source, kept: kept) else {
      return nil
    }
    return (kept..<source.rank).filter { source.shape[$0] > 1 }.min {
      abs(source.strides[$0]) < abs(source.strides[$1])
    }
  }

  private func reduction(_ kind: ReductionKind, _ source: View, _ target: View) throws -> any Step {
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      ReduceStep<Element, Element>(kind: kind, source: source, target: target, widen: { $0 }, narrow: { $0 })
    }
    if source.dtype == .float32 {
      return ReduceStep<Float, Double>(
        kind: kind, source: source, target: target, widen: { Double($0) }, narrow: { Float($0) })
    }
    guard let step = source.dtype.withNumberType({ make($0) }) else {
      throw Diagnostic(.unsupported, "reductions of \(source.dtype.rawValue) are not native yet", at: origin.location)
    }
    return step
  }

  fileprivate func position(_ call: OpCall, isMaximum: Bool) throws -> Expression {
    let (shape, _) = try call.resultType(self)
    var x = try expression(call[0], as: .float32)
    x = x.converted(to: x.computeType)
    var source = try view(x)
    if try call.optional("axis") != nil {
      let axis = try call.axis("axis", rank: x.shape.count)
      source = source.transposed(x.shape.indices.filter { $0 != axis } + [axis])
    } else {
      source = try view(reshaped(x, [x.shape.reduce(1, *)]))
    }
    let target = try allocate(Array(source.shape.dropLast()), .int64)
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      PositionStep<Element>(isMaximum: isMaximum, source: source, target: target)
    }
    guard source.shape.last != 0, let step = source.dtype.withNumberType({ make($0) }) else {
      throw Diagnostic(
        .unsupported, "argmax of \(source.dtype.rawValue)\(source.shape) is not native", at: origin.location)
    }
    add(step)
    return try reshaped(Expression(target), shape)
  }
}
