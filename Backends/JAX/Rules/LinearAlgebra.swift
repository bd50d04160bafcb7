import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let linearAlgebra: Rules = [
    "linear": { context in
      if let module = context.moduleOwning(["weight", "bias"]) {
        return [context.helper("linear").call(context.parameters(at: module), context.operand("x"))]
      }
      let product = context.operand("x").matmul(context.operand("weight").attribute("T"))
      return [context.call["bias"].isAbsent ? product : product + context.operand("bias")]
    }
  ]
}

extension EmitContext {
  /// The module whose parameters are exactly the given operands under their own names.
  func moduleOwning(_ operands: [String]) -> String? {
    var owner: String?
    for name in operands where !call[name].isAbsent {
      guard let (role, path) = path(name), case .parameter = role else { return nil }
      let parts = path.split(separator: ".")
      let module = parts.dropLast().joined(separator: ".")
      guard let last = parts.last, last == name, owner == nil || owner == module else { return nil }
      owner = module
    }
    guard let owner else { return nil }
    let absent = operands.filter { call[$0].isAbsent }.map { owner.isEmpty ? $0 : "\(owner).\($0)" }
    return absent.contains { function.parameterPaths.contains($0) } ? nil : owner
  }
}
