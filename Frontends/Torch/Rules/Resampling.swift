import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let resampling: Rules = [:]
}
