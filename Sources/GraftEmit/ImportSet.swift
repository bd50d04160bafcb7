package import GraftSyntax
package import OrderedCollections

/// The modules that emitted code has come to need.
package struct ImportSet {
  private let aliases: [ModuleAlias]
  package private(set) var used: OrderedSet<String> = []

  package init(aliases: [ModuleAlias]) { self.aliases = aliases }

  /// A public name as emitted code writes it: `jax.numpy.exp` becomes `jnp.exp`.
  package mutating func resolve(_ path: String) -> PythonExpression {
    guard let alias = aliases.first(where: { path.hasPrefix($0.module + ".") || path == $0.module }) else {
      return .path(path)
    }
    used.append(alias.name)
    return .path(alias.name + path.dropFirst(alias.module.count))
  }

  /// Notes the modules whose short names occur among `names`.
  package mutating func require(names: some Sequence<String>) {
    for name in names where aliases.contains(where: { $0.name == name }) { used.append(name) }
  }

  /// Import statements for everything that is used.
  package var statements: [PythonImport] {
    aliases.filter { used.contains($0.name) }.map(\.statement)
  }
}
