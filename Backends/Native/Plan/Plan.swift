import GraftFiles
package import GraftIR

/// A program for tensors of known sizes: kernel calls and the memory they work on.
package struct Plan: Sendable {
  /// A tensor that goes in or comes out.
  package struct Port: Sendable {
    package var dtype: DType
    package var shape: [Int]
    /// The bytes of its view begin here in its buffer.
    var view: View
  }

  /// The function's inputs, then the random key if it needs one.
  package let inputs: [Port]
  package let outputs: [Port]
  /// The paths of the variables, by number.
  let variables: [String]
  /// The step that computes the first result, and where that lies, if a run ends when it is not finite.
  let checked: Checked?
  package let buffers: [Buffer]
  package let steps: [any Step]
  let order: TaskOrder
  package let origins: [Origin]
  /// The offset in the arena of each temporary buffer.
  let offsets: [Int]
  package let arenaBytes: Int
  package let scratchBytes: Int
  /// The memory of buffers that were computed when the plan was made.
  let prepared: PreparedBuffers

  /// A result that is looked at before a run goes on.
  struct Checked {
    var step: Int
    var view: View
  }

  package var flops: Int { steps.reduce(0) { $0 + $1.flops } }
  /// Bytes of what was computed when the plan was made.
  package var preparedBytes: Int { prepared.byteCount }
}

extension Plan {
  /// Takes what a planner has laid down: runs the steps that depend on constants alone, and places the others' buffers.
  init(_ planner: Planner, inputs: [Port], outputs: [Port], checking checked: View?, pool: ThreadPool) throws {
    var buffers = planner.buffers
    let constant = Self.constantBuffers(buffers, planner.steps)
    let used = Self.usedSteps(buffers, planner.steps)
    let isPreparation = planner.steps.map { step in step.writes.allSatisfy { constant.contains($0.buffer) } }
    for buffer in constant where buffers[buffer].isTemporary { buffers[buffer].kind = .prepared }
    let kept = used.filter { !isPreparation[$0] }

    self.inputs = inputs
    self.outputs = outputs
    self.buffers = buffers
    variables = planner.variables
    let checkedStep = checked.flatMap { view in
      kept.lastIndex { index in planner.steps[index].writes.contains { $0.buffer == view.buffer } }
    }
    let fusion = StepFusion(kept.map { planner.steps[$0] }, buffers, checked: checkedStep)
    steps = fusion.steps
    order = TaskOrder(steps)
    var origins = steps.map { _ in Origin.unknown }
    for (index, place) in fusion.places.enumerated().reversed() { origins[place] = planner.origins[kept[index]] }
    self.origins = origins
    self.checked = checked.flatMap { view in checkedStep.map { Checked(step: fusion.places[$0], view: view) } }
    scratchBytes = ((planner.steps + steps).map(\.scratchBytes).max() ?? 0).roundedUp(to: 64)

    let needed = Set(steps.flatMap(\.reads).map(\.buffer))
    let preparation = used.filter { isPreparation[$0] }.map { planner.steps[$0] }
    try Self.checkMemory(Set(preparation.flatMap(\.writes).map(\.buffer)).map { buffers[$0].byteCount })
    prepared = try PreparedBuffers(buffers, preparation, keeping: needed, scratchBytes: scratchBytes, pool: pool)

    let placed = PlacedBuffers(buffers, steps) { buffers[$0].isTemporary }
    offsets = buffers.indices.map { placed.offsets[$0] ?? 0 }
    arenaBytes = placed.byteCount
    try Self.checkMemory([arenaBytes, prepared.byteCount])
  }

  /// - Throws: ``Diagnostic`` for more bytes in all than three tensors may have.
  private static func checkMemory(_ byteCounts: [Int]) throws {
    var left = 3 * Planner.largestTensor
    for count in byteCounts {
      guard count <= left else {
        throw Diagnostic(.invalidProgram, "the program needs more memory than this machine has to spare")
      }
      left -= count
    }
  }

  /// The steps that an output or the new value of a variable depends on, in order.
  private static func usedSteps(_ buffers: [Buffer], _ steps: [any Step]) -> [Int] {
    var needed = Set(buffers.indices.filter { buffers[$0].isKept })
    var used: [Int] = []
    for (index, step) in steps.enumerated().reversed() where step.writes.contains(where: { needed.contains($0.buffer) })
    {
      used.append(index)
      needed.formUnion(step.reads.map(\.buffer))
    }
    return used.reversed()
  }

  /// The buffers whose contents depend on weights and literals alone.
  private static func constantBuffers(_ buffers: [Buffer], _ steps: [any Step]) -> Set<Int> {
    var constant = Set(buffers.indices.filter { buffers[$0].isConstant || buffers[$0].isTemporary })
    var changed = true
    while changed {
      changed = false
      for step in steps {
        let depends = (step.reads + step.writes).contains { !constant.contains($0.buffer) }
        for view in step.writes where depends && constant.remove(view.buffer) != nil { changed = true }
      }
    }
    return constant
  }
}

extension Buffer {
  /// Whether what is written to it outlives the run.
  var isKept: Bool {
    switch kind {
    case .output, .variable: true
    case .input, .tensor, .prepared, .temporary, .window: false
    }
  }

  /// Whether no step writes to it.
  var isGiven: Bool {
    switch kind {
    case .input, .tensor, .prepared: true
    case .output, .variable, .temporary, .window: false
    }
  }

  /// Whether the plan's own steps write to it.
  var isComputed: Bool {
    switch kind {
    case .temporary, .window: true
    case .input, .output, .tensor, .prepared, .variable: false
    }
  }

  var isTemporary: Bool { if case .temporary = kind { true } else { false } }
}

extension Int {
  /// The number, or the nearest whose magnitude is one too.
  var clamped: Int { self == .min ? -.max : self }
  func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
