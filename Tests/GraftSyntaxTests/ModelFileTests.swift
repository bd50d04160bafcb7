import Testing

@testable import GraftSyntax

/// A file such as the JAX backend emits, written with the building functions alone.
@Suite struct ModelFileTests {
  private func parameter(_ name: String, _ type: String, _ value: PythonExpression? = nil) -> PythonParameter {
    PythonParameter(name, annotation: .path(type), default: value)
  }

  private var layerNorm: PythonFunction {
    let x: PythonExpression = "x"
    let mean = x.method("mean", -1, keywords: [("keepdims", true)])
    let variance = x.method("var", -1, keywords: [("keepdims", true)])
    let scale = ("jax.lax.rsqrt" as PythonExpression).call(.binary("var", .add, "eps"))
    let params: PythonExpression = "params"
    let normalized = PythonExpression.binary(.binary("x", .subtract, "mean"), .multiply, scale)
    let scaled = PythonExpression.binary(normalized, .multiply, params[.string("weight")])
    return PythonFunction(
      "layer_norm",
      PythonParameters([parameter("params", "dict"), parameter("x", "Array"), parameter("eps", "float", 1e-5)]),
      returns: "Array", docstring: "Normalise the last axis of x, then scale and shift.",
      body: [
        .assign(.tuple(["mean", "var"]), .tuple([mean, variance])),
        .return(.binary(scaled, .add, params[.string("bias")])),
      ])
  }

  private var block: PythonFunction {
    let rng: PythonExpression = "rng"
    let params: PythonExpression = "params"
    let keys = PythonExpression.tuple([.none, .none]).conditional(
      if: rng.compared(.is, .none), else: ("jax.random.split" as PythonExpression).call(rng))
    func residual(_ function: PythonExpression, _ part: String, _ norm: String, _ key: PythonExpression)
      -> PythonExpression
    {
      let normalized = ("layer_norm" as PythonExpression).call(params[.string(norm)], "x")
      return .binary("x", .add, function.call(params[.string(part)], normalized, key))
    }
    let optionalArray = PythonExpression.binary("Array", .bitOr, .none)
    return PythonFunction(
      "block",
      PythonParameters([
        parameter("params", "dict"), parameter("x", "Array"), PythonParameter("rng", annotation: optionalArray),
      ]),
      returns: "Array", docstring: "modeling_gpt2.py:250 GPT2Block.",
      body: [
        .assign(.tuple(["attn_rng", "mlp_rng"]), keys),
        .assign("x", residual("attention", "attn", "ln_1", "attn_rng")),
        .return(residual("mlp", "mlp", "ln_2", "mlp_rng")),
      ])
  }

  private var loadParams: PythonFunction {
    let items = ("load_file" as PythonExpression).call("path").method("items")
    return PythonFunction(
      "load_params", PythonParameters([parameter("path", "str")]), returns: "dict",
      docstring: "Parameters, nested as the modules are.",
      body: [
        .annotatedAssign("tree", annotation: "dict", value: .dictionary([])),
        .for(
          .tuple(["name", "tensor"]), in: items,
          body: [
            .assign(
              .tuple([.starred("parents"), "leaf"]), ("name" as PythonExpression).method("split", .string("."))),
            .assign("node", "tree"),
            .for(
              "key", in: "parents",
              body: [.assign("node", ("node" as PythonExpression).method("setdefault", "key", .dictionary([])))]),
            .assign(("node" as PythonExpression)["leaf"], ("jnp.asarray" as PythonExpression).call("tensor")),
          ]),
        .return("tree"),
      ])
  }

  private var reduceWindow: PythonStatement {
    func pair(_ value: PythonExpression) -> PythonExpression { .tuple([value, value]) }
    return .assign(
      "x",
      ("lax.reduce_window" as PythonExpression).call(
        "x", .float(-.infinity), "lax.max", .tuple([1, 1, 3, 3]), .tuple([1, 1, 2, 2]),
        .list([pair(0), pair(0), pair(1), pair(1)])))
  }

  @Test func wholeFile() {
    let module = PythonModule(
      docstring: "GPT-2 language model in JAX.\n\nparams = load_params(\"gpt2.safetensors\")",
      imports: [
        .module("jax"), .module("jax.numpy", as: "jnp"), .member(of: "jax", "Array"),
        .member(of: "safetensors.numpy", "load_file"), .member(of: "jax", "lax"),
      ],
      statements: [.function(layerNorm), .function(block), .function(loadParams), reduceWindow])
    #expect(
      module.rendered() == #"""
        """GPT-2 language model in JAX.

        params = load_params("gpt2.safetensors")
        """

        import jax
        import jax.numpy as jnp
        from jax import Array, lax
        from safetensors.numpy import load_file


        def layer_norm(params: dict, x: Array, eps: float = 1e-5) -> Array:
            """Normalise the last axis of x, then scale and shift."""
            mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            return (x - mean) * jax.lax.rsqrt(var + eps) * params["weight"] + params["bias"]


        def block(params: dict, x: Array, rng: Array | None) -> Array:
            """modeling_gpt2.py:250 GPT2Block."""
            attn_rng, mlp_rng = (None, None) if rng is None else jax.random.split(rng)
            x = x + attention(params["attn"], layer_norm(params["ln_1"], x), attn_rng)
            return x + mlp(params["mlp"], layer_norm(params["ln_2"], x), mlp_rng)


        def load_params(path: str) -> dict:
            """Parameters, nested as the modules are."""
            tree: dict = {}
            for name, tensor in load_file(path).items():
                *parents, leaf = name.split(".")
                node = tree
                for key in parents:
                    node = node.setdefault(key, {})
                node[leaf] = jnp.asarray(tensor)
            return tree


        x = lax.reduce_window(
            x,
            -float("inf"),
            lax.max,
            (1, 1, 3, 3),
            (1, 1, 2, 2),
            [(0, 0), (0, 0), (1, 1), (1, 1)],
        )

        """#)
  }
}
