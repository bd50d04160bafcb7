import GraftIR

extension GraphBuilder {
  /// The conjugate of the last two axes exchanged.
  func adjoint(_ x: Operand) throws -> Operand { try matrixTransposed(conjugated(x)) }

  /// Of L with L @ L.T = x: L^-T Φ(L.T @ ct) L^-1, made symmetric, where Φ halves the diagonal of the lower triangle.
  func choleskyGradient(_ op: OpCall, _ ct: Operand) throws -> Operand {
    let factor = op.result
    let lower = try self(.tril, try self(.matmul, try adjoint(factor), ct))
    let inner = try self(.subtract, lower, try self(.multiply, try diagonalPart(lower), .float(0.5)))
    let upper = try adjoint(factor)
    func solved(_ y: Operand) throws -> Operand {
      try self(.solveTriangular, upper, y, attributes: ["upper": .bool(true)])
    }
    let half = try solved(adjoint(solved(inner)))
    return try self(.multiply, try self(.add, half, try adjoint(half)), .float(0.5))
  }

  func triangularSolutionGradients(_ op: OpCall, _ ct: Operand) throws -> [Operand?] {
    let (isUpper, hasUnits) = (try op.bool("upper"), try op.bool("unit_diagonal"))
    let dy = try self(
      .solveTriangular, try adjoint(op[0]), ct,
      attributes: ["upper": .bool(!isUpper), "unit_diagonal": .bool(hasUnits)])
    let whole = try self(.negative, try self(.matmul, dy, try adjoint(op.result)))
    let offset = hasUnits ? (isUpper ? 1 : -1) : 0
    let dx = try self(isUpper ? .triu : .tril, whole, attributes: ["offset": .int(offset)])
    return [try unbroadcast(dx, like: op[0]), try unbroadcast(dy, like: op[1])]
  }

  /// Of x = q @ r (Walter and Lehmann, 2012; Roberts and Roberts, 2020, for more columns than rows).
  func orthogonalFactorGradient(_ op: OpCall, _ cotangents: [Operand?]) throws -> Operand {
    let (q, r) = (Operand.value(op.results[0]), Operand.value(op.results[1]))
    let x = try op.type(0)
    guard let rows = x.shape[x.rank - 2].knownValue, let columns = x.shape[x.rank - 1].knownValue else {
      throw op.problem("has a gradient for known sizes only")
    }
    let isComplete = try op.bool("complete")
    guard rows <= columns || !isComplete else {
      throw op.problem("has no gradient where a complete q has more columns than x")
    }
    let dq = try cotangents[0] ?? self(.multiply, q, .float(0))
    let dr = try cotangents[1] ?? self(.multiply, r, .float(0))
    if rows >= columns { return try tallFactorGradient(q, r, dq, dr) }
    let axis = x.rank - 1
    func left(_ x: Operand) throws -> Operand { try slice(x, axis: axis, from: 0, to: Dim(rows)) }
    func right(_ x: Operand) throws -> Operand { try slice(x, axis: axis, from: Dim(rows), to: Dim(columns)) }
    let rest = try self(.add, dq, try self(.matmul, try right(op[0]), try adjoint(right(dr))))
    let parts = [
      try tallFactorGradient(q, left(r), rest, left(dr)), try self(.matmul, q, try right(dr)),
    ]
    return try self(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
  }

  private func tallFactorGradient(_ q: Operand, _ r: Operand, _ dq: Operand, _ dr: Operand) throws -> Operand {
    let inner = try self(
      .subtract, try self(.matmul, r, try adjoint(dr)), try self(.matmul, try adjoint(dq), q))
    let below = try self(.tril, inner, attributes: ["offset": .int(-1)])
    let symmetric = try self(.add, try self(.tril, inner), try adjoint(below))
    let whole = try self(.add, dq, try self(.matmul, q, symmetric))
    // whole @ r^-H.
    return try adjoint(self(.solveTriangular, r, try adjoint(whole), attributes: ["upper": .bool(true)]))
  }

  /// Of x = (u * s) @ vh (Townsend, 2016).
  func singularFactorGradient(_ op: OpCall, _ cotangents: [Operand?]) throws -> Operand {
    let (u, s, vh) = (Operand.value(op.results[0]), Operand.value(op.results[1]), Operand.value(op.results[2]))
    let x = try op.type(0)
    let count = shape(s)[x.rank - 2]
    let (du, dv) = (cotangents[0], try cotangents[2].map(adjoint))
    let scales = try self(.diagonalEmbed, s)
    var middle = try cotangents[1].map {
      try self(.cast, try self(.diagonalEmbed, $0), attributes: ["dtype": .dtype(x.dtype)])
    }
    if du != nil || dv != nil {
      guard !x.dtype.isComplex else { throw op.problem("has no gradient through the vectors of complex matrices") }
      guard shape(u)[x.rank - 1] == count, shape(vh)[x.rank - 2] == count else {
        throw op.problem("has no gradient through vectors that only complete a basis")
      }
    }
    let gaps = try differenceInverses(self(.multiply, s, s))
    if let du {
      let turn = try self(.multiply, gaps, try antisymmetric(u, du))
      middle = try sum(middle, self(.matmul, turn, scales))
    }
    if let dv {
      let turn = try self(.multiply, gaps, try antisymmetric(matrixTransposed(vh), dv))
      middle = try sum(middle, self(.matmul, scales, turn))
    }
    var whole = try middle.map { try self(.matmul, try self(.matmul, u, $0), vh) }
    let row = try self(.reshape, s, attributes: ["shape": .dims(shape(s).dropLast() + [1, count])])
    if let du {
      let outside = try self(.subtract, du, try self(.matmul, u, try self(.matmul, try adjoint(u), du)))
      whole = try sum(whole, self(.matmul, try self(.divide, outside, row), vh))
    }
    if let dv {
      let v = try adjoint(vh)
      let outside = try self(.subtract, dv, try self(.matmul, v, try self(.matmul, vh, dv)))
      whole = try sum(whole, self(.matmul, u, try matrixTransposed(self(.divide, outside, row))))
    }
    return try whole ?? self(.multiply, op[0], .float(0))
  }

  /// Of x = v @ diag(w) @ v^H.
  func eigenGradient(_ op: OpCall, _ cotangents: [Operand?]) throws -> Operand {
    let (w, v) = (Operand.value(op.results[0]), Operand.value(op.results[1]))
    let dtype = try op.type(0).dtype
    func cast(_ x: Operand) throws -> Operand {
      type(x).dtype == dtype ? x : try self(.cast, x, attributes: ["dtype": .dtype(dtype)])
    }
    var middle = try cotangents[0].map { try cast(self(.diagonalEmbed, $0)) }
    if let dv = cotangents[1] {
      let gaps = try cast(differenceInverses(w))
      middle = try sum(middle, self(.multiply, gaps, try self(.matmul, try adjoint(v), dv)))
    }
    let inner = try middle ?? self(.multiply, v, .float(0))
    return try self(.matmul, try self(.matmul, v, inner), try adjoint(v))
  }

  /// Of p = x^+ (Golub and Pereyra, 1973).
  func pseudoInverseGradient(_ op: OpCall, _ ct: Operand) throws -> Operand {
    let (x, p) = (op[0], op.result)
    let (ph, cth) = (try adjoint(p), try adjoint(ct))
    func product(_ factors: Operand...) throws -> Operand {
      try factors.dropFirst().reduce(factors[0]) { try self(.matmul, $0, $1) }
    }
    let inside = try product(ph, ct, ph)
    let left = try product(cth, p, ph)
    let right = try product(ph, p, cth)
    let outside = try self(
      .add, try self(.subtract, left, try product(x, p, left)), try self(.subtract, right, try product(right, p, x)))
    return try self(.subtract, outside, inside)
  }

  /// The upper right block of the exponential of [[x^H, ct], [0, x^H]] (Al-Mohy and Higham, 2009).
  func exponentialGradient(_ op: OpCall, _ ct: Operand) throws -> Operand {
    let adjoint = try adjoint(op[0])
    let axis = shape(ct).count - 1
    let zeros = try self(.multiply, ct, .float(0))
    func joined(_ parts: Operand..., axis: Int) throws -> Operand {
      try self(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
    }
    let whole = try joined(
      joined(adjoint, ct, axis: axis), joined(zeros, adjoint, axis: axis), axis: axis - 1)
    let extent = shape(ct)[axis]
    let exponential = try self(.matrixExponential, whole)
    return try slice(
      slice(exponential, axis: axis, from: extent, to: 2 * extent), axis: axis - 1, from: 0, to: extent)
  }

  /// The reflections I - tau_i v_i v_i^H, last first, applied to the first columns of the unit matrix.
  func reflectionProduct(_ op: OpCall) throws -> Operand {
    let (x, tau) = (try op.type(0), try op.type(1))
    let (row, column) = (x.rank - 2, x.rank - 1)
    guard let count = tau.shape.last?.knownValue, (0...1 << 10).contains(count) else {
      throw op.problem("needs a known number of reflections")
    }
    let unit = try self(
      .cast, try diagonalMask(x.shape[row], x.shape[column]), attributes: ["dtype": .dtype(x.dtype)])
    let vectors = try self(
      .add, try self(.tril, op[0], attributes: ["offset": .int(-1)]),
      try self(.broadcastTo, unit, attributes: ["shape": .dims(x.shape)]))
    var product = try self(.broadcastTo, unit, attributes: ["shape": .dims(x.shape)])
    for index in (0..<count).reversed() {
      let vector = try slice(vectors, axis: column, from: Dim(index), to: Dim(index) + 1)
      let scale = try self(
        .reshape, try slice(op[1], axis: tau.rank - 1, from: Dim(index), to: Dim(index) + 1),
        attributes: ["shape": .dims(tau.shape.dropLast() + [1, 1])])
      let projected = try self(.matmul, vector, try self(.matmul, try adjoint(vector), product))
      product = try self(.subtract, product, try self(.multiply, scale, projected))
    }
    return product
  }

  // MARK: Parts

  private func sum(_ a: Operand?, _ b: Operand) throws -> Operand { try a.map { try self(.add, $0, b) } ?? b }

  /// A matrix's diagonal, zeros elsewhere.
  private func diagonalPart(_ x: Operand) throws -> Operand {
    let extents = shape(x)
    return try self(.where_, try diagonalMask(extents[extents.count - 2], extents[extents.count - 1]), x, .int(0))
  }

  /// 1 / (x_j - x_i) for i and j along the last axis; zero where they are the same.
  private func differenceInverses(_ x: Operand) throws -> Operand {
    let extents = shape(x)
    let row = try self(.reshape, x, attributes: ["shape": .dims(extents.dropLast() + [1, extents[extents.count - 1]])])
    let column = try self(.reshape, x, attributes: ["shape": .dims(extents + [1])])
    let same = try diagonalMask(extents[extents.count - 1], extents[extents.count - 1])
    let gap = try self(.where_, same, .float(1), try self(.subtract, row, column))
    return try self(.where_, same, .float(0), try self(.divide, .float(1), gap))
  }

  /// q.T @ dq minus its transpose.
  private func antisymmetric(_ q: Operand, _ dq: Operand) throws -> Operand {
    let product = try self(.matmul, try matrixTransposed(q), dq)
    return try self(.subtract, product, try matrixTransposed(product))
  }
}
