import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let scans: Rules = [
    "aten.cumsum.default": { [try scan(.cumsum, $0)] },
    "aten.cumprod.default": { [try scan(.cumprod, $0)] },
    "aten.logcumsumexp.default": { [try scan(.logCumSumExp, $0)] },
    "aten.cummax.default": { try runningExtreme(.cummax, $0) },
    "aten.cummin.default": { try runningExtreme(.cummin, $0) },
    "aten.diff.default": { context in
      var x = try context.tensor("self")
      let axis = try context.axis("dim", rank: context.type(x).rank)
      let parts = [try context.operand("prepend"), x, try context.operand("append")].compactMap(\.asValue)
      if parts.count > 1 { x = try context.op(.concat, .list(parts), attributes: ["axis": .int(axis)]) }
      for _ in 0..<min(try context.int("n"), 64) {
        let extent = context.type(x).shape[axis]
        let (later, earlier) = (
          try context.slice(x, axis: axis, from: 1, to: extent),
          try context.slice(x, axis: axis, from: 0, to: extent - 1)
        )
        let differs = context.type(x).dtype == .bool
        x = try context.op(differs ? .notEqual : .subtract, later, earlier)
      }
      return [x]
    },
    "aten.trapezoid.dx": { context in
      let y = try context.tensor("y")
      let axis = try context.axis("dim", rank: context.type(y).rank)
      let steps = try context.op(.multiply, try midpoints(context, y, axis), .float(try context.double("dx")))
      return [try context.op(.sum, steps, attributes: ["axes": .ints([axis])])]
    },
    "aten.cumulative_trapezoid.dx": { context in
      let y = try context.tensor("y")
      let axis = try context.axis("dim", rank: context.type(y).rank)
      let steps = try context.op(.multiply, try midpoints(context, y, axis), .float(try context.double("dx")))
      return [try context.op(.cumsum, steps, attributes: ["axis": .int(axis)])]
    },
  ]

  /// Sums and products of integers and booleans are int64: the traced type says which.
  private static func scan(_ definition: OpDefinition, _ context: ImportContext) throws -> Operand {
    let x = try context.cast(try context.tensor("self"), to: try context.resultType().dtype)
    let rank = context.type(x).rank
    if rank == 0 { return x }
    return try context.op(definition, x, attributes: ["axis": .int(try context.axis("dim", rank: rank))])
  }

  private static func runningExtreme(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    if rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
    let axis = try context.axis("dim", rank: rank)
    let values = try context.op(definition, x, attributes: ["axis": .int(axis)])
    return [values, try context.builder.runningPositions(of: values, in: x, axis: axis)]
  }

  private static func midpoints(_ context: ImportContext, _ y: Operand, _ axis: Int) throws -> Operand {
    let extent = context.type(y).shape[axis]
    let left = try context.slice(y, axis: axis, from: 0, to: extent - 1)
    let right = try context.slice(y, axis: axis, from: 1, to: extent)
    return try context.op(.divide, try context.op(.add, left, right), .int(2))
  }
}
