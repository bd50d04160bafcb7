import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let sorting: Rules = [
    "aten.sort.default": sorted, "aten.sort.stable": sorted,
    "aten.argsort.default": { [try sorted($0)[1]] }, "aten.argsort.stable": { [try sorted($0)[1]] },
    "aten.msort.default": { context in
      let x = try context.tensor("self")
      if context.type(x).rank == 0 { return [x] }
      return [try context.op(.sort, x, attributes: ["axis": .int(0)])]
    },
    "aten.topk.default": { context in
      let x = try context.tensor("self")
      if context.type(x).rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
      let axis = try context.axis("dim", rank: context.type(x).rank)
      let k = try context.dim("k")
      if try context.bool("largest") {
        return try context.builder.apply(.topK, [x], attributes: ["k": .dim(k), "axis": .int(axis)])
      }
      let order = try context.op(.argsort, x, attributes: ["axis": .int(axis)])
      let indices = try context.slice(order, axis: axis, from: 0, to: k)
      return [try context.op(.takeAlongAxis, x, indices, attributes: ["axis": .int(axis)]), indices]
    },
    "aten.kthvalue.default": { context in
      let x = try context.tensor("self")
      if context.type(x).rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
      let axis = try context.axis("dim", rank: context.type(x).rank)
      return try ordered(context, position: try context.int("k") - 1, axis: axis)
    },
    "aten.mode.default": { context in
      let x = try context.tensor("self")
      if context.type(x).rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
      let axis = try context.axis("dim", rank: context.type(x).rank)
      return try context.builder.apply(
        .mostFrequent, [x], attributes: ["axis": .int(axis), "keepdims": .bool(try context.bool("keepdim"))])
    },
    "aten._unique2.default": { throw $0.unsupported(uniqueRefused) },
    "aten.unique_dim.default": { throw $0.unsupported(uniqueRefused) },
    "aten.unique_consecutive.default": { throw $0.unsupported(uniqueRefused) },
  ]

  private static let uniqueRefused =
    "the number of distinct values is not known; sort, and compare neighbours to mark the first of each"

  private static let sorted: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    if rank == 0 { return [x, try context.builder.full(TensorType(.int64), .int(0))] }
    let attributes: OrderedAttributes = [
      "axis": .int(try context.axis("dim", rank: rank)), "descending": .bool(try context.bool("descending")),
    ]
    return [
      try context.op(.sort, x, attributes: attributes), try context.op(.argsort, x, attributes: attributes),
    ]
  }

  /// The element at a position in ascending order along an axis, and where it stands.
  static func ordered(_ context: ImportContext, position: Int, axis: Int) throws -> [Operand] {
    let x = try context.tensor("self")
    let keepdims = try context.bool("keepdim")
    return try [OpDefinition.sort, .argsort].map { definition in
      let all = try context.op(definition, x, attributes: ["axis": .int(axis)])
      if keepdims { return try context.slice(all, axis: axis, from: Dim(position), to: Dim(position) + 1) }
      return try context.op(.select, all, attributes: ["axis": .int(axis), "index": .int(position)])
    }
  }
}
