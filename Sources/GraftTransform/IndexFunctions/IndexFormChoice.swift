import GraftIR
import GraftOps

/// Which known values are written anew, so that as few operations as possible are left.
struct IndexFormChoice {
  /// What an attention's mask becomes.
  struct Mask {
    var mask: IndexPlanTable.Reference
    var isCausal: Bool
  }

  private struct Candidate {
    var value: Value
    var old: [Int]
    var new: [Int]
    var form: IndexPlanTable.Reference
    var isRewritten: Bool
  }

  private(set) var table = IndexPlanTable()
  /// By the mask that an attention has.
  private(set) var masks: [Value: Mask] = [:]
  private var candidates: [Candidate] = []
  /// How often each planned operation is needed.
  private var counts: [Int: Int] = [:]

  private let analysis: IndexFunctionAnalysis
  private let producers: [Value: Operation]
  private var existing: [Value: IndexPlanTable.Reference] = [:]

  init(_ function: Function, _ analysis: IndexFunctionAnalysis, _ uses: IndexFunctionUses) {
    self.analysis = analysis
    producers = uses.producers
    var uses = uses
    for attention in uses.attentions {
      guard let mask = attention.operands[3].asValue, masks[mask] == nil else { continue }
      if let planned = plannedMask(mask) {
        masks[mask] = planned
        count(table.nodesUsed(planned.mask))
      } else {
        uses.add(mask, readBy: attention)
      }
    }
    let known = Set(uses.candidates.map(\.value))
    for candidate in uses.candidates {
      let current = form(of: candidate.value)
      let old = table.nodesUsed(current)
      let form = newForm(candidate, known: known)
      let new = form.map(table.nodesUsed) ?? old
      candidates.append(
        Candidate(
          value: candidate.value, old: old, new: new, form: form ?? .value(candidate.value), isRewritten: form != nil))
      count(new)
    }
  }

  /// What stands for a value that is written anew.
  var forms: [Value: IndexPlanTable.Reference] {
    candidates.reduce(into: [:]) { if $1.isRewritten { $0[$1.value] = $1.form } }
  }

  /// Leaves values as they are unless that takes more operations.
  mutating func dropWhatIsNoShorter() {
    for _ in 0..<2 {
      for index in candidates.indices where candidates[index].isRewritten {
        let before = counts.count
        count(candidates[index].new, by: -1)
        count(candidates[index].old)
        if counts.count <= before {
          candidates[index].isRewritten = false
        } else {
          count(candidates[index].old, by: -1)
          count(candidates[index].new)
        }
      }
    }
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
  ) -> IndexPlanTable.Reference? {
    let type = analysis.function.type(of: candidate.value)
    guard let function = analysis[candidate.value] else { return nil }
    if !candidate.leavesBlock, let compact = plan({ $0.tensor(function, type, isCompact: true) }, type.shape),
      candidate.readers.allSatisfy({ broadcasts($0, candidate.value, compact.shape, known: known) })
    {
      return compact.reference
    }
    return plan({ $0.tensor(function, type, isCompact: false) }, type.shape)?.reference
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

  /// A mask without what `causal` says, if that is not longer than it was.
  private mutating func plannedMask(_ mask: Value) -> Mask? {
    let type = analysis.function.type(of: mask)
    let domain = analysis.domain(type.shape)
    guard let function = analysis[mask], let split = domain.maskWithoutCausal(function, type.dtype) else { return nil }
    if split.mask.isOpen { return Mask(mask: .absent, isCausal: split.isCausal) }
    let dtype = if case .boolean = split.mask { DType.bool } else { type.dtype }
    guard
      let planned = plan({ $0.tensor(split.mask, TensorType(dtype, type.shape), isCompact: true) }, type.shape)
    else { return nil }
    let current = form(of: mask)
    let isShorter = table.nodesUsed(planned.reference).count < table.nodesUsed(current).count
    return split.isCausal || isShorter ? Mask(mask: planned.reference, isCausal: split.isCausal) : nil
  }
}
