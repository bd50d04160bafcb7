import GraftIR
import GraftOps

extension IndexTransfers {
  static let indexing: Table = [
    "index": { site in
      site.picked(axes: try site.op.axes("axes", rank: try site.op.type(0).rank), by: site.op[1].values)
    },
    "embedding": { site in
      guard try site.op.optional("padding_index") == nil else { return nil }
      return site.picked(axes: [0], by: site.op[1].values)
    },
  ]

  static let scans: Table = [
    "cumsum": { site in
      guard site.type.dtype.isInteger, let x = site.function(0) else { return nil }
      let k = site.type.rank - 1 - (try site.op.axis("axis", rank: site.type.rank))
      return site.domain.sum(x, overAxis: k, count: site.domain.axis(k) + 1)
    },
    "sum": { site in
      guard site.type.dtype.isInteger, let x = site.function(0) else { return nil }
      return try site.reduced(x) { inner, function, k in
        inner.sum(function, overAxis: k, count: inner.extent(fromEnd: k))
      }
    },
    "all": unchanged, "any": unchanged, "max": unchanged, "min": unchanged,
  ]

  /// A reduction that gives the element where all over the axes are the same, and there are some.
  private static let unchanged: IndexTransfer = { site in
    guard let x = site.function(0) else { return nil }
    return try site.reduced(x) { inner, function, k in
      function.axes.contains(k) || !inner.isPositive(inner.extent(fromEnd: k)) ? nil : function
    }
  }
}

extension IndexDomain {
  /// The sum of the elements with indices 0 up to `count` along an axis, where there is a closed form.
  func sum(_ function: IndexFunction, overAxis k: Int, count: Dim) -> IndexFunction? {
    switch function {
    case .whole(let value):
      guard let (slope, rest) = value.linear(inAxis: k) else { return nil }
      return .whole(rest * count + (slope * count * (count - 1)).floorDivided(by: 2))
    case .choice(let condition, let a, let b):
      guard !condition.axes.contains(k), let a = sum(a, overAxis: k, count: count),
        let b = sum(b, overAxis: k, count: count)
      else { return nil }
      return choice(condition, a, b)
    case .number, .boolean, .element: return nil
    }
  }
}

extension IndexSite {
  /// A reduction over the operation's axes, one after another.
  fileprivate func reduced(
    _ function: IndexFunction, _ step: (IndexDomain, IndexFunction, Int) -> IndexFunction?
  ) throws -> IndexFunction? {
    let shape = try op.type(0).shape
    let (last, keepsAxes) = (shape.count - 1, try op.bool("keepdims"))
    let axes = try op.axes("axes", rank: shape.count)
    let inner = domain.with(shape: shape)
    var result = function
    for axis in axes {
      guard let next = step(inner, result, last - axis) else { return nil }
      result = next
    }
    if keepsAxes { return result }
    let rest = shape.indices.filter { !axes.contains($0) }
    return domain.substitute(in: result) { k in
      rest.firstIndex(of: last - k).map { domain.axis(rest.count - 1 - $0) } ?? 0
    }
  }

  /// Elements of the first operand picked by index tensors, as `index` and `embedding` do.
  fileprivate func picked(axes: [Int], by indices: [Value]) -> IndexFunction? {
    guard let x = op[0].asValue, axes.count == indices.count, let first = axes.first, let end = axes.last else {
      return nil
    }
    let shape = typeOf(x).shape
    let pickedRank = indices.map { typeOf($0).rank }.max() ?? 0
    let front = end - first + 1 == axes.count ? first : 0
    // The axes of the result: `front` of x's, the index tensors', the rest of x's.
    let behind = shape.count - axes.count - front
    var positions: [Int: Dim] = [:]
    for (axis, index) in zip(axes, indices) {
      guard case .whole(let value) = known(index) else { return nil }
      let moved = value.substitutingAxes { domain.axis($0 + behind) }
      if domain.isNonNegative(moved) {
        positions[axis] = moved
      } else if domain.isNonNegative(-moved - 1) {
        positions[axis] = moved + shape[axis]
      } else {
        return nil
      }
    }
    let others = shape.indices.filter { positions[$0] == nil }
    for (place, axis) in others.enumerated() {
      let k = others.count - 1 - place
      positions[axis] = domain.axis(place < front ? k + pickedRank : k)
    }
    return domain.substitute(in: lifted(x)) { k in positions[shape.count - 1 - k] ?? 0 }
  }
}
