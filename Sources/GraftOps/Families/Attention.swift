import GraftIR

extension OpDefinition {
  static let attention: [OpDefinition] = []
}
