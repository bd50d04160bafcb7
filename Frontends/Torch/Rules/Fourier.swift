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
    "aten.stft.default": stft,
    "aten.istft.default": istft,
  ]

  /// Frames of the signal [..., T], `hop_length` apart, times the window, and the transform of each: [..., bins, frames].
  /// The trace has padded a signal whose frames are centred.
  private static let stft: ImportVocabulary.Rule = { context in
    guard context.argument("align_to_window").asBool != true else {
      throw context.unsupported("`align_to_window` is not supported")
    }
    let x = try context.tensor("self")
    let (rank, size) = (context.type(x).rank, try context.dim("n_fft"))
    var frames = try context.op(
      .slidingWindows, x,
      attributes: ["axis": .int(rank - 1), "size": .dim(size), "step": .dim(try hop(context, size))])
    var window = try window(context, size, dtype: context.type(x).dtype.realType)
    if !window.isAbsent {
      if context.type(window).dtype.isComplex {
        frames = try context.cast(frames, to: context.type(window).dtype)
      } else {
        window = try context.cast(window, to: context.type(x).dtype)
      }
      frames = try context.op(.multiply, frames, window)
    }
    let type = context.type(frames)
    let isHalved = context.argument("onesided").asBool ?? !type.dtype.isComplex
    if !isHalved, let complex = type.dtype.complexType { frames = try context.cast(frames, to: complex) }
    let spectrum = try context.op(
      isHalved ? .rfft : .fft, frames, attributes: try frameAttributes(context, axis: rank, size))
    let result = try swapped(context, spectrum)
    return [try context.resultType().dtype.isComplex ? result : try context.op(.viewAsReal, result)]
  }

  /// The sum of the frames, each where it was taken and times the window, over that of the squared windows.
  private static let istft: ImportVocabulary.Rule = { context in
    let frames = try swapped(context, try context.tensor("self"))
    let (rank, size) = (context.type(frames).rank, try context.dim("n_fft"))
    let count = context.type(frames).shape[rank - 2]
    let result = try context.resultType()
    var waves = try context.op(
      result.dtype.isComplex ? .ifft : .irfft, frames, attributes: try frameAttributes(context, axis: rank - 1, size))
    var window = try window(context, size, dtype: result.dtype.realType)
    if window.isAbsent {
      window = try context.builder.full(TensorType(result.dtype.realType, [size]), .float(1))
    } else {
      window = try context.cast(window, to: result.dtype)
      waves = try context.op(.multiply, waves, window)
    }
    let hop = try hop(context, size)
    let starts = try context.op(
      .multiply, try context.builder.positions(count, axis: 0, rank: 2, dtype: .int64),
      try context.builder.size(hop, dtype: .int64))
    let line = try context.builder.positions(size, axis: 0, rank: 1, dtype: .int64)
    let positions = Operand.list(try context.op(.add, starts, line).values)
    let total = (count - 1) * hop + size
    func added(_ parts: Operand, _ shape: [Dim]) throws -> Operand {
      let zeros = try context.builder.full(TensorType(context.type(parts).dtype, shape + [total]), .float(0))
      return try context.op(
        .indexUpdate, zeros, parts, positions, attributes: ["axes": .ints([shape.count]), "mode": .string("add")])
    }
    let signal = try added(waves, Array(context.type(waves).shape.dropLast(2)))
    let weight = try added(try context.op(.multiply, window, window), [])
    let start = try context.bool("center") ? size.floorDivided(by: 2) : 0
    let isGiven = !context.argument("length").isNull
    let stop = isGiven ? Dim.minimum(start + (try context.dim("length")), total) : total - start
    let cut = try context.slice(signal, axis: rank - 2, from: start, to: stop)
    let divided = try context.op(.divide, cut, try context.slice(weight, axis: 0, from: start, to: stop))
    let missing = isGiven ? try context.dim("length") - (stop - start) : 0
    if missing == 0 { return [divided] }
    let none = Array(repeating: Dim(0), count: rank - 2)
    return [
      try context.op(.pad, divided, attributes: ["low": .dims(none + [0]), "high": .dims(none + [missing])])
    ]
  }

  private static func hop(_ context: ImportContext, _ size: Dim) throws -> Dim {
    context.argument("hop_length").isNull ? size.floorDivided(by: 4) : try context.dim("hop_length")
  }

  /// The window with zeros on both sides up to the size of a frame; absent where all of it would be ones.
  private static func window(_ context: ImportContext, _ size: Dim, dtype: DType) throws -> Operand {
    let length = context.argument("win_length").isNull ? size : try context.dim("win_length")
    var window = try context.operand("window")
    if length == size { return window }
    if window.isAbsent { window = try context.builder.full(TensorType(dtype, [length]), .float(1)) }
    let low = (size - length).floorDivided(by: 2)
    return try context.op(
      .pad, window, attributes: ["low": .dims([low]), "high": .dims([size - length - low])])
  }

  private static func frameAttributes(
    _ context: ImportContext, axis: Int, _ size: Dim
  ) throws -> OrderedAttributes {
    let norm = try context.bool("normalized") ? "ortho" : "backward"
    return ["axes": .ints([axis]), "sizes": .dims([size]), "norm": .string(norm)]
  }

  /// The last two axes exchanged.
  private static func swapped(_ context: ImportContext, _ x: Operand) throws -> Operand {
    var permutation = Array(0..<context.type(x).rank)
    guard permutation.count >= 2 else { throw context.unsupported("takes [..., bins, frames]") }
    permutation.swapAt(permutation.count - 2, permutation.count - 1)
    return try context.op(.transpose, x, attributes: ["permutation": .ints(permutation)])
  }

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
