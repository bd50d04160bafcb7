package import GraftIR
import GraftOps
import OrderedCollections

/// Computes what is computed twice only once: the earlier operation stays, with its origin.
///
/// A region may use what was computed before it outside, never the other way round. Random operations and those with
/// regions stay as they are, and so does what a call of another module computes again: modules become functions, which
/// compute their own. Functions of the source may become functions too, but patterns reach across their calls before:
/// the operation that stays notes where it was computed again.
package struct EliminateCommonSubexpressions: Pass {
  package let name = "eliminate common subexpressions"
  package init() {}

  package func run(_ function: Function) throws -> Function {
    var worker = Worker(function: function)
    let reduced = worker.reduced(function.body, known: [:])
    worker.function.body = worker.noting(reduced)
    worker.function.stateUpdates = function.stateUpdates.map {
      StateUpdate(path: $0.path, value: worker.substitute($0.value))
    }
    let replacements = worker.replacements
    worker.function.mapPassed { replacements[$0] ?? $0 }
    return worker.function
  }

  private struct Key: Hashable {
    let name: String
    let operands: [Operand]
    let attributes: OrderedDictionary<String, Attribute>
    let modules: [ModuleCall]
  }

  private struct Worker {
    var function: Function
    var replacements: [Value: Value] = [:]
    /// By the first result of an operation that stayed, the places in other calls of those that did not.
    private var copies: [Value: OrderedDictionary<Int?, Origin.Place>] = [:]

    init(function: Function) { self.function = function }

    func substitute(_ operand: Operand) -> Operand { operand.mapValues { replacements[$0] ?? $0 } }

    mutating func reduced(_ block: Block, known outer: [Key: Operation]) -> Block {
      var known = outer
      var kept: [Operation] = []
      for original in block.operations {
        var operation = original
        operation.operands = original.operands.map(substitute)
        for index in operation.regions.indices {
          operation.regions[index] = reduced(operation.regions[index], known: known)
        }
        let isRandom = OpCatalogue.definition(operation.name)?.drawsRandomNumbers ?? true
        guard operation.regions.isEmpty, !isRandom else {
          kept.append(operation)
          continue
        }
        let key = Key(
          name: operation.name, operands: operation.operands, attributes: operation.attributes,
          modules: operation.origin.modules.filter { !$0.isFrameworkLayer })
        if let earlier = known[key], merge(operation, into: earlier) { continue }
        known[key] = operation
        kept.append(operation)
      }
      return Block(arguments: block.arguments, operations: kept, results: block.results.map(substitute))
    }

    private mutating func merge(_ operation: Operation, into earlier: Operation) -> Bool {
      guard !operation.results.isEmpty, operation.results.map(function.type) == earlier.results.map(function.type)
      else { return false }
      let places = [operation.origin.place] + operation.origin.copies
      for place in places where place.call != earlier.origin.call && !earlier.origin.copies.contains(callOf: place) {
        copies[earlier.results[0], default: [:]][place.call] = place
      }
      for (result, replacement) in zip(operation.results, earlier.results) {
        replacements[result] = replacement
        if function.info(replacement).hint == nil {
          function.setHint(function.info(result).hint, of: replacement)
        }
      }
      return true
    }

    /// The block with the places of copies noted at its operations.
    func noting(_ block: Block) -> Block {
      var block = block
      for (index, operation) in block.operations.enumerated() {
        guard let first = operation.results.first, let places = copies[first] else { continue }
        block.operations[index].origin.copies += places.values
      }
      return block
    }
  }
}

extension [Origin.Place] {
  /// Whether a place is in the same call as another.
  fileprivate func contains(callOf place: Origin.Place) -> Bool { contains { $0.call == place.call } }
}
