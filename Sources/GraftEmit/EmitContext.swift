package import GraftIR
package import GraftOps
package import GraftSyntax

/// One operation being written: its operands as expressions, and what it may add to the function around it.
package struct EmitContext {
  package let call: OpCall
  let emitter: FunctionEmitter

  package var function: Function { emitter.function }

  /// Another call, written in the place of this one.
  package func with(_ call: OpCall) -> EmitContext { EmitContext(call: call, emitter: emitter) }

  // MARK: Operands

  /// An operand as an expression; `None` for one that is absent.
  package func operand(_ name: String) -> PythonExpression { expression(call[name]) }

  package func expression(_ operand: Operand) -> PythonExpression { emitter.expression(operand) }

  /// The operand under a name of its own, so that it can be written more than once.
  package func named(_ name: String) -> PythonExpression {
    guard let value = call[name].asValue else { return operand(name) }
    return emitter.materialize(value)
  }

  /// The path of an operand that is a parameter or a state of the model.
  package func path(_ name: String) -> (role: Argument.Role, path: String)? {
    call[name].asValue.flatMap { path(of: $0) }
  }

  /// The path of a value that is a parameter or a state of the model.
  package func path(of value: Value) -> (role: Argument.Role, path: String)? {
    guard let argument = emitter.argument(of: value), let path = argument.path else { return nil }
    return (argument.role, path)
  }

  /// The sub-tree of parameters (or of state) at a module's path.
  package func parameters(at path: String) -> PythonExpression { emitter.parameterAccess(path) }
  package func state(at path: String) -> PythonExpression { emitter.stateAccess(path) }

  // MARK: Names

  /// A public name of the target's: `jax.numpy.exp`.
  package func reference(_ path: String) -> PythonExpression { emitter.imports.resolve(path) }

  /// One of the target's helper functions; the file will carry it.
  ///
  /// - Parameter options: what else its source may ask for.
  package func helper(_ name: String, options: [String: Bool] = [:]) -> PythonExpression {
    let operands = call.definition.operands.map { ($0.name, !call[$0.name].isAbsent) }
    emitter.helpers.note(name, present: Dictionary(operands, uniquingKeysWith: { a, _ in a }).merging(options) { $1 })
    return .path(emitter.nameOfHelper(name))
  }

  package func dtype(_ dtype: DType) -> PythonExpression { emitter.target.dtype(dtype, in: self) }

  /// Whether random numbers are drawn in inference too, so that there always is a key.
  package var alwaysDraws: Bool { emitter.alwaysDraws }

  /// Whether the function is in training, or nil where it does not matter.
  package var train: PythonExpression { "train" }

  // MARK: Numbers

  package func dim(_ dim: Dim) -> PythonExpression { emitter.dim(dim) }

  /// A tuple of extents.
  package func shape(_ dims: [Dim]) -> PythonExpression { .tuple(dims.map { emitter.dim($0) }) }

  package func ints(_ values: [Int]) -> PythonExpression { .tuple(values.map { .integer($0) }) }

  /// An axis as people write it: the last one is -1.
  package func axis(_ axis: Int, rank: Int) -> PythonExpression {
    .integer(rank > 1 && axis == rank - 1 ? -1 : axis)
  }

  /// One axis, or a tuple of several.
  package func axes(_ axes: [Int], rank: Int) -> PythonExpression {
    axes.count == 1 ? axis(axes[0], rank: rank) : ints(axes)
  }

  package func scalar(_ scalar: Scalar) -> PythonExpression { emitter.number(scalar) }

  /// An attribute as a plain Python value.
  package func attribute(_ name: String) throws -> PythonExpression {
    let rank = call[0].asValue.map { call.type(of: $0).rank } ?? 0
    return try emitter.expression(call.attribute(name), kind: call.definition.attribute(name)?.kind, rank: rank, self)
  }

  // MARK: Statements

  /// Assigns an intermediate value to a fresh local.
  package func assign(_ name: String, _ value: PythonExpression) -> PythonExpression {
    emitter.assignLocal(name, value)
  }

  /// Adds a statement before the one that uses the results.
  package func statement(_ statement: PythonStatement) { emitter.append(statement) }

  /// The place of a model's state in the tree that the function returns.
  package func newState(at path: String) -> PythonExpression { emitter.newStateAccess(path) }

  /// Whether the results are exactly the new values of the given states, and nothing else reads them.
  package func onlyUpdatesState(_ results: [Int: String]) -> Bool {
    results.allSatisfy { index, path in
      call.results.indices.contains(index) && emitter.onlyUpdates(call.results[index], path)
    }
  }

  /// Marks results as stored in the new state already.
  package func markStored(_ results: [Int]) {
    for index in results where call.results.indices.contains(index) { emitter.storedState.insert(call.results[index]) }
  }

  /// Emits a region's operations in place and returns its results.
  package func emitRegion(_ index: Int) throws -> (statements: [PythonStatement], results: [PythonExpression]) {
    try emitter.emitRegion(call.regions[index])
  }

  /// A region as a function: a lambda where it is one expression, otherwise the name of a function that is defined before
  /// the statement.
  ///
  /// - Parameters:
  ///   - parameters: how many of the region's arguments each parameter holds, and its name if that is not one.
  ///   - result: what the function returns, of the region's results.
  package func nestedFunction(
    _ wanted: String, region index: Int, parameters: [(count: Int, name: String)] = [],
    returning result: ([PythonExpression]) -> PythonExpression
  ) throws -> PythonExpression {
    let region = call.regions[index]
    let name = emitter.scope.fresh(wanted)
    var written: [PythonParameter] = []
    let body = try emitter.emitNested(region) {
      var unpacking: [PythonStatement] = []
      var arguments = region.arguments[...]
      for parameter in parameters {
        let values = arguments.prefix(parameter.count)
        arguments = arguments.dropFirst(parameter.count)
        let items = values.map { PythonExpression.name(emitter.isUsed($0) ? emitter.declare($0) : "_") }
        if items.count == 1, case .name(let own) = items[0], own != "_" {
          written.append(PythonParameter(own))
        } else if items.allSatisfy({ $0 == "_" }), !written.contains(where: { $0.name == "_" }) {
          written.append(PythonParameter("_"))
        } else {
          let whole = emitter.scope.fresh(parameter.name)
          written.append(PythonParameter(whole))
          if items.contains(where: { $0 != "_" }) { unpacking.append(.assign(.tuple(items), .name(whole))) }
        }
      }
      return unpacking
    }
    let value = result(body.results)
    if body.statements.isEmpty { return .lambda(PythonParameters(written), value) }
    let statements = (body.statements + [.return(value)]).returningLastValue()
    statement(.function(PythonFunction(name, PythonParameters(written), body: statements).withoutNeedlessNumbers()))
    return .name(name)
  }

  /// The results of the operation under names, for a statement that assigns several; `_` for those that nobody reads.
  /// The operands must have been read.
  package func declareResults() -> [PythonExpression] {
    emitter.consumeOperands()
    return call.results.map { .name(emitter.isUsed($0) ? emitter.declare($0) : "_") }
  }

  /// Whether anything reads the result.
  package func isUsed(_ result: Int) -> Bool {
    call.results.indices.contains(result) && emitter.isUsed(call.results[result])
  }

  /// Names for the parts of an expression that yields all results: `a, _ = expression`, or the one part that is used.
  package func unpack(_ expression: PythonExpression) -> [PythonExpression] {
    let used = call.results.indices.filter { isUsed($0) }
    if used.count < 2 { return call.results.indices.map { expression[.integer($0)] } }
    let targets = declareResults()
    statement(.assign(.tuple(targets), expression))
    return targets
  }
}
