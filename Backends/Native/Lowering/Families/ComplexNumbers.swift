import GraftIR
import GraftOps

extension LoweringRule {
  static let complexNumbers: [LoweringRule] = [
    LoweringRule(.real) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype)
      guard x.dtype.isComplex else { return [x] }
      return [Expression(.apply(.real, [x]), dtype: dtype, shape: shape)]
    },
    LoweringRule(.imag) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype)
      guard x.dtype.isComplex else { return [Expression(.scalar(.int(0)), dtype: dtype, shape: shape)] }
      return [Expression(.apply(.imaginary, [x]), dtype: dtype, shape: shape)]
    },
    LoweringRule(.conj) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype)
      return [dtype.isComplex ? Expression(.apply(.conjugate, [x]), dtype: dtype, shape: shape) : x]
    },
    LoweringRule(.complex) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let parts = try [call[0], call[1]].map {
        try planner.stretched(planner.expression($0, as: dtype.realType), shape)
      }
      return [Expression(.apply(.complex, parts), dtype: dtype, shape: shape)]
    },
    LoweringRule(.isReal) { planner, call in
      let (shape, _) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: .float32)
      guard x.dtype.isComplex else { return [Expression(.scalar(.bool(true)), dtype: .bool, shape: shape)] }
      let part = Expression(.apply(.imaginary, [x]), dtype: x.dtype.realType, shape: shape)
      let zero = Expression(.scalar(.int(0)), dtype: part.dtype, shape: shape)
      return [Expression(.apply(.equal, [part, zero]), dtype: .bool, shape: shape)]
    },
    LoweringRule(.viewAsReal) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.view(planner.expression(call[0], as: dtype))
      return [
        Expression(
          View(
            buffer: x.buffer, dtype: dtype, offset: 2 * x.offset, shape: shape, strides: x.strides.map { 2 * $0 } + [1])
        )
      ]
    },
    LoweringRule(.viewAsComplex) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      var x = try planner.view(planner.expression(call[0], as: dtype))
      if x.strides.last != 1 || x.offset % 2 != 0 || x.strides.dropLast().contains(where: { $0 % 2 != 0 }) {
        x = try planner.copied(x)
      }
      let strides = x.strides.dropLast().map { $0 / 2 }
      return [Expression(View(buffer: x.buffer, dtype: dtype, offset: x.offset / 2, shape: shape, strides: strides))]
    },
  ]
}

extension Planner {
  /// A row-major copy in memory of its own.
  func copied(_ x: View) throws -> View {
    let copy = try allocate(x.shape, x.dtype)
    try compute(Expression(x), into: copy)
    return copy
  }
}
