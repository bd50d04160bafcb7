import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let scans: Rules = [
    "cumsum": { [try $0.scan("cumsum")] },
    "cumprod": { [try $0.scan("cumprod")] },
    "cummax": { [try $0.accumulated("jax.lax.cummax")] },
    "cummin": { [try $0.accumulated("jax.lax.cummin")] },
    "logcumsumexp": { [try $0.accumulated("jax.lax.cumlogsumexp")] },
  ]
}

extension EmitContext {
  /// `x.cumsum(-1)`
  fileprivate func scan(_ method: String) throws -> PythonExpression {
    operand("x").method(method, axis(try call.int("axis"), rank: try call.type(0).rank))
  }

  /// `lax.cummax(x, axis=1)`, which takes no negative axis.
  fileprivate func accumulated(_ function: String) throws -> PythonExpression {
    let axis = try call.int("axis")
    return reference(function).call(
      [operand("x")], keywords: axis == 0 ? [] : [("axis", .integer(axis))])
  }
}
