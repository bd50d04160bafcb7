import GraftIR

extension OpDefinition {
  static let indexing: [OpDefinition] = []
}
