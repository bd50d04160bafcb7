import GraftIR

extension OpDefinition {
  static let matrixDecompositions: [OpDefinition] = [
    cholesky, inverse, solve, solveTriangular, qr, svd, singularValues, eigh, determinant, signLogDeterminant,
    pseudoInverse, matrixExponential, matrixPower, leastSquares, householderProduct,
  ]

  /// The lower triangular factor L of a symmetric positive definite `x = L @ L.T`.
  package static let cholesky: OpDefinition = matrixFunction(
    "cholesky", "Lower triangular L with x = L @ L.T.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.choleskyGradient(op, ct)]
    },
    spellings: [.torch("torch.linalg.cholesky(A:x)")] + .numpyAndJAX("linalg.cholesky(x)"),
    samples: [Sample(.tensor(.init(dtype: .float32, shape: [2, 4, 4]), .positiveDefinite))])

  /// The inverse of the matrices in the last two axes.
  package static let inverse: OpDefinition = matrixFunction(
    "inverse", "Inverse of a matrix.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let transposed = try b.adjoint(op.result)
      return [try b(.negative, try b(.matmul, try b(.matmul, transposed, ct), transposed))]
    },
    spellings: [.torch("torch.linalg.inv(A:x)")] + .numpyAndJAX("linalg.inv(x)"),
    samples: [Sample(.tensor(.init(dtype: .float32, shape: [2, 3, 3]), .positiveDefinite))])

  /// The matrix `z` with `x @ z = y`; leading axes broadcast.
  package static let solve: OpDefinition = OpDefinition(
    "solve", family: .linearAlgebra, summary: "Solution z of x @ z = y.", operands: [.tensor("x"), .tensor("y")],
    promotion: .floating, infer: { try $0.solutionType() },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let dy = try b(.solve, try b.adjoint(op[0]), ct)
      let dx = try b(.negative, try b(.matmul, dy, try b.adjoint(op.result)))
      return [try b.unbroadcast(dx, like: op[0]), try b.unbroadcast(dy, like: op[1])]
    },
    spellings: [.torch("torch.linalg.solve(A:x, B:y)")] + .numpyAndJAX("linalg.solve(x, y)"),
    samples: [Sample(.tensor(.init(dtype: .float32, shape: [2, 3, 3]), .positiveDefinite), .normal(2, 3, 4))])

  /// The matrix `z` with `x @ z = y` for a triangular x, of which only that triangle is read.
  package static let solveTriangular: OpDefinition = OpDefinition(
    "solve_triangular", family: .linearAlgebra, summary: "Solution z of x @ z = y for a triangular x.",
    operands: [.tensor("x"), .tensor("y")],
    attributes: [
      AttributeSpec("upper", .bool), AttributeSpec("unit_diagonal", .bool, default: .bool(false)),
    ], promotion: .floating, infer: { try $0.solutionType() },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      return try b.triangularSolutionGradients(op, ct)
    },
    samples: [
      Sample(
        .tensor(.init(dtype: .float32, shape: [3, 3]), .positiveDefinite), .normal(3, 2),
        attributes: ["upper": .bool(false)])
    ])

  /// `x = q @ r` with orthonormal columns of q and an upper triangular r; with `complete`, q is square.
  package static let qr: OpDefinition = OpDefinition(
    "qr", family: .linearAlgebra, summary: "Orthonormal q and upper triangular r with x = q @ r.",
    operands: [.tensor("x")], attributes: [AttributeSpec("complete", .bool, default: .bool(false))],
    results: ["q", "r"], promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      let inner = try call.bool("complete") ? rows : Dim.minimum(rows, columns)
      return [x.matrices(rows, inner), x.matrices(inner, columns)]
    }, differentiability: .vjp { b, op, ct in [try b.orthogonalFactorGradient(op, ct)] },
    samples: [Sample(.normal(4, 3))])

  /// `x = u * s @ vh`: singular values in descending order; with `full`, u and vh are square.
  package static let svd: OpDefinition = OpDefinition(
    "svd", family: .linearAlgebra, summary: "Singular value decomposition x = (u * s) @ vh.",
    operands: [.tensor("x")], attributes: [AttributeSpec("full", .bool, default: .bool(false))],
    results: ["u", "s", "vh"], promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      let inner = Dim.minimum(rows, columns)
      let full = try call.bool("full")
      return [
        x.matrices(rows, full ? rows : inner), x.vectors(inner).with(dtype: x.dtype.realType),
        x.matrices(full ? columns : inner, columns),
      ]
    }, differentiability: .vjp { b, op, ct in [try b.singularFactorGradient(op, ct)] }, samples: [Sample(.normal(4, 3))]
  )

  /// The singular values in descending order.
  package static let singularValues: OpDefinition = OpDefinition(
    "svdvals", family: .linearAlgebra, summary: "Singular values in descending order.", operands: [.tensor("x")],
    promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      return [x.vectors(Dim.minimum(rows, columns)).with(dtype: x.dtype.realType)]
    },
    decomposition: { b, op in [try b.apply(.svd, [op[0]])[1]] },
    spellings: [.torch("torch.linalg.svdvals(A:x)"), .jax("jax.numpy.linalg.svdvals(x)")],
    samples: [Sample(.normal(4, 3))])

  /// Eigenvalues in ascending order and eigenvectors of a symmetric `x`, of which the lower triangle is read.
  package static let eigh: OpDefinition = OpDefinition(
    "eigh", family: .linearAlgebra, summary: "Eigenvalues and eigenvectors of a symmetric matrix.",
    operands: [.tensor("x")], results: ["values", "vectors"], promotion: .floating,
    infer: { call in
      let x = try call.squareMatrix()
      return [x.vectors(x.shape[x.rank - 1]).with(dtype: x.dtype.realType), x]
    }, differentiability: .vjp { b, op, ct in [try b.eigenGradient(op, ct)] },
    samples: [Sample(.tensor(.init(dtype: .float32, shape: [3, 3]), .positiveDefinite))])

  /// The determinant of the matrices in the last two axes.
  package static let determinant: OpDefinition = OpDefinition(
    "det", family: .linearAlgebra, summary: "Determinant of a matrix.", operands: [.tensor("x")], promotion: .floating,
    infer: { call in
      let x = try call.squareMatrix()
      return [x.with(shape: x.shape.dropLast(2))]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let factor = try b.scaled(ct, by: op.result)
      let wide = try b(.reshape, factor, attributes: ["shape": .dims(b.shape(factor) + [1, 1])])
      return [try b(.multiply, wide, try b.adjoint(try b(.inverse, op[0])))]
    },
    spellings: [.torch("torch.linalg.det(A:x)")] + .numpyAndJAX("linalg.det(x)"),
    samples: [Sample(.tensor(.init(dtype: .float32, shape: [2, 3, 3]), .positiveDefinite))])

  /// The sign of the determinant and the logarithm of its absolute value.
  package static let signLogDeterminant: OpDefinition = OpDefinition(
    "slogdet", family: .linearAlgebra, summary: "Sign of the determinant, and logarithm of its absolute value.",
    operands: [.tensor("x")], results: ["sign", "logabsdet"], promotion: .floating,
    infer: { call in
      let x = try call.squareMatrix()
      let scalar = x.with(shape: x.shape.dropLast(2))
      return [scalar, scalar.with(dtype: x.dtype.realType)]
    },
    differentiability: .vjp { b, op, ct in
      guard ct.count > 1, let ct = ct[1] else { return [nil] }
      let wide = try b(.reshape, ct, attributes: ["shape": .dims(b.shape(ct) + [1, 1])])
      return [try b(.multiply, wide, try b.adjoint(try b(.inverse, op[0])))]
    }, samples: [Sample(.tensor(.init(dtype: .float32, shape: [2, 3, 3]), .positiveDefinite))])

  /// The Moore-Penrose inverse; singular values below `max(M, N) * eps` times the largest count as zero.
  package static let pseudoInverse: OpDefinition = OpDefinition(
    "pinv", family: .linearAlgebra, summary: "Moore-Penrose inverse of a matrix.", operands: [.tensor("x")],
    promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      return [x.matrices(columns, rows)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.pseudoInverseGradient(op, ct)]
    }, samples: [Sample(.normal(4, 3))])

  /// The exponential series of a square matrix.
  package static let matrixExponential: OpDefinition = matrixFunction(
    "matrix_exp", "Exponential of a matrix.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.exponentialGradient(op, ct)]
    },
    spellings: [.torch("torch.linalg.matrix_exp(A:x)"), .jax("jax.scipy.linalg.expm(x)")],
    samples: [Sample(.normal(2, 3, 3))])

  /// `x` multiplied with itself, `exponent` times in all; negative exponents take the inverse.
  package static let matrixPower: OpDefinition = OpDefinition(
    "matrix_power", family: .linearAlgebra, summary: "Integer power of a square matrix.", operands: [.tensor("x")],
    attributes: [AttributeSpec("exponent", .dim)], infer: { [try $0.squareMatrix()] },
    decomposition: { b, op in
      let exponent = try op.int("exponent")
      let x = try op.type(0)
      guard exponent.magnitude <= 1 << 20 else { throw op.problem("the exponent \(exponent) is too large") }
      guard exponent != 0 else {
        let mask = try b.diagonalMask(x.shape[x.rank - 2], x.shape[x.rank - 1])
        let identity = try b(.cast, mask, attributes: ["dtype": .dtype(x.dtype)])
        return [try b(.broadcastTo, identity, attributes: ["shape": .dims(x.shape)])]
      }
      var (base, rest, product) = (exponent < 0 ? try b(.inverse, op[0]) : op[0], exponent.magnitude, Operand?.none)
      while true {
        if rest & 1 == 1 { product = try product.map { try b(.matmul, $0, base) } ?? base }
        rest >>= 1
        guard rest > 0 else { break }
        base = try b(.matmul, base, base)
      }
      return [product ?? base]
    },
    spellings: [.torch("torch.linalg.matrix_power(A:x, n:exponent)")]
      + .numpyAndJAX("linalg.matrix_power(x, exponent)"),
    samples: [
      Sample(.normal(2, 3, 3), attributes: ["exponent": .int(3)]),
      Sample(.normal(3, 3), attributes: ["exponent": .int(0)]),
    ])

  /// The matrix z that minimises the norm of `x @ z - y`.
  package static let leastSquares: OpDefinition = OpDefinition(
    "lstsq", family: .linearAlgebra, summary: "Least-squares solution z of x @ z = y.",
    operands: [.tensor("x"), .tensor("y")], promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      let y = try call.type(1)
      let isVector = x.rank == 2 && y.rank == 1
      guard y.shape == (isVector ? [rows] : x.shape.dropLast() + y.shape.suffix(1)) else {
        throw call.problem("\(x) and \(y) do not fit")
      }
      return [x.with(shape: x.shape.dropLast(2) + [columns] + (y.rank == x.rank ? y.shape.suffix(1) : []))]
    },
    decomposition: { b, op in [try b(.matmul, try b(.pseudoInverse, op[0]), op[1])] },
    samples: [Sample(.normal(5, 3), .normal(5, 2))])

  /// The first columns of the product of the Householder reflections whose vectors are `x`'s lower triangle.
  package static let householderProduct: OpDefinition = OpDefinition(
    "householder_product", family: .linearAlgebra, summary: "Product of Householder reflections.",
    operands: [.tensor("x"), .tensor("tau")], promotion: .floating,
    infer: { call in
      let (x, rows, columns) = try call.matrix()
      let tau = try call.type(1)
      let spare = [rows - columns] + tau.shape.suffix(1).map { columns - $0 }
      guard tau.rank == x.rank - 1, tau.shape.dropLast() == x.shape.dropLast(2),
        spare.allSatisfy({ $0.knownValue.map { $0 >= 0 } ?? true })
      else { throw call.problem("\(x) and \(tau) do not fit") }
      return [x]
    },
    differentiability: .recomputed, decomposition: { b, op in [try b.reflectionProduct(op)] },
    spellings: [
      .torch("torch.linalg.householder_product(A:x, tau)")
    ], samples: [Sample(.normal(4, 3), .uniform(0.5, 1.5, 3))])

  /// A function from square matrices to square matrices.
  private static func matrixFunction(
    _ name: String, _ summary: String, differentiability: Differentiability, spellings: [Spelling], samples: [Sample]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .linearAlgebra, summary: summary, operands: [.tensor("x")], promotion: .floating,
      infer: { [try $0.squareMatrix()] }, differentiability: differentiability, spellings: spellings, samples: samples)
  }
}

extension TensorType {
  fileprivate func matrices(_ rows: Dim, _ columns: Dim) -> TensorType {
    with(shape: shape.dropLast(2) + [rows, columns])
  }

  fileprivate func vectors(_ count: Dim) -> TensorType { with(shape: shape.dropLast(2) + [count]) }
}

extension OpCall {
  fileprivate func matrix() throws -> (type: TensorType, rows: Dim, columns: Dim) {
    let x = try type(0)
    guard x.rank >= 2 else { throw problem("takes matrices, not \(x)") }
    return (x, x.shape[x.rank - 2], x.shape[x.rank - 1])
  }

  fileprivate func squareMatrix() throws -> TensorType {
    let (x, rows, columns) = try matrix()
    guard rows == columns else { throw problem("takes square matrices, not \(x)") }
    return x
  }

  /// The type of z in x @ z = y.
  fileprivate func solutionType() throws -> [TensorType] {
    let x = try squareMatrix()
    let y = try type(1)
    guard y.rank >= 2, y.shape[y.rank - 2] == x.shape[x.rank - 1], x.dtype == y.dtype,
      let batch = ShapeRule.broadcast(Array(x.shape.dropLast(2)), Array(y.shape.dropLast(2)))
    else { throw problem("\(x) and \(y) do not fit") }
    return [y.with(shape: batch + y.shape.suffix(2))]
  }
}
