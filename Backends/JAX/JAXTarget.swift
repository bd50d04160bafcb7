package import GraftEmit
package import GraftIR
package import GraftOps
package import GraftSyntax
package import GraftTransform

/// JAX as experts write it: pure functions over nested dicts of parameters.
package struct JAXTarget: PythonTarget {
  package init() {}

  package var framework: Framework { .jax }

  package var aliases: [ModuleAlias] {
    [
      ModuleAlias("collections.abc.Callable", as: "Callable", .member(of: "collections.abc", "Callable")),
      ModuleAlias("functools.partial", as: "partial", .member(of: "functools", "partial")),
      ModuleAlias("operator.itemgetter", as: "itemgetter", .member(of: "operator", "itemgetter")),
      ModuleAlias("itertools", as: "itertools", .module("itertools")),
      ModuleAlias("math", as: "math", .module("math")),
      ModuleAlias("jax.numpy", as: "jnp", .module("jax.numpy", as: "jnp")),
      ModuleAlias("jax.lax", as: "lax", .member(of: "jax", "lax")),
      ModuleAlias("jax.Array", as: "Array", .member(of: "jax", "Array")),
      ModuleAlias("jax", as: "jax", .module("jax")),
      ModuleAlias("safetensors.numpy.load_file", as: "load_file", .member(of: "safetensors.numpy", "load_file")),
    ]
  }

  package var helpers: HelperLibrary { JAXHelpers.library }

  package var layoutPreferences: [RewriteRule] { [.attentionHeadsLast, .attentionGradientHeadsLast] }

  package func rule(for op: String) -> EmitRule? { JAXRules.all[op] }

  package func constant(_ value: Double, imports: inout ImportSet) -> PythonExpression? {
    let greatest = Double(Float.greatestFiniteMagnitude)
    switch value {
    case .infinity: return imports.resolve("jax.numpy.inf")
    case -.infinity: return -imports.resolve("jax.numpy.inf")
    case greatest, -greatest:
      let limits = imports.resolve("jax.numpy.finfo").call(imports.resolve("jax.numpy.float32"))
      return limits.attribute(value > 0 ? "max" : "min")
    default: return value.isNaN ? imports.resolve("jax.numpy.nan") : nil
    }
  }

  /// 64-bit integers are written `int`: JAX makes them 32 bits wide unless told otherwise.
  package func dtype(_ dtype: DType, in context: EmitContext) -> PythonExpression {
    switch dtype {
    case .bool: "bool"
    case .int64: "int"
    case .uint64: context.reference("jax.numpy.uint32")
    default: context.reference("jax.numpy.\(dtype.rawValue)")
    }
  }
}
