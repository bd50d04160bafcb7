package import GraftIR
package import GraftSyntax

/// Finds the one body that several function bodies are instances of: the same statements, in which some constants differ.
package struct AntiUnifier {
  /// A constant that differs: the parameter that stands for it, and its value in each instance.
  package struct Constant: Sendable {
    package var name: String
    package var values: [PythonExpression]
    /// Whether the source gives it as a floating-point number, be it a whole one.
    package var isGivenAsFloat = false
  }

  /// The named parameters of a function that bodies may call.
  package struct Signature: Sendable {
    package var positional: [String]
    package var defaults: [String: PythonExpression]

    package init(positional: [String], defaults: [String: PythonExpression]) {
      self.positional = positional
      self.defaults = defaults
    }
  }

  package private(set) var constants: [Constant] = []
  private let signatures: [String: Signature]
  private let given: GivenNumbers
  private let sizes: GivenNumbers
  private var extents: InputExtents
  /// Where extents are told, those that have been read; nil elsewhere.
  private var seen: Set<InputExtents.Axis>?
  private var taken: Set<String>
  /// Which instances are compared now; the others have no say in what is found.
  private var present: [Int] = []
  private var alias: Alias?

  /// A variable that only some instances have; the others use another in its place.
  private struct Alias {
    var name: String
    var owners: Set<Int>
    var other: String?
  }

  /// - Parameters:
  ///   - signatures: of the functions that bodies call, by name: a keyword argument that one instance leaves out has its
  ///     default there, and constants are named after the parameters that they are passed for.
  ///   - given: for each instance, the numbers that the source gives it, by parameter: constants that follow from them are
  ///     written in their terms.
  ///   - sizes: for each instance, the numbers that its module has, by attribute: constants that are equal to one are
  ///     called after it.
  ///   - tensors: what each instance is passed, as many of the same names: extents that follow from theirs are written in
  ///     their terms.
  ///   - names: what a new parameter must not be called.
  package init(
    signatures: [String: Signature], given: [[(name: String, value: Scalar)]] = [],
    sizes: [[(name: String, value: Scalar)]] = [], tensors: [[PassedTensor]] = [], avoiding names: Set<String>
  ) {
    self.signatures = signatures
    self.given = GivenNumbers(given)
    self.sizes = GivenNumbers(sizes)
    extents = InputExtents(tensors)
    taken = names
  }

  /// The common body; nil when the instances differ in more than constants.
  package mutating func unify(_ bodies: [[PythonStatement]]) -> [PythonStatement]? {
    present = Array(bodies.indices)
    return unifyAll(bodies).map { extents.naming(in: $0) }
  }

  /// The common body where some instances have a child module that the others lack.
  ///
  /// The statements that use the child must stand together, with others that only they need, and compute one variable. For
  /// that the others have another one, `identity = x` and in front of the child's statements `if "downsample" in params:`;
  /// or they have one of the same name.
  ///
  /// - Parameters:
  ///   - child: the child's name.
  ///   - owners: the instances that have it.
  ///   - inputs: the names of all instances' parameters.
  package mutating func unify(
    _ bodies: [[PythonStatement]], optional child: String, of owners: Set<Int>, inputs: [String] = []
  ) -> [PythonStatement]? {
    let others = bodies.indices.filter { !owners.contains($0) }
    guard let owner = owners.min(), let other = others.first else { return nil }
    let uses = bodies[owner].indices.filter { bodies[owner][$0].mentions(child: child) }
    let length = bodies[owner].count - bodies[other].count
    guard let first = uses.first, let last = uses.last, length > last - first,
      owners.allSatisfy({ bodies[$0].count == bodies[owner].count }),
      others.allSatisfy({ bodies[$0].count == bodies[other].count })
    else { return nil }
    for start in (max(0, last - length + 1)...first).reversed() {
      let optional = Optional(child: child, owners: owners, range: start..<(start + length))
      var attempt = self
      guard start + length <= bodies[owner].count, let body = attempt.unify(bodies, optional, inputs: inputs) else {
        continue
      }
      self = attempt
      return body
    }
    return nil
  }

  /// A child module that only some instances have, and their statements that the others lack.
  private struct Optional {
    let child: String
    let owners: Set<Int>
    let range: Range<Int>
  }

  private mutating func unify(
    _ bodies: [[PythonStatement]], _ optional: Optional, inputs: [String]
  ) -> [PythonStatement]? {
    let (owners, range) = (optional.owners, optional.range)
    guard let owner = owners.min(), let other = bodies.indices.first(where: { !owners.contains($0) }) else {
      return nil
    }
    let assigned = bodies[owner][range].flatMap(\.assignedNames)
    let read = Set(bodies[owner][range.upperBound...].flatMap(\.names))
    guard let name = assigned.last, Set(assigned).intersection(read) == [name] else { return nil }
    present = Array(bodies.indices)
    guard let before = unifyAll(bodies.map { Array($0[..<range.lowerBound]) }) else { return nil }
    let known = inputs + bodies[other][..<range.lowerBound].flatMap(\.assignedNames)
    if !known.contains(name) { alias = Alias(name: name, owners: owners, other: nil) }
    let rest = bodies.indices.map { index in
      Array(bodies[index][(owners.contains(index) ? range.upperBound : range.lowerBound)...])
    }
    let isAliased = alias != nil
    guard let after = unifyAll(rest), !isAliased || alias?.other != nil else { return nil }
    let start = alias?.other.map { PythonStatement.assign(.name(name), .name($0)) }
    alias = nil
    present = owners.sorted()
    guard let own = unifyAll(present.map { Array(bodies[$0][range]) }) else { return nil }
    let test = PythonExpression.string(optional.child).compared(.in, "params")
    let named = own.map { $0.mapExpressions(namingConstants) }
    return extents.naming(in: before + (start.map { [$0] } ?? []) + [.if(test, named)] + after)
  }

  private mutating func unifyAll(_ bodies: [[PythonStatement]]) -> [PythonStatement]? {
    guard let first = bodies.first, bodies.allSatisfy({ $0.count == first.count }) else { return nil }
    var unified: [PythonStatement] = []
    for index in first.indices {
      guard let statement = unify(bodies.map { $0[index] }) else { return nil }
      unified.append(statement)
    }
    return unified
  }

  private mutating func unify(_ statements: [PythonStatement]) -> PythonStatement? {
    let first = statements[0]
    if statements.allSatisfy({ $0 == first }) { return first }
    switch first {
    case .assign(let targets, _):
      let values = statements.compactMap { statement -> PythonExpression? in
        if case .assign(targets, let value) = statement { value } else { nil }
      }
      return unify(values, of: statements.count).map { .assign(targets, $0) }
    case .return(.some):
      let values = statements.compactMap { statement -> PythonExpression? in
        if case .return(let value) = statement { value } else { nil }
      }
      return unify(values, of: statements.count).map { .return($0) }
    case .if(let branches, _) where branches.count == 1:
      return unifyBranches(statements)
    case .for(let target, _, _): return unifyLoops(statements, over: target)
    case .expression:
      let values = statements.compactMap { if case .expression(let value) = $0 { value } else { nil } }
      return unify(values, of: statements.count).map { .expression($0) }
    case .function(let function): return unifyDefinitions(statements, like: function)
    default: return nil
    }
  }

  private mutating func unifyBranches(_ statements: [PythonStatement]) -> PythonStatement? {
    let parts = statements.compactMap { statement -> (PythonBranch, [PythonStatement])? in
      if case .if(let branches, let orElse) = statement, branches.count == 1 { (branches[0], orElse) } else { nil }
    }
    guard parts.count == statements.count, let test = unify(parts.map(\.0.test), of: parts.count),
      let body = unify(parts.map(\.0.body)), let orElse = unify(parts.map(\.1))
    else { return nil }
    return .if(test, body, orElse: orElse)
  }

  private mutating func unifyLoops(_ statements: [PythonStatement], over target: PythonExpression) -> PythonStatement? {
    var iterables: [PythonExpression] = []
    var bodies: [[PythonStatement]] = []
    for case .for(target, in: let iterable, let body) in statements {
      iterables.append(iterable)
      bodies.append(body)
    }
    guard let iterable = unify(iterables, of: statements.count), let body = unifyAll(bodies) else { return nil }
    return .for(target, in: iterable, body: body)
  }

  /// Functions within the functions, which differ in their bodies.
  private mutating func unifyDefinitions(
    _ statements: [PythonStatement], like first: PythonFunction
  ) -> PythonStatement? {
    var common = first
    var bodies: [[PythonStatement]] = []
    for case .function(var function) in statements {
      bodies.append(function.body)
      function.body = first.body
      guard function == first else { return nil }
    }
    guard bodies.count == statements.count, let body = unifyAll(bodies) else { return nil }
    common.body = body
    return .function(common)
  }

  // MARK: Expressions

  private mutating func unify(
    _ expressions: [PythonExpression], of count: Int, for parameter: String? = nil
  ) -> PythonExpression? {
    guard expressions.count == count, let first = expressions.first else { return nil }
    if expressions.allSatisfy({ $0 == first }) { return first }
    if let shared = aliased(expressions) { return shared }
    let areShapes = seen != nil && expressions.allSatisfy(\.isTuple)
    if !areShapes, expressions.allSatisfy(\.isConstant) { return constant(expressions, for: parameter) }
    if expressions.allSatisfy(\.isCall) { return unifyCalls(expressions) }
    if first.isSliced {
      let outer = seen
      defer { seen = outer }
      seen = []
      return unifyParts(expressions, for: parameter)
    }
    return unifyParts(expressions, for: parameter)
  }

  private mutating func unifyParts(_ expressions: [PythonExpression], for parameter: String?) -> PythonExpression? {
    let (first, count) = (expressions[0], expressions.count)
    let heads = expressions.map { $0.mapChildren { _ in .none } }
    guard heads.allSatisfy({ $0 == heads[0] }) else { return unifyWithNeutral(expressions, of: count) }
    if case .name = first { return nil }
    if case .subscript(let base, _) = first, base.isTreeAccess { return nil }
    if case .formattedString = first { return nil }
    let children = expressions.map(\.children)
    guard children.allSatisfy({ $0.count == children[0].count }) else { return nil }
    // A constant within a product is not what is passed for the parameter.
    let inner = first.isComposed ? nil : parameter
    var unified: [PythonExpression] = []
    let before = seen
    for index in children[0].indices {
      guard let child = unify(children.map { $0[index] }, of: count, for: inner) else { return nil }
      unified.append(child)
      // Both bounds of a part are told from one axis.
      if case .slice = first, index + 1 < children[0].count { seen = before }
    }
    var next = unified.makeIterator()
    return first.mapChildren { next.next() ?? $0 }
  }

  private mutating func unifyCalls(_ calls: [PythonExpression]) -> PythonExpression? {
    let outer = seen
    defer { seen = outer }
    seen = nil
    guard let aligned = AlignedCalls(calls, signatures: signatures),
      let function = unify(aligned.functions, of: calls.count)
    else { return nil }
    if aligned.functions[0].takesShape { seen = [] }
    let open = function.isReshape ? openExtent(aligned.positional.map(\.values)) : nil
    var arguments: [PythonArgument] = []
    for (index, (name, values)) in aligned.positional.enumerated() {
      if index == open {
        arguments.append(.positional(.integer(-1)))
        continue
      }
      guard let value = unify(values, of: calls.count, for: name) else { return nil }
      arguments.append(.positional(value))
    }
    for (name, values) in aligned.keywords {
      guard let value = unify(values, of: calls.count, for: name) else { return nil }
      arguments.append(.keyword(name, value))
    }
    return .call(function, arguments)
  }

  /// The expression with each constant that is passed for a parameter under the name of a parameter of the common body
  /// that has this value in the instances compared.
  private func namingConstants(_ expression: PythonExpression) -> PythonExpression {
    let expression = expression.mapChildren { namingConstants($0) }
    guard case .call(let function, let arguments) = expression else { return expression }
    return .call(
      function,
      arguments.map { argument in
        guard case .keyword(let name, let value) = argument, value.isConstant,
          let constant = constants.first(where: { $0.name == name }),
          present.allSatisfy({ constant.values[$0] == value })
        else { return argument }
        return .keyword(name, .name(name))
      })
  }

  /// The variable that only some instances have, where those read it and the others what they have in its place.
  private mutating func aliased(_ expressions: [PythonExpression]) -> PythonExpression? {
    guard let alias else { return nil }
    let others = expressions.indices.filter { !alias.owners.contains(present[$0]) }
    guard let other = others.first, case .name(let replaced) = expressions[other],
      alias.other == nil || alias.other == replaced, others.allSatisfy({ expressions[$0] == expressions[other] }),
      expressions.indices.allSatisfy({ others.contains($0) || expressions[$0] == .name(alias.name) })
    else { return nil }
    self.alias?.other = replaced
    return .name(alias.name)
  }

  /// The parameter for a constant with these values in the instances that are compared.
  private mutating func constant(_ values: [PythonExpression], for parameter: String?) -> PythonExpression {
    if let term = given.term(for: values, in: present) {
      for name in term.parameters { declare(name, of: given) }
      return term.expression
    }
    if let name = constants.first(where: { constant in present.map { constant.values[$0] } == values })?.name {
      return .name(name)
    }
    if let extent = extent(values, orName: parameter) { return extent }
    let usual = Constant(name: "", values: values).usual
    var all = Array(repeating: usual, count: max((present.max() ?? 0) + 1, constants.first?.values.count ?? 0))
    for (position, index) in present.enumerated() { all[index] = values[position] }
    let name = PythonIdentifier.unique(parameter ?? "size", avoiding: taken)
    taken.insert(name)
    constants.append(Constant(name: name, values: all))
    return .name(name)
  }
}

extension AntiUnifier {
  /// What a constant follows from where extents are told: an extent of an input, or else a number of the module, or else
  /// an extent in some way.
  private mutating func extent(_ values: [PythonExpression], orName parameter: String?) -> PythonExpression? {
    let term = seen.flatMap { extents.term(for: values, in: present, beside: $0) }
    if let term, term.form == .same { return read(term) }
    if parameter == nil, let name = sizes.name(for: values, in: present), !taken.contains(name) {
      declare(name, of: sizes)
      return .name(name)
    }
    if let term { return read(term) }
    return seen == nil ? nil : share(values)
  }

  /// `c // num_heads`: an extent divided by a number of the module.
  private mutating func share(_ values: [PythonExpression]) -> PythonExpression? {
    for name in sizes.names {
      let divisors = sizes.values(of: name)
      let products = zip(values, present).map { value, index -> PythonExpression in
        guard case .integer(let size) = value, case .int(let divisor) = divisors[index] else { return .none }
        return .integer(size * divisor)
      }
      guard let term = extents.term(for: products, in: present, beside: []), term.form == .same else { continue }
      declare(name, of: sizes)
      return read(term).floorDivided(by: .name(name))
    }
    return nil
  }

  private mutating func read(_ term: InputExtents.Term) -> PythonExpression {
    seen?.insert(term.axis)
    return extents.expression(term, avoiding: &taken)
  }

  /// The position of the one new extent of a reshaping for which there is no name, where all others are told.
  private func openExtent(_ arguments: [[PythonExpression]]) -> Int? {
    guard !arguments.joined().contains(.integer(-1)) else { return nil }
    let unnamed = arguments.indices.filter { index in
      let values = arguments[index]
      return values.contains { $0 != values[0] } && values.allSatisfy(\.isConstant) && !isNamed(values)
    }
    return unnamed.count == 1 ? unnamed[0] : nil
  }

  private func isNamed(_ values: [PythonExpression]) -> Bool {
    given.term(for: values, in: present) != nil || sizes.name(for: values, in: present) != nil
      || extents.term(for: values, in: present, beside: []) != nil
      || constants.contains { constant in present.map { constant.values[$0] } == values }
  }

  /// Makes a parameter of a number that the source gives a name.
  private mutating func declare(_ name: String, of given: GivenNumbers) {
    guard !constants.contains(where: { $0.name == name }) else { return }
    let values = given.values(of: name)
    taken.insert(name)
    constants.append(
      Constant(
        name: name, values: values.map { FunctionEmitter.number($0) }, isGivenAsFloat: values.contains(where: \.isFloat)
      ))
    constants.sort { given.position(of: $0.name) < given.position(of: $1.name) }
  }

  /// `x - low` where some instances have `x` only, as the source gives them a `low` of 0.
  private mutating func unifyWithNeutral(_ expressions: [PythonExpression], of count: Int) -> PythonExpression? {
    for case .binary(_, let sign, let right) in expressions where right.isConstant {
      guard let neutral = sign.neutralRight else { continue }
      var (left, constants): ([PythonExpression], [PythonExpression]) = ([], [])
      for expression in expressions {
        if case .binary(let base, sign, let constant) = expression, constant.isConstant {
          left.append(base)
          constants.append(constant)
        } else {
          left.append(expression)
          constants.append(.integer(neutral))
        }
      }
      guard given.term(for: constants, in: present) != nil else { continue }
      let before = self
      if let base = unify(left, of: count) { return .binary(base, sign, constant(constants, for: nil)) }
      self = before
    }
    return nil
  }
}

extension PythonBinaryOperator {
  /// What changes nothing on the right.
  fileprivate var neutralRight: Int? {
    switch self {
    case .add, .subtract: 0
    case .multiply, .divide, .power: 1
    default: nil
    }
  }
}

extension PythonExpression {
  /// Whether it is a number, a truth value, a string, or a tuple of such.
  package var isConstant: Bool {
    switch self {
    case .integer, .float, .boolean, .string: true
    case .unary(.minus, let operand): operand.isConstant
    case .tuple(let items): items.allSatisfy(\.isConstant)
    default: false
    }
  }

  fileprivate var isCall: Bool { if case .call = self { true } else { false } }

  private static let shapeFunctions: Set = ["reshape", "zeros", "ones", "full", "broadcast_to", "arange"]

  /// Whether it is a function of extents.
  fileprivate var takesShape: Bool {
    if case .attribute(_, let name) = self { Self.shapeFunctions.contains(name) } else { false }
  }

  /// Whether it is the method that takes each extent as an argument.
  fileprivate var isReshape: Bool {
    if case .attribute(let value, "reshape") = self { value != "jnp" } else { false }
  }

  /// Whether it is a part of an array between bounds.
  fileprivate var isSliced: Bool {
    guard case .subscript(_, let index) = self else { return false }
    let items = if case .tuple(let items) = index { items } else { [index] }
    return items.contains { if case .slice = $0 { true } else { false } }
  }

  /// Whether it is computed from its parts, as tuples and signed numbers are not.
  fileprivate var isComposed: Bool {
    switch self {
    case .binary, .comparison, .conditional, .subscript, .attribute: true
    default: false
    }
  }

  /// Whether it is a node of the parameters, the state, or a list of keys.
  package var isTreeAccess: Bool {
    switch self {
    case .name(let name): ["params", "state", "new_state", "keys"].contains(name)
    case .subscript(let base, .string), .subscript(let base, .integer): base.isTreeAccess
    case .subscript(let base, .formattedString), .subscript(let base, .name): base.isTreeAccess
    default: false
    }
  }
}

extension PythonStatement {
  /// Whether the statement reads the parameters of a child module.
  fileprivate func mentions(child: String) -> Bool {
    func reads(_ expression: PythonExpression) -> Bool {
      if expression == .subscript("params", .string(child)) { return true }
      return expression.children.contains(where: reads)
    }
    var found = false
    _ = mapExpressions { expression in
      found = found || reads(expression)
      return expression
    }
    return found
  }
}
