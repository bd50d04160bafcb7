import GraftIR
import GraftOps

/// Writes an index function as operations, as short as it can.
struct IndexPlanner {
  typealias Reference = IndexPlanTable.Reference

  /// An expression of operations whose shape broadcasts to the tensor's.
  struct Planned {
    var reference: Reference
    var shape: [Dim]

    static func scalar(_ scalar: Scalar) -> Planned { Planned(reference: .scalar(scalar), shape: []) }

    var isScalar: Bool { if case .scalar = reference { true } else { false } }
  }

  /// The indices of the tensor.
  let domain: IndexDomain
  let typeOf: (Value) -> TensorType
  var table: IndexPlanTable

  /// The tensor's elements, under its shape or, if `isCompact`, one that broadcasts to it; nil where there is no form
  /// for them.
  mutating func tensor(_ function: IndexFunction, _ type: TensorType, isCompact: Bool) -> Planned? {
    guard let planned = plan(function, type.dtype) else { return nil }
    if case .scalar(let scalar) = planned.reference {
      let shape = isCompact ? [] : type.shape
      return Planned(reference: full(scalar, shape, type.dtype), shape: shape)
    }
    return isCompact ? planned : expanded(planned, to: type.shape)
  }

  private mutating func plan(_ function: IndexFunction, _ dtype: DType) -> Planned? {
    switch function {
    case .whole(let value):
      guard dtype.isFloating else { return whole(value, dtype) }
      return value.knownValue == nil ? whole(value, dtype) : .scalar(.float(Double(value.constant)))
    case .number(let bits): return .scalar(.float(Double(bitPattern: bits)))
    case .boolean(let condition): return plan(condition)
    case .element(let element): return view(element)
    case .choice(let condition, let a, let b): return choice(condition, a, b, dtype)
    }
  }

  private mutating func choice(
    _ condition: IndexCondition, _ a: IndexFunction, _ b: IndexFunction, _ dtype: DType
  ) -> Planned? {
    guard let test = plan(condition) else { return nil }
    if a.isNumber(1), b.isNumber(0) {
      return Planned(
        reference: table.node(.cast, test.reference, attributes: ["dtype": .dtype(dtype)]), shape: test.shape)
    }
    guard var x = plan(a, dtype), let y = plan(b, dtype) else { return nil }
    if x.isScalar, y.isScalar, case .scalar(let scalar) = x.reference {
      x = Planned(reference: full(scalar, [], dtype), shape: [])
    }
    guard let inner = ShapeRule.broadcast(x.shape, y.shape), let shape = ShapeRule.broadcast(test.shape, inner) else {
      return nil
    }
    return Planned(reference: table.node(.where_, test.reference, x.reference, y.reference), shape: shape)
  }

  private mutating func full(_ value: Scalar, _ shape: [Dim], _ dtype: DType) -> Reference {
    table.node(.full, attributes: ["shape": .dims(shape), "value": .scalar(value), "dtype": .dtype(dtype)])
  }

  /// The expression under a shape to which it broadcasts.
  private mutating func expanded(_ planned: Planned, to shape: [Dim]) -> Planned {
    if planned.shape == shape { return planned }
    let missing = max(0, shape.count - planned.shape.count)
    let padded = Array(repeating: Dim(1), count: missing) + planned.shape
    let reference =
      padded == shape
      ? table.reshape(planned.reference, to: shape)
      : table.node(.broadcastTo, planned.reference, attributes: ["shape": .dims(shape)])
    return Planned(reference: reference, shape: shape)
  }

  // MARK: Whole numbers

  /// A sum of multiples of indices and a number that depends on none.
  private mutating func whole(_ value: Dim, _ dtype: DType) -> Planned? {
    guard [.int32, .int64, .float32, .float64].contains(dtype), let (multiples, rest) = value.multiplesOfAxes else {
      return nil
    }
    guard var first = multiples.first else { return dtype.isInteger ? extent(rest, dtype) : nil }
    var others = Array(multiples.dropFirst())
    if first.coefficient < 0, let index = others.firstIndex(where: { $0.coefficient > 0 }) {
      swap(&first, &others[index])
    }
    let start = rest.knownValue
    guard dtype.isInteger || start != nil else { return nil }
    var sum = line(first.axis, start: start ?? 0, step: first.coefficient, dtype)
    for other in others {
      let step = abs(other.coefficient)
      let next = line(other.axis, start: 0, step: step, dtype)
      guard let joined = binary(other.coefficient < 0 ? .subtract : .add, sum, next) else { return nil }
      sum = joined
    }
    return start == nil ? binary(.add, sum, extent(rest, dtype)) : sum
  }

  /// A number that depends on no index.
  private mutating func extent(_ value: Dim, _ dtype: DType) -> Planned {
    if let known = value.knownValue { return .scalar(.int(known)) }
    return Planned(
      reference: table.node(.dimension, attributes: ["value": .dim(value), "dtype": .dtype(dtype)]), shape: [])
  }

  /// `start + step * index` along an axis, those behind it of extent 1.
  private mutating func line(_ axis: Int, start: Int, step: Int, _ dtype: DType) -> Planned {
    let count = domain.extent(fromEnd: axis)
    let numbers = table.node(
      .arange,
      attributes: [
        "count": .dim(count), "start": .scalar(.int(start)), "step": .scalar(.int(step)), "dtype": .dtype(dtype),
      ])
    let shape = [count] + Array(repeating: Dim(1), count: axis)
    return Planned(reference: axis == 0 ? numbers : table.reshape(numbers, to: shape), shape: shape)
  }

  private mutating func binary(_ definition: OpDefinition, _ x: Planned, _ y: Planned) -> Planned? {
    guard let shape = ShapeRule.broadcast(x.shape, y.shape), !(x.isScalar && y.isScalar) else { return nil }
    return Planned(reference: table.node(definition, x.reference, y.reference), shape: shape)
  }

  // MARK: Conditions

  private mutating func plan(_ condition: IndexCondition) -> Planned? {
    switch condition {
    case .constant(let holds): return .scalar(.bool(holds))
    case .nonNegative(let value): return order(value)
    case .zero(let value): return equality(value, .equal)
    case .nonZero(let value): return equality(value, .notEqual)
    case .element(let element, let holds):
      guard let view = view(element) else { return nil }
      return holds ? view : Planned(reference: table.node(.bitwiseNot, view.reference), shape: view.shape)
    case .all(let parts): return joined(parts, .bitwiseAnd)
    case .any(let parts): return joined(parts, .bitwiseOr)
    }
  }

  private mutating func joined(_ parts: [IndexCondition], _ definition: OpDefinition) -> Planned? {
    var result: Planned?
    for part in parts {
      guard let next = plan(part) else { return nil }
      if let known = result {
        guard let both = binary(definition, known, next) else { return nil }
        result = both
      } else {
        result = next
      }
    }
    return result
  }

  /// `value >= 0` as a comparison of what is added with what is subtracted.
  private mutating func order(_ value: Dim) -> Planned? {
    guard let (multiples, rest) = value.multiplesOfAxes else { return nil }
    if multiples.count == 1, abs(multiples[0].coefficient) == 1 {
      let index = line(multiples[0].axis, start: 0, step: 1, .int64)
      let isLower = multiples[0].coefficient == 1
      return binary(isLower ? .greaterEqual : .less, index, extent(isLower ? -rest : rest + 1, .int64))
    }
    guard let (plus, minus) = multiples.difference else {
      guard let sum = whole(value, .int64) else { return nil }
      return binary(.greaterEqual, sum, .scalar(.int(0)))
    }
    let (x, y) = (line(plus, start: 0, step: 1, .int64), line(minus, start: 0, step: 1, .int64))
    if rest == 0 { return binary(.lessEqual, y, x) }
    if rest == -1 { return binary(.less, y, x) }
    if let known = rest.knownValue, known < 0 {
      guard let distance = binary(.subtract, x, y) else { return nil }
      return binary(.greaterEqual, distance, .scalar(.int(-known)))
    }
    guard let distance = binary(.subtract, y, x) else { return nil }
    return binary(.less, distance, extent(rest + 1, .int64))
  }

  /// Whether `value` is zero, or is not.
  private mutating func equality(_ value: Dim, _ definition: OpDefinition) -> Planned? {
    guard let (multiples, rest) = value.multiplesOfAxes else { return nil }
    if multiples.count == 1, abs(multiples[0].coefficient) == 1 {
      let index = line(multiples[0].axis, start: 0, step: 1, .int64)
      return binary(definition, index, extent(multiples[0].coefficient == 1 ? -rest : rest, .int64))
    }
    if rest == 0, let (plus, minus) = multiples.difference {
      let (x, y) = (line(plus, start: 0, step: 1, .int64), line(minus, start: 0, step: 1, .int64))
      return binary(definition, x, y)
    }
    guard let sum = whole(value, .int64) else { return nil }
    return binary(definition, sum, .scalar(.int(0)))
  }

  // MARK: Elements

  /// The elements of another tensor as a view of it: a range of it with its axes in another order.
  private mutating func view(_ element: IndexedElement) -> Planned? {
    var view = Planned(reference: .value(element.value), shape: typeOf(element.value).shape)
    var ranges: [(axis: Int?, start: Dim, step: Int)] = []
    for index in element.indices {
      guard let (multiples, start) = index.multiplesOfAxes, multiples.count <= 1 else { return nil }
      let (axis, step) = (multiples.first?.axis, multiples.first?.coefficient ?? 1)
      guard step > 0, axis == nil || !ranges.contains(where: { $0.axis == axis }) else { return nil }
      ranges.append((axis, start, step))
    }
    guard ranges.count == view.shape.count else { return nil }
    for place in ranges.indices.reversed() where ranges[place].axis == nil && view.shape[place] != 1 {
      view.reference = table.node(
        .select, view.reference, attributes: ["axis": .int(place), "index": .dim(ranges[place].start)])
      view.shape.remove(at: place)
      ranges.remove(at: place)
    }
    var parts = AxisRanges(all: view.shape)
    for (place, range) in ranges.enumerated() {
      guard let axis = range.axis else { continue }
      parts.starts[place] = range.start
      parts.stops[place] = range.start + (domain.extent(fromEnd: axis) - 1) * Dim(range.step) + 1
      parts.steps[place] = Dim(range.step)
    }
    if parts != AxisRanges(all: view.shape) {
      view = Planned(
        reference: table.node(.slice, view.reference, attributes: parts.values), shape: parts.shape)
    }
    return ordered(view, ranges.map(\.axis))
  }

  /// A tensor whose axes are those of the result counted from the last, or nil for ones of extent 1 to drop.
  private mutating func ordered(_ planned: Planned, _ axes: [Int?]) -> Planned? {
    var planned = planned
    let kept = axes.compactMap { $0 }
    let sorted = kept.sorted(by: >)
    if kept != sorted {
      let places = sorted.compactMap { axes.firstIndex(of: $0) }
      let permutation = axes.indices.filter { axes[$0] == nil } + places
      planned.reference = table.node(
        .transpose, planned.reference, attributes: ["permutation": .ints(permutation)])
      planned.shape = permutation.map { planned.shape[$0] }
    }
    var shape = Array(repeating: Dim(1), count: sorted.first.map { $0 + 1 } ?? 0)
    for axis in kept { shape[shape.count - 1 - axis] = domain.extent(fromEnd: axis) }
    if shape != planned.shape {
      planned = Planned(reference: table.reshape(planned.reference, to: shape), shape: shape)
    }
    return planned
  }
}

extension IndexFunction {
  /// Whether every element is this number, of whatever type.
  fileprivate func isNumber(_ number: Int) -> Bool {
    self == .whole(Dim(number)) || self == .number(Double(number))
  }
}

/// A multiple of the index along an axis, counted from the last.
private struct AxisMultiple {
  var axis: Int
  var coefficient: Int
}

extension Dim {
  /// The expression as known multiples of indices and what depends on none; nil where it is no such sum. Outer axes
  /// come first.
  fileprivate var multiplesOfAxes: (multiples: [AxisMultiple], rest: Dim)? {
    var (multiples, rest): ([AxisMultiple], Dim) = ([], self)
    for axis in axes.reversed() {
      guard let (slope, remaining) = rest.linear(inAxis: axis), let coefficient = slope.knownValue else { return nil }
      multiples.append(AxisMultiple(axis: axis, coefficient: coefficient))
      rest = remaining
    }
    return rest.axes.isEmpty ? (multiples, rest) : nil
  }
}

extension [AxisMultiple] {
  /// The axes of an index less another.
  fileprivate var difference: (plus: Int, minus: Int)? {
    guard count == 2, let plus = first(where: { $0.coefficient == 1 }),
      let minus = first(where: { $0.coefficient == -1 })
    else { return nil }
    return (plus.axis, minus.axis)
  }
}
