import GraftIR
import GraftOps
import OrderedCollections

/// The cotangents of what a scan's region reads from outside: sums over the runs of the way back.
///
/// Where a run would add products of two matrices, such as those of the gates' cotangents and the states, the matrices are
/// collected, and one product after the scan takes the place of one in each run: nothing as large as a weight goes through
/// the runs. All else is carried from run to run.
struct SumsOverRuns {
  /// What a run adds to a sum.
  fileprivate enum Addend {
    case nothing
    case carried(Operand)
    case collected([Term])
  }

  /// What is known of a sum from a value of each run.
  fileprivate enum Term {
    /// transpose(left) @ right.
    case product(left: Value, right: Value)
    /// The sum over axes, which do not stay.
    case total(Value, axes: [Int])
  }

  private let addends: [Addend]
  /// What has to be collected for the sums, beyond what is collected anyway.
  let collected: [Value]

  /// - Parameters:
  ///   - cotangents: what a run adds to each sum, in the region that the builder is at.
  ///   - known: the values of a run that are collected anyway.
  init(_ cotangents: [Operand?], known: Set<Value>, in builder: GraphBuilder) {
    let run = Run(builder, known)
    var terms: [[Term]?] = cotangents.map { $0?.asValue.flatMap(run.terms) }
    let factors = OrderedSet(terms.flatMap { $0 ?? [] }.flatMap(\.factors)).filter { !known.contains($0) }
    let all = known.union(factors)
    // For a sum alone, its addends are not collected.
    for index in terms.indices {
      if let found = terms[index], !found.allSatisfy({ $0.isProduct || all.isSuperset(of: $0.values) }) {
        terms[index] = nil
      }
    }
    addends = zip(cotangents, terms).map { cotangent, terms in
      guard let cotangent else { return .nothing }
      return terms.map(Addend.collected) ?? .carried(cotangent)
    }
    collected = Array(factors)
  }

  /// The sums that go through the runs: their numbers, and what a run adds to them.
  var carried: [(number: Int, addend: Operand)] {
    addends.enumerated().compactMap { number, addend in
      if case .carried(let operand) = addend { (number, operand) } else { nil }
    }
  }

  /// The sums after the scan; nil where nothing was added.
  ///
  /// - Parameters:
  ///   - ends: what came out of the runs of those that are carried.
  ///   - stacks: the values of all runs along a first axis.
  func totals(_ ends: [Operand], _ stacks: [Value: Operand], _ builder: GraphBuilder) throws -> [Operand?] {
    var ends = ends[...]
    return try addends.map { addend -> Operand? in
      switch addend {
      case .nothing: return nil
      case .carried: return ends.popFirst()
      case .collected(let terms):
        let sums = try terms.map { try $0.total(stacks, builder) }
        return try sums.dropFirst().reduce(sums[0]) { try builder(.add, $0, $1) }
      }
    }
  }

  /// A run's operations by their results.
  private struct Run {
    private let operations: [Value: Operation]
    private let known: Set<Value>
    private let function: Function

    init(_ builder: GraphBuilder, _ known: Set<Value>) {
      operations = Dictionary(
        builder.operations.flatMap { operation in operation.results.map { ($0, operation) } },
        uniquingKeysWith: { first, _ in first })
      self.known = known
      function = builder.function
    }

    /// Whether a value is computed in each run, or a position of a sequence.
    private func isOfRun(_ value: Value) -> Bool { operations[value] != nil || known.contains(value) }

    /// The terms whose sum a value is; nil where one is of another form.
    func terms(_ value: Value) -> [Term]? {
      guard let operation = operations[value] else { return nil }
      let operands = operation.operands.compactMap(\.asValue)
      switch operation.name {
      case OpDefinition.add.name where operands.count == 2:
        guard operands.allSatisfy({ function.type(of: $0) == function.type(of: value) }),
          let first = terms(operands[0]), let second = terms(operands[1])
        else { return nil }
        return first + second
      case OpDefinition.matmul.name where operands.count == 2:
        guard let left = transposedMatrix(operands[0]), isOfRun(left), isOfRun(operands[1]),
          function.type(of: operands[1]).rank == 2
        else { return nil }
        return [.product(left: left, right: operands[1])]
      case OpDefinition.sum.name where operands.count == 1:
        guard let axes = operation.attributes["axes"]?.asInts, axes.allSatisfy({ $0 >= 0 }),
          operation.attributes["keepdims"] == nil, isOfRun(operands[0])
        else { return nil }
        return [.total(operands[0], axes: axes)]
      default: return nil
      }
    }

    /// The matrix that a value is the transpose of.
    private func transposedMatrix(_ value: Value) -> Value? {
      guard let operation = operations[value], operation.name == OpDefinition.transpose.name,
        operation.attributes["permutation"]?.asInts == [1, 0]
      else { return nil }
      return operation.operands[0].asValue
    }
  }
}

extension SumsOverRuns.Term {
  fileprivate var isProduct: Bool { if case .product = self { true } else { false } }

  fileprivate var values: [Value] {
    switch self {
    case .product(let left, let right): [left, right]
    case .total(let value, _): [value]
    }
  }

  /// What is collected for it.
  fileprivate var factors: [Value] { isProduct ? values : [] }

  /// The sum over all runs.
  fileprivate func total(_ stacks: [Value: Operand], _ builder: GraphBuilder) throws -> Operand {
    func stack(_ value: Value) throws -> Operand {
      guard let stack = stacks[value] else {
        throw Diagnostic(.internalError, "a scan did not collect %\(value.id)")
      }
      return stack
    }
    /// [runs, rows, columns] as [runs * rows, columns].
    func joined(_ x: Operand) throws -> Operand {
      let shape = builder.shape(x)
      return try builder(.reshape, x, attributes: ["shape": .dims([shape[0] * shape[1], shape[2]])])
    }
    switch self {
    case .product(let left, let right):
      let rows = try builder(.transpose, joined(stack(left)), attributes: ["permutation": .ints([1, 0])])
      return try builder(.matmul, rows, joined(stack(right)))
    case .total(let value, let axes):
      return try builder(.sum, stack(value), attributes: ["axes": .ints([0] + axes.map { $0 + 1 })])
    }
  }
}
