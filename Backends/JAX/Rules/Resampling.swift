import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let resampling: Rules = [
    "resize": { [try $0.resize()] },
    "grid_sample": { context in
      var keywords: [(String, PythonExpression)] = []
      let (method, padding) = (try context.call.string("method"), try context.call.string("padding"))
      if padding != "zeros" { keywords.append(("padding", .string(padding))) }
      if try context.call.bool("align_corners") { keywords.append(("align_corners", true)) }
      return [
        context.helper("grid_sample_\(method)").call(
          [context.operand("x"), context.operand("grid")], keywords: keywords)
      ]
    },
    "affine_grid": { context in
      let keywords: [(String, PythonExpression)] =
        try context.call.bool("align_corners") ? [("align_corners", true)] : []
      return [
        context.helper("affine_grid").call(
          [context.operand("theta"), context.shape(try context.call.dims("size"))], keywords: keywords)
      ]
    },
  ]
}

extension EmitContext {
  fileprivate func resize() throws -> PythonExpression {
    let size = try call.dims("size")
    let method = try call.string("method")
    let alignCorners = try call.bool("align_corners")
    let antialias = try call.bool("antialias")
    let ratios = try (call.attribute("ratios").asList ?? []).map { $0.asDouble ?? 0 }
    if let name = try sameInJAX(method, ratios, alignCorners: alignCorners, antialias: antialias) {
      let x = try call.type(0)
      let needsFlag = method == "linear" || method == "cubic"
      let keywords: [(String, PythonExpression)] = needsFlag && !antialias ? [("antialias", false)] : []
      let shape = shape(Array(x.shape.prefix(2)) + size)
      return reference("jax.image.resize").call([operand("x"), shape, .string(name)], keywords: keywords)
    }
    if antialias { throw Diagnostic(.unsupported, "antialiased resizing with aligned corners or a scale of its own") }
    var keywords: [(String, PythonExpression)] = []
    if alignCorners { keywords.append(("align_corners", true)) }
    if !ratios.isEmpty { keywords.append(("ratios", .tuple(ratios.map { .float($0) }))) }
    return helper("resize_\(method)").call([operand("x"), shape(size)], keywords: keywords)
  }

  /// JAX's name of the method where its result is the same. Its cubic kernel is PyTorch's only when antialiased, and its
  /// nearest is `nearest_exact`, which enlarging by whole factors does not tell apart.
  private func sameInJAX(
    _ method: String, _ ratios: [Double], alignCorners: Bool, antialias: Bool
  ) throws -> String? {
    guard ratios.isEmpty, !alignCorners else { return nil }
    switch method {
    case "linear": return "linear"
    case "cubic": return antialias ? "cubic" : nil
    case "nearest_exact": return "nearest"
    default:
      let from = try call.type(0).shape.dropFirst(2)
      let isWhole = zip(try call.dims("size"), from).allSatisfy { $0.exactQuotient(by: $1)?.knownValue != nil }
      return isWhole ? "nearest" : nil
    }
  }
}
