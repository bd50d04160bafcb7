import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let creation: Rules = [
    "constant": { context in
      guard case .literal(let literal) = try context.call.attribute("value") else { return [.none] }
      return [context.reference("jax.numpy.array").call(try context.attribute("value"), context.dtype(literal.dtype))]
    },
    "full": { context in
      let (shape, dtype) = (context.shape(try context.call.dims("shape")), try context.call.dtype("dtype"))
      let value = try context.call.scalar("value")
      switch value.asDouble {
      case 0: return [context.reference("jax.numpy.zeros").call(shape, context.dtype(dtype))]
      case 1: return [context.reference("jax.numpy.ones").call(shape, context.dtype(dtype))]
      default: return [context.reference("jax.numpy.full").call(shape, context.scalar(value), context.dtype(dtype))]
      }
    },
    "arange": { context in
      let (count, dtype) = (try context.call.dim("count"), try context.call.dtype("dtype"))
      let (start, step) = (try context.call.scalar("start"), try context.call.scalar("step"))
      let arange = context.reference("jax.numpy.arange")
      let keywords = dtype == .int64 ? [] : [("dtype", context.dtype(dtype))]
      guard case .int(let first) = start, case .int(let stride) = step else {
        let indices = arange.call(context.dim(count), keywords: [("dtype", context.dtype(dtype))])
        return [context.scalar(start) + indices * context.scalar(step)]
      }
      if first == 0, stride == 1 { return [arange.call(context.dim(count), keywords: keywords)] }
      let stop = context.dim(Dim(first) + count * Dim(stride))
      if stride == 1 { return [arange.call(.integer(first), stop, keywords: keywords)] }
      return [arange.call(.integer(first), stop, .integer(stride), keywords: keywords)]
    },
    "dimension": { context in [context.dim(try context.call.dim("value"))] },
  ]
}
