import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let sorting: Rules = [:]
}
