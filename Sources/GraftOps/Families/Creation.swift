import GraftIR

extension OpDefinition {
  static let creation: [OpDefinition] = [constant, full, arange]

  /// A small tensor whose elements stand in the program.
  package static let constant: OpDefinition = OpDefinition(
    "constant", family: .creation, summary: "A tensor written out in the program.", operands: [],
    attributes: [AttributeSpec("value", .literal)],
    infer: { call in
      guard case .literal(let literal) = try call.attribute("value") else {
        throw call.problem("`value` must be a tensor")
      }
      return [literal.type]
    }, differentiability: .none("has no operands"))

  /// A tensor filled with one number.
  package static let full: OpDefinition = OpDefinition(
    "full", family: .creation, summary: "A tensor of one repeated number.", operands: [],
    attributes: [AttributeSpec("shape", .dims), AttributeSpec("value", .scalar), AttributeSpec("dtype", .dtype)],
    infer: { call in [TensorType(try call.dtype("dtype"), try call.dims("shape"))] },
    differentiability: .none("has no operands"),
    samples: [
      Sample(attributes: ["shape": .ints([2, 3]), "value": .scalar(.float(1.5)), "dtype": .dtype(.float32)]),
      Sample(attributes: ["shape": .ints([4]), "value": .scalar(.int(0)), "dtype": .dtype(.int32)]),
    ])

  /// `start, start + step, ...`: `count` numbers.
  package static let arange: OpDefinition = OpDefinition(
    "arange", family: .creation, summary: "Evenly spaced numbers: `count` of them, from `start` by `step`.",
    operands: [],
    attributes: [
      AttributeSpec("count", .dim), AttributeSpec("start", .scalar, default: .int(0)),
      AttributeSpec("step", .scalar, default: .int(1)), AttributeSpec("dtype", .dtype),
    ],
    infer: { call in [TensorType(try call.dtype("dtype"), [try call.dim("count")])] },
    differentiability: .none("has no operands"),
    samples: [
      Sample(attributes: ["count": .int(5), "dtype": .dtype(.int32)]),
      Sample(attributes: ["count": .int(4), "start": .int(3), "step": .int(2), "dtype": .dtype(.int32)]),
      Sample(attributes: [
        "count": .int(4), "start": .float(0.5), "step": .float(0.25), "dtype": .dtype(.float32),
      ]),
    ])
}
