import GraftIR

extension OpDefinition {
  static let linearAlgebra: [OpDefinition] = products + matrixDecompositions

  private static let products: [OpDefinition] = [
    matmul, linear, outer, tensordot, einsum, kron, trace, cross, vandermonde,
  ]

  /// The matrix product over the last two axes; leading axes broadcast.
  package static let matmul: OpDefinition = OpDefinition(
    "matmul", family: .linearAlgebra, summary: "Matrix product; leading axes broadcast.",
    operands: [.tensor("x"), .tensor("y")], promotion: .common,
    infer: { call in
      let (x, y) = (try call.type(0), try call.type(1))
      guard x.dtype == y.dtype else { throw call.problem("operands have different element types, \(x) and \(y)") }
      guard x.rank >= 1, y.rank >= 1 else { throw call.problem("takes no scalars: \(x) and \(y)") }
      let batchX = x.rank > 2 ? Array(x.shape.dropLast(2)) : []
      let batchY = y.rank > 2 ? Array(y.shape.dropLast(2)) : []
      let inner = y.rank == 1 ? y.shape[0] : y.shape[y.rank - 2]
      guard let batch = ShapeRule.broadcast(batchX, batchY), x.shape[x.rank - 1] == inner else {
        throw call.problem("shapes do not fit: \(x) and \(y)")
      }
      let rows = x.rank > 1 ? [x.shape[x.rank - 2]] : []
      let columns = y.rank > 1 ? [y.shape[y.rank - 1]] : []
      return [x.with(shape: batch + rows + columns)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      return try b.matmulGradients(op, ct)
    },
    spellings: .python("x @ y") + [
      .aten("matmul.default(self:x, other:y)"), .aten("mm.default(self:x, mat2:y)"),
      .aten("bmm.default(self:x, mat2:y)"), .aten("mv.default(self:x, vec:y)"),
    ], samples: [Sample(.normal(3, 4), .normal(4, 5)), Sample(.normal(2, 1, 3, 4), .normal(3, 4, 5))])

  /// `x @ weight.T + bias`.
  package static let linear: OpDefinition = OpDefinition(
    "linear", family: .linearAlgebra, summary: "x times the transpose of weight [out, in], plus bias [out].",
    operands: [.tensor("x"), .tensor("weight"), .optional("bias")],
    infer: { call in
      let (x, weight) = (try call.type(0), try call.type(1))
      guard weight.rank == 2, x.rank >= 1, x.shape[x.rank - 1] == weight.shape[1] else {
        throw call.problem("shapes do not fit: \(x) and weight \(weight)")
      }
      return [x.with(shape: x.shape.dropLast() + [weight.shape[0]])]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil, nil] }
      return try b.linearGradients(op, ct)
    },
    decomposition: { b, op in
      let transposed = try b(.transpose, op[1], attributes: ["permutation": .ints([1, 0])])
      let product = try b(.matmul, op[0], transposed)
      return [op[2].isAbsent ? product : try b(.add, product, op[2])]
    },
    spellings: [
      .aten("linear.default(input:x, weight, bias)"), .torch("torch.nn.functional.linear(input:x, weight, bias=None)"),
    ], samples: [Sample(.normal(2, 3, 4), .normal(5, 4), .normal(5)), Sample(.normal(3, 4), .normal(5, 4), .absent)])
}

extension GraphBuilder {
  /// The cotangents of both factors of a matrix product.
  fileprivate func matmulGradients(_ op: OpCall, _ cotangent: Operand) throws -> [Operand?] {
    let (x, y) = (try op.type(0), try op.type(1))
    if y.rank == 2, x.rank > 2 { return try flatProductGradients(op, cotangent) }
    // As matrices: vectors become rows on the left and columns on the right.
    let left = try x.rank == 1 ? self(.reshape, op[0], attributes: ["shape": .dims([1, x.shape[0]])]) : op[0]
    let right = try y.rank == 1 ? self(.reshape, op[1], attributes: ["shape": .dims([y.shape[0], 1])]) : op[1]
    var extents = shape(cotangent)
    if x.rank == 1 { extents.insert(1, at: extents.count - (y.rank == 1 ? 0 : 1)) }
    if y.rank == 1 { extents.append(1) }
    let ct = try shaped(cotangent, extents)
    let dx = try unbroadcast(try self(.matmul, ct, try adjoint(right)), like: left)
    let dy = try unbroadcast(try self(.matmul, try adjoint(left), ct), like: right)
    return [try dx.map { try shaped($0, x.shape) }, try dy.map { try shaped($0, y.shape) }]
  }

  /// Those of x [..., M, K] and one matrix y [K, N], as products of two matrices each.
  private func flatProductGradients(_ op: OpCall, _ cotangent: Operand) throws -> [Operand?] {
    let x = try op.type(0)
    let (rows, inner) = (x.shape.dropLast().reduce(1, *), x.shape[x.rank - 1])
    let ct = try shaped(cotangent, [rows, shape(cotangent)[x.rank - 1]])
    let dx = try shaped(self(.matmul, ct, try adjoint(op[1])), x.shape)
    return [dx, try self(.matmul, try adjoint(shaped(op[0], [rows, inner])), ct)]
  }

  /// The cotangents of x [..., I], weight [O, I] and bias [O], as products of two matrices each.
  fileprivate func linearGradients(_ op: OpCall, _ cotangent: Operand) throws -> [Operand?] {
    let (x, weight) = (try op.type(0), try op.type(1))
    let rows = x.shape.dropLast().reduce(1, *)
    let ct = try shaped(cotangent, [rows, weight.shape[0]])
    let dx = try shaped(self(.matmul, ct, try conjugated(op[1])), x.shape)
    let dw = try self(.matmul, try matrixTransposed(ct), try conjugated(shaped(op[0], [rows, x.shape[x.rank - 1]])))
    return [dx, dw, op[2].isAbsent ? nil : try self(.sum, ct, attributes: ["axes": .ints([0])])]
  }

  /// The same elements under another shape.
  func shaped(_ x: Operand, _ extents: [Dim]) throws -> Operand {
    shape(x) == extents ? x : try self(.reshape, x, attributes: ["shape": .dims(extents)])
  }
}
