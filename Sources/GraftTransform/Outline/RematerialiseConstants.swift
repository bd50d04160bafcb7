import GraftIR
import GraftOps
import OrderedCollections

/// Makes constants where they are used: an operation without operands that the operations of another call read is
/// repeated in each of them, so that functions need not be handed what they can write down.
struct RematerialiseConstants {
  private let function: Function

  /// The calls that an operation is part of.
  private struct Place: Hashable {
    let modules: [ModuleCall]
    let call: Int?

    init(_ origin: Origin) {
      modules = origin.modules
      call = origin.call
    }
  }

  init(_ function: Function) { self.function = function }

  func run() -> Function {
    var function = function
    let operations = function.body.operations
    let fixed = operations.filter { $0.isConstant && symbols(of: $0).isEmpty }
    let constants = Dictionary(fixed.map { ($0.results[0], $0) }, uniquingKeysWith: { a, _ in a })
    var copies: [Value: [Place: Value]] = [:]
    var result: [Operation] = []
    for operation in operations {
      var changed = operation
      if operation.regions.isEmpty {
        changed.operands = operation.operands.map { operand in
          operand.mapValues { value in
            guard let constant = constants[value] else { return value }
            let place = Place(operation.origin)
            if place == Place(constant.origin) { return value }
            if let known = copies[value]?[place] { return known }
            var copy = constant
            let own = function.makeValue(function.type(of: value), hint: function.info(value).hint)
            copy.results = [own]
            copy.origin.modules = place.modules
            copy.origin.call = place.call
            copies[value, default: [:]][place] = own
            result.append(copy)
            return own
          }
        }
      }
      result.append(changed)
    }
    let live = Set(function.escapingValues).union(result.flatMap(\.usedValues))
    function.body.operations = result.filter { !$0.isConstant || live.contains($0.results[0]) }
    return function
  }

  private func symbols(of operation: Operation) -> Set<String> {
    let sizes = operation.results.flatMap { function.type(of: $0).shape.flatMap(\.symbols) }
    return operation.attributes.values.reduce(into: Set(sizes)) { $0.formUnion($1.symbols) }
  }
}

extension Operation {
  /// Whether the operation makes a tensor of nothing but its attributes.
  fileprivate var isConstant: Bool {
    results.count == 1 && regions.isEmpty && operands.allSatisfy { $0.values.isEmpty }
      && OpCatalogue.definition(name).map { !$0.drawsRandomNumbers && !$0.dependsOnMode(self) } ?? false
  }
}
