import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let creation: Rules = [
    "constant": { context in
      guard case .literal(let literal) = try context.call.attribute("value") else { return [.none] }
      return [context.reference("jax.numpy.array").call(try context.attribute("value"), context.dtype(literal.dtype))]
    },
    "full": { context in
      let (dims, dtype) = (try context.call.dims("shape"), try context.call.dtype("dtype"))
      let value = try context.call.scalar("value")
      if dims.isEmpty, context.isNumberOfDefaultType(dtype), context.standsInArithmetic() {
        return [dtype.isFloating ? context.float(value) : context.scalar(value)]
      }
      let shape = context.shape(dims)
      switch value.asDouble {
      case 0: return [context.reference("jax.numpy.zeros").call(shape, context.dtype(dtype))]
      case 1: return [context.reference("jax.numpy.ones").call(shape, context.dtype(dtype))]
      default: return [context.reference("jax.numpy.full").call(shape, context.scalar(value), context.dtype(dtype))]
      }
    },
    "arange": { context in
      let (count, dtype) = (try context.call.dim("count"), try context.call.dtype("dtype"))
      let (start, step) = (try context.call.scalar("start"), try context.call.scalar("step"))
      let arange = context.reference("jax.numpy.arange")
      let keywords = dtype == .int64 ? [] : [("dtype", context.dtype(dtype))]
      guard case .int(let first) = start, case .int(let stride) = step else {
        var numbers = arange.call(context.dim(count), keywords: [("dtype", context.dtype(dtype))])
        if step.asDouble != 1 { numbers = context.scalar(step) * numbers }
        return [start.asDouble == 0 ? numbers : context.scalar(start) + numbers]
      }
      if first == 0, stride == 1 { return [arange.call(context.dim(count), keywords: keywords)] }
      let stop = context.dim(Dim(first) + count * Dim(stride))
      if stride == 1 { return [arange.call(.integer(first), stop, keywords: keywords)] }
      return [arange.call(.integer(first), stop, .integer(stride), keywords: keywords)]
    },
    "linspace": { context in
      let (start, stop) = (try context.attribute("start"), try context.attribute("stop"))
      return [
        context.reference("jax.numpy.linspace").call(
          start, stop, context.dim(try context.call.dim("count")), keywords: try context.dtypeKeyword())
      ]
    },
    "logspace": { context in
      let (start, stop) = (try context.attribute("start"), try context.attribute("stop"))
      let base = try context.call.double("base")
      return [
        context.reference("jax.numpy.logspace").call(
          start, stop, context.dim(try context.call.dim("count")),
          keywords: (base == 10 ? [] : [("base", context.scalar(.float(base)))]) + (try context.dtypeKeyword()))
      ]
    },
    "eye": { context in
      let (rows, columns) = (try context.call.dim("rows"), try context.call.dim("columns"))
      let extents = rows == columns ? [context.dim(rows)] : [context.dim(rows), context.dim(columns)]
      return [context.reference("jax.numpy.eye").call(extents, keywords: try context.dtypeKeyword())]
    },
    "tril_indices": { [try $0.triangle("jax.numpy.tril_indices")] },
    "triu_indices": { [try $0.triangle("jax.numpy.triu_indices")] },
    "dimension": { context in
      let extent = context.dim(try context.call.dim("value"))
      if context.standsInArithmetic() { return [extent] }
      return [context.reference("jax.numpy.asarray").call(extent, context.dtype(try context.call.dtype("dtype")))]
    },
  ]
}

extension EmitContext {
  /// `dtype=...` unless it is what JAX takes by default.
  fileprivate func dtypeKeyword() throws -> [(String, PythonExpression)] {
    let dtype = try call.dtype("dtype")
    return dtype == .float32 ? [] : [("dtype", self.dtype(dtype))]
  }

  fileprivate func triangle(_ path: String) throws -> PythonExpression {
    let (rows, columns) = (try call.dim("rows"), try call.dim("columns"))
    let offset = try call.dim("offset")
    var keywords: [(String, PythonExpression)] = []
    if offset != 0 { keywords.append(("k", dim(offset))) }
    if columns != rows { keywords.append(("m", dim(columns))) }
    return reference("jax.numpy.stack").call(reference(path).call([dim(rows)], keywords: keywords))
  }

  /// Whether a Python number gets this type where it meets nothing that says otherwise.
  fileprivate func isNumberOfDefaultType(_ dtype: DType) -> Bool { [.bool, .int64, .float32].contains(dtype) }

  /// A number that Python takes to be floating: `1.0`.
  fileprivate func float(_ value: Scalar) -> PythonExpression {
    guard let number = value.asDouble, number.isFinite else { return scalar(value) }
    return .float(number)
  }

  /// Whether everything that uses the single result is arithmetic with a tensor, so that a number does as well.
  fileprivate func standsInArithmetic() -> Bool {
    guard let result = call.results.first else { return false }
    let uses = function.uses(of: result)
    return !uses.isEmpty
      && uses.allSatisfy { use in
        guard Self.arithmetic.contains(use.name) else { return false }
        return use.operands.contains { operand in
          guard let value = operand.asValue, value != result else { return false }
          return !function.isNumber(value)
        }
      }
  }

  private static let arithmetic: Set<String> = [
    "add", "subtract", "multiply", "divide", "power", "floor_divide", "remainder", "maximum", "minimum", "where",
    "clip",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
  ]
}

extension Function {
  /// The operations of the body or its regions that read a value; one that leaves the function has none.
  fileprivate func uses(of value: Value) -> [Operation] {
    func search(_ block: Block) -> [Operation]? {
      if block.results.contains(.value(value)) { return nil }
      var found: [Operation] = []
      for operation in block.operations {
        if operation.operands.contains(where: { $0.values.contains(value) }) { found.append(operation) }
        for region in operation.regions {
          guard let inner = search(region) else { return nil }
          found += inner
        }
      }
      return found
    }
    if stateUpdates.contains(where: { $0.value == .value(value) }) { return [] }
    return search(body) ?? []
  }

  /// Whether the value may be written as a number.
  fileprivate func isNumber(_ value: Value) -> Bool {
    func search(_ block: Block) -> Bool {
      block.operations.contains { operation in
        operation.results.contains(value) && ["dimension", "full"].contains(operation.name)
          && type(of: value).isScalar || operation.regions.contains(where: search)
      }
    }
    return type(of: value).isScalar && search(body)
  }
}
