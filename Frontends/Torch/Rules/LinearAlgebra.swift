import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let linearAlgebra: Rules = [:]
}
