import GraftIR
import GraftOps

extension GraphBuilder {
  /// The sum of tensors that are zero but for parts of one axis which do not overlap, as these are the cotangents of slices:
  /// the parts one after another, without adding. Nil for other tensors.
  func joined(_ tensors: [Operand]) throws -> Operand? {
    guard tensors.count > 1 else { return nil }
    guard let parts = tensors.allMap(paddedPart), let axis = parts.first?.axis, parts.allSatisfy({ $0.axis == axis })
    else {
      return nil
    }
    let type = type(tensors[0])
    var (place, pieces) = (0, [Operand]())
    func addZeros(upTo end: Int) throws {
      guard end > place else { return }
      var shape = type.shape
      shape[axis] = Dim(end - place)
      pieces.append(try full(type.with(shape: shape), .float(0)))
    }
    for part in parts.sorted(by: { $0.start < $1.start }) {
      guard part.start >= place else { return nil }
      try addZeros(upTo: part.start)
      pieces.append(.value(part.value))
      place = part.end
    }
    if let extent = type.shape[axis].knownValue { try addZeros(upTo: extent) }
    return try self(.concat, .list(pieces.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
  }

  /// What a tensor holds between zeros along one axis of known extents.
  private func paddedPart(_ tensor: Operand) -> (value: Value, axis: Int, start: Int, end: Int)? {
    guard let value = tensor.asValue,
      let operation = operations.last(where: { $0.results.contains(value) }), operation.name == OpDefinition.pad.name,
      let part = operation.operands[0].asValue, operation.attributes["value"] == nil,
      operation.attributes["interior"]?.asDims?.allSatisfy({ $0 == 0 }) ?? true
    else { return nil }
    func ends(_ name: String) -> [Int]? { operation.attributes[name]?.asDims?.allMap(\.knownValue) }
    guard let low = ends("low"), let high = ends("high"), (low + high).allSatisfy({ $0 >= 0 }) else { return nil }
    let axes = low.indices.filter { low[$0] + high[$0] > 0 }
    guard axes.count == 1, let extent = function.type(of: part).shape[axes[0]].knownValue else { return nil }
    return (part, axes[0], low[axes[0]], low[axes[0]] + extent)
  }
}
