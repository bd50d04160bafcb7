import GraftIR

extension OpDefinition {
  static let activations: [OpDefinition] = [relu, gelu]

  /// `max(x, 0)`.
  package static let relu: OpDefinition = unary(
    "relu", "max(x, 0).", family: .activation, accepts: .real, promotion: .none,
    decomposition: { b, op in [try b(.where_, try b(.greater, op[0], .int(0)), op[0], .int(0))] },
    spellings: [.aten("relu.default(self:x)"), .torch("torch.nn.functional.relu(input:x)"), .jax("jax.nn.relu(x)")])

  /// The Gaussian error linear unit, exact or by the tanh approximation (Hendrycks and Gimpel, 2016).
  package static let gelu: OpDefinition = OpDefinition(
    "gelu", family: .activation, summary: "Gaussian error linear unit.", operands: [.tensor("x")],
    attributes: [AttributeSpec("approximate", .bool, default: .bool(false))], promotion: .floating,
    infer: { [try $0.type(0)] },
    spellings: [.jax("jax.nn.gelu(x, approximate=True)")],
    samples: [Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["approximate": .bool(true)])])
}
