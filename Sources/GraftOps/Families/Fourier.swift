import GraftIR

extension OpDefinition {
  static let fourier: [OpDefinition] = [fft, ifft, rfft, irfft]

  /// The discrete Fourier transform over `axes`, cut or padded with zeros to `sizes` first.
  ///
  /// `norm` says which direction divides by the number of elements: `backward` (the inverse), `forward`, or both by its
  /// square root (`ortho`).
  package static let fft: OpDefinition = transform(
    "fft", "Discrete Fourier transform over the axes.", inverse: { .ifft },
    samples: [
      Sample(
        .tensor(.init(dtype: .complex64, shape: [3, 4]), .normal),
        attributes: ["axes": .ints([1]), "sizes": .ints([4])])
    ])

  /// The inverse of `fft`.
  package static let ifft: OpDefinition = transform(
    "ifft", "Inverse discrete Fourier transform over the axes.", inverse: { .fft },
    samples: [
      Sample(
        .tensor(.init(dtype: .complex64, shape: [3, 4]), .normal),
        attributes: ["axes": .ints([1]), "sizes": .ints([6])])
    ])

  /// The transform of real `x`: along the last of `axes` only the first `size // 2 + 1` elements, which determine the rest.
  package static let rfft: OpDefinition = OpDefinition(
    "rfft", family: .fourier, summary: "Half of the discrete Fourier transform of real numbers.",
    operands: [.tensor("x")], attributes: fourierAttributes,
    infer: { call in
      let type = try call.type(0)
      guard let complex = type.dtype.complexType, type.dtype.isFloating else {
        throw call.problem("takes real numbers, not \(type)")
      }
      let (axes, sizes) = try call.fourierAxes()
      var shape = type.shape
      for (axis, size) in zip(axes, sizes) { shape[axis] = size }
      shape[axes[axes.count - 1]] = sizes[axes.count - 1].floorDivided(by: 2) + 1
      return [TensorType(complex, shape)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let (axes, sizes) = try op.fourierAxes()
      let halved = try b.weighted(ct, axis: axes[axes.count - 1], size: sizes[axes.count - 1], others: 0.5)
      let dx = try b(
        .irfft, halved,
        attributes: ["axes": .ints(axes), "sizes": .dims(sizes), "norm": .string(try op.adjointNorm())])
      return [try b.fitted(dx, to: try op.type(0).shape)]
    }, samples: [Sample(.normal(3, 5), attributes: ["axes": .ints([1]), "sizes": .ints([5])])])

  /// The inverse of `rfft`; `sizes` are those of the real result.
  package static let irfft: OpDefinition = OpDefinition(
    "irfft", family: .fourier, summary: "Inverse of the transform of real numbers.", operands: [.tensor("x")],
    attributes: fourierAttributes,
    infer: { call in
      let type = try call.type(0)
      let (axes, sizes) = try call.fourierAxes()
      var shape = type.shape
      for (axis, size) in zip(axes, sizes) { shape[axis] = size }
      return [TensorType(type.dtype.realType, shape)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let (axes, sizes) = try op.fourierAxes()
      let spectrum = try b(
        .rfft, ct, attributes: ["axes": .ints(axes), "sizes": .dims(sizes), "norm": .string(try op.adjointNorm())])
      let doubled = try b.weighted(spectrum, axis: axes[axes.count - 1], size: sizes[axes.count - 1], others: 2)
      return [try b.fitted(doubled, to: try op.type(0).shape)]
    },
    samples: [
      Sample(
        .tensor(.init(dtype: .complex64, shape: [3, 4]), .normal),
        attributes: ["axes": .ints([1]), "sizes": .ints([6])])
    ])

  private static let fourierAttributes = [
    AttributeSpec("axes", .axes), AttributeSpec("sizes", .dims),
    AttributeSpec("norm", .string(["backward", "ortho", "forward"]), default: .string("backward")),
  ]

  private static func transform(
    _ name: String, _ summary: String, inverse: @escaping @Sendable () -> OpDefinition, samples: [Sample]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .fourier, summary: summary, operands: [.tensor("x")], attributes: fourierAttributes,
      infer: { call in
        let type = try call.type(0)
        try call.require(type, .complex)
        let (axes, sizes) = try call.fourierAxes()
        var shape = type.shape
        for (axis, size) in zip(axes, sizes) { shape[axis] = size }
        return [type.with(shape: shape)]
      },
      differentiability: .vjp { b, op, ct in
        guard let ct = ct[0] else { return [nil] }
        let (axes, sizes) = try op.fourierAxes()
        let dx = try b(
          inverse(), ct,
          attributes: ["axes": .ints(axes), "sizes": .dims(sizes), "norm": .string(try op.adjointNorm())])
        return [try b.fitted(dx, to: try op.type(0).shape)]
      }, samples: samples)
  }
}

extension OpCall {
  fileprivate func fourierAxes() throws -> (axes: [Int], sizes: [Dim]) {
    let axes = try axes("axes", rank: type(0).rank)
    let sizes = try dims("sizes")
    guard !axes.isEmpty, sizes.count == axes.count else { throw problem("needs a size for each axis") }
    return (axes, sizes)
  }

  /// The normalisation with which the inverse transform is the adjoint.
  fileprivate func adjointNorm() throws -> String {
    switch try string("norm") {
    case "backward": "forward"
    case "forward": "backward"
    default: "ortho"
    }
  }
}

extension GraphBuilder {
  /// `x` cut or padded with zeros at the end of each axis.
  fileprivate func fitted(_ x: Operand, to shape: [Dim]) throws -> Operand {
    let high = zip(shape, self.shape(x)).map { $0 - $1 }
    if high.allSatisfy({ $0 == 0 }) { return x }
    let low = high.map { _ in Dim(0) }
    return try self(.pad, x, attributes: ["low": .dims(low), "high": .dims(high)])
  }

  /// Half a spectrum times `others`, but for the elements that stand for themselves alone: the first, and the last of an
  /// even size.
  fileprivate func weighted(_ x: Operand, axis: Int, size: Dim, others: Double) throws -> Operand {
    let type = type(x)
    let positions = try positions(type.shape[axis], axis: axis, rank: type.rank, dtype: .int64)
    let mirror = try self(.subtract, try self.size(size, dtype: .int64), positions)
    let isFirst = try self(.equal, positions, .int(0))
    let isMiddle = try self(.equal, positions, mirror)
    let one = try full(TensorType(type.dtype.realType), .float(1))
    let weights = try self(.where_, isFirst, one, try self(.where_, isMiddle, one, .float(others)))
    return try self(.multiply, x, try self(.cast, weights, attributes: ["dtype": .dtype(type.dtype)]))
  }
}
