package import GraftIR
package import GraftOps
package import GraftSyntax
package import GraftTransform

/// What one Python framework spells its own way; everything else is read from the catalogue.
package protocol PythonTarget: Sendable {
  /// The catalogue column that the target reads.
  var framework: Framework { get }
  /// The usual short names of modules, longest path first: `jax.numpy` is written `jnp`.
  var aliases: [ModuleAlias] { get }
  /// Functions that emitted code may bring along.
  var helpers: HelperLibrary { get }
  /// Rewritings of operations into the layout that the target has them in.
  var layoutPreferences: [RewriteRule] { get }
  /// How an op is written that the catalogue's spelling cannot say.
  func rule(for op: String) -> EmitRule?
  /// A number that the target has a name for, such as infinity; nil for one that is written out.
  func constant(_ value: Double, imports: inout ImportSet) -> PythonExpression?
  /// An element type as an expression.
  func dtype(_ dtype: DType, in context: EmitContext) -> PythonExpression
}

/// Writes one operation; returns an expression for each result.
package typealias EmitRule = @Sendable (EmitContext) throws -> [PythonExpression]

extension PythonTarget {
  package var layoutPreferences: [RewriteRule] { [] }

  package func constant(_ value: Double, imports: inout ImportSet) -> PythonExpression? { nil }

  /// Whether the target can write the op as it stands, without decomposing it.
  package func canWrite(_ definition: OpDefinition) -> Bool {
    rule(for: definition.name) != nil || !definition.spellings(in: framework).isEmpty
  }
}

/// A module and the name that emitted code gives it.
package struct ModuleAlias: Sendable {
  package var module: String
  package var name: String
  package var statement: PythonImport

  package init(_ module: String, as name: String, _ statement: PythonImport) {
    self.module = module
    self.name = name
    self.statement = statement
  }
}
