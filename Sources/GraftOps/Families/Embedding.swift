import GraftIR

extension OpDefinition {
  static let embeddings: [OpDefinition] = []
}
