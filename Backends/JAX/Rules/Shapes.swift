import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let shapes: Rules = [
    "reshape": { context in
      let (from, to) = (try context.call.type(0).shape, try context.call.dims("shape"))
      let x = context.operand("x")
      if let index = context.newAxes(from: from, to: to) { return [.subscript(x, index)] }
      return [x.attribute("reshape").call(context.reshapeArguments(to))]
    },
    "transpose": { context in
      let permutation = try context.call.ints("permutation")
      let x = context.operand("x")
      if permutation == [1, 0] { return [x.attribute("T")] }
      let moved = permutation.indices.filter { permutation[$0] != $0 }
      if moved.count == 2 {
        let rank = permutation.count
        let axes = moved.map { PythonExpression.integer(rank > 2 && moved[0] >= rank - 2 ? $0 - rank : $0) }
        return [x.attribute("swapaxes").call(axes)]
      }
      return [x.attribute("transpose").call(permutation.map { .integer($0) })]
    },
  ]
}

extension EmitContext {
  /// The extents of a reshape; a single dynamic one that the others determine is -1.
  func reshapeArguments(_ shape: [Dim]) -> [PythonExpression] {
    let dynamic = shape.indices.filter { shape[$0].knownValue == nil }
    let inferred = dynamic.first { shape[$0].asSymbol == nil }
    return shape.enumerated().map { index, extent in index == inferred ? -1 : dim(extent) }
  }

  /// `[:, None]` where a reshape only inserts axes of extent 1.
  func newAxes(from: [Dim], to: [Dim]) -> PythonExpression? {
    guard to.count > from.count, !from.isEmpty else { return nil }
    var items: [PythonExpression] = []
    var next = 0
    for extent in to {
      if next < from.count, extent == from[next] {
        items.append(.fullSlice)
        next += 1
      } else if extent == 1 {
        items.append(.none)
      } else {
        return nil
      }
    }
    guard next == from.count else { return nil }
    while items.count > 1, items.last == .fullSlice { items.removeLast() }
    if items.last == PythonExpression.none, items.dropLast().allSatisfy({ $0 == .fullSlice }), items.count > 3 {
      items = [.ellipsis, .none]
    }
    return items.count == 1 ? items[0] : .tuple(items)
  }
}
