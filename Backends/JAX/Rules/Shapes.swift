import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let shapes: Rules = [
    "reshape": { context in
      let (from, to) = (try context.call.type(0).shape, try context.call.dims("shape"))
      let x = context.operand("x")
      if let items = context.axisItems(from: from, to: to) { return [context.indexed(x, items, rank: from.count)] }
      return [x.attribute("reshape").call(context.reshapeArguments(to, from: from))]
    },
    "transpose": { context in
      let permutation = try context.call.ints("permutation")
      let x = context.operand("x")
      if permutation == [1, 0] { return [x.attribute("T")] }
      let moved = permutation.indices.filter { permutation[$0] != $0 }
      if moved.count == 2 {
        let rank = permutation.count
        if moved == [rank - 2, rank - 1] { return [x.attribute("mT")] }
        let axes = moved.map { PythonExpression.integer(rank > 2 && moved[0] >= rank - 2 ? $0 - rank : $0) }
        return [x.attribute("swapaxes").call(axes)]
      }
      return [x.attribute("transpose").call(permutation.map { .integer($0) })]
    },
    "flip": { context in
      let (rank, axes) = (try context.call.type(0).rank, try context.call.ints("axes"))
      let reversed = PythonExpression.slice(nil, nil, step: -1)
      guard axes.count < 3 else {
        return [context.reference("jax.numpy.flip").call(context.operand("x"), try context.attribute("axes"))]
      }
      let items = (0..<rank).map { axes.contains($0) ? reversed : .fullSlice }
      return [context.indexed(context.operand("x"), items, rank: rank)]
    },
    "diagonal": { context in
      let (offset, axis1, axis2) = (
        try context.call.dim("offset"), try context.call.int("axis1"), try context.call.int("axis2")
      )
      let rank = try context.call.type(0).rank
      var arguments: [PythonExpression] = []
      if offset != 0 || (axis1, axis2) != (0, 1) { arguments.append(context.dim(offset)) }
      if (axis1, axis2) != (0, 1) {
        let isLast = axis1 + axis2 == 2 * rank - 3
        arguments += [axis1, axis2].map { .integer(isLast ? $0 - rank : $0) }
      }
      return [context.operand("x").attribute("diagonal").call(arguments)]
    },
    "diagonal_embed": { context in
      let (offset, rank) = (try context.call.dim("offset"), try context.call.type(0).rank)
      let function = rank == 1 ? context.reference("jax.numpy.diag") : context.helper("diag_embed")
      return [function.call([context.operand("x")] + (offset == 0 ? [] : [context.dim(offset)]))]
    },
    "sliding_windows": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.type(0).rank)
      return [
        context.helper("sliding_windows").call(
          context.operand("x"), try context.attribute("size"), try context.attribute("step"),
          keywords: axis == -1 ? [] : [("axis", axis)])
      ]
    },
    "patches": { context in
      [context.helper("extract_patches").call([context.operand("x")], keywords: try context.patchKeywords())]
    },
    "fold_patches": { context in
      let size = context.shape(try context.call.dims("size"))
      return [
        context.helper("fold_patches").call([context.operand("x"), size], keywords: try context.patchKeywords())
      ]
    },
  ]
}

extension EmitContext {
  /// The extents of a reshape; one that the others determine is -1: a dynamic one that is no symbol, or the last where
  /// only the last axes are merged, or the last one is split.
  func reshapeArguments(_ shape: [Dim], from: [Dim] = []) -> [PythonExpression] {
    if shape.count == 1, shape[0].asSymbol == nil { return [-1] }
    let dynamic = shape.indices.filter { shape[$0].knownValue == nil }
    var inferred = dynamic.first { shape[$0].asSymbol == nil }
    let kept = min(shape.count, from.count) - 1
    if inferred == nil, kept > 0, shape.count != from.count, shape.prefix(kept) == from.prefix(kept),
      !shape.contains(0), shape[shape.count - 1].asSymbol == nil
    {
      inferred = shape.count - 1
    }
    return shape.enumerated().map { index, extent in index == inferred ? -1 : dim(extent) }
  }

  /// The subscript of a reshape that only inserts axes of extent 1 (`[:, None]`) or only drops them (`[:, 0]`).
  func axisItems(from: [Dim], to: [Dim]) -> [PythonExpression]? {
    if to.count < from.count { return droppedAxes(from: from, to: to) }
    return to.count > from.count && !from.isEmpty ? insertedAxes(from: from[...], to: to[...]) : nil
  }

  /// Where both readings are possible an axis of extent 1 is new.
  private func insertedAxes(from: ArraySlice<Dim>, to: ArraySlice<Dim>) -> [PythonExpression]? {
    guard let extent = to.first else { return from.isEmpty ? [] : nil }
    if extent == 1, to.count > from.count, let rest = insertedAxes(from: from, to: to.dropFirst()) {
      return [.none] + rest
    }
    guard from.first == extent else { return nil }
    return insertedAxes(from: from.dropFirst(), to: to.dropFirst()).map { [.fullSlice] + $0 }
  }

  private func droppedAxes(from: [Dim], to: [Dim]) -> [PythonExpression]? {
    var items: [PythonExpression] = []
    var next = 0
    for extent in from {
      if next < to.count, extent == to[next],
        extent != 1 || to.count - next > 0 && from.count - items.count <= to.count - next
      {
        items.append(.fullSlice)
        next += 1
      } else if extent == 1 {
        items.append(0)
      } else {
        return nil
      }
    }
    return next == to.count ? items : nil
  }

  fileprivate func patchKeywords() throws -> [(String, PythonExpression)] {
    let (kernel, stride) = (try call.dims("kernel"), try call.dims("stride"))
    let (padding, dilation) = (try call.dims("padding"), try call.dims("dilation"))
    var keywords = [("kernel", shape(kernel))]
    if stride != [1, 1] { keywords.append(("stride", shape(stride))) }
    if padding != [0, 0] { keywords.append(("padding", shape(padding))) }
    if dilation != [1, 1] { keywords.append(("dilation", shape(dilation))) }
    return keywords
  }
}
