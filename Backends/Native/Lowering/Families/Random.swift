import GraftFiles
import GraftIR
import GraftOps

extension LoweringRule {
  /// Random numbers, which depend on the key, the op and the element's place alone: not on the machine or its threads.
  static let random: [LoweringRule] = [
    LoweringRule(.splitKey) { planner, call in
      let keys = try planner.allocate([call.results.count], .int64)
      planner.add(SplitKeyStep(key: try planner.key(call[0]), keys: keys))
      return call.results.indices.map { index in
        Expression(View(buffer: keys.buffer, dtype: .int64, offset: index, shape: [], strides: []))
      }
    },
    LoweringRule(.uniform) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let unit = try planner.unit(shape, dtype.computeType, key: call[0])
      let (low, high) = (try call.double("low"), try call.double("high"))
      if low == 0, high == 1 { return [unit.converted(to: dtype)] }
      let spread = try planner.applying(.multiply, unit, planner.number(high - low, like: unit))
      return [try planner.applying(.add, spread, planner.number(low, like: unit)).converted(to: dtype)]
    },
    LoweringRule(.normal) { planner, call in
      [try planner.drawn("normal", call, standardNormal)]
    },
    LoweringRule(.exponential) { planner, call in
      [try planner.drawn("exponential", call, exponential)]
    },
    LoweringRule(.randomInteger) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let (low, high) = (Int64(try call.int("low")), Int64(try call.int("high")))
      guard low < high else { throw planner.invalid("there is no integer from \(low) to below \(high)") }
      let target = try planner.allocate(shape, .int64)
      let span = UInt64(bitPattern: high &- low)
      planner.add(
        DrawStep<Int64>(distribution: "integers", key: try planner.key(call[0]), target: target) { bits in
          low &+ Int64(bitPattern: bits.multipliedFullWidth(by: span).high)
        })
      return [Expression(target).converted(to: dtype)]
    },
    LoweringRule(.randomPermutation) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      guard shape.count == 1 else { throw planner.invalid("a permutation has one axis, not \(shape)") }
      let target = try planner.allocate(shape, .int64)
      planner.add(PermutationStep(key: try planner.key(call[0]), target: target))
      return [Expression(target).converted(to: dtype)]
    },
    LoweringRule(.bernoulli) { planner, call in
      let (shape, _) = try call.resultType(planner)
      let p = try planner.expression(call[0], as: .float64)
      let unit = try planner.unit(shape, p.computeType == .float32 ? .float32 : .float64, key: call[1])
      let threshold = try planner.stretched(p.converted(to: unit.dtype), shape)
      return [Expression(.apply(.less, [unit, threshold]), dtype: .bool, shape: shape)]
    },
    LoweringRule(.multinomial) { planner, call in
      let (shape, _) = try call.resultType(planner)
      let weights = try planner.view(planner.expression(call[0], as: .float64).converted(to: .float64))
      let target = try planner.allocate(shape, .int64)
      planner.add(
        MultinomialStep(
          key: try planner.key(call[1]), weights: weights, target: target,
          withReplacement: try call.bool("replacement")))
      return [Expression(target)]
    },
    LoweringRule(.dropout) { planner, call in [try planner.dropout(call)] },
    LoweringRule(.randomRelu) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype).converted(to: dtype.computeType)
      let (lower, upper) = (try call.double("lower"), try call.double("upper"))
      var slope = planner.number((lower + upper) / 2, like: x)
      if planner.isTraining {
        let unit = try planner.unit(shape, x.dtype, key: call[1])
        let spread = try planner.applying(.multiply, unit, planner.number(upper - lower, like: unit))
        slope = try planner.applying(.add, spread, planner.number(lower, like: unit))
      }
      let isPositive = Expression(
        .apply(.greater, [x, try planner.stretched(planner.number(0, like: x), shape)]), dtype: .bool, shape: shape)
      let scaled = try planner.applying(.multiply, x, slope)
      return [Expression(.apply(.where_, [isPositive, x, scaled]), dtype: x.dtype, shape: shape).converted(to: dtype)]
    },
  ]
}

extension Planner {
  func invalid(_ message: String) -> Diagnostic { Diagnostic(.invalidProgram, message, at: origin.location) }

  /// Where a random key lies: 64 bits.
  fileprivate func key(_ operand: Operand) throws -> View { try view(expression(operand, as: .int64)) }

  /// Numbers in [0, 1).
  fileprivate func unit(_ shape: [Int], _ dtype: DType, key operand: Operand) throws -> Expression {
    let target = try allocate(shape, dtype)
    let key = try key(operand)
    if dtype == .float32 {
      add(DrawStep<Float>(distribution: "uniform", key: key, target: target) { $0.shortUnit })
    } else {
      add(DrawStep<Double>(distribution: "uniform", key: key, target: target) { $0.unit })
    }
    return Expression(target)
  }

  /// Numbers of a continuous distribution.
  fileprivate func drawn(
    _ distribution: String, _ call: OpCall, _ draw: @escaping @Sendable (UInt64) -> Double
  ) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let target = try allocate(shape, dtype == .float64 ? .float64 : .float32)
    let key = try key(call[0])
    if dtype == .float64 {
      add(DrawStep<Double>(distribution: distribution, key: key, target: target, draw: draw))
    } else {
      add(DrawStep<Float>(distribution: distribution, key: key, target: target) { Float(draw($0)) })
    }
    return Expression(target).converted(to: dtype)
  }

  /// x with a share of its elements, or of its positions outside of `shared_axes`, zeroed and the others scaled up.
  fileprivate func dropout(_ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try expression(call[0], as: dtype).converted(to: dtype.computeType)
    let rate = try call.double("rate")
    guard (0...1).contains(rate) else { throw invalid("a share of \(rate) cannot be dropped") }
    if rate == 1 { return Expression(.scalar(.float(0)), dtype: dtype, shape: shape) }
    let shared = try call.axes("shared_axes", rank: shape.count)
    let drawn = shape.indices.map { shared.contains($0) ? 1 : shape[$0] }
    let unit = try unit(drawn, x.dtype == .float64 ? .float64 : .float32, key: call[1])
    let keeps = Expression(
      .apply(.less, [unit, try stretched(number(1 - rate, like: unit), drawn)]), dtype: .bool, shape: drawn)
    let scaled = try applying(.divide, x, number(1 - rate, like: x))
    let zero = try stretched(number(0, like: x), shape)
    return Expression(.apply(.where_, [try stretched(keeps, shape), scaled, zero]), dtype: x.dtype, shape: shape)
      .converted(to: dtype)
  }
}
