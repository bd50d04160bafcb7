import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let attention: Rules = [
    "attention": { context in
      try context.usesDotProductAttention ? context.dotProductAttention() : context.attentionByWeights()
    }
  ]
}

extension EmitContext {
  /// Whether JAX's own function means the same: it takes [B, T, H, D] only, drops nothing, and lets a query that may see
  /// nothing see everything.
  fileprivate var usesDotProductAttention: Bool {
    get throws {
      let (query, key, value) = (try call.type(0), try call.type(1), try call.type(2))
      let isGrouped = try call.groups() != nil
      let hasFittingHeads = isGrouped || query.shape.dropFirst().first == key.shape.dropFirst().first
      return query.rank == 4 && key.rank == 4 && value.rank == 4 && call["mask"].isAbsent && call["rng"].isAbsent
        && query.shape[0] == key.shape[0] && key.shape.prefix(3) == value.shape.prefix(3)
        && query.shape[3] == value.shape[3] && hasFittingHeads
    }
  }

  fileprivate func dotProductAttention() throws -> [PythonExpression] {
    var keywords: [(String, PythonExpression)] = []
    try addScale(to: &keywords)
    if try call.bool("causal") { keywords.append(("is_causal", true)) }
    let operands = ["query", "key", "value"].map { operand($0).swappingAxes(1, 2) }
    return [reference("jax.nn.dot_product_attention").call(operands, keywords: keywords).swappingAxes(1, 2)]
  }

  /// The weights by a helper, and the rest in place.
  fileprivate func attentionByWeights() throws -> [PythonExpression] {
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
    if !call["rng"].isAbsent, rate != 0 { weights = helper("dropout").call(weights, operand("rng"), .float(rate)) }
    return [weights.matmul(value)]
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

extension PythonExpression {
  /// `self.swapaxes(a, b)`, or what it was before that was done once already.
  func swappingAxes(_ a: Int, _ b: Int) -> PythonExpression {
    let axes = [PythonArgument.positional(.integer(a)), .positional(.integer(b))]
    if case .call(.attribute(let base, "swapaxes"), axes) = self { return base }
    return method("swapaxes", .integer(a), .integer(b))
  }
}
