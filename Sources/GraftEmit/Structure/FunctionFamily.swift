package import GraftIR
package import GraftSyntax

/// Functions that are the same but for constants, as one function with these as keyword arguments.
package struct FunctionFamily: Sendable {
  package private(set) var function: PythonFunction
  /// The instances, by number.
  package let members: [Int]
  private var parameters: [AntiUnifier.Constant]

  /// How many constants may differ before two functions are better than one.
  private static let mostConstants = 6

  /// A function, and what is known of it beside its text.
  package struct Instance: Sendable {
    package var function: PythonFunction
    /// The names at the top of its tree of parameters.
    package var children: Set<String>
    /// The numbers that the source gives it, by parameter.
    package var given: [(name: String, value: Scalar)]
    /// The numbers that its module has, by attribute.
    package var sizes: [(name: String, value: Scalar)]
    /// The tensors that it is passed.
    package var tensors: [PassedTensor]

    package init(
      _ function: PythonFunction, children: Set<String>, given: [(name: String, value: Scalar)] = [],
      sizes: [(name: String, value: Scalar)] = [], tensors: [PassedTensor] = []
    ) {
      self.function = function
      self.children = children
      self.given = given
      self.sizes = sizes
      self.tensors = tensors
    }
  }

  /// The families that functions fall into.
  ///
  /// - Parameter signatures: of the functions that they call.
  package static func families(
    of instances: [Instance], signatures: [String: AntiUnifier.Signature]
  ) -> [FunctionFamily] {
    var families: [FunctionFamily] = []
    for index in instances.indices {
      var isPlaced = false
      for (position, family) in families.enumerated() where !isPlaced {
        let members = family.members + [index]
        let larger = FunctionFamily(members, of: instances, signatures: signatures)
        if let larger {
          families[position] = larger
          isPlaced = true
        }
      }
      if isPlaced { continue }
      let own = FunctionFamily([index], of: instances, signatures: signatures)
      if let own { families.append(own) }
    }
    return families
  }

  /// - Returns: nil when the functions differ in more than a few constants and a child module that not all have.
  private init?(_ members: [Int], of instances: [Instance], signatures: [String: AntiUnifier.Signature]) {
    guard let first = members.first else { return nil }
    let known = members.map { instances[$0] }
    let own = known.map(\.function)
    function = instances[first].function
    self.members = members
    let (signature, returns) = (function.parameters, function.returns)
    guard own.allSatisfy({ $0.parameters == signature && $0.returns == returns }) else { return nil }
    let names = Set(signature.all.map(\.name)).union(own.flatMap(\.body).flatMap(\.names))
    var unifier = AntiUnifier(
      signatures: signatures, given: known.map(\.given), sizes: known.map(\.sizes), tensors: known.map(\.tensors),
      avoiding: names)
    let optional = Self.optionalChild(known.map(\.children))
    let body: [PythonStatement]?
    if let optional {
      var attempt = unifier
      let inputs = signature.all.map(\.name)
      if let common = attempt.unify(own.map(\.body), optional: optional.name, of: optional.owners, inputs: inputs) {
        unifier = attempt
        body = common
      } else {
        body = unifier.unify(own.map(\.body))
      }
    } else {
      body = unifier.unify(own.map(\.body))
    }
    guard let body, unifier.constants.count <= Self.mostConstants else { return nil }
    parameters = unifier.constants
    function.body = body
    let constants = parameters.map {
      PythonParameter($0.name, annotation: $0.typeName, default: $0.usual)
    }
    function.parameters.keywordOnly.insert(contentsOf: constants, at: 0)
  }

  /// The one child that only some instances have, and which do; nil unless there is exactly one.
  private static func optionalChild(_ children: [Set<String>]) -> (name: String, owners: Set<Int>)? {
    let common = children.dropFirst().reduce(children[0]) { $0.intersection($1) }
    let all = children.reduce(into: Set<String>()) { $0.formUnion($1) }
    let partial = all.subtracting(common)
    guard partial.count == 1, let name = partial.first else { return nil }
    return (name, Set(children.indices.filter { children[$0].contains(name) }))
  }

  /// The constants of a member (by its position among them) that are not the usual ones.
  package func constants(of position: Int) -> [(name: String, value: PythonExpression)] {
    parameters.filter { $0.values[position] != $0.usual }.map { ($0.name, $0.values[position]) }
  }
}

extension AntiUnifier.Constant {
  /// The type of all values: a float if one of several numbers is.
  fileprivate var typeName: PythonExpression {
    let names = values.map(\.typeName)
    let isFloat = names[0] == "int" && (isGivenAsFloat || names.contains("float"))
    return isFloat ? "float" : names[0]
  }

  /// The value that most instances have; of several such, the first one's.
  var usual: PythonExpression {
    var best = values[0]
    var count = 0
    for value in values {
      let own = values.count { $0 == value }
      if own > count { (best, count) = (value, own) }
    }
    return best
  }
}

extension AntiUnifier.Signature {
  /// The parameters of a function that is written here.
  package init(_ parameters: PythonParameters) {
    var defaults: [String: PythonExpression] = [:]
    for parameter in parameters.all { defaults[parameter.name] = parameter.defaultValue }
    self.init(positional: (parameters.positionalOnly + parameters.positional).map(\.name), defaults: defaults)
  }
}

extension PythonExpression {
  fileprivate var typeName: PythonExpression {
    switch self {
    case .integer: "int"
    case .float: "float"
    case .boolean: "bool"
    case .string: "str"
    case .unary(_, let operand): operand.typeName
    default: "tuple"
    }
  }
}
