import Testing

@testable import GraftSyntax

@Suite struct PythonModuleTests {
  private let module = PythonModule(
    docstring: "A model.\n\nMore about it.",
    imports: [
      .member(of: "jax", "lax"), .module("jax.numpy", as: "jnp"), .module("jax"), .member(of: "jax", "Array"),
      .member(of: "__future__", "annotations"), .module("os"), .member(of: "typing", "NamedTuple"),
      .member(of: "safetensors.numpy", "load_file"), .member(of: "jax", "Array"), .module("numpy", as: "np"),
      .member(of: "jax", "tree_util", as: "tree"), .member(of: "a10", "f"), .member(of: "a9", "F"),
      .member(of: "a9", "MAX"),
    ],
    statements: [
      .comment("The width."), .assign("WIDTH", 8), .function(PythonFunction("f", body: [])),
      .comment("About g."), .function(PythonFunction("g", body: [])), .expression(("g" as PythonExpression).call()),
      .blank, .blank, .expression(("f" as PythonExpression).call()),
      .class(
        PythonClass(
          "Net", [.positional("Base")], decorators: ["dataclass"], docstring: "A net.",
          body: [
            .annotatedAssign("width", annotation: "int", value: nil), .blank,
            .function(PythonFunction("f", PythonParameters([PythonParameter("self")]), body: [])),
            .function(PythonFunction("g", PythonParameters([PythonParameter("self")]), body: [])),
          ])),
    ])

  @Test func layout() {
    #expect(
      module.rendered() == """
        \"""A model.

        More about it.
        \"""

        from __future__ import annotations

        import os
        from typing import NamedTuple

        import jax
        import jax.numpy as jnp
        import numpy as np
        from a9 import MAX, F
        from a10 import f
        from jax import Array, lax
        from jax import tree_util as tree
        from safetensors.numpy import load_file

        # The width.
        WIDTH = 8


        def f():
            pass


        # About g.
        def g():
            pass


        g()

        f()


        @dataclass
        class Net(Base):
            \"""A net.\"""

            width: int

            def f(self):
                pass

            def g(self):
                pass

        """)
  }

  @Test(.enabled(if: PythonTools.areAvailable, "needs python and ruff"))
  func ruffAgrees() throws {
    let text = module.rendered()
    #expect(try PythonTools.formatted(text) == text)
    #expect(try PythonTools.sorted(text) == text)
  }

  @Test(.enabled(if: PythonTools.areAvailable, "needs python and ruff"), arguments: [1, 2, 3] as [UInt64])
  func importsOfAnyNamesAreSorted(seed: UInt64) throws {
    var random = RandomPython(random: SeededGenerator(seed: seed), vocabulary: .emitted)
    let modules = [
      "jax", "jax.numpy", "JAX", "numpy", "os", "a2", "a10", "a02", "A2", "torch_x", "torch.nn", "collections.abc",
      "re",
    ]
    let names = ["f", "F", "MAX", "Max", "x2", "x10", "_private", "a_b", "aB", "A", "T5", "lax"]
    for _ in 0..<20 {
      let imports = (0..<random.count(1...14)).map { _ -> PythonImport in
        let alias = random.chance(20) ? random.pick(["alias", "b"]) : nil
        if random.chance(40) { return .module(random.pick(modules), as: alias) }
        return .member(of: random.pick(modules), random.pick(names), as: alias)
      }
      let text = PythonModule(imports: imports, statements: [.function(PythonFunction("main", body: []))]).rendered()
      let sorted = try PythonTools.sorted(text)
      #expect(sorted == text, "seed \(seed)")
      let formatted = try PythonTools.formatted(text)
      #expect(formatted == text, "seed \(seed)")
    }
  }

  @Test func emptyModule() {
    #expect(PythonModule().rendered() == "")
  }
}
