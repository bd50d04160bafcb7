import GraftIR

extension OpDefinition {
  static let random: [OpDefinition] = [
    splitKey, bernoulli, uniform, normal, exponential, randomInteger, randomPermutation, multinomial, dropout,
    randomRelu,
  ]

  /// Independent random keys from one.
  package static let splitKey: OpDefinition = OpDefinition(
    "split_key", family: .random, summary: "Independent random keys from one.", operands: [.tensor("key")],
    attributes: [AttributeSpec("count", .dim)], results: ["keys"],
    infer: { call in
      let count = try call.int("count")
      guard count >= 1, count <= 1 << 20 else { throw call.problem("cannot make \(count) keys") }
      return Array(repeating: TensorType(.key), count: count)
    }, differentiability: .none("keys have no gradient"))

  /// Numbers drawn with a key.
  private static func draw(
    _ name: String, _ summary: String, attributes: [AttributeSpec] = [],
    spellings: [Spelling] = []
  ) -> OpDefinition {
    OpDefinition(
      name, family: .random, summary: summary, operands: [.tensor("key")],
      attributes: [AttributeSpec("shape", .dims), AttributeSpec("dtype", .dtype)] + attributes,
      infer: { call in [TensorType(try call.dtype("dtype"), try call.dims("shape"))] },
      differentiability: .none("does not depend on a tensor"), spellings: spellings, drawsRandomNumbers: true)
  }

  /// Uniformly distributed numbers in [low, high).
  package static let uniform: OpDefinition = draw(
    "uniform", "Uniformly distributed numbers in [low, high).",
    attributes: [AttributeSpec("low", .float, default: .float(0)), AttributeSpec("high", .float, default: .float(1))])

  /// Numbers of the standard normal distribution.
  package static let normal: OpDefinition = draw("normal", "Numbers of the standard normal distribution.")

  /// Numbers of the exponential distribution of rate 1.
  package static let exponential: OpDefinition = draw("exponential", "Numbers of the exponential distribution.")

  /// Integers in [low, high).
  package static let randomInteger: OpDefinition = draw(
    "random_integer", "Integers in [low, high).",
    attributes: [AttributeSpec("low", .dim, default: .int(0)), AttributeSpec("high", .dim)])

  /// The integers up to the shape's only extent, in random order.
  package static let randomPermutation: OpDefinition = draw("random_permutation", "Integers in random order.")

  /// True with the probability `p`, a number or a tensor that broadcasts to the shape.
  package static let bernoulli: OpDefinition = OpDefinition(
    "bernoulli", family: .random, summary: "True with a probability.",
    operands: [.tensorOrScalar("p"), .tensor("key")], attributes: [AttributeSpec("shape", .dims)],
    infer: { call in [TensorType(.bool, try call.dims("shape"))] },
    differentiability: .none("yields booleans"), drawsRandomNumbers: true)

  /// Indices [..., count] drawn by the weights `x` [..., N].
  package static let multinomial: OpDefinition = OpDefinition(
    "multinomial", family: .random, summary: "Indices drawn by weights along the last axis.",
    operands: [.tensor("x"), .tensor("key")],
    attributes: [AttributeSpec("count", .dim), AttributeSpec("replacement", .bool, default: .bool(false))],
    infer: { call in
      let type = try call.type(0)
      guard type.rank >= 1 else { throw call.problem("takes [..., N], not \(type)") }
      return [TensorType(.int64, type.shape.dropLast() + [try call.dim("count")])]
    }, differentiability: .none("yields integers"), drawsRandomNumbers: true)

  /// In training, zeroes a share `rate` of x and scales up the rest (Srivastava et al., 2014); otherwise x itself.
  ///
  /// Along `shared_axes` one draw serves all positions: of x [N, C, H, W] with axes 1 to 3 whole samples are dropped
  /// (stochastic depth, Huang et al., 2016), with 2 and 3 whole channels.
  package static let dropout: OpDefinition = OpDefinition(
    "dropout", family: .random, summary: "In training, zeroes a share of x and scales up the rest.",
    operands: [.tensor("x"), .tensor("key")],
    attributes: [AttributeSpec("rate", .float), AttributeSpec("shared_axes", .axes, default: .ints([]))],
    infer: { call in
      let type = try call.type(0)
      _ = try call.axes("shared_axes", rank: type.rank)
      return [type]
    },
    differentiability: .none("the gradient needs the draw: decompose the training mode first"),
    drawsRandomNumbers: true, dependsOnMode: { _ in true })

  /// x where positive, elsewhere x times a slope: in training drawn from [lower, upper), otherwise their mean.
  package static let randomRelu: OpDefinition = OpDefinition(
    "random_relu", family: .random, summary: "Leaky relu whose slopes are drawn in training.",
    operands: [.tensor("x"), .tensor("key")],
    attributes: [AttributeSpec("lower", .float), AttributeSpec("upper", .float)],
    infer: { [try $0.type(0)] },
    differentiability: .none("the gradient needs the draw: decompose the training mode first"),
    spellings: [.torch("torch.nn.functional.rrelu(input:x, lower, upper)")],
    drawsRandomNumbers: true, dependsOnMode: { _ in true })
}
