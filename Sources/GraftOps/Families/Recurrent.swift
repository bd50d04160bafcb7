import GraftIR

extension OpDefinition {
  static let recurrent: [OpDefinition] = []
}
