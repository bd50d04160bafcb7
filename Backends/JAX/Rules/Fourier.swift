import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let fourier: Rules = [
    "fft": { [try $0.transformed("fft", reads: { $0 })] },
    "ifft": { [try $0.transformed("ifft", reads: { $0 })] },
    "rfft": { [try $0.transformed("rfft", reads: { $0 })] },
    "irfft": { [try $0.transformed("irfft", reads: { ($0 - 1) * 2 })] },
  ]
}

extension EmitContext {
  /// `jnp.fft.rfft(x, n, axis)`; the size is left out when it is what the extent along the last axis gives.
  fileprivate func transformed(_ name: String, reads implied: (Dim) -> Dim) throws -> PythonExpression {
    let type = try call.type(0)
    let (axes, sizes) = (try call.ints("axes"), try call.dims("sizes"))
    let extents = axes.enumerated().map { index, axis in
      index == axes.count - 1 ? implied(type.shape[axis]) : type.shape[axis]
    }
    let isTwo = axes == [type.rank - 2, type.rank - 1]
    let suffix = axes.count == 1 ? "" : isTwo ? "2" : "n"
    var keywords: [(String, PythonExpression)] = []
    if sizes != extents { keywords.append(axes.count == 1 ? ("n", dim(sizes[0])) : ("s", shape(sizes))) }
    if axes.count == 1, axes[0] != type.rank - 1 { keywords.append(("axis", .integer(axes[0]))) }
    let isAll = axes == Array(0..<type.rank)
    if axes.count > 1, !isTwo, !isAll || sizes != extents { keywords.append(("axes", ints(axes))) }
    let norm = try call.string("norm")
    if norm != "backward" { keywords.append(("norm", .string(norm))) }
    return reference("jax.numpy.fft.\(name)\(suffix)").call([operand("x")], keywords: keywords)
  }
}
