import GraftIR
import GraftOps

extension LoweringRule {
  /// Linear algebra beyond products.
  static let decompositions: [LoweringRule] = [
    LoweringRule(.cholesky) { planner, call in try planner.matrices(.cholesky, call) },
    LoweringRule(.inverse) { planner, call in try planner.matrices(.inverse, call) },
    LoweringRule(.solve) { planner, call in try planner.matrices(.solve, call) },
    LoweringRule(.solveTriangular) { planner, call in
      try planner.matrices(
        .solveTriangular(isUpper: try call.bool("upper"), hasUnitDiagonal: try call.bool("unit_diagonal")), call)
    },
    LoweringRule(.qr) { planner, call in try planner.matrices(.qr(isComplete: try call.bool("complete")), call) },
    LoweringRule(.svd) { planner, call in
      try planner.matrices(.svd(isFull: try call.bool("full")), call, results: [.matrix, .vector, .matrix])
    },
    LoweringRule(.eigh) { planner, call in try planner.matrices(.eigh, call, results: [.vector, .matrix]) },
    LoweringRule(.determinant) { planner, call in try planner.matrices(.determinant, call, results: [.number]) },
    LoweringRule(.signLogDeterminant) { planner, call in
      try planner.matrices(.signLogDeterminant, call, results: [.number, .number])
    },
    LoweringRule(.pseudoInverse) { planner, call in
      let x = try call.type(0)
      let extent = try x.knownShape().suffix(2).max() ?? 0
      let eps = x.dtype.realType == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
      return try planner.matrices(.pseudoInverse(cutoff: Double(extent) * eps), call)
    },
    LoweringRule(.matrixExponential) { planner, call in try planner.matrices(.exponential, call) },
    LoweringRule(.householderProduct) { planner, call in
      try planner.matrices(.householderProduct, call, operands: [.matrix, .vector])
    },
    LoweringRule(.matrixNorm) { planner, call in
      try planner.matrices(.norm(try call.string("order")), call, results: [.number])
    },
  ]
}

/// How many of the last axes belong to an operand or result at one position.
private enum MatrixRank: Int {
  case number, vector, matrix

  var axes: Int { rawValue }
}

extension Planner {
  /// A step for a function of matrices; the operands' leading axes broadcast.
  fileprivate func matrices(
    _ function: MatrixFunction, _ call: OpCall, operands: [MatrixRank] = [.matrix, .matrix],
    results: [MatrixRank] = [.matrix, .matrix]
  ) throws -> [Expression] {
    if function.needsLAPACK, case .failure(var diagnostic) = LAPACK.shared {
      diagnostic.location = origin.location
      throw diagnostic
    }
    let type = try call.type(0).dtype.computeType
    guard [.float32, .float64, .complex64, .complex128].contains(type) else {
      throw invalid("\(call.definition.name) takes floating numbers, not \(type.rawValue)")
    }
    let given = try zip(call.operands, operands).map { operand, rank in
      try view(expression(operand, as: type).converted(to: type)).matrix(rank)
    }
    let batch = given.reduce([]) { Self.broadcast($0, Array($1.shape.dropLast(2))) }
    let inputs = given.map { $0.broadcast(to: batch + $0.shape.suffix(2)) }
    let made = try call.results.indices.map { index in
      let (shape, dtype) = try call.resultType(self, index)
      return (view: try allocate(shape, dtype.computeType), dtype: dtype)
    }
    let outputs = zip(made, results).compactMap { made, rank in
      made.view.reshaped(batch + made.view.shape.suffix(rank.axes))?.matrix(rank)
    }
    guard let extents = function.results(of: inputs.map(\.matrixExtents)), outputs.count == extents.count,
      zip(outputs, extents).allSatisfy({ $0.matrixExtents == $1 })
    else { throw invalid("the shapes of \(call.definition.name) do not fit") }
    if type.isComplex {
      add(MatrixStep<ComplexNumber<Double>>(function: function, batch: batch, inputs: inputs, outputs: outputs))
    } else {
      add(MatrixStep<Double>(function: function, batch: batch, inputs: inputs, outputs: outputs))
    }
    return made.map { Expression($0.view).converted(to: $0.dtype) }
  }
}

extension View {
  /// A vector as a column, a number as a matrix of one element.
  fileprivate func matrix(_ rank: MatrixRank) -> View {
    var view = self
    for _ in rank.axes..<2 {
      view.shape.append(1)
      view.strides.append(1)
    }
    return view
  }

  fileprivate var matrixExtents: MatrixFunction.Extents { (shape[rank - 2], shape[rank - 1]) }
}
