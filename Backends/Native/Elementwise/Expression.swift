package import GraftIR

/// Elementwise work that has not been done yet: operators over views, all read at the same place of the result.
///
/// Expressions are a graph: a node that occurs twice is computed once. Nodes of half precision are computed in single
/// precision; only what is written to memory is rounded.
package final class Expression: Sendable {
  package enum Node: Sendable {
    /// Elements in memory, of the expression's shape.
    case view(View)
    case scalar(Scalar)
    case apply(BlockOperator, [Expression])
    /// The elements of another type.
    case cast(Expression)
    /// What a product that is still to come yields at this place.
    case product(any PendingProduct)
  }

  package let node: Node
  package let dtype: DType
  package let shape: [Int]
  /// The number of operators, counted once for each path to them.
  package let size: Int

  package init(_ node: Node, dtype: DType, shape: [Int]) {
    self.node = node
    self.dtype = dtype
    self.shape = shape
    switch node {
    case .view, .scalar, .product: size = 0
    case .apply(_, let operands): size = operands.reduce(1) { $0 + $1.size }
    case .cast(let operand): size = operand.size + 1
    }
  }

  package convenience init(_ view: View) { self.init(.view(view), dtype: view.dtype, shape: view.shape) }

  /// The type that its elements are computed in.
  var computeType: DType { dtype.computeType }

  var operands: [Expression] {
    switch node {
    case .apply(_, let operands): operands
    case .cast(let operand): [operand]
    case .view, .scalar, .product: []
    }
  }

  /// Every node once, operands before what they are operands of.
  var nodes: [Expression] {
    var seen: Set<ObjectIdentifier> = []
    var order: [Expression] = []
    func visit(_ expression: Expression) {
      guard seen.insert(ObjectIdentifier(expression)).inserted else { return }
      expression.operands.forEach(visit)
      order.append(expression)
    }
    visit(self)
    return order
  }

  /// The views that it reads.
  var views: [View] {
    nodes.compactMap { if case .view(let view) = $0.node { view } else { nil } }
  }

  /// The products that it waits for.
  var products: [any PendingProduct] {
    nodes.compactMap { if case .product(let product) = $0.node { product } else { nil } }
  }
}

extension Expression {
  /// The same work with its leaves under another shape: `change` is applied to every view.
  func mapViews(shape: [Int], _ change: (View) throws -> View) rethrows -> Expression {
    var mapped: [ObjectIdentifier: Expression] = [:]
    func map(_ expression: Expression) throws -> Expression {
      if let known = mapped[ObjectIdentifier(expression)] { return known }
      let node: Node =
        switch expression.node {
        case .view(let view): .view(try change(view))
        case .apply(let name, let operands): .apply(name, try operands.map(map))
        case .cast(let operand): .cast(try map(operand))
        case .scalar, .product: expression.node
        }
      let result = Expression(node, dtype: expression.dtype, shape: shape)
      mapped[ObjectIdentifier(expression)] = result
      return result
    }
    return try map(self)
  }
}

extension DType {
  /// The type in which the native backend computes with elements of this one.
  package var computeType: DType {
    switch self {
    case .float16, .bfloat16: .float32
    default: self
    }
  }
}
