/// From which end on the tasks of steps run, each after the one before.
///
/// What was touched last is still in the cache. A step begins there: at the end of its largest operand, where the step
/// that touched that before it ended. A matrix that is read again and again, as by a recurrent layer, is so read to and
/// fro, and what the cache holds of it is not read from memory.
struct TaskOrder: Sendable {
  /// Of each step, whether it runs its last task first.
  let fromLast: [Bool]

  init(_ steps: [any Step]) {
    /// Whether the last part of a buffer is what was touched last, of those that were touched.
    var endsAtLast: [Int: Bool] = [:]
    fromLast = steps.map { step in
      let views = step.reads + step.writes
      let largest = views.filter { endsAtLast[$0.buffer] != nil }.max { $0.byteCount < $1.byteCount }
      let fromLast = step.taskCount > 1 && largest.flatMap { endsAtLast[$0.buffer] } ?? false
      for view in views { endsAtLast[view.buffer] = !fromLast }
      return fromLast
    }
  }
}

extension View {
  fileprivate var byteCount: Int { count * dtype.byteWidth }
}
