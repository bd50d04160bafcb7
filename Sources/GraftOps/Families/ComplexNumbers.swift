import GraftIR

extension OpDefinition {
  static let complexNumbers: [OpDefinition] = [real, imag, conj, angle, complex, polar, viewAsReal, viewAsComplex]

  /// An op of a complex tensor that yields real numbers.
  private static func part(
    _ name: String, _ summary: String, differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil, spellings: [Spelling]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .elementwise, summary: summary, operands: [.tensor("x")],
      infer: { call in
        let type = try call.type(0)
        return [type.with(dtype: type.dtype.realType)]
      }, differentiability: differentiability, decomposition: decomposition, spellings: spellings)
  }

  /// The real part.
  package static let real: OpDefinition = part(
    "real", "Real part of x.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b(.cast, ct, attributes: ["dtype": .dtype(try op.type(0).dtype)])]
    }, spellings: .pointwise("real", numpy: "real"))

  /// The imaginary part.
  package static let imag: OpDefinition = part(
    "imag", "Imaginary part of x.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b(.complex, try b(.multiply, ct, .float(0)), ct)]
    }, spellings: .pointwise("imag", numpy: "imag"))

  /// The complex conjugate; real numbers stay as they are.
  package static let conj: OpDefinition = unary(
    "conj", "Complex conjugate of x.", accepts: .any, promotion: .none,
    differentiability: .vjp { b, _, ct in [try ct[0].map { try b(.conj, $0) }] },
    spellings: .pointwise("conj", numpy: "conj", aliases: ["_conj", "conj_physical", "_conj_physical"]))

  /// The angle in the complex plane: for real numbers 0, or pi below zero.
  package static let angle: OpDefinition = part(
    "angle", "Angle of x in the complex plane.",
    decomposition: { b, op in
      if try op.type(0).dtype.isComplex { return [try b(.atan2, try b(.imag, op[0]), try b(.real, op[0]))] }
      let x = Term(b, op[0])
      let isNaN = try x.applying(.notEqual, x)
      let negative = try b(.cast, (x < 0).operand, attributes: ["dtype": .dtype(try op.type(0).dtype)])
      return [try x.where_(isNaN, else: Term(b, negative) * Term(.pi)).operand]
    }, spellings: .pointwise("angle", numpy: "angle"))

  private static func fromReal(
    _ name: String, _ summary: String, differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil, spellings: [Spelling]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .elementwise, summary: summary, operands: [.tensorOrScalar("x"), .tensorOrScalar("y")],
      infer: { call in
        let type = try call.elementwiseType()
        guard let dtype = type.dtype.complexType else { throw call.problem("takes float32 or float64, not \(type)") }
        return [type.with(dtype: dtype)]
      }, differentiability: differentiability, decomposition: decomposition, spellings: spellings,
      samples: [Sample(.normal(3, 4), .normal(3, 4))])
  }

  /// `x + y * i`.
  package static let complex: OpDefinition = fromReal(
    "complex", "x + y * i.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      return [
        try b.unbroadcast(try b(.real, ct), like: op[0]), try b.unbroadcast(try b(.imag, ct), like: op[1]),
      ]
    },
    spellings: [
      .aten("complex.default(real:x, imag:y)"), .torch("torch.complex(real:x, imag:y)"), .jax("jax.lax.complex(x, y)"),
    ])

  /// The number of magnitude x and angle y.
  package static let polar: OpDefinition = fromReal(
    "polar", "Complex number of magnitude x and angle y.",
    decomposition: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      return [try (x * y.applying(.cos)).applying(.complex, x * y.applying(.sin)).operand]
    }, spellings: [.aten("polar.default(abs:x, angle:y)"), .torch("torch.polar(abs:x, angle:y)")])

  /// Real and imaginary part along a new last axis.
  package static let viewAsReal: OpDefinition = OpDefinition(
    "view_as_real", family: .shape, summary: "Real and imaginary part along a new last axis.",
    operands: [.tensor("x")],
    infer: { call in
      let type = try call.type(0)
      try call.require(type, .complex)
      return [TensorType(type.dtype.realType, type.shape + [2])]
    },
    differentiability: .vjp { b, _, ct in [try ct[0].map { try b(.viewAsComplex, $0) }] },
    spellings: [.aten("view_as_real.default(self:x)"), .torch("torch.view_as_real(input:x)")])

  /// Complex numbers from real and imaginary parts along the last axis.
  package static let viewAsComplex: OpDefinition = OpDefinition(
    "view_as_complex", family: .shape, summary: "Complex numbers from the parts along the last axis.",
    operands: [.tensor("x")],
    infer: { call in
      let type = try call.type(0)
      guard let dtype = type.dtype.complexType, !type.dtype.isComplex, type.shape.last == 2 else {
        throw call.problem("takes [..., 2] of float32 or float64, not \(type)")
      }
      return [TensorType(dtype, Array(type.shape.dropLast()))]
    },
    differentiability: .vjp { b, _, ct in [try ct[0].map { try b(.viewAsReal, $0) }] },
    spellings: [.aten("view_as_complex.default(self:x)"), .torch("torch.view_as_complex(input:x)")],
    samples: [Sample(.normal(3, 4, 2))])
}
