import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let slicing: Rules = [
    "aten.slice.Tensor": sliced, "aten.slice_copy.Tensor": sliced,
    "aten.narrow.default": { context in
      let x = try context.tensor("self")
      let axis = try context.axis("dim", rank: context.type(x).rank)
      let start = try context.position("start", in: context.type(x).shape[axis])
      return [try context.slice(x, axis: axis, from: start, to: start + (try context.dim("length")))]
    },
    "aten.select.int": { context in
      let x = try context.tensor("self")
      let axis = try context.axis("dim", rank: context.type(x).rank)
      let index = try context.position("index", in: context.type(x).shape[axis])
      return [try context.op(.select, x, attributes: ["axis": .int(axis), "index": .dim(index)])]
    },
    "aten.split.Tensor": pieces, "aten.split_with_sizes.default": pieces, "aten.split.sizes": pieces,
    "aten.chunk.default": pieces, "aten.tensor_split.sections": pieces, "aten.tensor_split.indices": pieces,
    "aten.unsafe_split.Tensor": pieces, "aten.unsafe_split_with_sizes.default": pieces,
    "aten.unsafe_chunk.default": pieces, "aten.split_copy.Tensor": pieces,
    "aten.hsplit.int": axisPieces, "aten.hsplit.array": axisPieces, "aten.vsplit.int": axisPieces,
    "aten.vsplit.array": axisPieces, "aten.dsplit.int": axisPieces, "aten.dsplit.array": axisPieces,
    "aten.unbind.int": { context in
      let x = try context.tensor("self")
      let axis = try context.axis("dim", rank: context.type(x).rank)
      return try context.builder.apply(.unstack, [x], attributes: ["axis": .int(axis)])
    },
    "aten.slice_scatter.default": { context in
      let x = try context.tensor("self")
      let ranges = try context.ranges(of: x, extent: nil)
      return [try context.update(x, ranges, with: try context.tensor("src"))]
    },
    "aten.select_scatter.default": { context in
      let x = try context.tensor("self")
      let axis = try context.axis("dim", rank: context.type(x).rank)
      let index = try context.position("index", in: context.type(x).shape[axis])
      let update = try context.unbroadcast(try context.tensor("src"))
      return [try context.op(.selectUpdate, x, update, attributes: ["axis": .int(axis), "index": .dim(index)])]
    },
    "aten.diagonal_scatter.default": { context in
      let x = try context.tensor("self")
      let shape = context.type(x).shape
      let axes = [try context.axis("dim1", rank: shape.count), try context.axis("dim2", rank: shape.count)]
      let rest = shape.indices.filter { !axes.contains($0) }
      let outer = rest.map { shape[$0] }
      let (rows, columns) = (shape[axes[0]], shape[axes[1]])
      let planes = try context.transpose(x, rest + axes)
      let flat = try context.reshape(planes, outer + [rows * columns])
      let offset = try context.dim("offset")
      let start = (offset.knownValue ?? 0) >= 0 ? offset : -offset * columns
      let update = try context.tensor("src")
      let count = context.type(update).shape.last ?? 1
      let ranges = AxisRanges(
        context.type(flat).shape, axis: rest.count, from: start, to: start + (count - 1) * (columns + 1) + 1,
        step: columns + 1)
      let updated = try context.op(.sliceUpdate, flat, update, attributes: ranges.values)
      let order = rest + axes
      return [try context.transpose(try context.reshape(updated, outer + [rows, columns]), order.inversePermutation)]
    },
    "aten.flip.default": { try flipped($0, try $0.axes("dims", rank: $0.type($0.tensor("self")).rank)) },
    "aten.fliplr.default": { try flipped($0, [1]) },
    "aten.flipud.default": { try flipped($0, [0]) },
    "aten.rot90.default": { context in
      let x = try context.tensor("self")
      let rank = context.type(x).rank
      let axes = try context.ints("dims").map { try context.normalized(axis: $0, rank: rank) }
      guard axes.count == 2 else { throw context.unsupported("`dims` must hold two axes") }
      var swapped = Array(0..<rank)
      swapped.swapAt(axes[0], axes[1])
      func flip(_ x: Operand, _ axes: [Int]) throws -> Operand {
        try context.op(.flip, x, attributes: ["axes": .ints(axes)])
      }
      switch ((try context.int("k") % 4) + 4) % 4 {
      case 1: return [try context.transpose(try flip(x, [axes[1]]), swapped)]
      case 2: return [try flip(x, axes.sorted())]
      case 3: return [try context.transpose(try flip(x, [axes[0]]), swapped)]
      default: return [x]
      }
    },
  ]

  private static let sliced: ImportVocabulary.Rule = { context in
    let x = try context.tensor("self")
    let axis = try context.axis("dim", rank: context.type(x).rank)
    let ranges = try context.ranges(of: x, extent: try context.resultType().shape[axis])
    return [try context.slice(x, ranges)]
  }

  /// The traced extents of the parts say where the cuts are.
  private static let pieces: ImportVocabulary.Rule = { context in
    try split(context, axis: try context.axis("dim", rank: context.type(try context.tensor("self")).rank))
  }

  private static let axisPieces: ImportVocabulary.Rule = { context in
    let rank = context.type(try context.tensor("self")).rank
    let name = context.node.op.split(separator: ".").dropFirst().first ?? ""
    return try split(context, axis: name == "vsplit" ? 0 : name == "dsplit" ? 2 : rank == 1 ? 0 : 1)
  }

  private static func split(_ context: ImportContext, axis: Int) throws -> [Operand] {
    let sizes = try context.node.results.indices.map { try context.resultType($0).shape[axis] }
    let x = try context.tensor("self")
    if sizes.count == 1 { return [x] }
    return try context.builder.apply(.split, [x], attributes: ["axis": .int(axis), "sizes": .dims(sizes)])
  }

  private static func flipped(_ context: ImportContext, _ axes: [Int]) throws -> [Operand] {
    let x = try context.tensor("self")
    if try context.ints("dims").isEmpty, context.node.args["dims"] != nil { return [x] }
    return [try context.op(.flip, x, attributes: ["axes": .ints(axes)])]
  }
}

extension ImportContext {
  /// A position along an axis, counted from its start.
  func position(_ name: String, in extent: Dim) throws -> Dim {
    let given = try dim(name)
    if let known = given.knownValue, known < 0 { return extent + given }
    return given
  }

  /// The range that `dim`, `start`, `end` and `step` name; `extent` is that of the result where the trace gives it.
  func ranges(of x: Operand, extent: Dim?) throws -> AxisRanges {
    let shape = type(x).shape
    let axis = try axis("dim", rank: shape.count)
    let (full, step) = (shape[axis], try dim("step"))
    func bound(_ name: String, _ fallback: Dim) throws -> Dim {
      let value = argument(name)
      guard !value.isNull else { return fallback }
      var position = try position(name, in: full)
      if let known = position.knownValue, let limit = full.knownValue {
        position = Dim(Swift.min(Swift.max(known, 0), limit))
      } else if let known = position.knownValue, known >= Int.max / 2 {
        position = full
      } else if let gap = (full - position).knownValue, gap < 0 {
        position = full
      }
      return position
    }
    let start = try bound("start", 0)
    var stop = try bound("end", full)
    if let extent, step == 1, stop - start != extent { stop = start + extent }
    if let gap = (stop - start).knownValue, gap < 0 { stop = start }
    return AxisRanges(shape, axis: axis, from: start, to: stop, step: step)
  }

  func slice(_ x: Operand, axis: Int, from start: Dim, to stop: Dim) throws -> Operand {
    try slice(x, AxisRanges(type(x).shape, axis: axis, from: start, to: stop))
  }

  func slice(_ x: Operand, _ ranges: AxisRanges) throws -> Operand {
    if ranges == AxisRanges(all: type(x).shape) { return x }
    return try op(.slice, x, attributes: ranges.values)
  }

  /// The operation that computes a tensor, if it is of the named op.
  private func producer(of operand: Operand, _ definition: OpDefinition) -> OpCall? {
    guard let value = operand.asValue,
      let operation = builder.operations.last(where: { $0.results.contains(value) }), operation.name == definition.name
    else { return nil }
    return OpCall(operation, of: definition, in: builder.function)
  }

  /// What was broadcast to make a tensor, as updates broadcast by themselves.
  func unbroadcast(_ operand: Operand) throws -> Operand {
    if let source = producer(of: operand, .broadcastTo) { return source[0] }
    if let filled = producer(of: operand, .full) { return .scalar(try filled.scalar("value")) }
    return operand
  }

  /// `x` with the ranges replaced. What in-place updates of views leave behind is undone: an update of a slice that is
  /// written back where the slice came from is an update of the ranges' intersection.
  func update(_ x: Operand, _ ranges: AxisRanges, with update: Operand) throws -> Operand {
    let rank = type(x).rank
    if ranges == AxisRanges(all: type(x).shape) { return try broadcast(update, type(x).shape) }
    if let inner = producer(of: update, .sliceUpdate), let view = producer(of: inner[0], .slice), view[0] == x,
      try AxisRanges(view, rank: rank) == ranges, try inner.string("mode") == "set",
      let merged = ranges.followed(by: try AxisRanges(inner, rank: rank))
    {
      return try op(.sliceUpdate, x, inner[1], attributes: merged.values)
    }
    return try op(.sliceUpdate, x, try unbroadcast(update), attributes: ranges.values)
  }
}
