import GraftIR

extension OpDefinition {
  static let creation: [OpDefinition] = [
    constant, full, arange, linspace, logspace, eye, trilIndices, triuIndices,
  ]

  private static let dtypeAttribute = AttributeSpec("dtype", .dtype)

  /// An op without operands.
  private static func made(
    _ name: String, _ summary: String, _ attributes: [AttributeSpec], infer: @escaping Inference,
    decomposition: Decomposition? = nil, samples: [Sample] = []
  ) -> OpDefinition {
    OpDefinition(
      name, family: .creation, summary: summary, operands: [], attributes: attributes, infer: infer,
      differentiability: .none("has no operands"), decomposition: decomposition, samples: samples)
  }

  /// A small tensor whose elements stand in the program.
  package static let constant: OpDefinition = made(
    "constant", "A tensor written out in the program.", [AttributeSpec("value", .literal)],
    infer: { call in
      guard case .literal(let literal) = try call.attribute("value") else {
        throw call.problem("`value` must be a tensor")
      }
      return [literal.type]
    })

  /// A tensor filled with one number.
  package static let full: OpDefinition = made(
    "full", "A tensor of one repeated number.",
    [AttributeSpec("shape", .dims), AttributeSpec("value", .scalar), dtypeAttribute],
    infer: { call in [TensorType(try call.dtype("dtype"), try call.dims("shape"))] },
    samples: [
      Sample(attributes: ["shape": .ints([2, 3]), "value": .scalar(.float(1.5)), "dtype": .dtype(.float32)]),
      Sample(attributes: ["shape": .ints([4]), "value": .scalar(.int(0)), "dtype": .dtype(.int32)]),
    ])

  /// `start, start + step, ...`: `count` numbers.
  package static let arange: OpDefinition = made(
    "arange", "Evenly spaced numbers: `count` of them, from `start` by `step`.",
    [
      AttributeSpec("count", .dim), AttributeSpec("start", .scalar, default: .int(0)),
      AttributeSpec("step", .scalar, default: .int(1)), dtypeAttribute,
    ],
    infer: { call in [TensorType(try call.dtype("dtype"), [try call.dim("count")])] },
    samples: [
      Sample(attributes: ["count": .int(5), "dtype": .dtype(.int32)]),
      Sample(attributes: ["count": .int(4), "start": .int(3), "step": .int(2), "dtype": .dtype(.int32)]),
      Sample(attributes: [
        "count": .int(4), "start": .float(0.5), "step": .float(0.25), "dtype": .dtype(.float32),
      ]),
    ])

  private static let spaced = [
    AttributeSpec("start", .scalar), AttributeSpec("stop", .scalar), AttributeSpec("count", .dim), dtypeAttribute,
  ]

  /// `count` evenly spaced numbers from `start` to `stop`, both included.
  package static let linspace: OpDefinition = made(
    "linspace", "Evenly spaced numbers, both ends included.", spaced,
    infer: { call in [TensorType(try call.dtype("dtype"), [try call.dim("count")])] },
    decomposition: { b, op in
      let dtype = try op.dtype("dtype")
      guard dtype.isFloating else { throw op.problem("makes floating numbers, not \(dtype.rawValue)") }
      let count = try op.dim("count")
      let (start, stop) = (Term(try op.double("start")), Term(try op.double("stop")))
      let indices = Term(b, try b(.arange, attributes: ["count": .dim(count), "dtype": .dtype(dtype)]))
      let last = Term(b, try b.size(Dim.maximum(count - 1, 1), dtype: dtype))
      let share = try indices / last
      return [try (start * (1 - share) + stop * share).operand]
    },
    samples: [
      Sample(attributes: [
        "start": .float(-1), "stop": .float(1), "count": .int(5), "dtype": .dtype(.float32),
      ])
    ])

  /// `base` raised to `count` evenly spaced numbers from `start` to `stop`.
  package static let logspace: OpDefinition = made(
    "logspace", "A base raised to evenly spaced numbers.",
    spaced + [AttributeSpec("base", .float, default: .float(10))],
    infer: { call in [TensorType(try call.dtype("dtype"), [try call.dim("count")])] },
    decomposition: { b, op in
      var attributes = op.attributes
      attributes["base"] = nil
      return [try b(.power, .float(try op.double("base")), try b(.linspace, attributes: attributes))]
    },
    samples: [
      Sample(attributes: ["start": .float(0), "stop": .float(1), "count": .int(4), "dtype": .dtype(.float32)])
    ])

  /// Ones on a diagonal of a matrix of zeros.
  package static let eye: OpDefinition = made(
    "eye", "Ones on the diagonal of a matrix of zeros.",
    [AttributeSpec("rows", .dim), AttributeSpec("columns", .dim), dtypeAttribute],
    infer: { call in [TensorType(try call.dtype("dtype"), [try call.dim("rows"), try call.dim("columns")])] },
    decomposition: { b, op in
      let (rows, columns) = (try op.dim("rows"), try op.dim("columns"))
      let row = try b(.arange, attributes: ["count": .dim(rows), "dtype": .dtype(.int64)])
      let column = try b(.arange, attributes: ["count": .dim(columns), "dtype": .dtype(.int64)])
      let match = try b(.equal, try b(.reshape, row, attributes: ["shape": .dims([rows, 1])]), column)
      return [try b(.cast, match, attributes: ["dtype": .dtype(try op.dtype("dtype"))])]
    },
    samples: [Sample(attributes: ["rows": .int(3), "columns": .int(4), "dtype": .dtype(.float32)])])

  private static func triangle(_ name: String, _ summary: String) -> OpDefinition {
    made(
      name, summary,
      [
        AttributeSpec("rows", .dim), AttributeSpec("columns", .dim), AttributeSpec("offset", .dim, default: .int(0)),
        AttributeSpec("count", .dim), dtypeAttribute,
      ], infer: { call in [TensorType(try call.dtype("dtype"), [2, try call.dim("count")])] })
  }

  /// Rows and columns [2, count] of a matrix's elements on and below a diagonal.
  package static let trilIndices: OpDefinition = triangle(
    "tril_indices", "Where a matrix's elements on and below a diagonal stand.")

  /// Rows and columns [2, count] of a matrix's elements on and above a diagonal.
  package static let triuIndices: OpDefinition = triangle(
    "triu_indices", "Where a matrix's elements on and above a diagonal stand.")
}
