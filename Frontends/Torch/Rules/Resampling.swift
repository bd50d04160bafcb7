import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let resampling: Rules = resizing.merging(grids) { first, _ in first }

  /// Every overload of every method: `vec` names its scales in one list, the others have an argument an axis.
  private static let resizing: Rules = {
    let forms: [(name: String, method: String, antialias: Bool)] = [
      ("upsample_nearest1d", "nearest", false), ("upsample_nearest2d", "nearest", false),
      ("upsample_nearest3d", "nearest", false), ("_upsample_nearest_exact1d", "nearest_exact", false),
      ("_upsample_nearest_exact2d", "nearest_exact", false), ("_upsample_nearest_exact3d", "nearest_exact", false),
      ("upsample_linear1d", "linear", false), ("upsample_bilinear2d", "linear", false),
      ("upsample_trilinear3d", "linear", false), ("upsample_bicubic2d", "cubic", false),
      ("_upsample_bilinear2d_aa", "linear", true), ("_upsample_bicubic2d_aa", "cubic", true),
    ]
    var rules: Rules = [:]
    for form in forms {
      for overload in ["vec", "default"] {
        rules["aten.\(form.name).\(overload)"] = { try resize($0, method: form.method, antialias: form.antialias) }
      }
    }
    return rules
  }()

  private static let grids: Rules = [
    "aten.grid_sampler.default": gridSample, "aten.grid_sampler_2d.default": gridSample,
    "aten.grid_sampler_3d.default": gridSample,
    "aten.affine_grid_generator.default": { context in
      let size = try context.dims("size").dropFirst(2)
      return [
        try context.op(
          .affineGrid, try context.tensor("theta"),
          attributes: ["size": .dims(Array(size)), "align_corners": .bool(try context.bool("align_corners"))])
      ]
    },
  ]

  private static func resize(_ context: ImportContext, method: String, antialias: Bool) throws -> [Operand] {
    let x = try context.tensor(context.node.args["input"] == nil ? "self" : "input")
    let from = context.type(x).shape.dropFirst(2)
    let size = Array(try context.resultType().shape.dropFirst(2))
    let alignCorners = try context.bool("align_corners")
    var attributes: OrderedDictionary<String, Attribute> = [
      "size": .dims(size), "method": .string(method), "align_corners": .bool(alignCorners),
      "antialias": .bool(antialias),
    ]
    // A scale that is not exactly the quotient of the extents decides where the points lie.
    let ratios = zip(zip(from, size), scales(context, rank: size.count)).map { extents, scale -> Double in
      guard let scale, scale > 0, !alignCorners else { return 0 }
      if let s = extents.0.knownValue, let n = extents.1.knownValue, Double(s) * scale == Double(n) { return 0 }
      if scale == scale.rounded(), scale < 1e6, extents.0 * Dim(Int(scale)) == extents.1 { return 0 }
      return 1 / scale
    }
    if ratios.contains(where: { $0 != 0 }) { attributes["ratios"] = .list(ratios.map { .float($0) }) }
    return [try context.op(.resize, x, attributes: attributes)]
  }

  private static func scales(_ context: ImportContext, rank: Int) -> [Double?] {
    if let given = context.argument("scale_factors").asList { return given.map(\.asDouble) }
    let names = rank == 1 ? ["scales"] : ["scales_d", "scales_h", "scales_w"].suffix(rank)
    return names.map { context.argument($0).asDouble }
  }

  private static let gridSample: ImportVocabulary.Rule = { context in
    let methods = ["linear", "nearest", "cubic"]
    let paddings = ["zeros", "border", "reflection"]
    let (method, padding) = (try context.int("interpolation_mode"), try context.int("padding_mode"))
    guard methods.indices.contains(method), paddings.indices.contains(padding) else {
      throw context.unsupported("the mode is not known")
    }
    return [
      try context.op(
        .gridSample, try context.tensor("input"), try context.tensor("grid"),
        attributes: [
          "method": .string(methods[method]), "padding": .string(paddings[padding]),
          "align_corners": .bool(try context.bool("align_corners")),
        ])
    ]
  }
}
