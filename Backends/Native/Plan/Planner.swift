import Foundation
import GraftFiles
import GraftIR
import GraftOps

/// Turns a function of known sizes into steps.
///
/// Values are expressions until somebody needs memory: ``view(_:)`` computes one, with all the elementwise work that
/// leads to it, and remembers where it lies.
final class Planner {
  let function: Function
  let kernels: NativeKernelSet
  /// Whether ops that depend on the mode do what they do in training.
  let isTraining: Bool
  private(set) var buffers: [Buffer] = []
  private(set) var steps: [any Step] = []
  /// Where each step comes from.
  private(set) var origins: [Origin] = []
  var origin: Origin = .unknown
  private var values: [Value: Expression] = [:]
  private var uses: [Value: Int]
  /// What is wrong with the steps so far; a plan with a fault must not run.
  private(set) var fault: Diagnostic?
  /// Buffers that are computed from constants alone, and those that are not.
  private var constants: Set<Int> = []
  private var variable: Set<Int> = []
  /// Packed weights by the weights, and how they are packed.
  private var packs: [Packing: View] = [:]

  /// A weight in the form that a kernel reads.
  struct Packing: Hashable {
    enum Form: Hashable {
      /// Panels of the columns of a matrix.
      case matrix
      case convolution(ConvolutionAlgorithm, groups: Int)
    }

    var weight: View
    var form: Form
  }
  /// The paths of the variables, by number.
  var variables: [String] = []
  /// What becomes of variables.
  var updates: [VariableUpdate] = []
  private var computed: [ObjectIdentifier: (expression: Expression, view: View)] = [:]
  /// Copies of views with their axes in another order.
  private var rearranged: [Rearrangement: View] = [:]

  /// The loop whose body is being laid down.
  private var loop: Loop?

  private struct Loop {
    /// Buffers from this one on are the body's own.
    let firstBuffer: Int
    let changing: Set<Int>
    var packedAhead: [(packing: Packing, step: any Step, packed: View)] = []
  }

  private struct Rearrangement: Hashable {
    var source: View
    var order: [Int]
  }

  init(_ function: Function, kernels: NativeKernelSet, isTraining: Bool = false) {
    self.function = function
    self.isTraining = isTraining
    self.kernels = kernels
    uses = [:]
    for value in function.escapingValues { uses[value, default: 0] += 1 }
    countUses(function.body)
  }

  private func countUses(_ block: Block) {
    for operation in block.operations {
      for value in operation.operands.flatMap(\.values) { uses[value, default: 0] += 1 }
      for region in operation.regions {
        for value in region.results.flatMap(\.values) { uses[value, default: 0] += 1 }
        countUses(region)
      }
    }
  }
}

// MARK: - Values

extension Planner {
  /// Takes the expression for a value, and computes it at once where several operations read it.
  func define(_ value: Value, _ expression: Expression) throws {
    values[value] = expression
    if uses[value, default: 0] > 1, expression.size > 0 || !expression.products.isEmpty { _ = try view(expression) }
  }

  /// Whether an operation reads a value, or it is a result.
  func isUsed(_ value: Value) -> Bool { uses[value, default: 0] > 0 }

  /// - Throws: ``Diagnostic`` for a value that nothing has computed.
  func expression(_ value: Value) throws -> Expression {
    guard let expression = values[value] else {
      throw Diagnostic(.invalidProgram, "value %\(value.id) is used before it is computed", at: origin.location)
    }
    guard let known = computed[ObjectIdentifier(expression)] else { return expression }
    return Expression(known.view)
  }

  /// The operand as an expression; a number takes the type that it is given.
  func expression(_ operand: Operand, as dtype: DType) throws -> Expression {
    switch operand {
    case .value(let value): return try expression(value)
    case .scalar(let scalar): return Expression(.scalar(scalar), dtype: dtype, shape: [])
    case .absent, .list: throw Diagnostic(.invalidProgram, "an operand is missing", at: origin.location)
    }
  }
}

// MARK: - Memory

extension Planner {
  func addBuffer(_ kind: Buffer.Kind, byteCount: Int) -> Int {
    buffers.append(Buffer(kind: kind, byteCount: byteCount))
    return buffers.count - 1
  }

  /// Lays a buffer into the memory of another one.
  func share(_ buffer: Int, with other: Int) { buffers[buffer].kind = buffers[other].kind }

  /// The most bytes that one tensor of a program may take: a quarter of the machine's memory. What asks for more is a
  /// mistake, or a program that was made to exhaust memory or time.
  static let largestTensor = Int(clamping: ProcessInfo.processInfo.physicalMemory / 4)

  /// The bytes of a tensor, which need not lie in memory.
  ///
  /// - Throws: ``Diagnostic`` for more than the machine has, and for a shape that no tensor can have.
  func byteCount(_ shape: [Int], _ dtype: DType) throws -> Int {
    do {
      let count = try TensorData.byteCount(dtype: dtype, shape: shape)
      if count <= Self.largestTensor { return count }
    } catch {
      throw Diagnostic(.invalidProgram, "\(error)", at: origin.location)
    }
    throw Diagnostic(
      .invalidProgram, "a tensor of \(dtype.rawValue)\(shape) needs more memory than this machine has to spare",
      at: origin.location)
  }

  /// Memory for a tensor, its axes laid out in `order` (row-major by default).
  ///
  /// - Throws: ``Diagnostic`` as ``byteCount(_:_:)`` does.
  func allocate(_ shape: [Int], _ dtype: DType, order: [Int]? = nil) throws -> View {
    let buffer = addBuffer(.temporary, byteCount: try byteCount(shape, dtype))
    return View(buffer: buffer, dtype: dtype, shape: shape, order: order ?? Array(shape.indices))
  }

  /// One position of the first axis of a sequence, whose other axes go forward in memory, for the body of a loop.
  func window(on sequence: View) -> View {
    let (shape, strides) = (Array(sequence.shape.dropFirst()), Array(sequence.strides.dropFirst()))
    let reach = shape.contains(0) ? 0 : zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
    let buffer = addBuffer(.window, byteCount: reach * sequence.dtype.byteWidth)
    return View(buffer: buffer, dtype: sequence.dtype, shape: shape, strides: strides)
  }

  /// A tensor that is known already.
  func constant(_ tensor: TensorData) -> View {
    let buffer = addBuffer(.tensor(tensor), byteCount: tensor.byteCount)
    return View(buffer: buffer, dtype: tensor.dtype, rowMajor: tensor.shape)
  }

  func add(_ step: any Step) {
    let views = step.reads + step.writes
    if let stray = views.first(where: { !$0.lies(within: buffers[$0.buffer].byteCount) }) {
      fault =
        fault
        ?? Diagnostic(
          .invalidProgram, "\(step.name) would reach out of a tensor, as one of shape \(stray.shape)",
          at: origin.location)
    }
    steps.append(step)
    origins.append(origin)
    let hasConstants = step.reads.allSatisfy { isConstant($0.buffer) || step.writes.map(\.buffer).contains($0.buffer) }
    for view in step.writes {
      if hasConstants, !variable.contains(view.buffer) {
        constants.insert(view.buffer)
      } else {
        variable.insert(view.buffer)
        constants.remove(view.buffer)
      }
    }
  }

  /// The steps that `body` lays down, for a step that runs them. What they compute is not known outside.
  ///
  /// - Parameter changing: where it is the body of a loop, the views that a run leaves different for the next one. Matrices
  ///   that stay the same are packed before the loop.
  func recorded(repeatedly changing: [View]? = nil, _ body: () throws -> Void) throws -> StepSequence {
    let outer = (steps, origins, computed, packs, rearranged, loop)
    (steps, origins) = ([], [])
    loop = changing.map { Loop(firstBuffer: buffers.count, changing: Set($0.map(\.buffer))) }
    var ahead: [(packing: Packing, step: any Step, packed: View)] = []
    defer {
      (steps, origins, computed, packs, rearranged, loop) = outer
      for (packing, step, packed) in ahead {
        add(step)
        packs[packing] = packed
      }
    }
    try body()
    ahead = loop?.packedAhead ?? []
    return StepSequence(steps: StepFusion(steps, buffers, isBody: true).steps)
  }

  /// Whether a buffer holds the same in each run of the loop whose body is being laid down.
  func isInvariant(_ buffer: Int) -> Bool {
    guard let loop else { return false }
    return buffer < loop.firstBuffer && !loop.changing.contains(buffer)
  }

  /// Whether a buffer holds the same in each run, as far as the steps go.
  func isConstant(_ buffer: Int) -> Bool { buffers[buffer].isConstant || constants.contains(buffer) }

  /// A matrix [K, N], packed; once for all products with it.
  func packed(_ matrix: View) throws -> View {
    let count = kernels.matmul.packedCount(matrix.shape[0], matrix.shape[1])
    return try packed(Packing(weight: matrix, form: .matrix), count: count) {
      PackStep(matrix: matrix, packed: $0, kernels: kernels.matmul)
    }
  }

  /// A weight in the form that a kernel reads, `count` numbers; made once for all that read it.
  ///
  /// - Parameter step: what packs it into a view.
  func packed(_ packing: Packing, count: Int, by step: (View) -> any Step) throws -> View {
    if let known = packs[packing] { return known }
    let target = try allocate([count], .float32)
    packs[packing] = target
    if isInvariant(packing.weight.buffer) {
      loop?.packedAhead.append((packing, step(target), target))
    } else {
      add(step(target))
    }
    return target
  }

  /// Where an expression's elements lie; computes them first if need be.
  func view(_ expression: Expression) throws -> View {
    if case .view(let view) = expression.node { return view }
    if let known = computed[ObjectIdentifier(expression)] { return known.view }
    let target = try allocate(expression.shape, expression.dtype, order: try layout(of: expression))
    try compute(expression, into: target)
    return target
  }

  /// The same, row-major and without gaps.
  func rowMajorView(_ expression: Expression) throws -> View {
    let view = try view(expression)
    if view.isRowMajor { return view }
    let copy = try allocate(view.shape, view.dtype)
    try compute(Expression(view), into: copy)
    return copy
  }

  /// The same, with the elements of the last axis next to each other.
  func rowsView(_ expression: Expression) throws -> View {
    let view = try view(expression)
    if let last = view.strides.last, last != 1, view.shape.last != 1 {
      return try rowMajorView(Expression(view))
    }
    return view
  }

  /// Writes an expression's elements to a view.
  func compute(_ original: Expression, into target: View) throws {
    if case .view(let source) = original.node, let step = TransposeStep(source, target, kernels.vector) {
      return add(step)
    }
    var expression = try withOneProduct(inOrder(original, of: target))
    if let product = expression.products.first, canFuse(product, expression, target) {
      if case .product = expression.node {
        add(try product.step(writing: target, then: nil, kernels))
      } else {
        let written = expression.replacing(.product(product), by: Expression(target))
        let epilogue = Epilogue(expression: written, program: try chain(written, into: target))
        add(try product.step(writing: target, then: epilogue, kernels))
      }
    } else {
      for product in expression.products {
        expression = expression.replacing(.product(product), by: Expression(try computed(product)))
      }
      add(ChainStep(program: try chain(expression, into: target), kernels: kernels.vector))
    }
    if case .view = original.node { return }
    computed[ObjectIdentifier(original)] = (original, target)
  }

  /// The expression with large operands whose axes lie in another order than the target's copied to that order: moved tile by
  /// tile, they cost less than read element by element.
  private func inOrder(_ expression: Expression, of target: View) throws -> Expression {
    guard target.count >= 16_384, expression.products.isEmpty else { return expression }
    return expression.mapViews(shape: expression.shape) { source in
      guard source.shape == target.shape, buffers[source.buffer].isComputed else { return source }
      let key = Rearrangement(source: source, order: target.order)
      if let known = rearranged[key] { return known }
      let bytes = source.count * source.dtype.byteWidth
      let copy = View(
        buffer: buffers.count, dtype: source.dtype, shape: source.shape, order: target.order)
      guard let step = TransposeStep(source, copy, kernels.vector) else { return source }
      _ = addBuffer(.temporary, byteCount: bytes)
      add(step)
      rearranged[key] = copy
      return copy
    }
  }

  /// Writes an expression's elements to memory that will change: it is not where the expression lies.
  func start(_ target: View, with expression: Expression) throws {
    let known = computed[ObjectIdentifier(expression)]
    try compute(expression, into: target)
    computed[ObjectIdentifier(expression)] = known
  }

  /// The expression with all products but the last computed, each with the work on it alone.
  private func withOneProduct(_ original: Expression) throws -> Expression {
    var expression = original
    while expression.products.count > 1, let first = expression.products.first {
      let own = expression.nodes.last { $0.products.count == 1 && $0.products[0] === first }
      guard let own else { return expression }
      expression = expression.replacing(.node(own), by: Expression(try view(own)))
    }
    return expression
  }

  private func chain(_ expression: Expression, into target: View) throws -> ChainProgram {
    do {
      return try ChainCompiler.compile(expression, into: target, kernels.vector)
    } catch let error as NativeError {
      throw Diagnostic(.unsupported, error.description, at: origin.location)
    }
  }

  /// The product that an expression is, unless it has been computed.
  func pendingProduct(_ expression: Expression) -> (any PendingProduct)? {
    guard case .product(let product) = expression.node, computed[ObjectIdentifier(expression)] == nil,
      computed[ObjectIdentifier(product)] == nil
    else { return nil }
    return product
  }

  /// The memory of a product that others than one expression read.
  private func computed(_ product: any PendingProduct) throws -> View {
    if let known = computed[ObjectIdentifier(product)] { return known.view }
    let target = try allocate(product.shape, product.dtype, order: product.order)
    add(try product.step(writing: target, then: nil, kernels))
    computed[ObjectIdentifier(product)] = (
      Expression(.product(product), dtype: product.dtype, shape: product.shape), target
    )
    return target
  }

  /// Whether a product can write straight to where an expression of it goes.
  private func canFuse(_ product: any PendingProduct, _ expression: Expression, _ target: View) -> Bool {
    computed[ObjectIdentifier(product)] == nil && product.shape == expression.shape && product.dtype == expression.dtype
      && target == View(buffer: target.buffer, dtype: target.dtype, shape: target.shape, order: product.order)
  }

  /// The order of axes in memory that costs the least: that of the product, or of the largest operand.
  private func layout(of expression: Expression) throws -> [Int] {
    if let product = expression.products.first, product.shape == expression.shape { return product.order }
    let whole = expression.views.first { $0.shape == expression.shape && !$0.strides.contains(0) }
    return (whole ?? expression.views.first)?.order ?? Array(expression.shape.indices)
  }
}

extension Expression {
  /// A part of an expression.
  fileprivate enum Part {
    case product(any PendingProduct)
    case node(Expression)
  }

  fileprivate func replacing(_ part: Part, by other: Expression) -> Expression {
    var mapped: [ObjectIdentifier: Expression] = [:]
    func isPart(_ expression: Expression) -> Bool {
      switch (part, expression.node) {
      case (.product(let product), .product(let own)): own === product
      case (.node(let node), _): expression === node
      default: false
      }
    }
    func map(_ expression: Expression) -> Expression {
      if isPart(expression) { return other }
      if let known = mapped[ObjectIdentifier(expression)] { return known }
      let result: Expression =
        switch expression.node {
        case .apply(let name, let operands):
          Expression(.apply(name, operands.map(map)), dtype: expression.dtype, shape: expression.shape)
        case .cast(let operand): Expression(.cast(map(operand)), dtype: expression.dtype, shape: expression.shape)
        case .view, .scalar, .product: expression
        }
      mapped[ObjectIdentifier(expression)] = result
      return result
    }
    return map(self)
  }
}
