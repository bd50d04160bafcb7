import GraftIR

extension GraphBuilder {
  // MARK: Resizing

  /// The cotangent of what ``OpDefinition/resize`` samples: along each axis a product with the matrix of its weights.
  func resizeGradient(_ op: OpCall, _ cotangent: Operand) throws -> Operand {
    let x = try op.type(0)
    let ratios = try (op.attribute("ratios").asList ?? []).map { $0.asDouble ?? 0 }
    var result = cotangent
    for axis in 2..<x.rank {
      let ratio = ratios.isEmpty ? 0 : ratios[axis - 2]
      let (extent, count) = (x.shape[axis], shape(result)[axis])
      if extent == count, ratio == 0 || ratio == 1 { continue }
      let weights = try resizeWeights(op, extent: extent, count: count, ratio: ratio)
      let matrix = try self(.cast, weights, attributes: ["dtype": .dtype(x.dtype)])
      var permutation = Array(0..<x.rank)
      permutation.swapAt(axis, x.rank - 1)
      let last = try self(.transpose, result, attributes: ["permutation": .ints(permutation)])
      let product = try self(.matmul, last, matrix)
      result = try self(.transpose, product, attributes: ["permutation": .ints(permutation)])
    }
    return result
  }

  /// The weights [count, extent] of the elements along an axis in those that are sampled from it.
  private func resizeWeights(_ op: OpCall, extent: Dim, count: Dim, ratio given: Double) throws -> Operand {
    let method = try op.string("method")
    let aligns = try op.bool("align_corners")
    let isNearest = method.hasPrefix("nearest")
    // In single precision, as PyTorch has it.
    let dtype: DType = isNearest ? .float32 : .float64
    let element = Term(self, try positions(extent, axis: 1, rank: 2, dtype: dtype))
    let index = Term(self, try positions(count, axis: 0, rank: 2, dtype: dtype))
    let ratio = try given != 0 ? Term(given) : quotient(extent, count, dtype)
    let end = Term(self, try size(extent - 1, dtype: dtype))
    if isNearest {
      let place = try ((index + Term(method == "nearest" ? 0 : 0.5)) * ratio).applying(.floor)
      let inside = try place.applying(.minimum, end)
      return try self(.cast, inside.applying(.equal, element).operand, attributes: ["dtype": .dtype(.float64)])
    }
    let step = try aligns ? quotient(extent - 1, Dim.maximum(count - 1, 1), dtype) : ratio
    let centre = try aligns ? index * step : (index + 0.5) * step - 0.5
    if try op.bool("antialias") {
      // As wide as the distance between samples where that is above 1; the sampled element lies at its centre.
      let middle = try (index + 0.5) * step - 0.5
      let distance = try (element - middle) / wideStep(step, extent, count, given)
      let shares = try method == "linear" ? tent(distance) : cubic(distance, a: -0.5)
      return try (shares / sum(shares, axis: 1, keepdims: true)).operand
    }
    if method == "linear" {
      let place = try centre.applying(.maximum, 0).applying(.minimum, end)
      return try tent(element - place).operand
    }
    let start = try centre.applying(.floor)
    var total: Term?
    for tap in -1...2 {
      let place = try start + Term(Double(tap))
      let inside = try place.applying(.maximum, 0).applying(.minimum, end)
      let share = try cubic(centre - place, a: -0.75).where_(inside.applying(.equal, element), else: 0)
      total = try total.map { try $0 + share } ?? share
    }
    return total?.operand ?? centre.operand
  }

  private func quotient(_ a: Dim, _ b: Dim, _ dtype: DType) throws -> Term {
    if let a = a.knownValue, let b = b.knownValue { return Term(Double(a) / Double(b)) }
    return try Term(self, size(a, dtype: dtype)) / Term(self, size(b, dtype: dtype))
  }

  /// The step, or 1 where it is less.
  private func wideStep(_ step: Term, _ extent: Dim, _ count: Dim, _ given: Double) throws -> Term {
    if let number = step.operand.asScalar?.asDouble { return Term(max(number, 1)) }
    return try step.applying(.maximum, 1)
  }

  private func tent(_ distance: Term) throws -> Term { try (1 - distance.abs).applying(.maximum, 0) }

  /// The weight at a distance of cubic convolution (Keys, 1981).
  fileprivate func cubic(_ distance: Term, a: Double) throws -> Term {
    let x = try distance.abs
    let inner = try (Term(a + 2) * x - Term(a + 3)) * x * x + 1
    let outer = try ((Term(a) * x - Term(5 * a)) * x + Term(8 * a)) * x - Term(4 * a)
    return try inner.where_(x <= 1, else: outer.where_(x < 2, else: 0))
  }

  // MARK: Grids

  /// Places along an axis with their weights; a place outside is one of no weight.
  private typealias Tap = (place: Term, weight: Term)

  /// The decomposition of ``OpDefinition/gridSample``.
  func gridSample(_ op: OpCall) throws -> Operand {
    let (x, grid) = (try op.type(0), try op.type(1))
    let rank = x.rank - 2
    let taps = try (0..<rank).map { axis in
      let coordinate = try self(
        .select, op[1], attributes: ["axis": .int(grid.rank - 1), "index": .int(rank - 1 - axis)])
      return try gridTaps(Term(self, coordinate), extent: x.shape[axis + 2], op)
    }
    let batch = try positions(x.shape[0], axis: 0, rank: grid.rank - 1, dtype: .int64)
    var total: Term?
    func visit(_ axis: Int, _ places: [Operand], _ weight: Term?) throws {
      guard axis < rank else {
        let indices = Operand.list(([batch] + places).compactMap(\.asValue))
        let picked = try self(.index, op[0], indices, attributes: ["axes": .ints([0] + Array(2..<x.rank))])
        guard let weight else { return }
        let column = try shaped(weight.operand, shape(weight.operand) + [1])
        let share = try Term(self, picked) * Term(self, column)
        total = try total.map { try $0 + share } ?? share
        return
      }
      for tap in taps[axis] {
        let place = try self(.cast, tap.place.operand, attributes: ["dtype": .dtype(.int64)])
        try visit(axis + 1, places + [place], try weight.map { try $0 * tap.weight } ?? tap.weight)
      }
    }
    try visit(0, [], nil)
    guard let total else { throw op.problem("has no spatial axes") }
    let order = [0, x.rank - 1] + Array(1..<(x.rank - 1))
    return try self(.transpose, total.operand, attributes: ["permutation": .ints(order)])
  }

  private func gridTaps(_ coordinate: Term, extent: Dim, _ op: OpCall) throws -> [Tap] {
    let aligns = try op.bool("align_corners")
    let dtype = type(coordinate.operand).dtype
    let count = Term(self, try size(extent, dtype: dtype))
    let end = Term(self, try size(extent - 1, dtype: dtype))
    let raw = try aligns ? (coordinate + 1) * 0.5 * end : ((coordinate + 1) * count - 1) * 0.5
    func inside(_ place: Term) throws -> Term { try gridInside(place, extent: extent, op) }
    func tap(_ place: Term, _ weight: Term) throws -> Tap {
      let isInside = try (place >= 0) & (place <= end)
      let nearest = try Term(0).where_(place < 0, else: end.where_(place > end, else: place))
      return (nearest, try weight.where_(isInside, else: 0))
    }
    switch try op.string("method") {
    case "nearest": return [try tap(inside(raw).applying(.round), raw * 0 + 1)]
    case "linear":
      let place = try inside(raw)
      let low = try place.applying(.floor)
      return [try tap(low, 1 - (place - low)), try tap(low + 1, place - low)]
    default:
      let low = try raw.applying(.floor)
      return try (-1...2).map { side in
        let place = try low + Term(Double(side))
        return try tap(inside(place), cubic(raw - place, a: -0.75))
      }
    }
  }

  /// A position brought back from beyond the ends.
  private func gridInside(_ given: Term, extent: Dim, _ op: OpCall) throws -> Term {
    let (padding, aligns) = (try op.string("padding"), try op.bool("align_corners"))
    if padding == "zeros" { return given }
    let dtype = type(given.operand).dtype
    let end = Term(self, try size(extent - 1, dtype: dtype))
    var place = given
    if padding == "reflection" {
      let span = Term(self, try size(aligns ? extent - 1 : extent, dtype: dtype))
      let low = Term(aligns ? 0 : -0.5)
      let distance = try (place - low).abs
      let safe = span.operand.asScalar?.asDouble == 0 ? Term(1) : span
      let turns = try (distance / safe).applying(.floor)
      let rest = try distance - turns * span
      let isEven = try (turns * 0.5).applying(.floor).applying(.multiply, 2).applying(.equal, turns)
      place = try (rest + low).where_(isEven, else: span - rest + low)
    }
    return try Term(0).where_(place < 0, else: end.where_(place > end, else: place))
  }

  /// The decomposition of ``OpDefinition/affineGrid``.
  func affineGrid(_ op: OpCall) throws -> Operand {
    let theta = try op.type(0)
    let (size, aligns) = (try op.dims("size"), try op.bool("align_corners"))
    let lines = try size.indices.reversed().map { axis in
      let index = Term(self, try positions(size[axis], axis: axis, rank: size.count, dtype: theta.dtype))
      let line: Term
      if aligns {
        line = try size[axis] == 1 ? index : index * quotient(2, size[axis] - 1, theta.dtype) - 1
      } else {
        line = try (index * 2 + 1) * quotient(1, size[axis], theta.dtype) - 1
      }
      let wide = try self(.broadcastTo, line.operand, attributes: ["shape": .dims(size)])
      return try shaped(wide, size + [1])
    }
    let ones = try full(theta.with(shape: size + [1]), .float(1))
    let points = try self(
      .concat, .list((lines + [ones]).compactMap(\.asValue)), attributes: ["axis": .int(size.count)])
    let flat = try shaped(points, [size.reduce(1, *), Dim(size.count + 1)])
    let moved = try self(.matmul, flat, try matrixTransposed(op[0]))
    return try shaped(moved, [theta.shape[0]] + size + [Dim(size.count)])
  }
}
