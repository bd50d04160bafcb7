import GraftIR

extension OpDefinition {
  /// `x[i] * y[j]`.
  package static let outer: OpDefinition = OpDefinition(
    "outer", family: .linearAlgebra, summary: "Every product of an element of x and one of y.",
    operands: [.tensor("x"), .tensor("y")], promotion: .common,
    infer: { call in
      let (x, y) = (try call.type(0), try call.type(1))
      guard x.rank == 1, y.rank == 1, x.dtype == y.dtype else {
        throw call.problem("takes two vectors, not \(x) and \(y)")
      }
      return [x.with(shape: x.shape + y.shape)]
    },
    decomposition: { b, op in
      let column = try b(.reshape, op[0], attributes: ["shape": .dims(try op.type(0).shape + [1])])
      return [try b(.multiply, column, op[1])]
    },
    spellings: [.torch("torch.outer(input:x, vec2:y)")] + .numpyAndJAX("outer(x, y)"),
    samples: [Sample(.normal(3), .normal(4))])

  /// The sum of products over `x_axes` of x and `y_axes` of y, pair by pair; then x's other axes and y's.
  package static let tensordot: OpDefinition = OpDefinition(
    "tensordot", family: .linearAlgebra, summary: "Sum of products over axes of x and axes of y.",
    operands: [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("x_axes", .axes), AttributeSpec("y_axes", .dims)], promotion: .common,
    infer: { call in
      let (x, y) = (try call.type(0), try call.type(1))
      let plan = try Contraction(call)
      guard x.dtype == y.dtype, zip(plan.xAxes, plan.yAxes).allSatisfy({ x.shape[$0] == y.shape[$1] }) else {
        throw call.problem("\(x) and \(y) do not fit along the axes \(plan.xAxes) and \(plan.yAxes)")
      }
      return [x.with(shape: plan.xFree.map { x.shape[$0] } + plan.yFree.map { y.shape[$0] })]
    },
    decomposition: { b, op in
      let (x, y) = (try op.type(0), try op.type(1))
      let plan = try Contraction(op)
      let inner = plan.xAxes.reduce(Dim(1)) { $0 * x.shape[$1] }
      let rows = plan.xFree.map { x.shape[$0] }
      let columns = plan.yFree.map { y.shape[$0] }
      let left = try b(.transpose, op[0], attributes: ["permutation": .ints(plan.xFree + plan.xAxes)])
      let right = try b(.transpose, op[1], attributes: ["permutation": .ints(plan.yAxes + plan.yFree)])
      let product = try b(
        .matmul, try b(.reshape, left, attributes: ["shape": .dims([rows.reduce(1, *), inner])]),
        try b(.reshape, right, attributes: ["shape": .dims([inner, columns.reduce(1, *)])]))
      return [try b(.reshape, product, attributes: ["shape": .dims(rows + columns)])]
    },
    spellings: [],
    samples: [
      Sample(.normal(2, 3, 4), .normal(4, 3, 5), attributes: ["x_axes": .ints([1, 2]), "y_axes": .ints([1, 0])])
    ])

  /// The sum of products that an equation in Einstein's notation describes: `"bij,bjk->bik"`.
  package static let einsum: OpDefinition = OpDefinition(
    "einsum", family: .linearAlgebra, summary: "Sum of products in Einstein's notation.",
    operands: [.variadic("operands")], attributes: [AttributeSpec("equation", .text)], promotion: .common,
    infer: { call in
      let types = try call.types(0)
      let equation = try EinsumEquation(try call.string("equation"), ranks: types.map(\.rank))
      guard let dtype = types.first?.dtype, types.allSatisfy({ $0.dtype == dtype }) else {
        throw call.problem("the operands have different element types")
      }
      return [TensorType(dtype, try equation.outputShape(types.map(\.shape)))]
    },
    decomposition: { b, op in
      guard case .list(let values) = op[0] else { throw op.problem("takes a list of tensors") }
      let equation = try EinsumEquation(try op.string("equation"), ranks: try op.types(0).map(\.rank))
      return [try equation.build(values.map { .value($0) }, b)]
    },
    samples: [
      Sample(.list([.normal(2, 3, 4), .normal(2, 4, 5)]), attributes: ["equation": .string("bij,bjk->bik")]),
      Sample(.list([.normal(3, 4), .normal(4)]), attributes: ["equation": .string("ij,j")]),
      Sample(.list([.normal(3, 3)]), attributes: ["equation": .string("ii->i")]),
      Sample(.list([.normal(2, 3), .normal(3, 4), .normal(4, 5)]), attributes: ["equation": .string("ij,jk,kl->il")]),
      Sample(.list([.normal(2, 3, 4), .normal(3, 4)]), attributes: ["equation": .string("...ij,ij->...")]),
    ])

  /// The Kronecker product: every element of x times all of y.
  package static let kron: OpDefinition = OpDefinition(
    "kron", family: .linearAlgebra, summary: "Kronecker product.", operands: [.tensor("x"), .tensor("y")],
    promotion: .common,
    infer: { call in
      let (x, y) = (try call.type(0), try call.type(1))
      let rank = max(x.rank, y.rank)
      return [x.with(shape: zip(x.shape.padded(to: rank), y.shape.padded(to: rank)).map { $0 * $1 })]
    },
    decomposition: { b, op in
      let (x, y) = (try op.type(0), try op.type(1))
      let rank = max(x.rank, y.rank)
      let (from, to) = (x.shape.padded(to: rank), y.shape.padded(to: rank))
      let left = try b(.reshape, op[0], attributes: ["shape": .dims(from.flatMap { [$0, 1] })])
      let right = try b(.reshape, op[1], attributes: ["shape": .dims(to.flatMap { [1, $0] })])
      let product = try b(.multiply, left, right)
      return [try b(.reshape, product, attributes: ["shape": .dims(zip(from, to).map { $0 * $1 })])]
    },
    spellings: [.torch("torch.kron(input:x, other:y)")] + .numpyAndJAX("kron(x, y)"),
    samples: [Sample(.normal(2, 3), .normal(3, 2)), Sample(.normal(2), .normal(3, 2))])

  /// The sum of a matrix's diagonal.
  package static let trace: OpDefinition = OpDefinition(
    "trace", family: .linearAlgebra, summary: "Sum of a matrix's diagonal.", operands: [.tensor("x")],
    infer: { call in
      let x = try call.type(0)
      guard x.rank == 2 else { throw call.problem("takes a matrix, not \(x)") }
      return [x.with(shape: [])]
    },
    decomposition: { b, op in
      let x = try op.type(0)
      let masked = try b(.where_, try b.diagonalMask(x.shape[0], x.shape[1]), op[0], .int(0))
      return [try b(.sum, masked, attributes: ["axes": .ints([0, 1])])]
    },
    spellings: [.torch("torch.trace(input:x)")] + .numpyAndJAX("trace(x)"), samples: [Sample(.normal(3, 4))])

  /// The cross product of the vectors of extent 3 along `axis`; the other axes broadcast.
  package static let cross: OpDefinition = OpDefinition(
    "cross", family: .linearAlgebra, summary: "Cross product along an axis of extent 3.",
    operands: [.tensor("x"), .tensor("y")], attributes: [AttributeSpec("axis", .axis)], promotion: .common,
    infer: { call in
      let type = try call.elementwiseType()
      let axis = try call.axis("axis", rank: type.rank)
      guard type.shape[axis] == 3 else { throw call.problem("axis \(axis) of \(type) must have the extent 3") }
      return [type]
    },
    decomposition: { b, op in
      let axis = try op.int("axis")
      let (one, two) = (Attribute.ints([1]), Attribute.ints([2]))
      func rolled(_ x: Operand, _ shift: Attribute) throws -> Operand {
        try b(.roll, x, attributes: ["shifts": shift, "axes": .ints([axis])])
      }
      let first = try b(.multiply, try rolled(op[0], two), try rolled(op[1], one))
      return [try b(.subtract, first, try b(.multiply, try rolled(op[0], one), try rolled(op[1], two)))]
    },
    spellings: [.torch("torch.linalg.cross(input:x, other:y, dim:axis=-1)")] + .numpyAndJAX("cross(x, y, axis=-1)"),
    samples: [Sample(.normal(4, 3), .normal(4, 3), attributes: ["axis": .int(1)])])

  /// The powers 0 to `count - 1` of each element of `x`, along a new last axis.
  package static let vandermonde: OpDefinition = OpDefinition(
    "vander", family: .linearAlgebra, summary: "Powers of each element along a new last axis.",
    operands: [.tensor("x")],
    attributes: [AttributeSpec("count", .dim)],
    infer: { call in
      let x = try call.type(0)
      return [x.with(shape: x.shape + [try call.dim("count")])]
    },
    decomposition: { b, op in
      let x = try op.type(0)
      let exponents = try b(.arange, attributes: ["count": .dim(try op.dim("count")), "dtype": .dtype(x.dtype)])
      return [try b(.power, try b(.reshape, op[0], attributes: ["shape": .dims(x.shape + [1])]), exponents)]
    }, samples: [Sample(.uniform(0.5, 2, 3), attributes: ["count": .int(4)])])
}

/// The axes that a tensordot sums over and those that stay.
private struct Contraction {
  var xAxes: [Int]
  var yAxes: [Int]
  var xFree: [Int]
  var yFree: [Int]

  init(_ call: OpCall) throws {
    let (xRank, yRank) = (try call.type(0).rank, try call.type(1).rank)
    let (x, y) = (try call.axes("x_axes", rank: xRank), try call.axes("y_axes", rank: yRank))
    guard x.count == y.count else { throw call.problem("sums over \(x.count) axes of one and \(y.count) of the other") }
    (xAxes, yAxes) = (x, y)
    xFree = (0..<xRank).filter { !x.contains($0) }
    yFree = (0..<yRank).filter { !y.contains($0) }
  }
}

extension [Dim] {
  fileprivate func padded(to rank: Int) -> [Dim] { Array(repeating: 1, count: Swift.max(0, rank - count)) + self }
}

extension GraphBuilder {
  /// True on the main diagonal of a matrix.
  func diagonalMask(_ rows: Dim, _ columns: Dim) throws -> Operand {
    let row = try self(.arange, attributes: ["count": .dim(rows), "dtype": .dtype(.int32)])
    let column = try self(.arange, attributes: ["count": .dim(columns), "dtype": .dtype(.int32)])
    return try self(.equal, try self(.reshape, row, attributes: ["shape": .dims([rows, 1])]), column)
  }
}
