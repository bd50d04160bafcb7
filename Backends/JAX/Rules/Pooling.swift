import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let pooling: Rules = [
    "max_pool": { context in
      let dilation = try context.call.dims("dilation")
      if let plain = try context.plainWindow(), dilation.isEmpty {
        return [context.helper("max_pool2d").call([context.operand("x"), plain.size], keywords: plain.keywords)]
      }
      // JAX has no gradient for `reduce_window` with dilation.
      if !dilation.isEmpty { return [try context.pool("max_pool_with_indices", dilation: dilation)[0]] }
      return [try context.pool("max_pool")]
    },
    "max_pool_with_indices": { context in
      let pooled = context.assign(
        "pooled", try context.pool("max_pool_with_indices", dilation: context.call.dims("dilation")))
      return [pooled[0], pooled[1]]
    },
    "avg_pool": { context in
      let call = context.call
      let (padding, counted) = (try call.dims("padding"), try call.dims("counted"))
      if let divisor = try call.optional("divisor")?.asScalar {
        let sums = try context.pool("sum_pool", padding: padding)
        return [sums / context.scalar(divisor)]
      }
      if padding == counted {
        if let plain = try context.plainWindow() {
          return [context.helper("avg_pool2d").call([context.operand("x"), plain.size], keywords: plain.keywords)]
        }
        return [try context.pool("avg_pool", padding: padding)]
      }
      if counted.allSatisfy({ $0 == 0 }) { return [try context.pool("avg_pool_inside", padding: padding)] }
      // Only part of the padding counts: that part is added first.
      let inner = counted.pairs.map { context.shape([$0.0, $0.1]) }
      let rank = try call.type(0).rank
      let outer = Array(repeating: context.ints([0, 0]), count: rank - inner.count)
      let x = context.reference("jax.numpy.pad").call(context.operand("x"), .tuple(outer + inner))
      return [try context.pool("avg_pool_inside", x, padding: zip(padding, counted).map { $0 - $1 })]
    },
    "adaptive_avg_pool": { context in
      let size = context.shape(try context.call.dims("size"))
      return [context.helper("adaptive_avg_pool").call(context.operand("x"), size)]
    },
    "adaptive_max_pool": { context in
      let size = context.shape(try context.call.dims("size"))
      let pooled = context.assign("pooled", context.helper("adaptive_max_pool").call(context.operand("x"), size))
      return [pooled[0], pooled[1]]
    },
    "fractional_max_pool": { context in
      let keywords = try ["kernel", "size"].map { ($0, context.shape(try context.call.dims($0))) }
      let pooled = context.helper("fractional_max_pool").call(
        [context.operand("x"), context.operand("samples")], keywords: keywords)
      return context.unpack(pooled)
    },
    "max_unpool": { context in
      let size = context.shape(try context.call.dims("size"))
      let operands = [context.operand("x"), context.operand("indices"), size]
      let keywords: [(String, PythonExpression)] = try context.call.bool("add") ? [("add", true)] : []
      return [context.helper("max_unpool").call(operands, keywords: keywords)]
    },
  ]
}

extension EmitContext {
  /// Two spatial axes of four, with the same window, stride and padding along both.
  fileprivate func plainWindow() throws -> (size: PythonExpression, keywords: [(String, PythonExpression)])? {
    let (kernel, stride) = (try call.dims("kernel"), try call.dims("stride"))
    let padding = try call.dims("padding")
    guard kernel.count == 2, try call.type(0).rank == 4, kernel.isUniform, stride.isUniform, padding.isUniform else {
      return nil
    }
    var keywords = [("stride", dim(stride[0]))]
    if padding[0] != 0 { keywords.append(("padding", dim(padding[0]))) }
    return (dim(kernel[0]), keywords)
  }

  /// A helper that takes the window as a tuple for each of stride, padding and dilation.
  fileprivate func pool(
    _ name: String, _ x: PythonExpression? = nil, padding: [Dim]? = nil, dilation: [Dim] = []
  ) throws -> PythonExpression {
    let padding = try padding ?? call.dims("padding")
    var keywords = [("stride", shape(try call.dims("stride")))]
    if padding.contains(where: { $0 != 0 }) {
      keywords.append(("padding", .tuple(padding.pairs.map { shape([$0.0, $0.1]) })))
    }
    if !dilation.isEmpty { keywords.append(("dilation", shape(dilation))) }
    return helper(name).call([x ?? operand("x"), shape(try call.dims("kernel"))], keywords: keywords)
  }
}
