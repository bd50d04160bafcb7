import GraftIR
import GraftOps

extension LoweringRule {
  static let products: [LoweringRule] = [
    LoweringRule(.matmul) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let factors = try [call[0], call[1]].map {
        try planner.expression($0, as: dtype).converted(to: dtype.computeType)
      }
      let (x, y) = (factors[0].asRows, factors[1].asColumns)
      let product = try planner.product(planner.reshaped(factors[0], x), planner.reshaped(factors[1], y))
      let whole = product.shape == shape ? product : try planner.reshaped(product, shape)
      return [whole.converted(to: dtype)]
    }
  ]
}

extension Expression {
  /// The shape with a vector as a row.
  fileprivate var asRows: [Int] { shape.count == 1 ? [1] + shape : shape }

  /// The shape with a vector as a column.
  fileprivate var asColumns: [Int] { shape.count == 1 ? shape + [1] : shape }

  func converted(to dtype: DType) -> Expression {
    if self.dtype == dtype { return self }
    // Complex numbers are converted to and from the type of their parts, or to booleans.
    if dtype.isComplex, !self.dtype.isComplex, self.dtype != dtype.realType {
      return converted(to: dtype.realType).converted(to: dtype)
    }
    if self.dtype.isComplex, !dtype.isComplex, dtype != .bool, self.dtype.realType != dtype {
      return converted(to: self.dtype.realType).converted(to: dtype)
    }
    return Expression(.cast(self), dtype: dtype, shape: shape)
  }
}

extension Planner {
  /// The product of x [..., M, K] and y [..., K, N].
  func product(_ x: Expression, _ y: Expression) throws -> Expression {
    let (xView, yView) = (try view(x), try view(y))
    let batch = Self.broadcast(Array(xView.shape.dropLast(2)), Array(yView.shape.dropLast(2)))
    let shape = batch + [xView.shape[xView.rank - 2], yView.shape[yView.rank - 1]]
    if xView.dtype == .float32, isWorthPacking(yView, rows: shape.dropLast().reduce(1, *)) {
      return try packedProduct(xView.broadcast(to: batch + xView.shape.suffix(2)), yView, shape)
    }
    let left = xView.broadcast(to: batch + xView.shape.suffix(2))
    let right = yView.broadcast(to: batch + yView.shape.suffix(2))
    let target = try allocate(shape, xView.dtype)
    if xView.dtype == .float32 {
      add(BatchedProductStep(x: left, y: right, target: target, kernels: kernels))
    } else if xView.dtype == .float64, let step = DoubleProductStep(left, right, target) {
      add(step)
    } else {
      add(try generalProduct(left, right, target))
    }
    return Expression(target)
  }

  /// Whether a right operand is packed before the product: once if it is the same in each run of the program or
  /// of a loop, and else if enough rows are multiplied with it.
  private func isWorthPacking(_ y: View, rows: Int) -> Bool {
    guard y.shape.dropLast(2).allSatisfy({ $0 == 1 }) else { return false }
    return isConstant(y.buffer) || isInvariant(y.buffer) || rows >= 4 * kernels.matmul.tileRows
  }

  /// The product of rows with a matrix that is packed.
  private func packedProduct(_ x: View, _ y: View, _ shape: [Int]) throws -> Expression {
    let (inner, columns) = (y.shape[y.rank - 2], y.shape[y.rank - 1])
    let matrix = View(
      buffer: y.buffer, dtype: y.dtype, offset: y.offset, shape: [inner, columns], strides: y.strides.suffix(2))
    let rowCount = shape.dropLast().reduce(1, *)
    let rows = try view(reshaped(Expression(x), [rowCount, inner]))
    let packed = try packed(matrix)
    let product = PackedProduct(rows: rows, packed: packed, shape: shape)
    return Expression(.product(product), dtype: .float32, shape: shape)
  }

  private func generalProduct(_ x: View, _ y: View, _ target: View) throws -> any Step {
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      GeneralProductStep<Element>(x: x, y: y, target: target)
    }
    guard let step = x.dtype.withNumberType({ make($0) }) else {
      throw Diagnostic(.unsupported, "products of \(x.dtype.rawValue) are not native yet", at: origin.location)
    }
    return step
  }

  /// The shape that two leading shapes broadcast to.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    let (a, b) = (Array(repeating: 1, count: rank - a.count) + a, Array(repeating: 1, count: rank - b.count) + b)
    return zip(a, b).map { $0 == 1 ? $1 : $0 }
  }
}
