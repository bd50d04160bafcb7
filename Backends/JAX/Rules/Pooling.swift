import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let pooling: Rules = [
    "max_pool": { context in
      let call = context.call
      let (kernel, stride) = (try call.dims("kernel"), try call.dims("stride"))
      let (padding, dilation) = (try call.dims("padding"), try call.dims("dilation"))
      guard try !call.bool("ceil") else {
        throw Diagnostic(.unsupported, "max pooling with ceil_mode is not supported")
      }
      var keywords = [("stride", context.shape(stride))]
      if padding.contains(where: { $0 != 0 }) {
        let pairs = Swift.stride(from: 0, to: padding.count - 1, by: 2).map { [padding[$0], padding[$0 + 1]] }
        keywords.append(("padding", .tuple(pairs.map { context.shape($0) })))
      }
      if dilation.contains(where: { $0 != 1 }) { keywords.append(("dilation", context.shape(dilation))) }
      return [
        context.helper("max_pool").call([context.operand("x"), context.shape(kernel)], keywords: keywords)
      ]
    }
  ]
}
