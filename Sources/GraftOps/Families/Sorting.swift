import GraftIR

extension OpDefinition {
  static let sorting: [OpDefinition] = []
}
