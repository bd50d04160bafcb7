import GraftIR
import GraftOps

extension IndexTransfers {
  static let shapes: Table = [
    "reshape": { site in
      guard let x = site.function(0) else { return nil }
      if x.isConstant { return x }
      return site.reshaped(x, from: try site.op.type(0).shape)
    },
    "transpose": { site in
      guard let x = site.function(0) else { return nil }
      let permutation = try site.op.axes("permutation", rank: site.type.rank)
      let last = permutation.count - 1
      return site.domain.substitute(in: x) { k in
        permutation.firstIndex(of: last - k).map { site.domain.axis(last - $0) } ?? 0
      }
    },
    "broadcast_to": { site in site.function(0) },
    "slice": { site in
      guard let x = site.function(0) else { return nil }
      let ranges = try AxisRanges(site.op, rank: site.type.rank)
      let last = site.type.rank - 1
      return site.domain.substitute(in: x) { k in
        ranges.starts[last - k] + ranges.steps[last - k] * site.domain.axis(k)
      }
    },
    "flip": { site in
      guard let x = site.function(0) else { return nil }
      let last = site.type.rank - 1
      let flipped = Set(try site.op.axes("axes", rank: site.type.rank).map { last - $0 })
      return site.domain.substitute(in: x) { k in
        flipped.contains(k) ? site.domain.extent(fromEnd: k) - 1 - site.domain.axis(k) : site.domain.axis(k)
      }
    },
    "concat": { site in
      let axis = try site.op.axis("axis", rank: site.type.rank)
      return site.joined(site.op[0].values, alongAxisFromEnd: site.type.rank - 1 - axis)
    },
    "pad": { site in
      guard let x = site.function(0), try site.op.dims("interior").allSatisfy({ $0 == 0 }),
        let fill = site.constant(try site.op.scalar("value"), site.type.dtype)
      else { return nil }
      return site.padded(x, extents: try site.op.type(0).shape, low: try site.op.dims("low"), fill: fill)
    },
  ]
}

extension IndexFunction {
  /// Whether all elements are the same number or truth.
  var isConstant: Bool {
    switch self {
    case .whole(let value): value.axes.isEmpty
    case .number, .boolean(.constant): true
    case .boolean, .choice, .element: false
    }
  }
}

extension IndexSite {
  /// The function of the result's indices where only axes of extent 1 come or go.
  fileprivate func reshaped(_ function: IndexFunction, from shape: [Dim]) -> IndexFunction? {
    func long(_ shape: [Dim]) -> [Int] { shape.indices.filter { shape[$0] != 1 } }
    let (from, to) = (long(shape), long(type.shape))
    guard from.map({ shape[$0] }) == to.map({ type.shape[$0] }) else { return nil }
    let places = Dictionary(zip(from, to).map { (shape.count - 1 - $0, type.rank - 1 - $1) }) { first, _ in first }
    return domain.substitute(in: function) { k in places[k].map(domain.axis) ?? 0 }
  }

  /// Tensors one after another along an axis.
  fileprivate func joined(_ values: [Value], alongAxisFromEnd k: Int) -> IndexFunction? {
    var start: Dim = 0
    var parts: [(stop: Dim, function: IndexFunction)] = []
    for value in values {
      let shape = typeOf(value).shape
      guard let part = known(value) else { return nil }
      let (offset, index) = (start, domain.axis(k))
      guard let moved = domain.substitute(in: part, { $0 == k ? index - offset : domain.axis($0) }) else { return nil }
      start = start + shape[shape.count - 1 - k]
      parts.append((start, moved))
    }
    guard var result = parts.last?.function else { return nil }
    for part in parts.dropLast().reversed() {
      guard let joined = domain.choice(domain.less(domain.axis(k), part.stop), part.function, result) else {
        return nil
      }
      result = joined
    }
    return result
  }

  /// The function moved by `low` along each axis, with `fill` outside.
  fileprivate func padded(
    _ function: IndexFunction, extents: [Dim], low: [Dim], fill: IndexFunction
  ) -> IndexFunction? {
    let last = extents.count - 1
    let inside = extents.indices.flatMap { axis in
      let index = domain.axis(last - axis) - low[axis]
      return [domain.nonNegative(index), domain.less(index, extents[axis])]
    }
    guard let moved = domain.substitute(in: function, { k in domain.axis(k) - low[last - k] }) else { return nil }
    return domain.choice(domain.all(inside), moved, fill)
  }
}
