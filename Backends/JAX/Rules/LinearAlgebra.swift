import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let linearAlgebra: Rules = [
    "linear": { context in
      if let module = context.moduleOwning(["weight", "bias"]) {
        return [context.helper("linear").call(context.parameters(at: module), context.operand("x"))]
      }
      let product = context.operand("x").matmul(context.operand("weight").attribute("T"))
      return [context.call["bias"].isAbsent ? product : product + context.operand("bias")]
    },
    "tensordot": { context in
      let (x, y) = (try context.call.ints("x_axes"), try context.call.ints("y_axes"))
      let rank = try context.call.type(0).rank
      let isPlain = x == Array(rank - x.count..<rank) && y == Array(0..<y.count)
      let axes: PythonExpression = isPlain ? .integer(x.count) : .tuple([context.ints(x), context.ints(y)])
      return [
        context.reference("jax.numpy.tensordot").call(
          [context.operand("x"), context.operand("y")] + (axes == 2 ? [] : [axes]))
      ]
    },
    "einsum": { context in
      guard case .list(let values) = context.call[0] else { return [] }
      let operands = values.map { context.expression(.value($0)) }
      let equation = PythonExpression.string(try context.call.string("equation"))
      return [context.reference("jax.numpy.einsum").call([equation] + operands)]
    },
    "vander": { context in
      let count = context.dim(try context.call.dim("count"))
      let exponents = context.reference("jax.numpy.arange").call(count)
      return [PythonExpression.subscript(context.operand("x"), .tuple([.ellipsis, .none])).power(exponents)]
    },
    "solve_triangular": { context in
      var keywords: [(String, PythonExpression)] = []
      if try !context.call.bool("upper") { keywords.append(("lower", true)) }
      if try context.call.bool("unit_diagonal") { keywords.append(("unit_diagonal", true)) }
      return [
        context.reference("jax.scipy.linalg.solve_triangular").call(
          [context.operand("x"), context.operand("y")], keywords: keywords)
      ]
    },
    "qr": { context in
      let keywords: [(String, PythonExpression)] =
        try context.call.bool("complete") ? [("mode", .string("complete"))] : []
      return context.several(context.reference("jax.numpy.linalg.qr").call([context.operand("x")], keywords: keywords))
    },
    "svd": { context in
      let keywords: [(String, PythonExpression)] = try context.call.bool("full") ? [] : [("full_matrices", false)]
      return context.several(context.reference("jax.numpy.linalg.svd").call([context.operand("x")], keywords: keywords))
    },
    "eigh": { context in
      context.several(
        context.reference("jax.numpy.linalg.eigh").call(
          [context.operand("x")], keywords: [("symmetrize_input", false)]))
    },
    "slogdet": { context in
      context.several(context.reference("jax.numpy.linalg.slogdet").call(context.operand("x")))
    },
    "pinv": { context in
      let x = try context.call.type(0)
      let pinv = context.reference("jax.numpy.linalg.pinv")
      // JAX's own cutoff is ten times as large.
      let extent = Dim.maximum(x.shape[x.rank - 1], x.shape[x.rank - 2])
      let eps = context.reference("jax.numpy.finfo").call(context.dtype(x.dtype.realType)).attribute("eps")
      return [pinv.call([context.operand("x")], keywords: [("rtol", context.dim(extent) * eps)])]
    },
    "householder_product": { context in
      [context.helper("householder_product").call(context.operand("x"), context.operand("tau"))]
    },
    "lstsq": { context in
      let x = try context.call.type(0)
      if x.rank == 2 {
        return [context.reference("jax.numpy.linalg.lstsq").call(context.operand("x"), context.operand("y"))[0]]
      }
      return [context.reference("jax.numpy.linalg.pinv").call(context.operand("x")).matmul(context.operand("y"))]
    },
  ]
}

extension EmitContext {
  /// A call with several results, unpacked into a name for each.
  func several(_ value: PythonExpression) -> [PythonExpression] {
    if call.results.count == 1 { return [value] }
    let names = declareResults()
    statement(.assign(.tuple(names), value))
    return names
  }

  /// The module whose parameters are exactly the given operands under their own names.
  func moduleOwning(_ operands: [String]) -> String? {
    var owner: String?
    for name in operands where !call[name].isAbsent {
      guard let (role, path) = path(name), case .parameter = role else { return nil }
      let parts = path.split(separator: ".")
      let module = parts.dropLast().joined(separator: ".")
      guard let last = parts.last, last == name, owner == nil || owner == module else { return nil }
      owner = module
    }
    guard let owner else { return nil }
    let absent = operands.filter { call[$0].isAbsent }.map { owner.isEmpty ? $0 : "\(owner).\($0)" }
    return absent.contains { function.parameterPaths.contains($0) } ? nil : owner
  }
}
