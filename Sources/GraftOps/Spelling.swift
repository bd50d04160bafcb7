/// A framework in whose terms an op can be read or written.
package enum Framework: String, Sendable, CaseIterable {
  /// PyTorch's public Python API.
  case torch
  /// PyTorch's operator library, which its tracer sees.
  case aten
  case jax, flax, tensorflow, keras, numpy, mlx, onnx, swift
}

/// How one framework writes an op: a call, a method or an operator over the op's operand and attribute names.
package struct Spelling: Sendable, Hashable {
  package var framework: Framework
  package var template: String

  package init(_ framework: Framework, _ template: String) {
    self.framework = framework
    self.template = template
  }

  /// `"sum.dim_IntList(self:x, dim:axes, keepdim:keepdims)"`: an overload and its schema's argument names.
  package static func aten(_ template: String) -> Spelling { Spelling(.aten, template) }
  /// `"torch.sum(input:x, dim:axes, keepdim:keepdims=False)"`.
  package static func torch(_ template: String) -> Spelling { Spelling(.torch, template) }
  package static func jax(_ template: String) -> Spelling { Spelling(.jax, template) }
  package static func numpy(_ template: String) -> Spelling { Spelling(.numpy, template) }
  package static func tensorFlow(_ template: String) -> Spelling { Spelling(.tensorflow, template) }
}

extension [Spelling] {
  /// The same operator in every framework whose tensors are Python numbers: `"x + y"`, `"-x"`.
  package static func python(_ template: String) -> [Spelling] {
    [.torch(template), .jax(template), .numpy(template), .tensorFlow(template)]
  }

  /// The same function name in NumPy and in JAX's copy of it.
  package static func numpyAndJAX(_ template: String) -> [Spelling] {
    [.numpy("numpy." + template), .jax("jax.numpy." + template)]
  }
}
