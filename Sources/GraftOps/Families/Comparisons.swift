import GraftIR

extension OpDefinition {
  static let comparisons: [OpDefinition] = [equal, notEqual, less, lessEqual, greater, greaterEqual]

  /// `x == y`.
  package static let equal: OpDefinition = comparison(
    "equal", "x == y.", accepts: .any,
    spellings: .python("x == y") + [.aten("eq.Tensor(self:x, other:y)"), .aten("eq.Scalar(self:x, other:y)")])

  /// `x != y`.
  package static let notEqual: OpDefinition = comparison(
    "not_equal", "x != y.", accepts: .any,
    spellings: .python("x != y") + [.aten("ne.Tensor(self:x, other:y)"), .aten("ne.Scalar(self:x, other:y)")])

  /// `x < y`.
  package static let less: OpDefinition = comparison(
    "less", "x < y.",
    spellings: .python("x < y") + [.aten("lt.Tensor(self:x, other:y)"), .aten("lt.Scalar(self:x, other:y)")])

  /// `x <= y`.
  package static let lessEqual: OpDefinition = comparison(
    "less_equal", "x <= y.",
    spellings: .python("x <= y") + [.aten("le.Tensor(self:x, other:y)"), .aten("le.Scalar(self:x, other:y)")])

  /// `x > y`.
  package static let greater: OpDefinition = comparison(
    "greater", "x > y.",
    spellings: .python("x > y") + [.aten("gt.Tensor(self:x, other:y)"), .aten("gt.Scalar(self:x, other:y)")])

  /// `x >= y`.
  package static let greaterEqual: OpDefinition = comparison(
    "greater_equal", "x >= y.",
    spellings: .python("x >= y") + [.aten("ge.Tensor(self:x, other:y)"), .aten("ge.Scalar(self:x, other:y)")])
}
