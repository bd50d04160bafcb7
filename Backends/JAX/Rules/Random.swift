import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let random: Rules = [
    "split_key": { context in
      let count = PythonExpression.integer(try context.call.int("count"))
      let split = context.reference("jax.random.split").call("rng", count)
      let keys: PythonExpression
      if context.alwaysDraws {
        keys = context.assign("keys", split)
      } else {
        let none = PythonExpression.list([.none]) * count
        keys = context.assign(
          "keys", none.conditional(if: .comparison("rng", [PythonComparison(.is, .none)]), else: split))
      }
      return context.call.results.indices.map { keys[.integer($0)] }
    },
    "dropout": { context in
      let rate = try context.call.double("rate")
      let (x, key) = (context.operand("x"), context.operand("key"))
      let rank = try context.call.type(0).rank
      let shared = try context.call.axes("shared_axes", rank: rank)
      if rate == 1 || shared.isEmpty { return [context.dropout(x, key, rate)] }
      if shared == Array(1..<rank) { return [context.helper("stochastic_depth").call(x, key, .float(rate))] }
      let axes = PythonExpression.tuple(shared.map { .integer($0) })
      return [context.helper("shared_dropout").call(x, key, .float(rate), axes)]
    },
    "random_relu": { context in
      let (lower, upper) = (try context.attribute("lower"), try context.attribute("upper"))
      return [context.helper("random_relu").call(context.operand("x"), context.operand("key"), lower, upper)]
    },
    "bernoulli": { context in
      let shape = context.shape(try context.call.dims("shape"))
      return [
        context.reference("jax.random.bernoulli").call(context.operand("key"), context.operand("p"), shape)
      ]
    },
    "uniform": { context in
      var keywords = try context.drawnType()
      if try context.call.double("low") != 0 { keywords.append(("minval", try context.attribute("low"))) }
      if try context.call.double("high") != 1 { keywords.append(("maxval", try context.attribute("high"))) }
      return [try context.draw("uniform", keywords)]
    },
    "normal": { [try $0.draw("normal", try $0.drawnType())] },
    "exponential": { [try $0.draw("exponential", try $0.drawnType())] },
    "random_integer": { context in
      let dtype = try context.call.dtype("dtype")
      let limits = [context.dim(try context.call.dim("low")), context.dim(try context.call.dim("high"))]
      let shape = context.shape(try context.call.dims("shape"))
      return [
        context.reference("jax.random.randint").call(
          [context.operand("key"), shape] + limits,
          keywords: dtype == .int64 ? [] : [("dtype", context.dtype(dtype))])
      ]
    },
    "random_permutation": { context in
      let count = try context.call.dims("shape").first ?? 1
      let drawn = context.reference("jax.random.permutation").call(context.operand("key"), context.dim(count))
      let dtype = try context.call.dtype("dtype")
      return [dtype == .int64 ? drawn : drawn.method("astype", context.dtype(dtype))]
    },
    "multinomial": { context in
      let helper = try context.call.bool("replacement") ? "multinomial_with_replacement" : "multinomial"
      let count = context.dim(try context.call.dim("count"))
      return [context.helper(helper).call(context.operand("key"), context.operand("x"), count)]
    },
  ]
}

extension EmitContext {
  /// Dropout by one of the helpers.
  func dropout(_ x: PythonExpression, _ key: PythonExpression, _ rate: Double) -> PythonExpression {
    rate == 1 ? helper("drop_all").call(x, key) : helper("dropout").call(x, key, .float(rate))
  }

  /// `jax.random.name(key, shape, ...)`
  fileprivate func draw(_ name: String, _ keywords: [(String, PythonExpression)]) throws -> PythonExpression {
    reference("jax.random.\(name)").call([operand("key"), shape(try call.dims("shape"))], keywords: keywords)
  }

  fileprivate func drawnType() throws -> [(String, PythonExpression)] {
    let dtype = try call.dtype("dtype")
    return dtype == .float32 ? [] : [("dtype", self.dtype(dtype))]
  }
}
