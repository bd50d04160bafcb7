import GraftIR
import GraftSyntax

/// Which Python name holds which value at the point that is being emitted.
struct NameScope {
  private var owner: [String: Value?] = [:]

  /// Takes names that no value may get.
  mutating func reserve(_ names: some Sequence<String>) {
    for name in names { owner[name] = .some(nil) }
  }

  /// A name for a value, as close to `wanted` as can be; a name whose value is no longer needed is used again.
  mutating func bind(_ value: Value, to wanted: String, isFree: (String, Value) -> Bool) -> String {
    let base = PythonIdentifier.snakeCase(wanted)
    var name = base
    var suffix = 2
    while let taken = owner[name] {
      if let old = taken, isFree(name, old) { break }
      name = "\(base)_\(suffix)"
      suffix += 1
    }
    owner[name] = value
    return name
  }

  /// Whether a value could have exactly the wanted name.
  func isFree(_ wanted: String, isFree: (String, Value) -> Bool) -> Bool {
    let name = PythonIdentifier.snakeCase(wanted)
    guard let taken = owner[name] else { return true }
    return taken.map { isFree(name, $0) } ?? false
  }

  /// A name that no value has had, for a local that is not a value of the program.
  mutating func fresh(_ wanted: String) -> String {
    let name = PythonIdentifier.unique(PythonIdentifier.snakeCase(wanted), avoiding: Set(owner.keys))
    owner[name] = .some(nil)
    return name
  }
}
