import GraftIR
import GraftOps

extension IndexTransfers {
  static let elementwise: Table = [
    "add": arithmetic({ $0 + $1 }, { $0 + $1 }),
    "subtract": arithmetic({ $0 - $1 }, { $0 - $1 }),
    "multiply": arithmetic({ $0 * $1 }, { $0 * $1 }),
    "negative": { site in
      guard let x = site.function(0) else { return nil }
      return site.type.dtype.isFloating
        ? site.domain.mapNumbers(x) { .number(-$0) } : site.domain.map(x) { .whole(-$0) }
    },
    "abs": { site in
      guard site.type.dtype.isInteger, let x = site.function(0) else { return nil }
      return site.domain.map(x) { .whole(site.domain.maximum($0, -$0)) }
    },
    "square": { site in
      guard site.type.dtype.isInteger, let x = site.function(0) else { return nil }
      return site.domain.map(x) { .whole($0 * $0) }
    },
    "maximum": integers { domain, x, y in domain.maximum(x, y) },
    "minimum": integers { domain, x, y in domain.minimum(x, y) },
    "floor_divide": integers { domain, x, y in domain.isPositive(y) ? domain.floorDivided(x, by: y) : nil },
    "remainder": integers { domain, x, y in domain.isPositive(y) ? domain.remainder(x, by: y) : nil },
    "truncate_divide": integers { domain, x, y in
      domain.isPositive(y) && domain.isNonNegative(x) ? domain.floorDivided(x, by: y) : nil
    },
    "fmod": integers { domain, x, y in
      domain.isPositive(y) && domain.isNonNegative(x) ? domain.remainder(x, by: y) : nil
    },
    "bitwise_and": logical { domain, x, y in domain.all(x, y) },
    "bitwise_or": logical { domain, x, y in domain.any(x, y) },
    "bitwise_xor": logical { domain, x, y in
      domain.any(domain.all(x, y.negated), domain.all(x.negated, y))
    },
    "bitwise_not": { site in
      guard site.type.dtype == .bool else { return nil }
      return site.condition(0).map { .boolean($0.negated) }
    },
    "where": { site in
      guard let condition = site.condition(0) else { return nil }
      if case .constant(let holds) = condition { return site.lifted(holds ? 1 : 2) }
      if site.function(0) == nil, site.function(1) == nil || site.function(2) == nil { return nil }
      guard let x = site.lifted(1), let y = site.lifted(2) else { return nil }
      return site.domain.choice(condition, x, y)
    },
    "cast": { site in
      guard let x = site.function(0) else { return nil }
      return site.cast(x)
    },
  ]

  /// Arithmetic on whole numbers, and on floating ones that do not depend on an index.
  private static func arithmetic(
    _ whole: @escaping @Sendable (Dim, Dim) -> Dim, _ number: @escaping @Sendable (Double, Double) -> Double
  ) -> IndexTransfer {
    { site in
      guard let x = site.function(0), let y = site.function(1) else { return nil }
      let dtype = site.type.dtype
      if dtype.isInteger { return site.domain.combine(x, y) { .whole(whole($0, $1)) } }
      // In double precision, and then rounded once more, these three give what single precision would.
      guard dtype == .float32 || dtype == .float64 else { return nil }
      return site.domain.combineNumbers(x, y) { dtype.rounded(number($0, $1)).map { .number($0) } }
    }
  }

  private static func integers(
    _ transform: @escaping @Sendable (IndexDomain, Dim, Dim) -> Dim?
  ) -> IndexTransfer {
    { site in
      guard site.type.dtype.isInteger, let x = site.function(0), let y = site.function(1) else { return nil }
      return site.domain.combine(x, y) { a, b in transform(site.domain, a, b).map { .whole($0) } }
    }
  }

  private static func logical(
    _ transform: @escaping @Sendable (IndexDomain, IndexCondition, IndexCondition) -> IndexCondition
  ) -> IndexTransfer {
    { site in
      guard site.type.dtype == .bool, let x = site.condition(0), let y = site.condition(1) else { return nil }
      return .boolean(transform(site.domain, x, y))
    }
  }

  // MARK: Comparisons

  static let comparisons: Table = [
    "equal": comparison({ $0.equal($1, $2) }, { $0 == $1 }) { domain, x, y in
      domain.any(domain.all(x, y), domain.all(x.negated, y.negated))
    },
    "not_equal": comparison({ $0.equal($1, $2).negated }, { $0 != $1 }) { domain, x, y in
      domain.any(domain.all(x, y.negated), domain.all(x.negated, y))
    },
    "less": comparison({ $0.less($1, $2) }, { $0 < $1 }) { domain, x, y in domain.all(x.negated, y) },
    "less_equal": comparison({ $0.lessEqual($1, $2) }, { $0 <= $1 }) { domain, x, y in domain.any(x.negated, y) },
    "greater": comparison({ $0.less($2, $1) }, { $0 > $1 }) { domain, x, y in domain.all(x, y.negated) },
    "greater_equal": comparison({ $0.lessEqual($2, $1) }, { $0 >= $1 }) { domain, x, y in domain.any(x, y.negated) },
  ]

  private static func comparison(
    _ whole: @escaping @Sendable (IndexDomain, Dim, Dim) -> IndexCondition,
    _ number: @escaping @Sendable (Double, Double) -> Bool,
    _ boolean: @escaping @Sendable (IndexDomain, IndexCondition, IndexCondition) -> IndexCondition
  ) -> IndexTransfer {
    { site in
      guard let x = site.function(0), let y = site.function(1) else { return nil }
      if case .boolean(let x) = x, case .boolean(let y) = y { return .boolean(boolean(site.domain, x, y)) }
      if site.operandType.isFloating {
        return site.domain.combineNumbers(x, y) { .boolean(.constant(number($0, $1))) }
      }
      return site.domain.combine(x, y) { .boolean(whole(site.domain, $0, $1)) }
    }
  }
}

extension IndexSite {
  /// The function with the elements of the result's type.
  func cast(_ function: IndexFunction) -> IndexFunction? {
    let dtype = type.dtype
    switch function {
    case .boolean(let condition):
      if dtype == .bool { return function }
      guard let one = constant(.int(1), dtype), let zero = constant(.int(0), dtype) else { return nil }
      return domain.choice(condition, one, zero)
    case .whole(let value):
      if dtype == .bool { return .boolean(domain.nonZero(value)) }
      if dtype.isFloating, let known = value.knownValue { return constant(.int(known), dtype) }
      return function
    case .number(let bits):
      let value = Double(bitPattern: bits)
      if dtype == .bool { return .boolean(.constant(value != 0)) }
      if dtype.isFloating { return dtype.rounded(value).map { .number($0) } }
      guard let whole = Int(exactly: value.rounded(.towardZero)) else { return nil }
      return .whole(Dim(whole))
    case .choice(let condition, let a, let b):
      guard let a = cast(a), let b = cast(b) else { return nil }
      return domain.choice(condition, a, b)
    case .element: return nil
    }
  }
}

extension IndexDomain {
  func maximum(_ x: Dim, _ y: Dim) -> Dim {
    isNonNegative(x - y) ? x : isNonNegative(y - x) ? y : .maximum(x, y)
  }

  func minimum(_ x: Dim, _ y: Dim) -> Dim {
    isNonNegative(y - x) ? x : isNonNegative(x - y) ? y : .minimum(x, y)
  }

  /// The quotient by a positive number, rounded towards minus infinity.
  func floorDivided(_ x: Dim, by y: Dim) -> Dim {
    isNonNegative(x) && isPositive(y - x) ? 0 : x.floorDivided(by: y)
  }

  /// The remainder by a positive number.
  func remainder(_ x: Dim, by y: Dim) -> Dim {
    isNonNegative(x) && isPositive(y - x) ? x : x.remainder(by: y)
  }
}
