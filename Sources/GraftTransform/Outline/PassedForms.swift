package import GraftIR

extension Function {
  /// What the module at a path calls a tensor that it is passed. One that was rewritten on its way is known by its variable
  /// and its type.
  package func passedName(of value: Value, in module: String) -> String? {
    if let name = passedNames.name(of: value, in: module) { return name }
    let others = passedNames.entries.filter { $0.module == module && isLike(value, $0.value) }
    return Set(others.map(\.name)).count == 1 ? others[0].name : nil
  }

  /// Whether two values were one variable of one type, before rewriting.
  func isLike(_ value: Value, _ other: Value) -> Bool {
    guard let hint = info(value).hint else { return false }
    return hint == info(other).hint && form(of: value) == form(of: other)
  }

  /// The type of a value without extents of 1, which rewriting adds and removes.
  func form(of value: Value) -> TensorType {
    let type = type(of: value)
    return type.with(shape: type.shape.filter { $0 != 1 })
  }
}
