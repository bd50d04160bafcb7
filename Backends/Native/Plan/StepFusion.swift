/// Joins elementwise steps that work on the same elements, so that what one writes or both read is still in the cache: an
/// optimiser's update of a parameter and its moments is one pass over memory.
struct StepFusion {
  /// What views lie in.
  enum Memory: Hashable {
    case variable(Int)
    case buffer(Int)
  }

  private(set) var steps: [any Step] = []
  /// For each original step, the number of the one that does its work.
  private(set) var places: [Int]
  private let buffers: [Buffer]
  private let checked: Int?
  private var lastWrite: [Memory: Int] = [:]
  private var lastRead: [Memory: Int] = [:]
  /// The last elementwise step that touches memory.
  private var lastChain: [Memory: Int] = [:]

  /// - Parameters:
  ///   - checked: the step, among `steps`, that must be done before variables change.
  ///   - isBody: whether other steps run these, perhaps again and again.
  init(_ steps: [any Step], _ buffers: [Buffer], checked: Int? = nil, isBody: Bool = false) {
    self.buffers = buffers
    self.checked = checked
    places = steps.map { _ in -1 }
    let early = isBody ? [] : Self.numbersOfInputs(steps, buffers)
    for index in steps.indices where early.contains(index) { place(steps[index], index) }
    for index in steps.indices where !early.contains(index) { place(steps[index], index) }
  }

  /// The steps that compute one number each from the inputs alone, such as a learning rate: done first, they keep no others
  /// apart.
  private static func numbersOfInputs(_ steps: [any Step], _ buffers: [Buffer]) -> Set<Int> {
    var writers: [Int: Int] = [:]
    for view in steps.flatMap(\.writes) { writers[view.buffer, default: 0] += 1 }
    var found: Set<Int> = []
    var known: Set<Int> = []
    for (index, step) in steps.enumerated() {
      guard let chain = step as? ChainStep, chain.program.count == 1,
        case .temporary = buffers[chain.program.target.view.buffer].kind,
        writers[chain.program.target.view.buffer] == 1,
        chain.reads.allSatisfy({ buffers[$0.buffer].isGiven || known.contains($0.buffer) })
      else { continue }
      found.insert(index)
      known.insert(chain.program.target.view.buffer)
    }
    return found
  }

  private func memory(_ view: View) -> Memory {
    if case .variable(let number) = buffers[view.buffer].kind { return .variable(number) }
    return .buffer(view.buffer)
  }

  private func memories(_ views: [View]) -> [Memory] { views.map(memory) }

  private mutating func place(_ step: any Step, _ index: Int) {
    if let chain = step as? ChainStep, let (target, joined) = joined(chain) {
      steps[target] = joined
      places[index] = target
      touch(step, at: target)
      return
    }
    steps.append(step)
    places[index] = steps.count - 1
    touch(step, at: steps.count - 1)
  }

  private mutating func touch(_ step: any Step, at place: Int) {
    let (reads, writes) = (memories(step.reads), memories(step.writes))
    for memory in reads { lastRead[memory] = max(lastRead[memory] ?? 0, place) }
    for memory in writes { lastWrite[memory] = max(lastWrite[memory] ?? 0, place) }
    guard let chain = step as? ChainStep else { return }
    for memory in whole(chain) { lastChain[memory] = max(lastChain[memory] ?? 0, place) }
  }

  /// What a step reads or writes all elements of, each once.
  private func whole(_ step: ChainStep) -> [Memory] {
    memories((step.reads + step.writes).filter { $0.count == step.program.count && !$0.strides.contains(0) })
  }

  /// A step that was laid down before and the step that does the work of both, if there is one.
  private func joined(_ chain: ChainStep) -> (place: Int, step: ChainGroupStep)? {
    let (reads, writes) = (memories(chain.reads), memories(chain.writes))
    let barrier = max(
      (reads + writes).compactMap { lastWrite[$0] }.max() ?? -1, writes.compactMap { lastRead[$0] }.max() ?? -1)
    guard let place = whole(chain).compactMap({ lastChain[$0] }).max(), place >= barrier,
      mayMove(chain, to: place),
      let step = ChainGroupStep(steps[place], then: chain, memory: memory)
    else { return nil }
    return (place, step)
  }

  /// Whether a step may be done earlier: variables may not change before the check, and what is not kept would take memory
  /// for longer.
  private func mayMove(_ step: ChainStep, to place: Int) -> Bool {
    let isUpdate = buffers[step.program.target.view.buffer].isKept
    guard isUpdate, let checked else { return isUpdate || place == steps.count - 1 }
    return places[checked] >= 0 && place > places[checked]
  }
}
