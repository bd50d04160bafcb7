import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let joining: Rules = [
    "concat": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.types(0)[0].rank)
      return [
        context.reference("jax.numpy.concatenate").call(
          [context.operand("xs")], keywords: axis == 0 ? [] : [("axis", axis)])
      ]
    },
    "stack": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.types(0)[0].rank + 1)
      return [
        context.reference("jax.numpy.stack").call(
          [context.operand("xs")], keywords: axis == 0 ? [] : [("axis", axis)])
      ]
    },
    "split": { context in
      let call = context.call
      let (rank, axis) = (try call.type(0).rank, try call.int("axis"))
      let sizes = try call.dims("sizes")
      var cuts: [Dim] = [0]
      for size in sizes { cuts.append(cuts[cuts.count - 1] + size) }
      let used = sizes.indices.filter { context.isUsed($0) }
      if used.count == 1 {
        let x = context.operand("x")
        return try sizes.indices.map { index in
          let ranges = AxisRanges(
            try call.type(0).shape, axis: axis, from: cuts[index], to: cuts[index + 1])
          return context.indexed(x, context.items(ranges, of: try call.type(0).shape), rank: rank)
        }
      }
      let isEven = sizes.allSatisfy { $0 == sizes[0] }
      let parts: PythonExpression =
        isEven ? .integer(sizes.count) : .list(cuts.dropFirst().dropLast().map { context.dim($0) })
      let position = context.axis(axis, rank: rank)
      return context.unpack(
        context.reference("jax.numpy.split").call(
          [context.operand("x"), parts], keywords: position == 0 ? [] : [("axis", position)]))
    },
    "unstack": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.type(0).rank)
      let used = context.call.results.indices.filter { context.isUsed($0) }
      if used.count == 1 {
        let rank = try context.call.type(0).rank
        let (x, position) = (context.operand("x"), try context.call.int("axis"))
        return context.call.results.indices.map { index in
          context.indexed(
            x, (0..<rank).map { $0 == position ? .integer(index) : .fullSlice }, rank: rank)
        }
      }
      if axis == 0 { return context.unpack(context.operand("x")) }
      return context.unpack(
        context.reference("jax.numpy.unstack").call([context.operand("x")], keywords: [("axis", axis)]))
    },
    "pad": { context in
      let (low, high) = (try context.call.dims("low"), try context.call.dims("high"))
      let (interior, value) = (try context.call.dims("interior"), try context.call.scalar("value"))
      let negative = (low + high).contains { ($0.knownValue ?? 0) < 0 }
      if negative || interior.contains(where: { $0 != 0 }) {
        let dtype = try context.call.type(0).dtype
        let fill = context.reference("jax.numpy.array").call(context.scalar(value), context.dtype(dtype))
        let spread = interior.isEmpty ? low.map { _ in 0 } : interior
        let config = low.indices.map { context.shape([low[$0], high[$0], spread[$0]]) }
        return [context.reference("jax.lax.pad").call(context.operand("x"), fill, .tuple(config))]
      }
      let keywords = value.asDouble == 0 ? [] : [("constant_values", context.scalar(value))]
      return [
        context.reference("jax.numpy.pad").call(
          [context.operand("x"), context.padWidths(low, high)], keywords: keywords)
      ]
    },
    "pad_mode": { context in
      let widths = context.padWidths(try context.call.dims("low"), try context.call.dims("high"))
      return [
        context.reference("jax.numpy.pad").call(
          [context.operand("x"), widths], keywords: [("mode", try context.attribute("mode"))])
      ]
    },
    "roll": { context in
      let rank = try context.call.type(0).rank
      let (shifts, axes) = (try context.call.dims("shifts"), try context.call.ints("axes"))
      let shift = shifts.count == 1 ? context.dim(shifts[0]) : context.shape(shifts)
      var arguments = [context.operand("x"), shift]
      if rank > 1 { arguments.append(context.axes(axes, rank: rank)) }
      return [context.reference("jax.numpy.roll").call(arguments)]
    },
    "repeat": { context in
      let rank = try context.call.type(0).rank
      let arguments = [context.operand("x"), try context.attribute("count")]
      let axis = context.axis(try context.call.int("axis"), rank: rank)
      return [context.reference("jax.numpy.repeat").call(arguments, keywords: rank > 1 ? [("axis", axis)] : [])]
    },
    "tile": { context in
      let repeats = context.shape(try context.call.dims("repeats"))
      return [context.reference("jax.numpy.tile").call(context.operand("x"), repeats)]
    },
    "meshgrid": { context in
      let vectors = context.call[0].values.map { context.expression(.value($0)) }
      let indexing = try context.call.string("indexing")
      return context.unpack(
        context.reference("jax.numpy.meshgrid").call(
          vectors, keywords: indexing == "xy" ? [] : [("indexing", .string(indexing))]))
    },
  ]
}

extension EmitContext {
  /// Low and high padding of every axis; the same number all around stands alone.
  fileprivate func padWidths(_ low: [Dim], _ high: [Dim]) -> PythonExpression {
    if let first = low.first, (low + high).allSatisfy({ $0 == first }) { return dim(first) }
    if low.count == 1 { return shape([low[0], high[0]]) }
    return .tuple(low.indices.map { shape([low[$0], high[$0]]) })
  }
}
