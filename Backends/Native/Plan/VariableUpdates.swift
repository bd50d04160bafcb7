import GraftIR

/// A variable and the buffer that its new value is computed into.
struct VariableUpdate {
  let variable: View
  let value: View
}

/// Which steps read and write each buffer.
private struct BufferUses {
  private let steps: [any Step]
  private var writers: [Int: [Int]] = [:]
  private var readers: [Int: [Int]] = [:]

  init(_ steps: [any Step]) {
    self.steps = steps
    for (index, step) in steps.enumerated() {
      for view in step.writes { writers[view.buffer, default: []].append(index) }
      for view in step.reads { readers[view.buffer, default: []].append(index) }
    }
  }

  /// Whether a new value can be computed where the old one lies.
  ///
  /// That is so if one elementwise step computes it, from elements of the old one at the same places if from any, and
  /// no later step reads the old one.
  func canOverwrite(_ update: VariableUpdate) -> Bool {
    guard let own = writers[update.value.buffer], own.count == 1, let step = steps[own[0]] as? ChainStep,
      step.program.target.view == update.value, update.value.hasLayout(of: update.variable),
      readers[update.variable.buffer, default: []].allSatisfy({ $0 <= own[0] })
    else { return false }
    return step.reads.allSatisfy { $0.buffer != update.variable.buffer || $0.hasLayout(of: update.value) }
  }
}

extension View {
  /// Whether the elements lie in the same order and at the same offset as another view's in its buffer.
  fileprivate func hasLayout(of other: View) -> Bool {
    dtype == other.dtype && offset == other.offset && shape == other.shape && strides == other.strides
  }
}

extension Planner {
  /// Has a variable's new value computed, and written over the old one when nothing reads that any more.
  func update(_ variable: View, to operand: Operand) throws {
    let expression = try expression(operand, as: variable.dtype)
    guard expression.dtype == variable.dtype, expression.shape == variable.shape else {
      throw Diagnostic(
        .invalidProgram,
        "a variable of \(variable.dtype.rawValue)\(variable.shape) cannot become \(expression.dtype.rawValue)\(expression.shape)"
      )
    }
    var value: View
    if case .view(let view) = expression.node {
      if view == variable { return }
      value = view
    } else {
      value = try allocate(variable.shape, variable.dtype)
      try compute(expression, into: value)
    }
    if !isWholeTemporary(value) {
      let copy = try allocate(variable.shape, variable.dtype)
      try compute(Expression(value), into: copy)
      value = copy
    }
    updates.append(VariableUpdate(variable: variable, value: value))
  }

  private func isWholeTemporary(_ view: View) -> Bool {
    buffers[view.buffer].isTemporary && view.offset == 0 && view.isRowMajor
      && view.count * view.dtype.byteWidth == buffers[view.buffer].byteCount
      && !updates.contains { $0.value.buffer == view.buffer }
  }

  /// Lets new values take the memory of the old ones where they can, and copies the others.
  func settleUpdates() throws {
    let uses = BufferUses(steps)
    for update in updates {
      if uses.canOverwrite(update) {
        share(update.value.buffer, with: update.variable.buffer)
      } else {
        try compute(Expression(update.value), into: update.variable)
      }
    }
  }
}
