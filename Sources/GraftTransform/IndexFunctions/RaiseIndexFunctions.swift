package import GraftIR
import GraftOps

/// Writes values whose every element is a known function of its indices in their shortest form, and masks of attention
/// as what they say: ``IndexFunctionAnalysis`` finds them, nothing is written that takes more operations than it did.
///
/// An index that the source uses is taken to lie within the extent, as the source requires.
package struct RaiseIndexFunctions: Pass {
  package let name = "raise index functions"
  package init() {}

  package func run(_ function: Function) throws -> Function {
    let analysis = IndexFunctionAnalysis(function)
    let uses = IndexFunctionUses(function, analysis)
    if uses.candidates.isEmpty && uses.attentions.isEmpty { return function }
    var choice = IndexFormChoice(analysis, uses)
    choice.dropWhatIsNoShorter()
    return try IndexFormWriter(analysis, choice).written()
  }
}

/// Where values that are known are used by operations whose results are not.
struct IndexFunctionUses {
  /// A known value that something outside the known ones reads.
  struct Candidate {
    var value: Value
    /// The operations that read it; empty when it leaves its block.
    var readers: [Operation]
    var leavesBlock = false
  }

  private(set) var candidates: [Candidate] = []
  /// Attention with a mask that is known.
  private(set) var attentions: [Operation] = []
  private(set) var producers: [Value: Operation] = [:]
  private var numbers: [Value: Int] = [:]

  init(_ function: Function, _ analysis: IndexFunctionAnalysis) {
    visit(function.body, analysis)
    for update in function.stateUpdates { addLeaving(update.value, analysis) }
  }

  private mutating func visit(_ block: Block, _ analysis: IndexFunctionAnalysis) {
    for operation in block.operations {
      for result in operation.results { producers[result] = operation }
      for region in operation.regions { visit(region, analysis) }
      if operation.results.allSatisfy({ analysis[$0] != nil }) { continue }
      var operands = operation.operands
      if operation.masksAttention, let mask = operands[3].asValue, analysis[mask] != nil {
        attentions.append(operation)
        operands[3] = .absent
      }
      for value in operands.flatMap(\.values) where analysis[value] != nil {
        add(value, readBy: operation)
      }
    }
    for result in block.results { addLeaving(result, analysis) }
  }

  /// Notes that an operation whose result is not known reads a value that is.
  mutating func add(_ value: Value, readBy reader: Operation) {
    let number = number(of: value)
    if candidates[number].readers.last != reader { candidates[number].readers.append(reader) }
  }

  private mutating func addLeaving(_ operand: Operand, _ analysis: IndexFunctionAnalysis) {
    for value in operand.values where analysis[value] != nil { candidates[number(of: value)].leavesBlock = true }
  }

  private mutating func number(of value: Value) -> Int {
    if let known = numbers[value] { return known }
    numbers[value] = candidates.count
    candidates.append(Candidate(value: value, readers: []))
    return candidates.count - 1
  }
}

extension Operation {
  /// Whether this is attention with a mask.
  var masksAttention: Bool { name == OpDefinition.scaledDotProductAttention.name && operands.count > 3 }
}
