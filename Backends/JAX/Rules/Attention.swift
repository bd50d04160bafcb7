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
    }
  ]
}

extension RewriteRule {
  /// Attention with heads in the layout of `jax.nn.dot_product_attention`: [B, T, H, D].
  static let attentionHeadsLast = RewriteRule("attention heads last", "attention") { b, site in
    guard try !site.op.headsAreLast, (0..<3).allSatisfy({ site.type(site.op[$0])?.rank == 4 }) else { return nil }
    var attributes = site.op.attributes
    attributes["layout"] = .string("heads_last")
    let operands = try site.op.operands.prefix(3).map(b.exchangingHeads) + site.op.operands.dropFirst(3)
    return [try b.exchangingHeads(b.apply(site.op.definition, operands, attributes: attributes)[0])]
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
    var keywords: [(String, PythonExpression)] = []
    try addScale(to: &keywords)
    if try call.bool("causal") { keywords.append(("is_causal", true)) }
    return reference("jax.nn.dot_product_attention").call(
      [operand("query"), operand("key"), operand("value")], keywords: keywords)
  }

  /// Attention over [..., T, H, D] with a mask or dropout.
  fileprivate func attentionByHelper() throws -> PythonExpression {
    var (key, value) = (operand("key"), operand("value"))
    if let groups = try call.groups() {
      let axis = [("axis", PythonExpression.integer(-2))]
      key = key.method("repeat", .integer(groups), keywords: axis)
      value = value.method("repeat", .integer(groups), keywords: axis)
    }
    var (name, operands) = ("attention", [operand("query"), key, value])
    let rate = try call.double("dropout_rate")
    if !call["rng"].isAbsent, rate != 0 {
      name = "attention_with_dropout"
      operands += [operand("rng"), .float(rate)]
    }
    var keywords: [(String, PythonExpression)] = []
    if !call["mask"].isAbsent { keywords.append(("mask", operand("mask"))) }
    try addScale(to: &keywords)
    if try call.bool("causal") { keywords.append(("causal", true)) }
    return helper(name).call(operands, keywords: keywords)
  }

  /// The weights over [..., T, D] by a helper, and the rest in place.
  fileprivate func attentionByWeights() throws -> PythonExpression {
    var (key, value) = (operand("key"), operand("value"))
    if let groups = try call.groups() {
      let axis = [("axis", PythonExpression.integer(-3))]
      key = key.method("repeat", .integer(groups), keywords: axis)
      value = value.method("repeat", .integer(groups), keywords: axis)
    }
    var positional = [operand("query"), key]
    if !call["mask"].isAbsent { positional.append(operand("mask")) }
    var keywords: [(String, PythonExpression)] = []
    try addScale(to: &keywords)
    if try call.bool("causal") { keywords.append(("causal", true)) }
    var weights = helper("attention_weights").call(positional, keywords: keywords)
    let rate = try call.double("dropout_rate")
    if !call["rng"].isAbsent, rate != 0 { weights = dropout(weights, operand("rng"), rate) }
    return weights.matmul(value)
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
