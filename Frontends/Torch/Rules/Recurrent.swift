import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let recurrent: Rules = [:]
}
