package import OrderedCollections

/// What the modules of a program call the tensors that they are passed: the parameters of their `forward`.
package struct PassedNames: Hashable, Sendable {
  /// A tensor, and what the module that it is passed to calls it.
  package struct Entry: Hashable, Sendable {
    /// The module's path in the model.
    package var module: String
    package var name: String
    package var value: Value

    package init(module: String, name: String, value: Value) {
      self.module = module
      self.name = name
      self.value = value
    }
  }

  private struct Key: Hashable, Sendable {
    let module: String
    let value: Value
  }

  /// The names, in the order in which they were recorded.
  package private(set) var entries: OrderedSet<Entry> = []
  private var names: [Key: Set<String>] = [:]

  package init() {}

  package init(_ entries: some Sequence<Entry>) {
    for entry in entries { record(entry) }
  }

  package mutating func record(_ entry: Entry) {
    guard entries.append(entry).inserted else { return }
    names[Key(module: entry.module, value: entry.value), default: []].insert(entry.name)
  }

  /// What the module at a path calls the tensor; nil if it is passed none that is this one, or the same for several.
  package func name(of value: Value, in module: String) -> String? {
    guard let found = names[Key(module: module, value: value)], found.count == 1 else { return nil }
    return found.first
  }

  /// The names with values replaced; a value for which there is none loses its own.
  package func mapValues(_ transform: (Value) -> Value?) -> PassedNames {
    PassedNames(
      entries.compactMap { entry in
        transform(entry.value).map { Entry(module: entry.module, name: entry.name, value: $0) }
      })
  }
}
