import Testing

@testable import GraftIR

@Suite struct DimTests {
  /// An expression that is built as a `Dim` and evaluated as plain numbers side by side.
  private indirect enum Expression {
    case constant(Int), symbol(String)
    case add(Expression, Expression), subtract(Expression, Expression), multiply(Expression, Expression)
    case floorDivide(Expression, Expression), remainder(Expression, Expression), ceilDivide(Expression, Expression)
    case maximum(Expression, Expression), minimum(Expression, Expression)

    static let symbols = ["H", "N", "T"]

    static func random(_ depth: Int, _ generator: inout SeededGenerator) -> Expression {
      if depth == 0 || generator.chance(15) {
        return generator.chance(50) ? .symbol(generator.pick(symbols)) : .constant(generator.below(13) - 4)
      }
      let (a, b) = (random(depth - 1, &generator), random(depth - 1, &generator))
      switch generator.below(9) {
      case 0, 1: return .add(a, b)
      case 2: return .subtract(a, b)
      case 3: return .multiply(a, b)
      case 4: return .floorDivide(a, divisor(&generator))
      case 5: return .remainder(a, divisor(&generator))
      case 6: return .ceilDivide(a, divisor(&generator))
      case 7: return .maximum(a, b)
      default: return .minimum(a, b)
      }
    }

    private static func divisor(_ generator: inout SeededGenerator) -> Expression {
      switch generator.below(4) {
      case 0: .symbol(generator.pick(symbols))
      case 1: .add(.symbol(generator.pick(symbols)), .constant(generator.below(3)))
      default: .constant(1 + generator.below(6))
      }
    }

    var dim: Dim {
      switch self {
      case .constant(let value): Dim(value)
      case .symbol(let name): .symbol(name)
      case .add(let a, let b): a.dim + b.dim
      case .subtract(let a, let b): a.dim - b.dim
      case .multiply(let a, let b): a.dim * b.dim
      case .floorDivide(let a, let b): a.dim.floorDivided(by: b.dim)
      case .remainder(let a, let b): a.dim.remainder(by: b.dim)
      case .ceilDivide(let a, let b): a.dim.ceilDivided(by: b.dim)
      case .maximum(let a, let b): .maximum(a.dim, b.dim)
      case .minimum(let a, let b): .minimum(a.dim, b.dim)
      }
    }

    func value(_ bindings: [String: Int]) -> Int {
      switch self {
      case .constant(let value): value
      case .symbol(let name): bindings[name] ?? 0
      case .add(let a, let b): a.value(bindings) + b.value(bindings)
      case .subtract(let a, let b): a.value(bindings) - b.value(bindings)
      case .multiply(let a, let b): a.value(bindings) * b.value(bindings)
      case .floorDivide(let a, let b): Self.floor(a.value(bindings), b.value(bindings))
      case .remainder(let a, let b):
        a.value(bindings) - b.value(bindings) * Self.floor(a.value(bindings), b.value(bindings))
      case .ceilDivide(let a, let b): -Self.floor(-a.value(bindings), b.value(bindings))
      case .maximum(let a, let b): max(a.value(bindings), b.value(bindings))
      case .minimum(let a, let b): min(a.value(bindings), b.value(bindings))
      }
    }

    private static func floor(_ a: Int, _ b: Int) -> Int { Int((Double(a) / Double(b)).rounded(.down)) }
  }

  private static let bindings: [[String: Int]] = [
    ["H": 1, "N": 1, "T": 1], ["H": 7, "N": 2, "T": 5], ["H": 12, "N": 3, "T": 8], ["H": 31, "N": 16, "T": 9],
  ]

  @Test func canonicalFormsHaveTheValueOfTheExpression() {
    let seed: UInt64 = 20_250_101
    var generator = SeededGenerator(seed: seed)
    for index in 0..<4000 {
      let expression = Expression.random(3, &generator)
      let dim = expression.dim
      for binding in Self.bindings {
        let expected = expression.value(binding)
        guard dim.evaluate(binding) != expected else { continue }
        Issue.record("seed \(seed), expression \(index): \(expression) became \(dim), at \(binding) not \(expected)")
        return
      }
    }
  }

  @Test func substitutionCommutesWithEvaluation() {
    var generator = SeededGenerator(seed: 7)
    for index in 0..<2000 {
      let dim = Expression.random(3, &generator).dim
      let replaced = dim.substituting { $0 == "H" ? Dim.symbol("N") * 2 + 1 : nil }
      for binding in Self.bindings {
        var inner = binding
        inner["H"] = (binding["N"] ?? 0) * 2 + 1
        #expect(replaced.evaluate(binding) == dim.evaluate(inner), "seed 7, expression \(index): \(dim) -> \(replaced)")
      }
    }
  }

  @Test func textReadsBackAsTheSameExpression() throws {
    var generator = SeededGenerator(seed: 11)
    for index in 0..<4000 {
      let dim = Expression.random(4, &generator).dim
      if dim.size > DimReader.sizeLimit / 2 { continue }
      var scanner = IRScanner(dim.description)
      var reader = DimReader()
      let parsed = try reader.sum(&scanner)
      #expect(parsed == dim && scanner.isAtEnd, "seed 11, expression \(index): \(dim) -> \(parsed)")
    }
  }

  @Test func equalExpressionsCompareEqual() {
    let (h, n) = (Dim.symbol("H"), Dim.symbol("N"))
    #expect((h + 2 - 3).floorDivided(by: 2) + 1 == (h + 1).floorDivided(by: 2))
    #expect((n * h * 4).floorDivided(by: h * 2) == n * 2)
    #expect(((n + 1) * h).floorDivided(by: n + 1) == h)
    #expect((n * 6 + 5).floorDivided(by: 3) == n * 2 + 1)
    #expect((n * 6 + 5).remainder(by: 3) == 2)
    #expect(Dim.maximum(n, n - 1) == n)
    #expect(Dim.minimum(n, h) == Dim.minimum(h, n))
    #expect((n + 1) * (n - 1) == n * n - 1)
    #expect(n - n == 0)
  }

  @Test func divisionRoundsAsInPython() {
    for (a, b, quotient, remainder) in [(7, 2, 3, 1), (-7, 2, -4, 1), (-8, 2, -4, 0), (0, 5, 0, 0), (-1, 3, -1, 2)] {
      #expect(Dim(a).floorDivided(by: Dim(b)) == Dim(quotient))
      #expect(Dim(a).remainder(by: Dim(b)) == Dim(remainder))
      let bindings = ["A": a, "B": b]
      #expect(Dim.symbol("A").floorDivided(by: .symbol("B")).evaluate(bindings) == quotient)
      #expect(Dim.symbol("A").remainder(by: .symbol("B")).evaluate(bindings) == remainder)
    }
    #expect(Dim.symbol("A").floorDivided(by: .symbol("B")).evaluate(["A": 1, "B": 0]) == nil)
    #expect(Dim.symbol("A").evaluate([:]) == nil)
  }

  @Test func arithmeticAtTheLimitsDoesNotTrap() {
    let extremes: [Dim] = [Dim(Int.max), Dim(Int.min), -1, 0, 1, 3, .symbol("N"), .symbol("N") * Dim(Int.min)]
    var results: [Dim] = []
    for a in extremes {
      for b in extremes {
        results += [
          a + b, a - b, a * b, a.floorDivided(by: b), a.remainder(by: b), a.ceilDivided(by: b), .maximum(a, b),
          .minimum(a, b),
        ]
      }
    }
    for result in results { _ = result.evaluate(["N": Int.min]) }
    #expect(Dim(Int.max) + 1 == Dim(Int.max))
    #expect((Dim(Int.max) * Dim(Int.max)) == Dim(Int.max))
  }
}
