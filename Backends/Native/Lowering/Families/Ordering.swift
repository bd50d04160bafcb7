import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops whose elements depend on those before them along an axis, or on their order.
  static let ordering: [LoweringRule] = [
    LoweringRule(.cumsum) { planner, call in [try planner.cumulative(.sum, call)] },
    LoweringRule(.cumprod) { planner, call in [try planner.cumulative(.prod, call)] },
    LoweringRule(.cummax) { planner, call in [try planner.cumulative(.max, call)] },
    LoweringRule(.cummin) { planner, call in [try planner.cumulative(.min, call)] },
    LoweringRule(.sort) { planner, call in [try planner.sorted(call, yieldsPositions: false)] },
    LoweringRule(.argsort) { planner, call in [try planner.sorted(call, yieldsPositions: true)] },
  ]
}

extension Planner {
  /// Calls `make` with the Swift type of elements.
  /// - Throws: ``Diagnostic`` with the code `unsupported` for a type that Swift kernels do not know.
  func step(_ dtype: DType, _ make: (any NativeNumber.Type) throws -> any Step) throws -> any Step {
    guard let step = try dtype.withNumberType(make) else {
      throw Diagnostic(.unsupported, "there is no native kernel for \(dtype.rawValue) here", at: origin.location)
    }
    return step
  }

  fileprivate func cumulative(_ kind: ReductionKind, _ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try view(expression(call[0], as: dtype).converted(to: dtype.computeType))
    if shape.isEmpty { return Expression(x).converted(to: dtype) }
    let last = shape.movingLast(try call.axis("axis", rank: shape.count))
    let target = try allocate(shape, x.dtype, order: x.order)
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      CumulativeStep<Element>(kind: kind, source: x.transposed(last), target: target.transposed(last))
    }
    add(try step(x.dtype) { make($0) })
    return Expression(target).converted(to: dtype)
  }

  fileprivate func sorted(_ call: OpCall, yieldsPositions: Bool) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let original = try expression(call[0], as: dtype)
    let x = try view(original.converted(to: original.computeType))
    let target = try allocate(shape, yieldsPositions ? .int64 : x.dtype)
    let isDescending = try call.bool("descending")
    let last = shape.isEmpty ? [] : shape.movingLast(try call.axis("axis", rank: shape.count))
    let (source, result) = shape.isEmpty ? (x.broadcast(to: [1]), target.broadcast(to: [1])) : (x, target)
    let order = last.isEmpty ? [0] : last
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      SortStep<Element>(
        isDescending: isDescending, source: source.transposed(order), target: result.transposed(order),
        yieldsPositions: yieldsPositions)
    }
    add(try step(x.dtype) { make($0) })
    return Expression(target).converted(to: dtype)
  }
}

extension [Int] {
  /// The axes of a shape with one of them last.
  fileprivate func movingLast(_ axis: Int) -> [Int] { indices.filter { $0 != axis } + [axis] }
}
