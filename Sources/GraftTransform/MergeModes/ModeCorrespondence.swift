import GraftIR
import GraftOps
import OrderedCollections

/// Decides which operations of the two traces are one, and which values have to be chosen between by mode.
struct ModeCorrespondence {
  /// What the merged function computes, in order.
  enum Item {
    /// A training operation that stands for one of inference too.
    case both(training: Int, inference: Int)
    /// A training operation that is the identity in inference.
    case lead(training: Int)
  }

  /// A training value and an inference value that are one from `gap` on: before the item of that number.
  struct Choice: Hashable {
    let training: Value
    let inference: Value
    let gap: Int
  }

  let training: Function
  let inference: Function
  private(set) var items: [Item] = []
  private(set) var choices: OrderedSet<Choice> = []
  /// The inference value that a training value stands for.
  private var partners: [Value: Value] = [:]
  /// The first item before which a value is there; values that are not listed are there from the beginning.
  private var trainingGaps: [Value: Int] = [:]
  private var inferenceGaps: [Value: Int] = [:]
  private var trainingOnly: Set<Value> = []
  private var inferenceOnly: Set<Value> = []
  private var trainingKeys: Set<Value>
  private var inferenceKeys: Set<Value>

  init(training: Function, inference: Function) {
    self.training = training
    self.inference = inference
    trainingKeys = training.splitKeys
    inferenceKeys = inference.splitKeys
    let roles = Dictionary(
      inference.arguments.map { ($0.role, $0.value) }, uniquingKeysWith: { first, _ in first })
    for argument in training.arguments { partners[argument.value] = roles[argument.role] }
    alignOperations()
  }

  // MARK: Operations

  private struct Key: Hashable {
    let name: String
    let module: ModuleCall?
    let location: SourceLocation?
    let attributes: OrderedDictionary<String, Attribute>

    init(_ operation: Operation) {
      name = operation.name
      module = operation.origin.modules.last
      location = operation.origin.location
      let definition = OpCatalogue.definition(operation.name)
      let ignored = ModeDifference.table[operation.name]?.attributes ?? []
      var kept = operation.attributes.mapValues(\.canonical).filter { attribute in
        !ignored.contains(attribute.key)
          && attribute.value != definition?.attribute(attribute.key)?.defaultValue?.canonical
      }
      kept.sort { $0.key < $1.key }
      attributes = kept
    }
  }

  private mutating func alignOperations() {
    let (a, b) = (training.body.operations, inference.body.operations)
    var (i, j) = (0, 0)
    for (nextA, nextB) in SequenceAlignment.align(a.map(Key.init), b.map(Key.init)) {
      while i < nextA { passTraining(&i) }
      while j < nextB { passInference(&j) }
      if a[i].name != "split_key", matches(a[i], b[j]) {
        items.append(.both(training: i, inference: j))
        for (x, y) in zip(a[i].results, b[j].results) {
          partners[x] = y
          trainingGaps[x] = items.count
          inferenceGaps[y] = items.count
        }
        i += 1
        j += 1
      } else {
        passTraining(&i)
        passInference(&j)
      }
    }
    while i < a.count { passTraining(&i) }
    while j < b.count { passInference(&j) }
  }

  /// Goes over an operation that only training has.
  private mutating func passTraining(_ index: inout Int) {
    let operation = training.body.operations[index]
    if ModeDifference.table[operation.name]?.isIdentityInInference == true, let result = operation.results.first,
      let x = operation.operands.first?.asValue, let partner = partners[x]
    {
      items.append(.lead(training: index))
      partners[result] = partner
      trainingGaps[result] = items.count
    } else {
      for result in operation.results { trainingGaps[result] = items.count }
      trainingOnly.formUnion(operation.results)
    }
    index += 1
  }

  private mutating func passInference(_ index: inout Int) {
    let results = inference.body.operations[index].results
    for result in results { inferenceGaps[result] = items.count }
    inferenceOnly.formUnion(results)
    index += 1
  }

  /// Whether two operations with equal keys are one, choosing between operands that differ where that makes them so.
  private mutating func matches(_ a: Operation, _ b: Operation) -> Bool {
    guard a.regions.isEmpty, b.regions.isEmpty, a.results.count == b.results.count,
      let definition = OpCatalogue.definition(a.name),
      zip(a.results, b.results).allSatisfy({ !training.type(of: $0).isProvablyDifferent(from: inference.type(of: $1)) })
    else { return false }
    let difference = ModeDifference.table[a.name]
    if let difference {
      let calls = (OpCall(a, of: definition, in: training), OpCall(b, of: definition, in: inference))
      guard difference.agree(calls.0, calls.1) else { return false }
    }
    var chosen: [Choice] = []
    for index in 0..<max(a.operands.count, b.operands.count) {
      let x = a.operands.indices.contains(index) ? a.operands[index] : .absent
      let y = b.operands.indices.contains(index) ? b.operands[index] : .absent
      if y.isAbsent, definition.operands.indices.contains(index),
        difference?.trainingOperands.contains(definition.operands[index].name) == true
      {
        continue
      }
      guard x.values.count == y.values.count, x.mapValues({ _ in Value(0) }) == y.mapValues({ _ in Value(0) }) else {
        return false
      }
      for (x, y) in zip(x.values, y.values) where !agree(x, y) {
        guard trainingOnly.contains(x) || inferenceOnly.contains(y), let choice = choice(x, y) else { return false }
        chosen.append(choice)
      }
    }
    choices.formUnion(chosen)
    return true
  }

  /// Whether the values are one without a choice.
  func agree(_ x: Value, _ y: Value) -> Bool {
    if trainingKeys.contains(x) || inferenceKeys.contains(y) {
      return trainingKeys.contains(x) && inferenceKeys.contains(y)
    }
    return partners[x] == y
  }

  // MARK: Choices

  /// The choice between two values, or nil when their types differ.
  func choice(_ x: Value, _ y: Value) -> Choice? {
    guard !training.type(of: x).isProvablyDifferent(from: inference.type(of: y)) else { return nil }
    return Choice(training: x, inference: y, gap: max(trainingGaps[x] ?? 0, inferenceGaps[y] ?? 0))
  }

  /// What the merged function returns where training returns `a` and inference `b`.
  mutating func unifyOutput(_ a: Operand, _ b: Operand) throws -> MergedValue {
    if case .value(let x) = a, case .value(let y) = b {
      if agree(x, y) { return .training(a) }
      if let choice = choice(x, y) {
        choices.append(choice)
        return .choice(choice)
      }
    } else if a == b {
      return .training(a)
    }
    throw Diagnostic(
      .unsupported, "`\(training.name)` returns tensors of other types in training than in inference",
      remedy: "Convert the two modes as two functions.")
  }

  /// The merged updates of state; a mode that does not update a state leaves it as it is.
  mutating func unifyStateUpdates() throws -> [(path: String, value: MergedValue)] {
    var paths = OrderedSet(training.stateUpdates.map(\.path))
    paths.formUnion(inference.stateUpdates.map(\.path))
    return try paths.map { path in
      let (a, b) = (training.newState(path), inference.newState(path))
      guard let a, let b else {
        throw Diagnostic(.invalidProgram, "state `\(path)` is updated but is not an argument")
      }
      if let x = a.asValue, let y = b.asValue, keepsState(x, y) { return (path, .training(a)) }
      return (path, try unifyOutput(a, b))
    }
  }

  /// Whether x is the result of an op that, in inference, yields the operand that y stands for.
  private func keepsState(_ x: Value, _ y: Value) -> Bool {
    items.contains { item in
      guard case .both(let index, _) = item else { return false }
      let operation = training.body.operations[index]
      guard let result = operation.results.firstIndex(of: x),
        let operand = ModeDifference.table[operation.name]?.resultsInInference[result],
        operation.operands.indices.contains(operand), let kept = operation.operands[operand].asValue
      else { return false }
      return partners[kept] == y
    }
  }
}

/// A value of the merged function, before that exists.
enum MergedValue {
  case training(Operand)
  case choice(ModeCorrespondence.Choice)
}

extension Function {
  /// The keys that `split_key` operations at the top level yield.
  var splitKeys: Set<Value> {
    Set(body.operations.filter { $0.name == "split_key" }.flatMap(\.results))
  }

  /// A state's value after the function has run: its update, or the unchanged argument.
  fileprivate func newState(_ path: String) -> Operand? {
    if let update = stateUpdates.first(where: { $0.path == path }) { return update.value }
    return arguments.first { argument in
      if case .state(path, _) = argument.role { true } else { false }
    }.map { .value($0.value) }
  }
}
