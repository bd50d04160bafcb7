import GraftIR
import GraftOps

/// Which known values are written anew, so that as few operations as possible are left.
struct IndexFormChoice {
  /// What an attention's mask becomes.
  struct Mask {
    var mask: IndexPlanTable.Reference
    var isCausal: Bool
  }

  /// What a value is written anew for.
  private enum Purpose: Equatable {
    /// All that uses it.
    case everything
    /// Operations that are not known themselves and broadcast it.
    case broadcasting
    case mask(isCausal: Bool)
  }

  private struct Candidate {
    var value: Value
    var purpose: Purpose
    var old: [Int]
    var new: [Int]
    var form: IndexPlanTable.Reference
    var isRewritten = true
  }

  private(set) var table = IndexPlanTable()
  private var candidates: [Candidate] = []
  /// How often each planned operation is needed.
  private var counts: [Int: Int] = [:]
  /// The operations that are needed where nothing is written anew.
  private var keepAll: Set<Int> = []

  private let analysis: IndexFunctionAnalysis
  private let producers: [Value: Operation]
  private var existing: [Value: IndexPlanTable.Reference] = [:]

  init(_ analysis: IndexFunctionAnalysis, _ uses: IndexFunctionUses) {
    self.analysis = analysis
    producers = uses.producers
    // What there is comes first, so that new forms use it.
    for value in uses.candidates.map(\.value) + uses.attentions.compactMap(\.operands[3].asValue) {
      let current = form(of: value)
      keepAll.formUnion(table.nodesUsed(current))
    }
    var uses = uses
    var masks: Set<Value> = []
    for attention in uses.attentions {
      guard let mask = attention.operands[3].asValue, !masks.contains(mask) else { continue }
      if let planned = plannedMask(mask) {
        masks.insert(mask)
        add(mask, .mask(isCausal: planned.isCausal), planned.mask)
      } else {
        uses.add(mask, readBy: attention)
      }
    }
    let known = Set(uses.candidates.map(\.value))
    for candidate in uses.candidates {
      if let (form, purpose) = newForm(candidate, known: known) {
        add(candidate.value, purpose, form)
      } else {
        let current = form(of: candidate.value)
        count(table.nodesUsed(current))
      }
    }
  }

  private mutating func add(_ value: Value, _ purpose: Purpose, _ form: IndexPlanTable.Reference) {
    let current = self.form(of: value)
    candidates.append(
      Candidate(
        value: value, purpose: purpose, old: table.nodesUsed(current), new: table.nodesUsed(form), form: form))
    count(table.nodesUsed(form))
  }

  /// What stands for values wherever they are used.
  var forms: [Value: IndexPlanTable.Reference] { forms(for: .everything) }

  /// What stands for values in operations of which nothing is known.
  var broadcastForms: [Value: IndexPlanTable.Reference] { forms(for: .broadcasting) }

  private func forms(for purpose: Purpose) -> [Value: IndexPlanTable.Reference] {
    candidates.reduce(into: [:]) { if $1.isRewritten, $1.purpose == purpose { $0[$1.value] = $1.form } }
  }

  /// What stands for the masks of attention.
  var masks: [Value: Mask] {
    candidates.reduce(into: [:]) { masks, candidate in
      guard candidate.isRewritten, case .mask(let isCausal) = candidate.purpose else { return }
      masks[candidate.value] = Mask(mask: candidate.form, isCausal: isCausal)
    }
  }

  /// Leaves values as they are unless that takes more operations, and masks unless it takes as many.
  mutating func dropWhatIsNoShorter() {
    for _ in 0..<2 {
      for index in candidates.indices where candidates[index].isRewritten {
        let candidate = candidates[index]
        let before = counts.count
        count(candidate.new, by: -1)
        count(candidate.old)
        let isMask = if case .mask = candidate.purpose { true } else { false }
        if counts.count < before + (isMask ? 0 : 1) {
          candidates[index].isRewritten = false
        } else {
          count(candidate.old, by: -1)
          count(candidate.new)
        }
      }
    }
    guard counts.count > keepAll.count else { return }
    for index in candidates.indices where !candidates[index].new.isEmpty { candidates[index].isRewritten = false }
  }

  private mutating func count(_ nodes: [Int], by step: Int = 1) {
    for node in nodes {
      let number = (counts[node] ?? 0) + step
      counts[node] = number == 0 ? nil : number
    }
  }

  // MARK: Forms

  /// The operations that compute a value now, as far back as values are known.
  private mutating func form(of value: Value) -> IndexPlanTable.Reference {
    if let known = existing[value] { return known }
    guard analysis[value] != nil, let producer = producers[value],
      let definition = OpCatalogue.definition(producer.name)
    else { return .value(value) }
    var operands: [IndexPlanTable.Reference] = []
    for operand in producer.operands {
      switch operand {
      case .value(let value): operands.append(form(of: value))
      case .scalar(let scalar): operands.append(.scalar(scalar))
      case .absent: operands.append(.absent)
      case .list(let values): operands.append(.list(values.map { form(of: $0) }))
      }
    }
    let node = table.node(
      IndexPlanTable.Node(
        op: producer.name, operands: operands, attributes: definition.canonical(producer.attributes),
        result: producer.results.firstIndex(of: value) ?? 0))
    existing[value] = node
    return node
  }

  private mutating func newForm(
    _ candidate: IndexFunctionUses.Candidate, known: Set<Value>
  ) -> (form: IndexPlanTable.Reference, purpose: Purpose)? {
    let type = analysis.function.type(of: candidate.value)
    guard let function = analysis[candidate.value] else { return nil }
    if !candidate.leavesBlock, let compact = plan({ $0.tensor(function, type, isCompact: true) }, type.shape),
      candidate.readers.allSatisfy({ broadcasts($0, candidate.value, compact.shape, known: known) })
    {
      return (compact.reference, .broadcasting)
    }
    return plan({ $0.tensor(function, type, isCompact: false) }, type.shape).map { ($0.reference, .everything) }
  }

  /// Whether an operation yields the same where a value has another shape that broadcasts to its own.
  private func broadcasts(_ reader: Operation, _ value: Value, _ shape: [Dim], known: Set<Value>) -> Bool {
    if reader.masksAttention, reader.operands.filter({ $0.values.contains(value) }).count == 1 {
      return reader.operands[3] == .value(value)
    }
    guard reader.results.count == 1, reader.regions.isEmpty, let definition = OpCatalogue.definition(reader.name),
      definition.family == .elementwise || definition.family == .comparison
    else { return false }
    let function = analysis.function
    let others = reader.operands.flatMap(\.values).filter { !known.contains($0) }.map { function.type(of: $0).shape }
    let result = function.type(of: reader.results[0]).shape
    let whole = others.reduce(Optional(shape)) { merged, next in merged.flatMap { ShapeRule.broadcast($0, next) } }
    return whole == result
  }

  private mutating func plan<T>(_ make: (inout IndexPlanner) -> T?, _ shape: [Dim]) -> T? {
    var planner = IndexPlanner(
      domain: analysis.domain(shape), typeOf: { [function = analysis.function] in function.type(of: $0) }, table: table)
    let result = make(&planner)
    table = planner.table
    return result
  }

  // MARK: Attention

  /// A mask without what `causal` says.
  private mutating func plannedMask(_ mask: Value) -> Mask? {
    let type = analysis.function.type(of: mask)
    let domain = analysis.domain(type.shape)
    guard let function = analysis[mask], let split = domain.maskWithoutCausal(function, type.dtype) else { return nil }
    if split.mask.isOpen { return Mask(mask: .absent, isCausal: split.isCausal) }
    let dtype = if case .boolean = split.mask { DType.bool } else { type.dtype }
    return plan({ $0.tensor(split.mask, TensorType(dtype, type.shape), isCompact: true) }, type.shape)
      .map { Mask(mask: $0.reference, isCausal: split.isCausal) }
  }
}
