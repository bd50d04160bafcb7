import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let convolutions: Rules = [
    "conv": { context in
      let call = context.call
      let rank = try call.type(1).rank - 2
      let (stride, dilation) = (try call.dims("stride"), try call.dims("dilation"))
      let (padding, spread) = (try call.dims("padding").pairs, try call.dims("spread"))
      let groups = try call.dim("groups")
      let isPlain =
        [stride, dilation].allSatisfy(\.isUniform) && padding.flatMap { [$0.0, $0.1] }.isUniform && spread.isEmpty
        && rank <= 3
      let positional = [context.moduleOrDictionary(["weight", "bias"]), context.operand("x")]
      var keywords: [(String, PythonExpression)] = []
      if isPlain {
        if stride[0] != 1 { keywords.append(("stride", context.dim(stride[0]))) }
        if padding[0].0 != 0 { keywords.append(("padding", context.dim(padding[0].0))) }
        if dilation[0] != 1 { keywords.append(("dilation", context.dim(dilation[0]))) }
      } else {
        keywords.append(("stride", context.shape(stride)))
        keywords.append(("padding", .tuple(padding.map { context.shape([$0.0, $0.1]) })))
        if dilation.contains(where: { $0 != 1 }) { keywords.append(("dilation", context.shape(dilation))) }
        if !spread.isEmpty { keywords.append(("spread", context.shape(spread))) }
      }
      if groups != 1 { keywords.append(("groups", context.dim(groups))) }
      return [context.helper(isPlain ? "conv\(rank)d" : "conv").call(positional, keywords: keywords)]
    },
    "conv_transpose": { context in
      let call = context.call
      let rank = try call.type(1).rank - 2
      var keywords = [("stride", context.shape(try call.dims("stride")))]
      let zeros = Array(repeating: Dim(0), count: rank)
      let ones = Array(repeating: Dim(1), count: rank)
      for (name, standard) in [("padding", zeros), ("output_padding", zeros), ("dilation", ones)] {
        let values = try call.dims(name)
        if values != standard { keywords.append((name, context.shape(values))) }
      }
      let groups = try call.dim("groups")
      if groups != 1 { keywords.append(("groups", context.dim(groups))) }
      let positional = [context.moduleOrDictionary(["weight", "bias"]), context.operand("x")]
      return [context.helper("conv_transpose").call(positional, keywords: keywords)]
    },
  ]
}

extension [Dim] {

  var isUniform: Bool { allSatisfy { $0 == self[0] } }
}
