@testable import GraftSyntax

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Random Python trees.
struct RandomPython {
  /// What kinds of nodes occur.
  enum Vocabulary {
    /// What emitted code consists of.
    case emitted
    /// Everything.
    case everything
  }

  var random: SeededGenerator
  let vocabulary: Vocabulary

  private static let names = [
    "x", "y", "i", "n", "out", "self", "params", "hidden_states", "attention_mask", "running_variance",
    "position_embeddings", "a_rather_long_variable_name", "an_exceptionally_long_variable_name_for_a_tensor", "jnp",
    "jax", "weight", "bias", "key_value_cache", "batch", "length",
  ]
  private static let attributes = [
    "shape", "T", "reshape", "transpose", "lax", "nn", "numpy", "astype", "dtype", "mean", "dot_product_attention",
    "conv_general_dilated", "a_long_method_name_for_chains",
  ]
  private static let strings = [
    "", "weight", "running_mean", "it's", "say \"hi\"", "both ' and \"", "back\\slash", "new\nline", "tab\t", "é", "漢字",
    "a fairly long string literal that takes much room", "\u{0}\u{7f}", "NCHW", "'\"\"", "zero\u{200b}width", "🙂",
  ]
  private static let floats = [
    0.0, 0.1, 1e-5, 1e16, 123456789.0, 1e15, 1e-4, 1.5e300, 2.5e-308, 0.044715, 3.0, -2.5, -0.0, .infinity, -.infinity,
    1e22, 1234567890123456.7, 0.00012345,
  ]

  mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  mutating func name() -> String { pick(Self.names) }

  mutating func expressions(_ range: ClosedRange<Int>, _ depth: Int) -> [PythonExpression] {
    (0..<count(range)).map { _ in expression(depth) }
  }

  mutating func expression(_ depth: Int) -> PythonExpression {
    if depth <= 0 { return atom() }
    let next = depth - 1 - (chance(30) ? 1 : 0)
    switch count(0...(vocabulary == .emitted ? 17 : 25)) {
    case 0, 1: return atom()
    case 2, 3, 4: return call(next)
    case 5, 6: return .binary(expression(next), operatorSymbol(), expression(next))
    case 7: return .attribute(expression(next), pick(Self.attributes))
    case 8: return .subscript(expression(next), index(next))
    case 9: return .conditional(body: expression(next), test: expression(next), orElse: expression(next))
    case 10: return .comparison(expression(next), (0..<count(1...2)).map { _ in comparison(next) })
    case 11: return chain(next)
    case 12: return .tuple(expressions(0...4, next))
    case 13: return .list(expressions(0...5, next))
    case 14: return dictionary(next)
    case 15: return .unary(pick([.minus, .not]), expression(next))
    case 16: return .logical(pick([.and, .or]), expressions(2...4, next))
    case 17: return .listComprehension(expression(next), for: target(), in: expression(next))
    case 18: return .lambda(parameters(1, annotated: false), expression(next))
    case 19: return .comprehension(comprehension(next))
    case 20: return .set(expressions(1...4, next))
    case 21: return .unary(pick(PythonUnaryOperator.allCases), expression(next))
    case 22: return .binary(expression(next), pick(PythonBinaryOperator.allCases), expression(next))
    case 23: return .parenthesized(expression(next))
    case 24: return .binary(expression(next), .power, expression(next))
    default:
      return .call(expression(next), (0..<count(0...5)).map { _ in argument(next) }.sorted(by: keywordsLast))
    }
  }

  private func keywordsLast(_ left: PythonArgument, _ right: PythonArgument) -> Bool {
    func rank(_ argument: PythonArgument) -> Int {
      switch argument {
      case .positional: 0
      case .keyword: 1
      case .unpackedKeywords: 2
      }
    }
    return rank(left) < rank(right)
  }

  private mutating func atom() -> PythonExpression {
    switch count(0...12) {
    case 0: .integer(count(-3...200))
    case 1: .float(pick(Self.floats))
    case 2: .string(pick(Self.strings))
    case 3: .boolean(chance(50))
    case 4: .none
    case 5: vocabulary == .everything ? .ellipsis : .name(name())
    case 6: .attribute(.name(name()), pick(Self.attributes))
    default: .name(name())
    }
  }

  private mutating func operatorSymbol() -> PythonBinaryOperator {
    pick([.add, .add, .subtract, .multiply, .multiply, .divide, .matmul, .power, .floorDivide, .modulo])
  }

  private mutating func comparison(_ depth: Int) -> PythonComparison {
    PythonComparison(pick(PythonComparisonOperator.allCases), expression(depth))
  }

  private mutating func call(_ depth: Int) -> PythonExpression {
    var function = PythonExpression.name(name())
    for _ in 0..<count(0...2) { function = function.attribute(pick(Self.attributes)) }
    if chance(15) { function = expression(depth) }
    let positional = expressions(0...4, depth)
    let names = ["axis", "keepdims", "dimension_numbers", "stride", "padding"].prefix(chance(50) ? count(0...4) : 0)
    return function.call(positional, keywords: names.map { ($0, expression(depth)) })
  }

  private mutating func chain(_ depth: Int) -> PythonExpression {
    var value = PythonExpression.name(name())
    for _ in 0..<count(1...4) {
      value = value.attribute(pick(Self.attributes))
      if chance(75) { value = value.call(expressions(0...3, depth)) }
      if chance(15) { value = .subscript(value, index(depth)) }
    }
    return value
  }

  private mutating func argument(_ depth: Int) -> PythonArgument {
    switch count(0...6) {
    case 0: .keyword(pick(["axis", "keepdims", "dtype"]) + String(count(0...99)), expression(depth))
    case 1: .unpackedKeywords(expression(depth))
    case 2: .positional(.starred(expression(depth)))
    case 3: .positional(.comprehension(comprehension(depth)))
    default: .positional(expression(depth))
    }
  }

  private mutating func dictionary(_ depth: Int) -> PythonExpression {
    let entries = (0..<count(0...4)).map { _ in
      let key =
        vocabulary == .everything && chance(10) ? nil : chance(70) ? .string(pick(Self.strings)) : expression(depth)
      return PythonDictionaryEntry(key: key, value: expression(depth))
    }
    return .dictionary(entries)
  }

  private mutating func index(_ depth: Int) -> PythonExpression {
    switch count(0...5) {
    case 0, 1: expression(depth)
    case 2: slice(depth)
    case 3: .tuple((0..<count(1...4)).map { _ in chance(60) ? slice(depth) : expression(depth) })
    case 4: .string(pick(Self.strings))
    default: .integer(count(-2...9))
    }
  }

  private mutating func slice(_ depth: Int) -> PythonExpression {
    .slice(
      chance(50) ? expression(depth) : nil, chance(50) ? expression(depth) : nil,
      step: chance(25) ? expression(depth) : nil)
  }

  private mutating func comprehension(_ depth: Int) -> PythonComprehension {
    let kind: PythonComprehension.Kind = pick([.list, .set, .generator, .dictionary(key: expression(depth))])
    let clauses = (0..<count(1...2)).map { _ in
      PythonComprehension.Clause(
        target: target(), in: expression(depth), if: chance(30) ? expressions(1...2, depth) : [])
    }
    return PythonComprehension(kind, expression(depth), for: clauses)
  }

  private mutating func target() -> PythonExpression {
    chance(60) ? .name(name()) : .tuple((0..<count(1...3)).map { _ in .name(name()) })
  }

  mutating func parameters(_ depth: Int, annotated: Bool) -> PythonParameters {
    var number = 0
    func unique(_ name: String) -> String {
      number += 1
      return "\(name)\(number)"
    }
    func list(_ generator: inout RandomPython, _ count: Int, defaults: Bool) -> [PythonParameter] {
      (0..<count).map { _ in
        PythonParameter(
          unique(generator.name()), annotation: annotated && generator.chance(70) ? generator.annotation() : nil,
          default: defaults ? generator.expression(depth - 1) : nil)
      }
    }
    let isOdd = vocabulary == .everything
    return PythonParameters(
      list(&self, count(0...3), defaults: false) + list(&self, count(0...1), defaults: true),
      positionalOnly: isOdd && chance(10) ? list(&self, count(1...2), defaults: false) : [],
      variadic: isOdd && chance(15) ? PythonParameter(unique("args")) : nil,
      keywordOnly: chance(30) ? list(&self, count(1...3), defaults: chance(60)) : [],
      variadicKeyword: isOdd && chance(15) ? PythonParameter(unique("kwargs")) : nil)
  }

  mutating func annotation() -> PythonExpression {
    switch count(0...4) {
    case 0: "Array"
    case 1: .name("Array") | .none
    case 2: .subscript("tuple", .tuple(["Array", "dict", .ellipsis]))
    case 3: .subscript("dict", .tuple(["str", .subscript("list", "a_long_annotation_name")]))
    default: "jax.Array"
    }
  }
}
