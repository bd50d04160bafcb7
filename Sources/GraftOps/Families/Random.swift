import GraftIR

extension OpDefinition {
  static let random: [OpDefinition] = [splitKey, dropout]

  /// Independent random keys from one.
  package static let splitKey: OpDefinition = OpDefinition(
    "split_key", family: .random, summary: "Independent random keys from one.", operands: [.tensor("key")],
    attributes: [AttributeSpec("count", .dim)], results: ["keys"],
    infer: { call in
      let count = try call.int("count")
      guard count >= 1, count <= 1 << 20 else { throw call.problem("cannot make \(count) keys") }
      return Array(repeating: TensorType(.key), count: count)
    }, differentiability: .none("keys have no gradient"))

  /// In training, zeroes a share `rate` of x and scales up the rest (Srivastava et al., 2014); otherwise x itself.
  package static let dropout: OpDefinition = OpDefinition(
    "dropout", family: .random, summary: "In training, zeroes a share of x and scales up the rest.",
    operands: [.tensor("x"), .tensor("key")], attributes: [AttributeSpec("rate", .float)],
    infer: { [try $0.type(0)] }, drawsRandomNumbers: true, dependsOnMode: true)
}
