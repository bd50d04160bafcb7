import GraftIR

extension OpDefinition {
  static let control: [OpDefinition] = [mode, stopGradient]

  /// The first region's results in training, the second's otherwise.
  package static let mode: OpDefinition = OpDefinition(
    "mode", family: .control, summary: "One region in training, another otherwise.", operands: [],
    infer: { call in
      guard call.regions.count == 2, call.regions[0].results.count == call.regions[1].results.count else {
        throw call.problem("needs two regions that yield equally many tensors")
      }
      return try call.regions[1].results.map { operand in
        guard let value = operand.asValue else { throw call.problem("a region must yield tensors") }
        return call.type(of: value)
      }
    }, dependsOnMode: { _ in true })

  /// `x`, as a constant to differentiation.
  package static let stopGradient: OpDefinition = unary(
    "stop_gradient", "x, as a constant to differentiation.", family: .control, accepts: .any, promotion: .none,
    differentiability: .vjp { _, _, _ in [nil] },
    spellings: [
      .aten("detach.default(self:x)"), .aten("graft.stop_gradient(input:x)"), .torch("x.detach()"),
      .jax("jax.lax.stop_gradient(x)"),
    ])
}
