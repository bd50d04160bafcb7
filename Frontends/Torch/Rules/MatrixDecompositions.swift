import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let decompositions: Rules = [
    "aten.linalg_cholesky.default": cholesky,
    "aten.linalg_cholesky_ex.default": { try cholesky($0) + [try noErrors($0, result: 1)] },
    "aten.cholesky.default": cholesky,
    "aten.linalg_inv.default": { [try $0.op(.inverse, try $0.tensor("A"))] },
    "aten.linalg_inv_ex.default": { [try $0.op(.inverse, try $0.tensor("A")), try noErrors($0, result: 1)] },
    "aten.inverse.default": { [try $0.op(.inverse, try $0.tensor("self"))] },
    "aten.linalg_solve.default": { [try solve($0, "A", "B")] },
    "aten.linalg_solve_ex.default": { [try solve($0, "A", "B"), try noErrors($0, result: 1)] },
    "aten._linalg_solve_ex.default": { context in
      if (1...2).contains(where: context.isUsed) { throw context.unsupported("the LU factors are not available") }
      return [try solve(context, "A", "B"), .absent, .absent, try noErrors(context, result: 3)]
    },
    "aten.linalg_solve_triangular.default": { context in
      try solveTriangular(
        context, try context.tensor("self"), try context.tensor("B"), upper: context.bool("upper"),
        left: context.bool("left"), unitDiagonal: context.bool("unitriangular"))
    },
    "aten.triangular_solve.default": { context in
      let a = try context.tensor("A")
      let isTransposed = try context.bool("transpose")
      let matrix = isTransposed ? try transposed(context, a) : a
      let upper = try context.bool("upper") != isTransposed
      let solution = try solveTriangular(
        context, matrix, try context.tensor("self"), upper: upper, left: true,
        unitDiagonal: context.bool("unitriangular"))
      return solution + [a]
    },
    "aten.cholesky_solve.default": { context in
      let factor = try context.tensor("input2")
      let b = try context.tensor("self")
      let other = try transposed(context, factor)
      let upper = try context.bool("upper")
      let (lower, raised) = upper ? (other, factor) : (factor, other)
      let half = try solveTriangular(context, lower, b, upper: false, left: true, unitDiagonal: false)[0]
      return try solveTriangular(context, raised, half, upper: true, left: true, unitDiagonal: false)
    },
    "aten.cholesky_inverse.default": { context in
      let factor = try context.tensor("self")
      let other = try transposed(context, factor)
      let upper = try context.bool("upper")
      let product = try upper ? context.op(.matmul, other, factor) : context.op(.matmul, factor, other)
      return [try context.op(.inverse, product)]
    },
    "aten.linalg_qr.default": { context in
      let mode = try context.string("mode")
      if mode == "r", context.isUsed(result: 0) { throw context.unsupported("the mode `r` has no Q") }
      return try context.builder.apply(
        .qr, [try context.tensor("A")], attributes: ["complete": .bool(mode == "complete")])
    },
    "aten.linalg_svd.default": svd, "aten._linalg_svd.default": svd,
    "aten.linalg_svdvals.default": { [try $0.op(.singularValues, try $0.tensor("A"))] },
    "aten.svd.default": { context in
      let x = try context.tensor("self")
      let some = try context.bool("some")
      let results = try context.builder.apply(.svd, [x], attributes: ["full": .bool(!some)])
      return [results[0], results[1], try transposed(context, results[2])]
    },
    "aten.linalg_eigh.default": { context in
      try context.builder.apply(
        .eigh, [try symmetric(context, context.node.args["self"] == nil ? "A" : "self")], attributes: [:])
    },
    "aten._linalg_eigh.default": { context in
      try context.builder.apply(
        .eigh, [try symmetric(context, context.node.args["self"] == nil ? "A" : "self")], attributes: [:])
    },
    "aten.linalg_eigvalsh.default": { context in
      [try context.builder.apply(.eigh, [try symmetric(context, context.node.args["self"] == nil ? "A" : "self")])[0]]
    },
    "aten.linalg_det.default": { [try $0.op(.determinant, try $0.tensor("A"))] },
    "aten.det.default": { [try $0.op(.determinant, try $0.tensor("self"))] },
    "aten._linalg_det.default": { [try $0.op(.determinant, try $0.tensor("A")), .absent, .absent] },
    "aten.linalg_slogdet.default": { try $0.builder.apply(.signLogDeterminant, [try $0.tensor("A")]) },
    "aten.slogdet.default": { try $0.builder.apply(.signLogDeterminant, [try $0.tensor("self")]) },
    "aten._linalg_slogdet.default": { context in
      try context.builder.apply(.signLogDeterminant, [try context.tensor("A")]) + [.absent, .absent]
    },
    "aten.logdet.default": { context in
      let results = try context.builder.apply(.signLogDeterminant, [try context.tensor("self")])
      // Of a negative determinant there is no logarithm.
      let sign = results[0]
      return [try context.op(.add, results[1], try context.op(.log, sign))]
    },
    "aten.linalg_pinv.default": pseudoInverse, "aten.linalg_pinv.atol_rtol_float": pseudoInverse,
    "aten.linalg_pinv.atol_rtol_tensor": pseudoInverse, "aten.pinverse.default": pseudoInverse,
    "aten.linalg_matrix_exp.default": { [try $0.op(.matrixExponential, try $0.tensor("self"))] },
    "aten.matrix_exp.default": { [try $0.op(.matrixExponential, try $0.tensor("self"))] },
    "aten.linalg_matrix_power.default": matrixPower, "aten.matrix_power.default": matrixPower,
    "aten.linalg_lstsq.default": { context in
      if (1...3).contains(where: context.isUsed) { throw context.unsupported("only the solution is available") }
      return [
        try context.op(.leastSquares, try context.tensor("self"), try context.tensor("b")), .absent, .absent, .absent,
      ]
    },
    "aten.linalg_householder_product.default": { context in
      [try context.op(.householderProduct, try context.tensor("input"), try context.tensor("tau"))]
    },
    "aten.trace.default": { [try $0.op(.trace, try $0.tensor("self"))] },
    "aten.linalg_vander.default": { context in
      let x = try context.tensor("x")
      guard let count = try context.resultType().shape.last else { throw context.unsupported("there is no result") }
      return [try context.op(.vandermonde, x, attributes: ["count": .dim(count)])]
    },
    "aten.linalg_cross.default": cross, "aten.cross.default": cross,
    "aten.kron.default": { [try $0.op(.kron, try $0.tensor("self"), try $0.tensor("other"))] },
  ]

  private static let cholesky: ImportVocabulary.Rule = { context in
    let x = try context.tensor(context.node.args["A"] == nil ? "self" : "A")
    let factor = try context.op(.cholesky, x)
    return [try context.bool("upper") ? transposed(context, factor) : factor]
  }

  private static let svd: ImportVocabulary.Rule = { context in
    let x = try context.tensor("A")
    if !context.isUsed(result: 0), !context.isUsed(result: 2) {
      return [.absent, try context.op(.singularValues, x), .absent]
    }
    return try context.builder.apply(.svd, [x], attributes: ["full": .bool(try context.bool("full_matrices"))])
  }

  private static let pseudoInverse: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    for name in ["rcond", "atol", "rtol"] where !context.argument(name).isNull {
      let isStandard = name == "rcond" && context.argument(name).asDouble == 1e-15
      if !isStandard { throw context.unsupported("a cutoff `\(name)` is not supported") }
    }
    return [try context.op(.pseudoInverse, x)]
  }

  private static let matrixPower: ImportVocabulary.Rule = { context in
    [try context.op(.matrixPower, try context.tensor("self"), attributes: ["exponent": .dim(try context.dim("n"))])]
  }

  private static let cross: ImportVocabulary.Rule = { context in
    let (x, y) = (try context.tensor("self"), try context.tensor("other"))
    let shape = try context.resultType().shape
    let axis: Int
    if context.argument("dim").isNull {
      // Without an axis, the first of extent 3.
      guard let first = shape.firstIndex(of: 3) else { throw context.unsupported("no axis has the extent 3") }
      axis = first
    } else {
      axis = try context.axis("dim", rank: shape.count)
    }
    return [try context.op(.cross, x, y, attributes: ["axis": .int(axis)])]
  }

  /// The solution of A x = B, or of x A = B; a B of one axis less is a vector, or a batch of vectors.
  private static func solve(_ context: ImportContext, _ a: String, _ b: String) throws -> Operand {
    let (a, b) = (try context.tensor(a), try context.tensor(b))
    let (shapeA, shapeB) = (context.type(a).shape, context.type(b).shape)
    let isVector = shapeB.count == 1 || (shapeB.count == shapeA.count - 1 && shapeB == shapeA.dropLast())
    let left = context.argument("left").asBool ?? true
    if isVector {
      let column = try context.reshape(b, shapeB + [1])
      return try context.reshape(try context.op(.solve, a, column), try context.resultType().shape)
    }
    if left { return try context.op(.solve, a, b) }
    let solution = try context.op(.solve, try transposed(context, a), try transposed(context, b))
    return try transposed(context, solution)
  }

  private static func solveTriangular(
    _ context: ImportContext, _ a: Operand, _ b: Operand, upper: Bool, left: Bool, unitDiagonal: Bool
  ) throws -> [Operand] {
    let attributes = { (upper: Bool) -> OrderedDictionary<String, Attribute> in
      ["upper": .bool(upper), "unit_diagonal": .bool(unitDiagonal)]
    }
    if left { return [try context.op(.solveTriangular, a, b, attributes: attributes(upper))] }
    let solution = try context.op(
      .solveTriangular, try transposed(context, a), try transposed(context, b), attributes: attributes(!upper))
    return [try transposed(context, solution)]
  }

  /// The last two axes exchanged.
  private static func transposed(_ context: ImportContext, _ x: Operand) throws -> Operand {
    let rank = context.type(x).rank
    guard rank >= 2 else { throw context.unsupported("a matrix is needed") }
    var axes = Array(0..<rank)
    axes.swapAt(rank - 1, rank - 2)
    return try context.op(.transpose, x, attributes: ["permutation": .ints(axes)])
  }

  private static func symmetric(_ context: ImportContext, _ name: String) throws -> Operand {
    let x = try context.tensor(name)
    let triangle = context.argument("UPLO").asString ?? "L"
    // `eigh` reads the lower triangle.
    return triangle.lowercased() == "u" ? try transposed(context, x) : x
  }

  /// The error codes of an operation that did not fail.
  private static func noErrors(_ context: ImportContext, result index: Int) throws -> Operand {
    guard context.isUsed(result: index) else { return .absent }
    let type = try context.resultType(index)
    return try context.op(
      .full, attributes: ["shape": .dims(type.shape), "value": .scalar(.int(0)), "dtype": .dtype(type.dtype)])
  }
}
