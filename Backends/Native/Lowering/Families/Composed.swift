import GraftFiles
import GraftIR
import GraftOps

extension LoweringRule {
  /// Core ops that are a few operators.
  static let composed: [LoweringRule] = [
    LoweringRule(.isPositiveInfinity) { planner, call in [try planner.equalsInfinity(call, .infinity)] },
    LoweringRule(.isNegativeInfinity) { planner, call in [try planner.equalsInfinity(call, -.infinity)] },
    LoweringRule(.heaviside) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.stretched(planner.expression(call[0], as: dtype), shape)
      let y = try planner.stretched(planner.expression(call[1], as: dtype), shape)
      let isPositive = try planner.comparing(.greater, x, planner.number(0, like: x)).converted(to: dtype)
      let isZero = try planner.comparing(.equal, x, planner.number(0, like: x))
      return [Expression(.apply(.where_, [isZero, y, isPositive]), dtype: dtype, shape: shape)]
    },
    LoweringRule(.nanToNum) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      var x = try planner.expression(call[0], as: dtype)
      guard dtype.isFloating else { return [x] }
      func replacing(_ condition: Expression, _ name: String, _ extreme: Double) throws {
        let value = planner.number(try call.optional(name)?.asDouble ?? extreme, like: x)
        x = Expression(
          .apply(.where_, [condition, try planner.stretched(value, shape), x]), dtype: dtype, shape: shape)
      }
      let extreme = dtype.greatestFinite
      try replacing(Expression(.apply(.isNaN, [x]), dtype: .bool, shape: shape), "nan", 0)
      try replacing(try planner.comparing(.equal, x, planner.number(.infinity, like: x)), "posinf", extreme)
      try replacing(try planner.comparing(.equal, x, planner.number(-.infinity, like: x)), "neginf", -extreme)
      return [x]
    },
    LoweringRule(.isClose) { planner, call in [try planner.isClose(call)] },
    LoweringRule(.trilIndices) { planner, call in [try planner.triangle(call, isLower: true)] },
    LoweringRule(.triuIndices) { planner, call in [try planner.triangle(call, isLower: false)] },
  ]
}

extension Planner {
  /// A comparison of expressions that broadcast to the first.
  fileprivate func comparing(_ name: BlockOperator, _ x: Expression, _ y: Expression) throws -> Expression {
    Expression(.apply(name, [x, try stretched(y, x.shape)]), dtype: .bool, shape: x.shape)
  }

  fileprivate func equalsInfinity(_ call: OpCall, _ value: Double) throws -> Expression {
    let x = try expression(call[0], as: .float32)
    guard x.dtype.isFloating else { return Expression(.scalar(.bool(false)), dtype: .bool, shape: x.shape) }
    return try comparing(.equal, x, number(value, like: x))
  }

  /// `|x - y| <= atol + rtol * |y|`, or equal, or with `equal_nan` both NaN.
  fileprivate func isClose(_ call: OpCall) throws -> Expression {
    let (shape, _) = try call.resultType(self)
    let operands = try [call[0], call[1]].map { try stretched(expression($0, as: .float32), shape) }
    let wide = operands[0].dtype.isFloating ? operands[0].dtype : .float64
    let (x, y) = (operands[0].converted(to: wide), operands[1].converted(to: wide))
    let distance = try applying(.abs, applying(.subtract, x, y))
    let scaled = try applying(.multiply, applying(.abs, y), number(try call.double("rtol"), like: y))
    let allowed = try applying(.add, scaled, number(try call.double("atol"), like: y))
    // The distance of an infinity is no finite allowance, unless the allowance is one too.
    let isFinite = Expression(.apply(.isFinite, [allowed]), dtype: .bool, shape: shape)
    let isNear = try applying(.bitwiseAnd, comparing(.lessEqual, distance, allowed), isFinite)
    var result = try applying(.bitwiseOr, isNear, comparing(.equal, x, y))
    if try call.bool("equal_nan") {
      let both = [x, y].map { Expression(.apply(.isNaN, [$0]), dtype: .bool, shape: shape) }
      result = try applying(.bitwiseOr, result, applying(.bitwiseAnd, both[0], both[1]))
    }
    return result
  }

  /// Rows and columns of a triangle of a matrix, known when the plan is made.
  fileprivate func triangle(_ call: OpCall, isLower: Bool) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let (rows, columns) = (try call.int("rows"), try call.int("columns"))
    guard rows >= 0, columns >= 0 else { throw invalid("there is no matrix of \(rows) by \(columns)") }
    let offset = min(max(try call.int("offset"), -rows), columns)
    // Rows without elements are left out, so that no more of them are looked at than there are results.
    let first = isLower ? max(0, -offset) : 0
    let last = isLower ? rows : min(rows, columns - offset)
    guard columns == 0 || last - first <= shape[1] else {
      throw invalid("the triangle has more than \(shape[1]) elements")
    }
    var (rowNumbers, columnNumbers) = ([Int64](), [Int64]())
    for row in columns == 0 ? 0..<0 : first..<max(first, last) {
      let range = isLower ? 0..<min(row + offset + 1, columns) : max(row + offset, 0)..<columns
      guard rowNumbers.count + range.count <= shape[1] else {
        throw invalid("the triangle has more than \(shape[1]) elements")
      }
      rowNumbers += Array(repeating: Int64(row), count: range.count)
      columnNumbers += range.map { Int64($0) }
    }
    guard rowNumbers.count == shape[1] else { throw invalid("the triangle has \(rowNumbers.count) elements") }
    let tensor = try TensorData(shape: shape, elements: rowNumbers + columnNumbers)
    return Expression(constant(try tensor.converted(to: dtype)))
  }
}

extension DType {
  /// The greatest number of a floating type.
  fileprivate var greatestFinite: Double {
    switch self {
    case .float16: 65504
    case .bfloat16: 0x1.FEp127
    case .float32: Double(Float.greatestFiniteMagnitude)
    default: .greatestFiniteMagnitude
    }
  }
}
