package import GraftIR
import GraftOps
import OrderedCollections

/// Takes the positions of a short axis apart at once where each of them is selected: `query, key, value = unstack(qkv)`.
///
/// Parts without a name in the source are named by what the operation that reads them calls its operand. Only parts with
/// names of their own are unpacked, and only of a tensor that the program computes: `x[:, 0]` says as much of an input.
package struct UnstackSelections: Pass {
  package let name = "unstack selections"
  /// Up to how many parts are unpacked.
  private static let limit = 8

  package init() {}

  package func run(_ function: Function) throws -> Function {
    var function = function
    function.body = try unstacked(function.body, &function)
    return function
  }

  private struct Site: Hashable {
    let x: Value
    let axis: Int
    let modules: [ModuleCall]
    let call: Int?
  }

  private func unstacked(_ block: Block, _ function: inout Function) throws -> Block {
    var selections: OrderedDictionary<Site, [Int: Operation]> = [:]
    for operation in block.operations where operation.name == "select" {
      guard let (site, index) = try Self.site(of: operation, function) else { continue }
      selections[site, default: [:]][index] = operation
    }
    let computed = Set(block.operations.flatMap(\.results))
    let whole = selections.filter { site, parts in
      let extent = function.type(of: site.x).shape[site.axis].knownValue ?? 0
      guard (2...Self.limit).contains(extent), parts.count == extent, computed.contains(site.x) else { return false }
      let names = Set(parts.values.flatMap(\.results).compactMap { Self.name(of: $0, readIn: block, function) })
      return names.count == extent
    }
    var block = block
    var operations: [Operation] = []
    var isDone: Set<Site> = []
    for var operation in block.operations {
      for index in operation.regions.indices {
        operation.regions[index] = try unstacked(operation.regions[index], &function)
      }
      guard operation.name == "select", let (site, index) = try Self.site(of: operation, function),
        let parts = whole[site], parts[index]?.results == operation.results
      else {
        operations.append(operation)
        continue
      }
      guard isDone.insert(site).inserted else { continue }
      let results = parts.sorted { $0.key < $1.key }.flatMap(\.value.results)
      operations.append(
        Operation(
          "unstack", [.value(site.x)], attributes: ["axis": .int(site.axis)], results: results, origin: operation.origin
        ))
      for part in results { function.setHint(Self.name(of: part, readIn: block, function), of: part) }
    }
    block.operations = operations
    return block
  }

  private static func site(of operation: Operation, _ function: Function) throws -> (Site, Int)? {
    guard let definition = OpCatalogue.definition(operation.name), let x = operation.operands.first?.asValue else {
      return nil
    }
    let call = OpCall(operation, of: definition, in: function)
    guard let index = try call.dim("index").knownValue, index >= 0 else { return nil }
    let axis = try call.axis("axis", rank: try call.type(0).rank)
    return (Site(x: x, axis: axis, modules: operation.origin.modules, call: operation.origin.call), index)
  }

  /// What the source calls the part, or else what the only operation that reads it calls its operand.
  private static func name(of part: Value, readIn block: Block, _ function: Function) -> String? {
    if let hint = function.info(part).hint { return hint }
    let readers = block.operations.filter { $0.operands.contains(.value(part)) }
    guard readers.count == 1, let operand = readers[0].operands.firstIndex(of: .value(part)),
      let names = OpCatalogue.definition(readers[0].name)?.operands.map(\.name), names.indices.contains(operand),
      names[operand].count > 1
    else { return nil }
    return names[operand]
  }
}
