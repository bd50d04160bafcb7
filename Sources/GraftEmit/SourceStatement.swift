import GraftIR

/// The source statement that an operation is part of: its call stack in the model's own source, and the modules that run
/// it.
struct SourceStatement: Hashable {
  private let modules: [ModuleCall]
  private let stack: [String]

  init(_ origin: Origin) {
    modules = origin.modules.filter { !$0.isFrameworkLayer }
    stack = origin.frames.filter { !$0.file.contains("/torch/nn/") }.map { "\($0.file):\($0.line)" }
  }

  /// Whether both are the same, or one is in a module that the other calls.
  func isOne(with other: SourceStatement) -> Bool {
    let (outer, inner) = stack.count <= other.stack.count ? (self, other) : (other, self)
    if outer.stack.count == inner.stack.count { return stack == other.stack && modules.last == other.modules.last }
    return !outer.stack.isEmpty && inner.stack.starts(with: outer.stack)
      && inner.modules.count > outer.modules.count && inner.modules.starts(with: outer.modules)
  }
}
