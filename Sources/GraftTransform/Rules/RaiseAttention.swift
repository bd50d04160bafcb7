import GraftIR
import GraftOps

extension RewriteRule {
  /// `attention(q, k, v)` whose key and value were repeated for the query heads that share a head takes them unrepeated.
  static let groupedQueryAttention = RewriteRule("grouped-query attention", "attention") { b, site in
    guard let key = try site.repeatedHeads(site.op[1]), let value = try site.repeatedHeads(site.op[2]),
      key.count == value.count
    else { return nil }
    var operands = site.op.operands
    (operands[1], operands[2]) = (key.x, value.x)
    let types = operands.map(site.type)
    let call = OpCall(
      site.op.definition, operands: operands, attributes: site.op.attributes,
      typeOf: { site.function.type(of: $0) })
    guard types[0]?.rank == types[1]?.rank, try call.groups() == key.count else { return nil }
    return try b.apply(site.op.definition, operands, attributes: site.op.attributes)
  }

  /// `softmax(q @ k.T * scale + mask) @ v` over [B, H, T, D], with a draw that drops weights in between or none, is
  /// attention.
  ///
  /// Attention gives zeros to a query that sees nothing, where softmax gives every key the same weight if the scores were
  /// replaced by the lowest finite number, and is not a number if by minus infinity. So scores may be replaced by either
  /// only where `sees` proves that each query sees a key: then hidden ones have no weight and no gradient. A mask that
  /// was added must not be able to hold minus infinity. Other low numbers, as `-1e4`, are ordinary scores, and stay.
  ///
  /// - Parameter sees: whether a condition over the last two axes is proved to hold somewhere (if the second argument is
  ///   true, or not to hold) in each row.
  static func attentionByHand(sees: @escaping @Sendable (Operand, Bool) -> Bool) -> RewriteRule {
    RewriteRule("attention by hand", "matmul") { b, site in
      guard site.resultType?.rank == 4 else { return nil }
      var reader = AttentionReader(site: site, sees: sees)
      guard let parts = try reader.parts(), site.isClosed(reader.interior, reading: parts.operands) else { return nil }
      let key = try b.exchangingLastAxes(of: parts.scores.key, site)
      let mask = try parts.scores.mask.map { try $0.operand(b) } ?? .absent
      let operands = [parts.scores.query, key, parts.value, mask, parts.dropoutKey]
      var attributes: OrderedAttributes = ["scale": .float(parts.scores.scale)]
      if let rate = parts.dropoutRate { attributes["dropout_rate"] = .float(rate) }
      let types = try OpDefinition.scaledDotProductAttention.resultTypes(
        operands: operands, attributes: attributes, in: b.function)
      guard types.first == site.resultType else { return nil }
      return try b.apply(.scaledDotProductAttention, operands, attributes: attributes)
    }
  }
}

/// Reads what attention is made of from the operations below a product of weights and values.
private struct AttentionReader {
  struct Parts {
    var scores: Scores
    var value: Operand
    var dropoutKey: Operand = .absent
    var dropoutRate: Double?

    var operands: [Operand] {
      [scores.query, scores.key, value, dropoutKey] + (scores.mask.map { [$0.source] } ?? [])
    }
  }

  /// `query @ key * scale + mask`; the key is transposed.
  struct Scores {
    var query: Operand
    var key: Operand
    var scale = 1.0
    var mask: AttentionMask?
  }

  let site: RewriteSite
  let sees: @Sendable (Operand, Bool) -> Bool
  private(set) var interior: [Value] = []

  init(site: RewriteSite, sees: @escaping @Sendable (Operand, Bool) -> Bool) {
    self.site = site
    self.sees = sees
  }

  mutating func parts() throws -> Parts? {
    var weights = site.op[0]
    var (dropoutKey, dropoutRate): (Operand, Double?) = (.absent, nil)
    if let dropout = enter(weights, "dropout") {
      (weights, dropoutKey, dropoutRate) = (dropout[0], dropout[1], try dropout.double("rate"))
    }
    guard let softmax = enter(weights, "softmax"), let type = site.type(softmax[0]), type.dtype.isFloating,
      try softmax.axis("axis", rank: type.rank) == type.rank - 1, type == site.type(weights),
      let scores = scores(softmax[0], type)
    else { return nil }
    return Parts(scores: scores, value: site.op[1], dropoutKey: dropoutKey, dropoutRate: dropoutRate)
  }

  /// The call of the named op that yields the operand, which is then a part of the pattern.
  private mutating func enter(_ operand: Operand, _ name: String) -> OpCall? {
    guard let call = site.producer(of: operand, name) else { return nil }
    interior += operand.values
    return call
  }

  private mutating func scores(_ operand: Operand, _ type: TensorType) -> Scores? {
    if let sum = enter(operand, "add") { return maskedByAddition(sum, type) }
    if let choice = enter(operand, "where") { return maskedByChoice(choice, type) }
    return scaledProduct(operand, type)
  }

  private mutating func maskedByAddition(_ sum: OpCall, _ type: TensorType) -> Scores? {
    for (product, mask) in [(sum[0], sum[1]), (sum[1], sum[0])] {
      var attempt = self
      guard var scores = attempt.scaledProduct(product, type), site.type(mask)?.dtype == type.dtype,
        fits(mask, type), !site.mayBeInfinite(mask)
      else { continue }
      self = attempt
      scores.mask = .added(mask)
      return scores
    }
    return nil
  }

  private mutating func maskedByChoice(_ choice: OpCall, _ type: TensorType) -> Scores? {
    let isSeenWhereTrue = choice[2].asScalar != nil
    let (product, low) = isSeenWhereTrue ? (choice[1], choice[2]) : (choice[2], choice[1])
    guard let number = low.asScalar?.asDouble, number == -.infinity || number == type.dtype.lowest,
      fits(choice[0], type), sees(choice[0], isSeenWhereTrue), var scores = scaledProduct(product, type)
    else { return nil }
    scores.mask = isSeenWhereTrue ? .seen(choice[0]) : .hidden(choice[0])
    return scores
  }

  /// Whether a mask does not make the scores larger.
  private func fits(_ mask: Operand, _ type: TensorType) -> Bool {
    guard let mask = site.type(mask) else { return false }
    return ShapeRule.broadcast(mask.shape, type.shape) == type.shape
  }

  private mutating func scaledProduct(_ operand: Operand, _ type: TensorType) -> Scores? {
    guard site.type(operand) == type else { return nil }
    if let (inner, scale) = scaled(operand), var scores = scaledProduct(inner, type) {
      scores.scale *= scale
      return scores
    }
    guard let product = enter(operand, "matmul") else { return nil }
    var scores = Scores(query: product[0], key: product[1])
    if let (query, scale) = scaled(scores.query) { (scores.query, scores.scale) = (query, scores.scale * scale) }
    if let (key, scale) = scaled(scores.key) { (scores.key, scores.scale) = (key, scores.scale * scale) }
    return scores
  }

  /// The operand as a product with a number, if nothing else reads that.
  private mutating func scaled(_ operand: Operand) -> (x: Operand, scale: Double)? {
    guard let value = operand.asValue, site.isReadHereOnly(value) else { return nil }
    if let product = site.producer(of: operand, "multiply") {
      for (x, number) in [(product[0], product[1]), (product[1], product[0])] {
        guard let scale = number.asScalar?.asDouble, scale.isFinite else { continue }
        interior.append(value)
        return (x, scale)
      }
    }
    if let quotient = site.producer(of: operand, "divide"), let divisor = quotient[1].asScalar?.asDouble,
      divisor.isNormal
    {
      interior.append(value)
      return (quotient[0], 1 / divisor)
    }
    return nil
  }
}

/// What hides keys from queries.
private enum AttentionMask {
  case added(Operand)
  /// The condition under which a key is seen.
  case seen(Operand)
  /// The condition under which it is not.
  case hidden(Operand)

  /// What it is made from.
  var source: Operand {
    switch self {
    case .added(let operand), .seen(let operand), .hidden(let operand): operand
    }
  }

  /// The mask as attention takes it.
  func operand(_ b: GraphBuilder) throws -> Operand {
    switch self {
    case .added(let mask), .seen(let mask): mask
    case .hidden(let condition): try b(.bitwiseNot, condition)
    }
  }
}

extension GraphBuilder {
  /// The operand with its last two axes exchanged: what was so exchanged, where that is the case.
  fileprivate func exchangingLastAxes(of operand: Operand, _ site: RewriteSite) throws -> Operand {
    let rank = shape(operand).count
    let inner = site.producer(of: operand, "transpose")
    var permutation = try inner?.ints("permutation") ?? Array(0..<rank)
    permutation.swapAt(rank - 1, rank - 2)
    let source = inner?[0] ?? operand
    if permutation == Array(0..<rank) { return source }
    return try self(.transpose, source, attributes: ["permutation": .ints(permutation)])
  }
}

extension RewriteSite {
  /// Whether an operation of the same call of a module is all that reads the value.
  fileprivate func isReadHereOnly(_ value: Value) -> Bool {
    uses[value] == 1 && producers[value].map { origin.isOutside($0.origin) } == true
  }

  /// What was repeated along the heads' axis, which is the third from last, each head `count` times in succession.
  fileprivate func repeatedHeads(_ operand: Operand) throws -> (x: Operand, count: Int)? {
    guard let joined = producer(of: operand, "reshape"), let wide = producer(of: joined[0], "broadcast_to"),
      let split = producer(of: wide[0], "reshape"), let from = type(split[0])?.shape, let to = type(operand)?.shape,
      from.count >= 3, from.count == to.count
    else { return nil }
    let axis = from.count - 3
    guard let count = to[axis].exactQuotient(by: from[axis])?.knownValue else { return nil }
    var (narrow, repeated) = (from, from)
    narrow.insert(1, at: axis + 1)
    repeated.insert(Dim(count), at: axis + 1)
    var result = from
    result[axis] = from[axis] * Dim(count)
    guard type(wide[0])?.shape == narrow, type(joined[0])?.shape == repeated, to == result else { return nil }
    return (split[0], count)
  }

  private static let finite: Set<String> = [
    "add", "subtract", "multiply", "negative", "reshape", "transpose", "broadcast_to", "slice", "concat", "cast",
    "embedding", "linear", "matmul", "where",
  ]

  /// Whether the operand may hold minus infinity: it is, or is made of, a floating input or an infinite number, or
  /// something other than sums, products and choices. Parameters are taken to be finite.
  fileprivate func mayBeInfinite(_ operand: Operand, depth: Int = 0) -> Bool {
    if let number = operand.asScalar?.asDouble { return !number.isFinite }
    return operand.values.contains { value in
      if !function.type(of: value).dtype.isFloating { return false }
      guard let producer = producers[value] else { return !isWeight(value) }
      if producer.name == "full" { return producer.attributes["value"].map { $0.asDouble?.isFinite != true } ?? true }
      if depth > 32 || !Self.finite.contains(producer.name) { return true }
      return producer.operands.contains { mayBeInfinite($0, depth: depth + 1) }
    }
  }

  private func isWeight(_ value: Value) -> Bool {
    guard let argument = function.arguments.first(where: { $0.value == value }) else { return false }
    if case .input = argument.role { return false }
    return true
  }
}
