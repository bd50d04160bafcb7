import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let indexing: Rules = [
    "slice": { context in
      let type = try context.call.type(0)
      let items = context.items(try AxisRanges(context.call, rank: type.rank), of: type.shape)
      return [context.indexed(context.operand("x"), items, rank: type.rank)]
    },
    "slice_update": { context in
      let type = try context.call.type(0)
      let items = context.items(try AxisRanges(context.call, rank: type.rank), of: type.shape)
      return [context.updated(items, by: try context.call.string("mode"))]
    },
    "select": { context in
      let rank = try context.call.type(0).rank
      let items = try context.selectItems()
      return [context.indexed(context.operand("x"), items, rank: rank)]
    },
    "select_update": { context in [context.updated(try context.selectItems(), by: "set")] },
    "index": { context in
      [context.operand("x")[context.subscript(try context.indexItems(operand: 1))]]
    },
    "index_update": { context in
      [context.updated(try context.indexItems(operand: 2), by: try context.call.string("mode"))]
    },
    "take_along_axis": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.type(0).rank)
      return [
        context.reference("jax.numpy.take_along_axis").call(
          [context.operand("x"), context.operand("indices")], keywords: [("axis", axis)])
      ]
    },
    "put_along_axis": { context in
      let (rank, mode) = (try context.call.type(0).rank, try context.call.string("mode"))
      let axis = context.axis(try context.call.int("axis"), rank: rank)
      if rank == 1 { return [context.updated([context.operand("indices")], by: mode)] }
      let place = context.helper("along_axis").call([context.operand("indices")], keywords: [("axis", axis)])
      return [context.updated([place], by: mode)]
    },
    "one_hot": { context in
      let dtype = context.dtype(try context.call.dtype("dtype"))
      return [
        context.reference("jax.nn.one_hot").call(
          [context.operand("indices"), try context.attribute("count")], keywords: [("dtype", dtype)])
      ]
    },
    "search_sorted": { context in
      let (rank, right) = (try context.call.type(0).rank, try context.call.bool("right"))
      let keywords: [(String, PythonExpression)] = right ? [("side", .string("right"))] : []
      let function = rank == 1 ? context.reference("jax.numpy.searchsorted") : context.helper("search_sorted")
      return [function.call([context.operand("sorted"), context.operand("values")], keywords: keywords)]
    },
  ]
}

// MARK: - Subscripts

extension EmitContext {
  /// One subscript for each axis.
  func items(_ ranges: AxisRanges, of shape: [Dim]) -> [PythonExpression] {
    shape.indices.map { axis in
      let extent = shape[axis]
      let start = ranges.starts[axis] == 0 ? nil : bound(ranges.starts[axis], extent)
      let stop = ranges.stops[axis] == extent ? nil : bound(ranges.stops[axis], extent)
      let step = ranges.steps[axis] == 1 ? nil : dim(ranges.steps[axis])
      return .slice(start, stop, step: step)
    }
  }

  /// A position along an axis, from the end where its distance from there is all that is known.
  private func bound(_ position: Dim, _ extent: Dim) -> PythonExpression {
    if position.knownValue == nil, let distance = (position - extent).knownValue, distance < 0 {
      return .integer(distance)
    }
    return dim(position)
  }

  /// Up to this extent the last element is counted from the start: a box's `boxes[:, 3]`.
  private static var countedExtent: Int { 4 }

  fileprivate func selectItems() throws -> [PythonExpression] {
    let shape = try call.type(0).shape
    let (axis, index) = (try call.axis("axis", rank: shape.count), try call.dim("index"))
    let isLast = shape[axis].knownValue.map { $0 > Self.countedExtent } ?? true && shape[axis] - index == 1
    return shape.indices.map { $0 == axis ? (isLast ? -1 : bound(index, shape[axis])) : .fullSlice }
  }

  fileprivate func indexItems(operand position: Int) throws -> [PythonExpression] {
    let rank = try call.type(0).rank
    let axes = try call.ints("axes")
    let indices = call[position].values.map { expression(.value($0)) }
    var items = Array(repeating: PythonExpression.fullSlice, count: rank)
    for (axis, index) in zip(axes, indices) where axis < rank { items[axis] = index }
    return items
  }

  /// The items as people write them: no trailing `:`, `...` for several leading ones.
  func `subscript`(_ items: [PythonExpression]) -> PythonExpression {
    var items = items
    let leading = items.prefix { $0 == .fullSlice }.count
    if leading == items.count { return .ellipsis }
    if items.last != .fullSlice, leading >= 2 {
      items.replaceSubrange(0..<leading, with: [.ellipsis])
    } else {
      while items.count > 1, items.last == .fullSlice { items.removeLast() }
    }
    return items.count == 1 ? items[0] : .tuple(items)
  }

  /// `x[items]`, with an item for each of x's `rank` axes in order, and `None` for new ones. A subscript of a subscript
  /// becomes one where that means the same.
  func indexed(_ x: PythonExpression, _ items: [PythonExpression], rank: Int) -> PythonExpression {
    if case .subscript(let base, let inner) = x, let merged = merge(inner, items, rank: rank) {
      return base[`subscript`(merged)]
    }
    return x[`subscript`(items)]
  }

  private func merge(_ inner: PythonExpression, _ outer: [PythonExpression], rank: Int) -> [PythonExpression]? {
    var first: [PythonExpression]
    switch inner {
    case .tuple(let items): first = items
    case .slice: first = [inner]
    default: return nil
    }
    guard first.allSatisfy({ $0.isBasicIndex }) else { return nil }
    let yielding = first.filter { $0.yieldsAxis }.count
    let rest = Array(repeating: PythonExpression.fullSlice, count: max(0, rank - yielding))
    if let ellipsis = first.firstIndex(of: .ellipsis) {
      first.replaceSubrange(ellipsis...ellipsis, with: rest)
    } else {
      first += rest
    }
    var merged: [PythonExpression] = []
    var next = outer[...]
    for item in first {
      guard item.yieldsAxis else {
        merged.append(item)
        continue
      }
      while next.first == PythonExpression.none { merged.append(next.removeFirst()) }
      guard let follower = next.popFirst() else { return nil }
      if item == .fullSlice {
        merged.append(follower)
      } else if follower == .fullSlice {
        merged.append(item)
      } else if item != .none || follower != 0 {
        return nil
      }
    }
    guard next.allSatisfy({ $0 == .none }) else { return nil }
    return merged + next
  }

  /// `x.at[items].set(update)`
  fileprivate func updated(_ items: [PythonExpression], by mode: String) -> PythonExpression {
    let method = mode == "multiply" ? "multiply" : mode
    return operand("x").attribute("at")[`subscript`(items)].method(method, operand("update"))
  }
}

extension PythonExpression {
  /// Whether the item is a number, a slice, `None` or `...`, which pick no elements by tensors.
  fileprivate var isBasicIndex: Bool {
    switch self {
    case .integer, .slice, .none, .ellipsis: true
    case .unary(.minus, .integer): true
    default: false
    }
  }

  /// Whether the item leaves an axis in the result.
  fileprivate var yieldsAxis: Bool {
    switch self {
    case .slice, .none: true
    default: false
    }
  }
}
