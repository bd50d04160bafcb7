/// Reads dimension expressions in Python's syntax, refusing those whose canonical form would be large.
struct DimReader {
  /// How many factors the canonical form of an expression may have.
  static let sizeLimit = 512
  /// How many dimensions a shape may have.
  static let rankLimit = 64

  mutating func sum(_ scanner: inout IRScanner) throws -> Dim {
    try scanner.enter()
    defer { scanner.leave() }
    var total = try product(&scanner)
    while true {
      if scanner.take("+") {
        total = try checked(total + product(&scanner), scanner)
      } else if scanner.take("-") {
        total = try checked(total - product(&scanner), scanner)
      } else {
        return total
      }
    }
  }

  private mutating func product(_ scanner: inout IRScanner) throws -> Dim {
    var result = try factor(&scanner)
    while true {
      if scanner.take("*") {
        let other = try factor(&scanner)
        let estimate = saturatingAdd(
          saturatingMultiply(result.size, other.terms.count + 1),
          saturatingMultiply(other.size, result.terms.count + 1))
        if estimate > 2 * Self.sizeLimit { throw tooComplex(scanner) }
        result = try checked(result * other, scanner)
      } else if scanner.take("//") {
        result = try checked(result.floorDivided(by: factor(&scanner)), scanner)
      } else if scanner.take("%") {
        result = try checked(result.remainder(by: factor(&scanner)), scanner)
      } else {
        return result
      }
    }
  }

  private mutating func factor(_ scanner: inout IRScanner) throws -> Dim {
    if scanner.take("(") {
      let inner = try sum(&scanner)
      try scanner.expect(")")
      return inner
    }
    if scanner.take("-") {
      if let digits = scanner.takeDigits() { return try integer("-" + digits, scanner) }
      try scanner.enter()
      defer { scanner.leave() }
      return -(try factor(&scanner))
    }
    if let digits = scanner.takeDigits() { return try integer(digits, scanner) }
    guard let word = scanner.takeWord() else { throw scanner.expected("a dimension") }
    switch word {
    case "max", "min":
      try scanner.expect("(")
      let a = try sum(&scanner)
      try scanner.expect(",")
      let b = try sum(&scanner)
      try scanner.expect(")")
      return try checked(word == "max" ? Dim.maximum(a, b) : Dim.minimum(a, b), scanner)
    case _ where Symbol.reservedNames.contains(word): throw scanner.failure("`\(word)` cannot be a symbol")
    default: return .symbol(word)
    }
  }

  private func integer(_ text: String, _ scanner: IRScanner) throws -> Dim {
    guard let value = Int(text) else { throw scanner.failure("\(text) is too large") }
    return Dim(value)
  }

  private func checked(_ dim: Dim, _ scanner: IRScanner) throws -> Dim {
    if dim.size > Self.sizeLimit { throw tooComplex(scanner) }
    return dim
  }

  private func tooComplex(_ scanner: IRScanner) -> Diagnostic { scanner.failure("the dimension is too complex") }
}

extension Dim {
  /// The number of factors in the expression, inside of atoms too.
  var size: Int {
    terms.reduce(1) { sum, term in
      term.factors.reduce(saturatingAdd(sum, 1)) { saturatingAdd($0, $1.size) }
    }
  }
}

extension Dim.Atom {
  fileprivate var size: Int {
    switch self {
    case .symbol: 1
    case .floorDivision(let a, let b), .remainder(let a, let b), .maximum(let a, let b), .minimum(let a, let b):
      saturatingAdd(a.size, b.size)
    }
  }
}
