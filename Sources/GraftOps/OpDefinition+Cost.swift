package import GraftIR

extension OpCall {
  /// The floating-point operations of one forward execution, as an expression of the dynamic dimensions.
  ///
  /// A multiply-add counts as two. Contractions count what the textbook algorithm takes, windows one operation for each
  /// element of each window, elementwise ops and random draws one for each element of the result, and reductions,
  /// normalizations and losses one for each element of the first operand. Recurrent layers cost
  /// their products with weights, composite ops of linear algebra what their decomposition does. Moving data costs nothing, nor does anything
  /// that touches no floating-point tensor.
  package var flops: Dim {
    get throws {
      guard isFloatingPoint else { return 0 }
      if let rule = Self.contractions[definition.name] { return try rule(self) }
      return switch definition.family {
      case .creation, .shape, .indexing, .embedding, .control: 0
      case .pooling: try windowElements * resultElements
      case .reduction, .scan, .normalization, .loss: firstElements
      case .recurrent: try recurrentFlops
      case .linearAlgebra: try decompositionFlops ?? resultElements
      default: resultElements
      }
    }
  }

  private typealias Rule = @Sendable (OpCall) throws -> Dim

  private static let contractions: [String: Rule] = [
    "matmul": { call in
      let x = try call.type(0)
      return 2 * call.resultElements * (x.shape.last ?? 1)
    },
    "linear": { call in
      let columns = try call.type("weight").shape.last ?? 1
      return call.resultElements * (2 * columns + call.biasTerm)
    },
    "conv": { call in
      let taps = try call.type("weight").shape.dropFirst().reduce(1, *)
      return call.resultElements * (2 * taps + call.biasTerm)
    },
    "conv_transpose": { call in
      let taps = try call.type("weight").shape.dropFirst().reduce(1, *)
      return 2 * call.firstElements * taps + call.resultElements * call.biasTerm
    },
    "attention": { call in
      let (query, key) = (try call.type(0), try call.type(1))
      guard query.rank >= 2, key.rank >= 2, let result = call.results.first.map({ call.type(of: $0) }),
        let width = query.shape.last
      else { return 0 }
      let positions = key.shape[key.rank - 2]
      let scores = result.shape.dropLast().reduce(1, *) * positions
      return scores * (2 * width + 1) + 2 * result.count * positions
    },
  ]

  /// The cost of the ops that this one decomposes into; nil when it does not.
  private var decompositionFlops: Dim? {
    get throws {
      guard let decomposition = definition.decomposition else { return nil }
      let builder = GraphBuilder(Function(name: definition.name))
      func copy(_ value: Value) -> Value { builder.function.makeValue(type(of: value)) }
      let call = OpCall(
        definition, operands: operands.map { $0.mapValues(copy) }, attributes: attributes,
        typeOf: { builder.function.type(of: $0) })
      _ = try decomposition(builder, call)
      return try builder.operations.reduce(0) { total, operation in
        let definition = try OpCatalogue.definition(of: operation)
        return try total + OpCall(operation, of: definition, in: builder.function).flops
      }
    }
  }

  /// The products with the weights at every step, without the gates' elementwise operations.
  private var recurrentFlops: Dim {
    get throws {
      let weights = zip(definition.operands, operands).lazy.filter { spec, _ in
        spec.name.hasPrefix("weight") || spec.name.hasPrefix("bias")
      }
      let perStep = weights.flatMap { $1.values }.reduce(Dim(0)) { total, value in
        let type = type(of: value)
        return total + (type.rank > 1 ? 2 * type.count : type.count)
      }
      return try type(0).shape.dropLast().reduce(1, *) * perStep
    }
  }

  private var isFloatingPoint: Bool {
    let values = operands.flatMap(\.values) + results
    return values.contains { type(of: $0).dtype.isDifferentiable }
  }

  private var biasTerm: Dim { self["bias"].isAbsent ? 0 : 1 }

  private var resultElements: Dim { results.first.map { type(of: $0).count } ?? 0 }

  private var firstElements: Dim { operands.lazy.flatMap(\.values).first.map { type(of: $0).count } ?? 0 }

  /// The elements of a pooling window; one where the op does not say.
  private var windowElements: Dim {
    get throws {
      guard definition.attribute("kernel") != nil else { return 1 }
      return try dims("kernel").reduce(1, *)
    }
  }
}
