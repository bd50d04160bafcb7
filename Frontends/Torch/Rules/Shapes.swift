import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let shapes: Rules = [
    "aten.view.default": reshaped, "aten.reshape.default": reshaped, "aten._unsafe_view.default": reshaped,
    "aten.flatten.using_ints": reshaped, "aten.unsqueeze.default": reshaped, "aten.squeeze.dim": reshaped,
    "aten.squeeze.dims": reshaped, "aten.squeeze.default": reshaped, "aten.unflatten.int": reshaped,
    "aten.permute.default": { context in
      let x = try context.tensor("self")
      let axes = try context.axes("dims", rank: context.type(x).rank)
      return [try context.op(.transpose, x, attributes: ["permutation": .ints(axes)])]
    },
    "aten.transpose.int": { context in
      let x = try context.tensor("self")
      let rank = context.type(x).rank
      var axes = Array(0..<rank)
      axes.swapAt(try context.axis("dim0", rank: rank), try context.axis("dim1", rank: rank))
      return [try context.op(.transpose, x, attributes: ["permutation": .ints(axes)])]
    },
    "aten.t.default": { context in
      let x = try context.tensor("self")
      guard context.type(x).rank == 2 else { return [x] }
      return [try context.op(.transpose, x, attributes: ["permutation": .ints([1, 0])])]
    },
    "aten.expand.default": { context in
      let x = try context.tensor("self")
      let shape = try context.resultType().shape
      if context.type(x).shape == shape { return [x] }
      return [try context.op(.broadcastTo, x, attributes: ["shape": .dims(shape)])]
    },
  ]

  /// Anything that keeps the elements in order: the traced shape says it all.
  private static let reshaped: ImportVocabulary.Rule = { context in
    [try context.reshape(try context.tensor("self"), try context.resultType().shape)]
  }
}
