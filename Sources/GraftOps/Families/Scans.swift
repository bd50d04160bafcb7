import GraftIR

extension OpDefinition {
  static let scans: [OpDefinition] = []
}
