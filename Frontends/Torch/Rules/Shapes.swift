import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let shapes: Rules = [
    "aten.view.default": reshaped, "aten.reshape.default": reshaped, "aten._unsafe_view.default": reshaped,
    "aten.flatten.using_ints": reshaped, "aten.unsqueeze.default": reshaped, "aten.squeeze.dim": reshaped,
    "aten.squeeze.dims": reshaped, "aten.squeeze.default": reshaped, "aten.unflatten.int": reshaped,
    "aten.ravel.default": reshaped, "aten.view_as.default": reshaped, "aten.reshape_as.default": reshaped,
    "aten.view_copy.default": reshaped, "aten.unsqueeze_copy.default": reshaped, "aten.squeeze_copy.dim": reshaped,
    "aten._reshape_alias.default": reshaped,
    "aten.permute.default": permuted, "aten.permute_copy.default": permuted,
    "aten.transpose.int": { try swapped($0, "dim0", "dim1") },
    "aten.transpose_copy.int": { try swapped($0, "dim0", "dim1") },
    "aten.swapaxes.default": { try swapped($0, "axis0", "axis1") },
    "aten.swapdims.default": { try swapped($0, "dim0", "dim1") },
    "aten.movedim.int": moved, "aten.movedim.intlist": moved, "aten.moveaxis.int": moved,
    "aten.moveaxis.intlist": moved,
    "aten.t.default": lastSwapped, "aten.t_copy.default": lastSwapped, "aten.numpy_T.default": reversed,
    "aten.mT.default": lastSwapped, "aten.matrix_H.default": conjugateRefused, "aten.mH.default": conjugateRefused,
    "aten.adjoint.default": conjugateRefused,
    "aten.expand.default": expanded, "aten.expand_as.default": expanded, "aten.expand_copy.default": expanded,
    "aten.broadcast_to.default": expanded,
    "aten.broadcast_tensors.default": { context in
      guard case .list(let values) = try context.operand("tensors") else {
        throw context.unsupported("`tensors` must be a list")
      }
      return try values.enumerated().map { try context.broadcast(.value($1), try context.resultType($0).shape) }
    },
    "aten.fill.Tensor": { context in
      let type = try context.resultType()
      return [try context.broadcast(try context.tensor(try context.operand("value"), dtype: type.dtype), type.shape)]
    },
    "aten.fill.Scalar": { context in
      guard let value = context.argument("value").asScalar else {
        throw context.unsupported("`value` must be a number")
      }
      return [try context.builder.full(try context.resultType(), value)]
    },
    "aten.copy.default": { context in
      let type = try context.resultType()
      return [try context.broadcast(try context.cast(try context.tensor("src"), to: type.dtype), type.shape)]
    },
    "aten.zero.default": { context in [try context.builder.full(try context.resultType(), .int(0))] },
    "aten.as_strided.default": { throw $0.unsupported("it depends on the memory layout; use slices and reshapes") },
    "aten.as_strided_scatter.default": {
      throw $0.unsupported("it depends on the memory layout; use slices and reshapes")
    },
    "aten.pixel_shuffle.default": pixelShuffle, "aten.pixel_unshuffle.default": pixelUnshuffle,
    "aten.channel_shuffle.default": channelShuffle, "aten.native_channel_shuffle.default": channelShuffle,
    "aten.diagonal.default": { context in
      let x = try context.tensor("self")
      let rank = context.type(x).rank
      return [
        try context.op(
          .diagonal, x,
          attributes: [
            "offset": .dim(try context.dim("offset")), "axis1": .int(try context.axis("dim1", rank: rank)),
            "axis2": .int(try context.axis("dim2", rank: rank)),
          ])
      ]
    },
    "aten.diag.default": { context in
      let x = try context.tensor("self")
      let offset: OrderedAttributes = ["offset": .dim(try context.dim("diagonal"))]
      if context.type(x).rank == 1 { return [try context.op(.diagonalEmbed, x, attributes: offset)] }
      return [
        try context.op(
          .diagonal, x, attributes: offset.merging(["axis1": .int(0), "axis2": .int(1)]) { first, _ in first })
      ]
    },
    "aten.diag_embed.default": diagonalEmbed,
    "aten.trace.default": { context in
      let diagonal = try context.op(
        .diagonal, try context.tensor("self"), attributes: ["axis1": .int(0), "axis2": .int(1)])
      let values = try context.cast(diagonal, to: try context.resultType().dtype)
      return [try context.op(.sum, values, attributes: ["axes": .ints([0])])]
    },
  ]

  /// Anything that keeps the elements in order: the traced shape says it all.
  static let reshaped: ImportVocabulary.Rule = { context in
    [try context.reshape(try context.tensor("self"), try context.resultType().shape)]
  }

  private static let permuted: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    let axes = try context.ints("dims").map { try context.normalized(axis: $0, rank: rank) }
    return [try context.transpose(x, axes)]
  }

  private static func swapped(_ context: ImportContext, _ first: String, _ second: String) throws -> [Operand] {
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    var axes = Array(0..<rank)
    if rank > 0 { axes.swapAt(try context.axis(first, rank: rank), try context.axis(second, rank: rank)) }
    return [try context.transpose(x, axes)]
  }

  private static let lastSwapped: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    var axes = Array(0..<rank)
    if rank >= 2 { axes.swapAt(rank - 2, rank - 1) }
    return [try context.transpose(x, axes)]
  }

  private static let reversed: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    return [try context.transpose(x, (0..<context.type(x).rank).reversed())]
  }

  private static let conjugateRefused: ImportVocabulary.Rule = { context in
    guard !context.type(try context.tensor("self")).dtype.isComplex else {
      throw context.unsupported("for complex matrices write `x.mT.conj()`")
    }
    return try lastSwapped(context)
  }

  private static let moved: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let rank = context.type(x).rank
    let from = try context.ints("source").map { try context.normalized(axis: $0, rank: rank) }
    let to = try context.ints("destination").map { try context.normalized(axis: $0, rank: rank) }
    guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count else {
      throw context.unsupported("source and destination do not fit")
    }
    var axes = (0..<rank).filter { !from.contains($0) }
    for (destination, source) in zip(to, from).sorted(by: { $0.0 < $1.0 }) { axes.insert(source, at: destination) }
    return [try context.transpose(x, axes)]
  }

  private static let expanded: ImportVocabulary.Rule = { context in
    [try context.broadcast(try context.tensor("self"), try context.resultType().shape)]
  }

  private static let diagonalEmbed: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let rank = context.type(x).rank + 1
    let (axis1, axis2) = (try context.axis("dim1", rank: rank), try context.axis("dim2", rank: rank))
    var offset = try context.int("offset")
    if axis1 > axis2 { offset = -offset }
    let matrices = try context.op(.diagonalEmbed, x, attributes: ["offset": .int(offset)])
    let (low, high) = (min(axis1, axis2), max(axis1, axis2))
    var axes = Array(0..<rank - 2)
    axes.insert(rank - 2, at: low)
    axes.insert(rank - 1, at: high)
    return [try context.transpose(matrices, axes)]
  }

  // MARK: Shuffles

  /// [..., C * r * r, H, W] to [..., C, H * r, W * r].
  private static let pixelShuffle: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let (shape, r) = (context.type(x).shape, try context.dim("upscale_factor"))
    guard shape.count >= 3 else { throw context.unsupported("takes [..., C, H, W]") }
    let n = shape.count - 3
    let (lead, height, width) = (Array(shape[..<n]), shape[n + 1], shape[n + 2])
    let channels = shape[n].floorDivided(by: r * r)
    let split = try context.reshape(x, lead + [channels, r, r, height, width])
    let moved = try context.transpose(split, Array(0..<n) + [n, n + 3, n + 1, n + 4, n + 2])
    return [try context.reshape(moved, lead + [channels, height * r, width * r])]
  }

  /// [..., C, H * r, W * r] to [..., C * r * r, H, W].
  private static let pixelUnshuffle: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let (shape, r) = (context.type(x).shape, try context.dim("downscale_factor"))
    guard shape.count >= 3 else { throw context.unsupported("takes [..., C, H, W]") }
    let n = shape.count - 3
    let (lead, channels) = (Array(shape[..<n]), shape[n])
    let (height, width) = (shape[n + 1].floorDivided(by: r), shape[n + 2].floorDivided(by: r))
    let split = try context.reshape(x, lead + [channels, height, r, width, r])
    let moved = try context.transpose(split, Array(0..<n) + [n, n + 2, n + 4, n + 1, n + 3])
    return [try context.reshape(moved, lead + [channels * r * r, height, width])]
  }

  private static let channelShuffle: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let (shape, groups) = (context.type(x).shape, try context.dim("groups"))
    guard shape.count >= 2 else { throw context.unsupported("takes [N, C, ...]") }
    let rest = Array(shape.dropFirst(2))
    let split = try context.reshape(x, [shape[0], groups, shape[1].floorDivided(by: groups)] + rest)
    let moved = try context.transpose(split, [0, 2, 1] + Array(3..<3 + rest.count))
    return [try context.reshape(moved, shape)]
  }
}

extension ImportContext {
  func transpose(_ x: Operand, _ permutation: [Int]) throws -> Operand {
    if permutation == Array(0..<permutation.count) { return x }
    return try op(.transpose, x, attributes: ["permutation": .ints(permutation)])
  }

  func broadcast(_ x: Operand, _ shape: [Dim]) throws -> Operand {
    if type(x).shape == shape { return x }
    return try op(.broadcastTo, x, attributes: ["shape": .dims(shape)])
  }

  /// The tensors of a list argument, cast to the type of the result.
  func tensors(_ name: String) throws -> [Operand] {
    guard case .list(let values) = try operand(name) else { throw unsupported("`\(name)` must be a list of tensors") }
    let dtype = try resultType().dtype
    return try values.map { try cast(.value($0), to: dtype) }
  }
}
