import GraftIR
import GraftSyntax

/// The numbers that the source gives each of several instances of a function, by parameter, in the parameters' order; and
/// constants in terms of them.
struct GivenNumbers: Sendable {
  /// A constant in terms of parameters: `slope`, `1 - rate`, `high - low`.
  struct Term {
    let expression: PythonExpression
    let parameters: [String]
  }

  private let instances: [[(name: String, value: Scalar)]]

  init(_ instances: [[(name: String, value: Scalar)]]) {
    self.instances = instances.map { $0.map { (PythonIdentifier.snakeCase($0.name), $0.value) } }
  }

  /// The parameters that every instance is given a number for.
  var names: [String] {
    guard let first = instances.first else { return [] }
    return first.map(\.name).filter { name in instances.allSatisfy { $0.contains { $0.name == name } } }
  }

  /// The place of a parameter among all; those that are not known come last.
  func position(of name: String) -> Int { names.firstIndex(of: name) ?? names.count }

  /// What each instance is given for a parameter.
  func values(of name: String) -> [Scalar] {
    instances.compactMap { $0.first { $0.name == name }?.value }
  }

  /// The shortest term that has these values in the instances of these numbers; nil if there is none.
  func term(for values: [PythonExpression], in present: [Int]) -> Term? {
    if let name = name(for: values, in: present) { return Term(expression: .name(name), parameters: [name]) }
    guard let wanted = Self.numbers(values) else { return nil }
    let known = known(in: present)
    for (name, own) in known {
      for form in Self.forms where own.map(form.value) == wanted {
        return Term(expression: form.expression(.name(name)), parameters: [name])
      }
    }
    for (left, a) in known {
      for (right, b) in known where left != right && zip(a, b).map(-) == wanted {
        return Term(expression: .name(left) - .name(right), parameters: [left, right])
      }
    }
    return nil
  }

  /// The first parameter that has these values in the instances of these numbers; nil if none has.
  func name(for values: [PythonExpression], in present: [Int]) -> String? {
    guard let wanted = Self.numbers(values) else { return nil }
    return known(in: present).first { $0.values == wanted }?.name
  }

  /// The parameters that all instances of these numbers are given, with the values there.
  private func known(in present: [Int]) -> [(name: String, values: [Double])] {
    guard present.allSatisfy(instances.indices.contains) else { return [] }
    return names.map { name in
      let all = self.values(of: name)
      return (name: name, values: present.compactMap { all[$0].realValue })
    }.filter { $0.values.count == present.count }
  }

  private static func numbers(_ expressions: [PythonExpression]) -> [Double]? {
    let numbers = expressions.compactMap(\.number)
    return numbers.count == expressions.count ? numbers : nil
  }

  private struct Form: Sendable {
    let value: @Sendable (Double) -> Double
    let expression: @Sendable (PythonExpression) -> PythonExpression
  }

  private static let forms = [
    Form(value: { -$0 }, expression: { -$0 }),
    Form(value: { 1 - $0 }, expression: { .integer(1) - $0 }),
    Form(value: { 1 / $0 }, expression: { .integer(1) / $0 }),
    Form(value: { $0 * $0 }, expression: { .binary($0, .power, .integer(2)) }),
    Form(value: { 2 * $0 }, expression: { .integer(2) * $0 }),
    Form(value: { $0 / 2 }, expression: { $0 / .integer(2) }),
  ]
}

extension Scalar {
  fileprivate var realValue: Double? {
    switch self {
    case .int, .float: asDouble
    default: nil
    }
  }

  var isFloat: Bool { if case .float = self { true } else { false } }
}

extension PythonExpression {
  /// The value of a number.
  fileprivate var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .float(let value): value
    case .unary(.minus, let operand): operand.number.map { -$0 }
    default: nil
    }
  }
}
