import GraftIR

/// An operand with arithmetic, so that decompositions and derivatives read as formulas: `try 1 / (1 + x * x)`.
struct Term: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// Nil for a number.
  let builder: GraphBuilder?
  let operand: Operand

  init(_ builder: GraphBuilder, _ operand: Operand) {
    self.builder = builder
    self.operand = operand
  }

  init(_ number: Double) {
    builder = nil
    operand = .float(number)
  }

  init(floatLiteral value: Double) { self.init(value) }

  init(integerLiteral value: Int) {
    builder = nil
    operand = .int(value)
  }

  static func + (a: Term, b: Term) throws -> Term { try a.applying(.add, b) }
  static func - (a: Term, b: Term) throws -> Term { try a.applying(.subtract, b) }
  static func * (a: Term, b: Term) throws -> Term { try a.applying(.multiply, b) }
  static func / (a: Term, b: Term) throws -> Term { try a.applying(.divide, b) }
  static prefix func - (a: Term) throws -> Term { try a.applying(.negative) }

  static func > (a: Term, b: Term) throws -> Term { try a.applying(.greater, b) }
  static func >= (a: Term, b: Term) throws -> Term { try a.applying(.greaterEqual, b) }
  static func < (a: Term, b: Term) throws -> Term { try a.applying(.less, b) }
  static func <= (a: Term, b: Term) throws -> Term { try a.applying(.lessEqual, b) }
  static func & (a: Term, b: Term) throws -> Term { try a.applying(.bitwiseAnd, b) }
  static func | (a: Term, b: Term) throws -> Term { try a.applying(.bitwiseOr, b) }

  /// An op of this operand alone.
  func applying(_ definition: OpDefinition) throws -> Term {
    let builder = try sharedBuilder(nil)
    return Term(builder, try builder(definition, operand))
  }

  /// An op of this operand and another.
  func applying(_ definition: OpDefinition, _ other: Term) throws -> Term {
    let builder = try sharedBuilder(other)
    return Term(builder, try builder(definition, operand, other.operand))
  }

  /// `self` where the condition holds, `other` elsewhere.
  func where_(_ condition: Term, else other: Term) throws -> Term {
    let builder = try condition.sharedBuilder(self)
    return Term(builder, try builder(.where_, condition.operand, operand, other.operand))
  }

  var exp: Term { get throws { try applying(.exp) } }
  var log: Term { get throws { try applying(.log) } }
  var log1p: Term { get throws { try applying(.log1p) } }
  var expm1: Term { get throws { try applying(.expm1) } }
  var sqrt: Term { get throws { try applying(.sqrt) } }
  var abs: Term { get throws { try applying(.abs) } }
  var squared: Term { get throws { try self * self } }

  private func sharedBuilder(_ other: Term?) throws -> GraphBuilder {
    guard let builder = builder ?? other?.builder else {
      throw Diagnostic(.internalError, "arithmetic on two numbers has no place in a program")
    }
    return builder
  }
}

extension OpDefinition.Differentiability {
  /// The gradient of an elementwise op of one operand, from its derivative at x.
  static func derivative(_ formula: @escaping @Sendable (Term) throws -> Term) -> Self {
    .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.scaled(ct, by: formula(Term(b, op[0])).operand)]
    }
  }

  /// The gradient of an elementwise op of one operand, from its derivative in terms of the result.
  static func derivativeOfResult(_ formula: @escaping @Sendable (Term) throws -> Term) -> Self {
    .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b.scaled(ct, by: formula(Term(b, op.result)).operand)]
    }
  }

  /// The gradient of an elementwise op of two operands that broadcast, from its partial derivatives; nil for one that
  /// has no known formula.
  static func partials(
    _ dx: (@Sendable (Term, Term) throws -> Term)?, _ dy: (@Sendable (Term, Term) throws -> Term)?
  ) -> Self {
    .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      func cotangent(_ index: Int, _ partial: (@Sendable (Term, Term) throws -> Term)?) throws -> Operand? {
        guard op[index].asValue != nil, op.isVarying(index) else { return nil }
        guard let partial else {
          throw op.problem("has no known gradient with respect to `\(op.definition.operands[index].name)`")
        }
        return try b.unbroadcast(try b.scaled(ct, by: partial(x, y).operand), like: op[index])
      }
      return [try cotangent(0, dx), try cotangent(1, dy)]
    }
  }

  static var stepwise: Self { .zero("constant between its steps") }
}

extension GraphBuilder {
  /// The complex conjugate of a complex operand, and any other operand itself.
  func conjugated(_ x: Operand) throws -> Operand {
    if case .scalar(.complex(let real, let imaginary)) = x { return .scalar(.complex(real, -imaginary)) }
    return type(x).dtype.isComplex ? try self(.conj, x) : x
  }

  /// A cotangent times the conjugate of a derivative: of a real function of complex numbers, the gradient is the direction in
  /// which it grows fastest.
  func scaled(_ cotangent: Operand, by derivative: Operand) throws -> Operand {
    try self(.multiply, cotangent, conjugated(derivative))
  }
}

/// A decomposition written as a formula of the first operand.
func formula(_ body: @escaping @Sendable (Term) throws -> Term) -> OpDefinition.Decomposition {
  { b, op in [try body(Term(b, op[0])).operand] }
}

/// A decomposition written as a formula of the first two operands.
func formula(_ body: @escaping @Sendable (Term, Term) throws -> Term) -> OpDefinition.Decomposition {
  { b, op in [try body(Term(b, op[0]), Term(b, op[1])).operand] }
}
