import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let convolutions: Rules = [
    "conv": { context in
      let call = context.call
      var positional = [context.operand("x"), context.operand("weight")]
      if !call["bias"].isAbsent { positional.append(context.operand("bias")) }
      var keywords: [(String, PythonExpression)] = []
      let padding = try call.dims("padding")
      let pairs = stride(from: 0, to: padding.count - 1, by: 2).map { (padding[$0], padding[$0 + 1]) }
      context.add(perAxis: try call.dims("stride"), as: "stride", unless: 1, to: &keywords)
      if pairs.allSatisfy({ $0.0 == $0.1 }) {
        context.add(perAxis: pairs.map(\.0), as: "padding", unless: 0, to: &keywords)
      } else {
        keywords.append(("padding", .tuple(pairs.map { context.shape([$0.0, $0.1]) })))
      }
      context.add(perAxis: try call.dims("dilation"), as: "dilation", unless: 1, to: &keywords)
      let groups = try call.dim("groups")
      if groups != 1 { keywords.append(("groups", context.dim(groups))) }
      return [context.helper("conv").call(positional, keywords: keywords)]
    }
  ]
}

extension EmitContext {
  /// Adds a keyword with one number for all axes where they agree, a tuple where they do not, nothing at the default.
  func add(
    perAxis values: [Dim], as name: String, unless standard: Dim, to keywords: inout [(String, PythonExpression)]
  ) {
    if values.allSatisfy({ $0 == standard }) { return }
    let same = values.allSatisfy { $0 == values[0] }
    keywords.append((name, same ? dim(values[0]) : shape(values)))
  }
}
