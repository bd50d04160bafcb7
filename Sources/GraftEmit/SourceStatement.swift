import GraftIR
import GraftSyntax

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

extension PythonStatement {
  /// `a, b = x, y` for `a = x` and a value y of b, where the source statement's targets have these names in this order and
  /// the result stays on one line; nil otherwise, and where y reads a.
  func joining(_ name: String, _ value: PythonExpression, targets: [String]) -> PythonStatement? {
    guard case .assign(let target, let last) = self, target.count == 1 else { return nil }
    var names: [PythonExpression] = []
    var values: [PythonExpression] = []
    switch (target[0], last) {
    case (.name, _): (names, values) = (target, [last])
    case (.tuple(let items), .tuple(let parts)) where items.count == parts.count: (names, values) = (items, parts)
    default: return nil
    }
    names.append(.name(name))
    values.append(value)
    let known = targets.map { PythonExpression.name(PythonIdentifier.snakeCase($0)) }
    guard known.starts(with: names), Set(value.freeNames).isDisjoint(with: names.dropLast().flatMap(\.freeNames)) else {
      return nil
    }
    let joined = PythonStatement.assign(.tuple(names), .tuple(values))
    return [joined].lineCount == 1 ? joined : nil
  }
}
