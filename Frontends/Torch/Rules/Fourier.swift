import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let fourier: Rules = [
    "aten.fft_fft.default": { try transform(.fft, $0) }, "aten.fft_ifft.default": { try transform(.ifft, $0) },
    "aten.fft_fft2.default": { try transform(.fft, $0) }, "aten.fft_ifft2.default": { try transform(.ifft, $0) },
    "aten.fft_fftn.default": { try transform(.fft, $0) }, "aten.fft_ifftn.default": { try transform(.ifft, $0) },
    "aten.fft_rfft.default": { try transform(.rfft, $0) }, "aten.fft_rfft2.default": { try transform(.rfft, $0) },
    "aten.fft_rfftn.default": { try transform(.rfft, $0) }, "aten.fft_irfft.default": { try transform(.irfft, $0) },
    "aten.fft_irfft2.default": { try transform(.irfft, $0) }, "aten.fft_irfftn.default": { try transform(.irfft, $0) },
    "aten.fft_fftshift.default": { try shifted($0, forward: true) },
    "aten.fft_ifftshift.default": { try shifted($0, forward: false) },
  ]

  private static func transform(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    var x = try context.tensor("self")
    let rank = context.type(x).rank
    let given = try context.dims(context.node.args["n"] == nil ? "s" : "n")
    var axes = try context.ints("dim").map { try context.normalized(axis: $0, rank: rank) }
    // Sizes alone are those of the last axes.
    if axes.isEmpty { axes = Array((given.isEmpty ? 0 : max(0, rank - given.count))..<rank) }
    let result = try context.resultType().shape
    let isHalved = definition.name == OpDefinition.rfft.name
    let sizes = axes.enumerated().map { index, axis -> Dim in
      if given.indices.contains(index), given[index] != -1 { return given[index] }
      return isHalved && index == axes.count - 1 ? context.type(x).shape[axis] : result[axis]
    }
    let dtype = context.type(x).dtype
    if !isHalved, let complex = dtype.complexType ?? (dtype.isInteger || dtype == .bool ? .complex64 : nil) {
      x = try context.cast(x, to: complex)
    } else if isHalved, !dtype.isFloating {
      x = try context.cast(x, to: .float32)
    }
    return [
      try context.op(
        definition, x,
        attributes: [
          "axes": .ints(axes), "sizes": .dims(sizes),
          "norm": .string(context.argument("norm").asString ?? "backward"),
        ])
    ]
  }

  private static func shifted(_ context: ImportContext, forward: Bool) throws -> [Operand] {
    let x = try context.tensor("self")
    let shape = context.type(x).shape
    let axes = try context.axes("dim", rank: shape.count)
    let shifts = axes.map { axis in
      forward ? shape[axis].floorDivided(by: 2) : (shape[axis] + 1).floorDivided(by: 2)
    }
    return [try context.op(.roll, x, attributes: ["shifts": .dims(shifts), "axes": .ints(axes)])]
  }
}
