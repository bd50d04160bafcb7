import GraftIR
import NativeKernels

/// An epilogue in two stages: what the product's kernel does in registers, and a chain over the rows that it wrote.
struct StagedEpilogue: Sendable {
  private enum Stage: Sendable {
    case none
    case registers(RegisterEpilogue)
    case chain(ChainProgram)
  }

  private let stage: Stage
  /// What a chain runs.
  private var code: ChainCode?
  private let memory = ChainMemory()

  init(_ epilogue: Epilogue?, over target: View, _ kernels: VectorKernels) {
    guard let epilogue else {
      stage = .none
      return
    }
    if let registers = RegisterEpilogue(epilogue.expression, over: target) {
      stage = .registers(registers)
    } else {
      stage = .chain(epilogue.program)
      code = ChainCode(epilogue.program, kernels, in: memory)
    }
  }

  var reads: [View] {
    switch stage {
    case .none: []
    case .registers(let epilogue): [epilogue.bias, epilogue.residual].compactMap { $0 }
    case .chain(let program): program.sources.map(\.view)
    }
  }

  /// For the name of a step: `+bias+relu`.
  var suffix: String {
    switch stage {
    case .none: ""
    case .registers(let epilogue): epilogue.suffix
    case .chain(let program): "+\(program.length) elementwise"
    }
  }

  var scratchBytes: Int { code?.scratchBytes ?? 0 }

  /// What the kernel does in registers.
  func registers(in frame: borrowing TaskFrame, rowLength: Int) -> GraftEpilogue {
    var epilogue = GraftEpilogue()
    epilogue.alpha = 1
    (epilogue.low, epilogue.high) = (-.infinity, .infinity)
    guard case .registers(let own) = stage else { return epilogue }
    (epilogue.low, epilogue.high) = (own.bounds.low, own.bounds.high)
    epilogue.activation = own.activation
    epilogue.residual_last = own.residualIsLast
    if let bias = own.bias { epilogue.bias = UnsafePointer(frame.pointer(bias, as: Float.self)) }
    if let residual = own.residual {
      epilogue.residual = UnsafePointer(frame.pointer(residual, as: Float.self))
      epilogue.residual_row = rowLength
    }
    return epilogue
  }

  /// The chain over a part of the rows, which follow each other in memory.
  func run(rows: Range<Int>, columns: Range<Int>, rowLength: Int, in frame: borrowing TaskFrame) {
    guard let code else { return }
    if columns.count == rowLength {
      code.run(rows.lowerBound * rowLength..<rows.upperBound * rowLength, in: frame)
      return
    }
    code.prepare(in: frame)
    for row in rows {
      let start = row * rowLength
      code.runPrepared(start + columns.lowerBound..<start + columns.upperBound, in: frame)
    }
  }
}

/// Work that the kernels of products do before they write: a bias of each column, a residual, an activation.
struct RegisterEpilogue: Sendable {
  private(set) var bias: View?
  private(set) var residual: View?
  private(set) var activation = GRAFT_IDENTITY
  private(set) var residualIsLast = false
  private(set) var bounds: (low: Float, high: Float) = (-.infinity, .infinity)
  private var name = ""

  /// Nil for an expression that is none of `activation(target + bias + residual)` and `activation(target + bias) + residual`,
  /// each perhaps between bounds.
  init?(_ expression: Expression, over target: View) {
    var rest = expression
    if expression.dtype != .float32 { return nil }
    if let (other, bound) = rest.bound(.minimum) { (rest, bounds.high) = (other, bound) }
    if let (other, bound) = rest.bound(.maximum) { (rest, bounds.low) = (other, bound) }
    if bounds.low > bounds.high { return nil }
    if let (other, addend) = rest.sum(with: target), let view = addend.addend(to: target),
      view.isResidual(of: target), other.isActivation
    {
      (residual, residualIsLast, rest) = (view, true, other)
    }
    if case .apply(let name, let operands) = rest.node, let activation = Self.activations[name], operands.count == 1 {
      (self.activation, self.name, rest) = (activation, name.rawValue, operands[0])
    }
    while let (other, addend) = rest.sum(with: target) {
      guard let view = addend.addend(to: target) else { return nil }
      if bias == nil, view.isBias(of: target) {
        bias = view
      } else if residual == nil, view.isResidual(of: target) {
        residual = view
      } else {
        return nil
      }
      rest = other
    }
    guard case .view(target) = rest.node else { return nil }
  }

  var suffix: String {
    let isBounded = bounds != (-.infinity, .infinity)
    let parts = [
      bias == nil ? nil : "bias", residual == nil ? nil : "residual", name.isEmpty ? nil : name,
      isBounded ? "clip" : nil,
    ]
    return parts.compactMap { $0 }.map { "+" + $0 }.joined()
  }

  fileprivate static let activations: [BlockOperator: GraftActivation] = [
    .relu: GRAFT_RELU, .sigmoid: GRAFT_SIGMOID, .silu: GRAFT_SILU, .tanh: GRAFT_TANH, .geluErf: GRAFT_GELU,
    .geluTanh: GRAFT_GELU_TANH,
  ]
}

extension Expression {
  /// The two operands of an addition, the one that has the target first.
  fileprivate func sum(with target: View) -> (Expression, Expression)? {
    guard case .apply(.add, let operands) = node, operands.count == 2 else { return nil }
    if operands[0].reaches(target) { return (operands[0], operands[1]) }
    return operands[1].reaches(target) ? (operands[1], operands[0]) : nil
  }

  /// The operand and the number of a `maximum` or `minimum` with a number.
  fileprivate func bound(_ name: BlockOperator) -> (Expression, Float)? {
    guard case .apply(name, let operands) = node, operands.count == 2, case .scalar(let scalar) = operands[1].node,
      let bound = scalar.asDouble, !bound.isNaN
    else { return nil }
    return (operands[0], Float(bound))
  }

  fileprivate var isActivation: Bool {
    guard case .apply(let name, let operands) = node, operands.count == 1 else { return false }
    return RegisterEpilogue.activations[name] != nil
  }

  fileprivate func reaches(_ target: View) -> Bool { views.contains(target) }

  /// The view of float32 that this is, if it is not the target itself.
  fileprivate func addend(to target: View) -> View? {
    guard case .view(let view) = node, view != target, view.dtype == .float32 else { return nil }
    return view
  }
}

extension View {
  /// Whether this is one number for each of the target's columns, its innermost axis.
  fileprivate func isBias(of target: View) -> Bool {
    guard let column = target.order.last else { return false }
    return shape.indices.allSatisfy { axis in
      axis == column ? strides[axis] == 1 || shape[axis] == 1 : strides[axis] == 0 || shape[axis] == 1
    }
  }

  /// Whether this lies as the target does, in other memory.
  fileprivate func isResidual(of target: View) -> Bool {
    shape == target.shape && buffer != target.buffer
      && shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == target.strides[$0] }
  }
}
