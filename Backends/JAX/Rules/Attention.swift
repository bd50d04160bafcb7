import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax
import GraftTransform

extension JAXRules {
  static let attention: Rules = [
    "attention": { context in
      if try context.usesDotProductAttention { return [try context.dotProductAttention()] }
      return [try context.call.headsAreLast ? context.attentionByHelper() : context.attentionByWeights()]
    },
    "attention_gradient": { try $0.attentionGradient() },
  ]
}

extension RewriteRule {
  /// Attention with heads in the layout of `jax.nn.dot_product_attention`: [B, T, H, D].
  ///
  /// Where all weights are dropped there is no attention to compute.
  static let attentionHeadsLast = RewriteRule("attention heads last", "attention") { b, site in
    guard try !site.op.headsAreLast, (0..<3).allSatisfy({ site.type(site.op[$0])?.rank == 4 }),
      try site.op["rng"].isAbsent || site.op.double("dropout_rate") < 1
    else { return nil }
    var attributes = site.op.attributes
    attributes["layout"] = .string("heads_last")
    let operands = try site.op.operands.prefix(3).map(b.exchangingHeads) + site.op.operands.dropFirst(3)
    return [try b.exchangingHeads(b.apply(site.op.definition, operands, attributes: attributes)[0])]
  }

  /// The gradients of attention in the same layout; of attention that is not one call in JAX, by their products.
  static let attentionGradientHeadsLast = RewriteRule("attention gradient heads last", "attention_gradient") {
    b, site in
    let forward = site.op.attentionOfGradient
    guard try (0..<3).allSatisfy({ try forward.type($0).rank == 4 }), try forward.differsInHeadsOnly,
      try site.op["mask"].isAbsent || forward.groups() == nil
    else { return try site.op.definition.decomposition?(b, site.op) }
    if try forward.headsAreLast { return nil }
    var attributes = site.op.attributes
    attributes["layout"] = .string("heads_last")
    let operands = try site.op.operands.prefix(4).map(b.exchangingHeads) + site.op.operands.dropFirst(4)
    return try b.apply(site.op.definition, operands, attributes: attributes).map(b.exchangingHeads)
  }
}

extension EmitContext {
  /// Whether JAX's own function means the same: it drops nothing, and lets a query that may see nothing see everything.
  fileprivate var usesDotProductAttention: Bool {
    get throws {
      guard try call.headsAreLast, call["mask"].isAbsent, call["rng"].isAbsent else { return false }
      let (query, key, value) = (try call.type(0), try call.type(1), try call.type(2))
      let hasFittingHeads = try call.groups() != nil || query.shape[2] == key.shape[2]
      return query.shape[0] == key.shape[0] && key.shape.prefix(3) == value.shape.prefix(3)
        && query.shape[3] == value.shape[3] && hasFittingHeads
    }
  }

  fileprivate func dotProductAttention() throws -> PythonExpression {
    reference("jax.nn.dot_product_attention").call(
      [operand("query"), operand("key"), operand("value")], keywords: try scoreKeywords(causal: "is_causal"))
  }

  /// `jax.vjp` of what attention is written as.
  fileprivate func attentionGradient() throws -> [PythonExpression] {
    let forward = with(call.attentionOfGradient)
    let isOwn = try forward.usesDotProductAttention
    let function = isOwn ? reference("jax.nn.dot_product_attention") : forward.attentionHelper("attention")
    let keywords = try forward.maskKeywords + forward.scoreKeywords(causal: isOwn ? "is_causal" : "causal")
    let attention = keywords.isEmpty ? function : reference("functools.partial").call([function], keywords: keywords)
    let pullback = reference("jax.vjp").call([attention, operand("query"), operand("key"), operand("value")])
    return several(pullback[1].call([operand("cotangent")]))
  }

  private func attentionHelper(_ name: String) -> PythonExpression {
    let isBoolean = call["mask"].asValue.map { call.type(of: $0).dtype == .bool } ?? false
    return helper(name, options: ["boolean_mask": isBoolean])
  }

  private var maskKeywords: [(String, PythonExpression)] {
    call["mask"].isAbsent ? [] : [("mask", operand("mask"))]
  }

  /// Attention over [..., T, H, D] with a mask or dropout.
  fileprivate func attentionByHelper() throws -> PythonExpression {
    let (key, value) = try keyAndValue(headAxis: -2)
    var (name, operands) = ("attention", [operand("query"), key, value])
    if let rate = try dropoutRate {
      name = "attention_with_dropout"
      operands += [operand("rng"), .float(rate)]
    }
    return attentionHelper(name).call(operands, keywords: maskKeywords + (try scoreKeywords(causal: "causal")))
  }

  /// The weights over [..., T, D] by a helper, and the rest in place.
  fileprivate func attentionByWeights() throws -> PythonExpression {
    let (key, value) = try keyAndValue(headAxis: -3)
    let mask = call["mask"].isAbsent ? [] : [operand("mask")]
    var weights = helper("attention_weights").call(
      [operand("query"), key] + mask, keywords: try scoreKeywords(causal: "causal"))
    if let rate = try dropoutRate { weights = dropout(weights, operand("rng"), rate) }
    return weights.matmul(value)
  }

  /// Key and value, each head repeated for the query heads that share it.
  private func keyAndValue(headAxis: Int) throws -> (key: PythonExpression, value: PythonExpression) {
    let operands = (operand("key"), operand("value"))
    guard let groups = try call.groups() else { return operands }
    func repeated(_ x: PythonExpression) -> PythonExpression {
      x.method("repeat", .integer(groups), keywords: [("axis", .integer(headAxis))])
    }
    return (repeated(operands.0), repeated(operands.1))
  }

  /// The share of the weights that is dropped in training; nil if none is.
  private var dropoutRate: Double? {
    get throws {
      let rate = try call.double("dropout_rate")
      return call["rng"].isAbsent || rate == 0 ? nil : rate
    }
  }

  private func scoreKeywords(causal: String) throws -> [(String, PythonExpression)] {
    var keywords: [(String, PythonExpression)] = []
    try addScale(to: &keywords)
    if try call.bool("causal") { keywords.append((causal, true)) }
    return keywords
  }

  private func addScale(to keywords: inout [(String, PythonExpression)]) throws {
    guard let scale = try call.optional("scale")?.asDouble else { return }
    let query = try call.type(0)
    if let extent = query.shape[query.rank - 1].knownValue, extent > 0,
      abs(scale * Double(extent).squareRoot() - 1) < 1e-12
    {
      return
    }
    keywords.append(("scale", .float(scale)))
  }
}
