import GraftIR

/// Who reads a function's values.
struct ValueUses {
  /// How often each value is read.
  private(set) var counts: [Value: Int] = [:]
  private var readers: [Value: Reader] = [:]
  /// The values that the statement of the source that computes them reads itself.
  private var intermediates: Set<Value> = []
  /// The values whose only reader is the operation right after theirs.
  private var readNext: Set<Value> = []

  enum Reader {
    case statement(SourceStatement)
    /// A region, which needs a name for what it captures.
    case region
    case returned
  }

  init(of function: Function) {
    var statements: [Value: SourceStatement] = [:]
    visit(function.body, &statements)
    for value in function.escapingValues { read(value, by: .returned) }
    let operations = function.body.operations
    for (operation, next) in zip(operations, operations.dropFirst()) where next.regions.isEmpty {
      let operands = Set(next.operands.flatMap(\.values))
      readNext.formUnion(operation.results.filter { counts[$0] == 1 && operands.contains($0) })
    }
  }

  func count(_ value: Value) -> Int { counts[value, default: 0] }

  func lastReader(of value: Value) -> Reader? { readers[value] }

  func isIntermediate(_ value: Value) -> Bool { intermediates.contains(value) }

  func isReadNext(_ value: Value) -> Bool { readNext.contains(value) }

  private mutating func read(_ value: Value, by reader: Reader) {
    counts[value, default: 0] += 1
    readers[value] = reader
  }

  /// - Parameter statements: those that compute the values seen so far.
  private mutating func visit(_ block: Block, _ statements: inout [Value: SourceStatement]) {
    for operation in block.operations {
      let statement = SourceStatement(operation.origin)
      for value in operation.operands.flatMap(\.values) {
        read(value, by: .statement(statement))
        if statements[value] == statement { intermediates.insert(value) }
      }
      for region in operation.regions {
        visit(region, &statements)
        // A value that a region captures must have a name outside of it.
        for value in region.freeValues { readers[value] = .region }
        for value in region.results.flatMap(\.values) { read(value, by: .statement(statement)) }
      }
      for result in operation.results { statements[result] = statement }
    }
  }
}
