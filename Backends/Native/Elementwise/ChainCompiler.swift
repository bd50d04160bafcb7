import GraftIR

/// Makes a list of block functions of an expression.
struct ChainCompiler {
  private let kernels: VectorKernels
  private let axes: ChainAxes
  private let views: [View]
  private let target: View
  private let order: [Expression]
  private let root: Expression

  private let rowsPerBlock: Int
  private var registers = RegisterFile()
  private var places: [ObjectIdentifier: Int] = [:]
  /// Nodes whose place is a register of their own.
  private var owners: Set<ObjectIdentifier> = []
  private var lastUse: [ObjectIdentifier: Int] = [:]
  private var sources: [ChainLeaf] = []
  private var constants: [ChainConstant] = []
  private var instructions: [ChainInstruction] = []

  /// The program that writes `expression` to `target`.
  /// - Throws: ``NativeError`` for an operator that has no block function for its type.
  static func compile(
    _ expression: Expression, into target: View, _ kernels: VectorKernels
  ) throws -> ChainProgram {
    var compiler = ChainCompiler(expression, target, kernels)
    return try compiler.program()
  }

  private init(_ expression: Expression, _ target: View, _ kernels: VectorKernels) {
    self.kernels = kernels
    self.target = target
    root = expression
    order = expression.nodes
    views = expression.views
    axes = ChainAxes(views, target)
    rowsPerBlock = Self.rowsPerBlock(axes)
    registers.first = views.count + 1
    for (index, node) in order.enumerated() {
      for operand in node.operands { lastUse[ObjectIdentifier(operand)] = index }
    }
    lastUse[ObjectIdentifier(expression)] = order.count
  }

  /// How many rows a block has: several where they are short, and the result goes on from one to the next.
  private static func rowsPerBlock(_ axes: ChainAxes) -> Int {
    let innermost = axes.extents.count - 1
    guard innermost > 0, axes.extents[innermost] <= ChainProgram.blockLength / 2,
      axes.goesOn(from: innermost - 1, view: axes.strides.count - 1)
    else { return 1 }
    return min(axes.extents[innermost - 1], ChainProgram.blockLength / max(axes.extents[innermost], 1))
  }

  private mutating func program() throws -> ChainProgram {
    let targetLeaf = try leaf(target, number: views.count, computeType: root.computeType)
    for (index, node) in order.enumerated() { try compile(node, index, targetLeaf) }
    try store(targetLeaf)
    let widths = order.map(\.computeType.byteWidth) + (views + [target]).map(\.dtype.byteWidth)
    return ChainProgram(
      extents: axes.extents, rowsPerBlock: rowsPerBlock, sources: sources, target: targetLeaf, constants: constants,
      instructions: instructions,
      registerCount: registers.count, registerBytes: ChainProgram.blockLength * (widths.max() ?? 8))
  }

  private mutating func compile(_ node: Expression, _ index: Int, _ targetLeaf: ChainLeaf) throws {
    switch node.node {
    case .view(let view):
      let source = try leaf(view, number: sources.count, computeType: node.computeType)
      sources.append(source)
      places[ObjectIdentifier(node)] = source.place
    case .scalar(let scalar):
      let place = registers.reserve()
      constants.append(ChainConstant(place: place, bytes: scalar.bytes(as: node.computeType)))
      places[ObjectIdentifier(node)] = place
    case .apply(let name, let operands):
      let type = (operands.last ?? node).computeType
      guard let function = kernels.block(name, type) else {
        throw NativeError("there is no kernel for \(name.rawValue) of \(type.rawValue)")
      }
      apply(function, to: operands, for: node, index, targetLeaf)
    case .cast(let operand):
      if operand.computeType == node.computeType {
        alias(node, of: operand)
        return
      }
      apply(try conversion(operand.computeType, node.computeType), to: [operand], for: node, index, targetLeaf)
    case .product: throw NativeError("a product was not computed before its use")
    }
  }

  /// Lets a node that changes nothing share its operand's place, which is then never given back.
  private mutating func alias(_ node: Expression, of operand: Expression) {
    places[ObjectIdentifier(node)] = places[ObjectIdentifier(operand)]
    owners.remove(ObjectIdentifier(operand))
  }

  private mutating func apply(
    _ function: BlockFunction, to operands: [Expression], for node: Expression, _ index: Int, _ targetLeaf: ChainLeaf
  ) {
    let used = operands.map { places[ObjectIdentifier($0)] ?? 0 }
    // A register that is read for the last time may be written by the same instruction only if elements stay as wide.
    let sameWidth = operands.allSatisfy { $0.computeType.byteWidth == node.computeType.byteWidth }
    if sameWidth { release(operands, at: index) }
    let place = node === root && targetLeaf.isInPlace ? targetLeaf.place : registers.take()
    if !sameWidth { release(operands, at: index) }
    places[ObjectIdentifier(node)] = place
    owners.insert(ObjectIdentifier(node))
    func operand(_ number: Int) -> Int { used.indices.contains(number) ? used[number] : used.first ?? 0 }
    instructions.append(
      ChainInstruction(function: function, target: place, a: operand(0), b: operand(1), c: operand(2)))
  }

  /// Frees the registers of computed operands that nothing reads after this node.
  private mutating func release(_ operands: [Expression], at index: Int) {
    for operand in Dictionary(grouping: operands, by: ObjectIdentifier.init).values.compactMap(\.first) {
      guard lastUse[ObjectIdentifier(operand)] == index, owners.contains(ObjectIdentifier(operand)),
        let place = places[ObjectIdentifier(operand)]
      else { continue }
      registers.give(back: place)
    }
  }

  /// Moves the root's value to where the target takes it from, where no instruction wrote it there.
  private mutating func store(_ targetLeaf: ChainLeaf) throws {
    let place = places[ObjectIdentifier(root)] ?? 0
    guard place != targetLeaf.place else { return }
    let copy = try conversion(root.computeType, root.computeType)
    instructions.append(ChainInstruction(function: copy, target: targetLeaf.place, a: place, b: place, c: place))
  }

  private mutating func leaf(_ view: View, number: Int, computeType: DType) throws -> ChainLeaf {
    let width = view.dtype.byteWidth
    let strides = axes.strides[number].map { $0 * width }
    let needsConversion = view.dtype != computeType
    let isTarget = number == views.count
    let step = axes.extents.last == 1 ? width : strides.last ?? width
    let goesOn = axes.extents.count < 2 || axes.goesOn(from: axes.extents.count - 2, view: number)
    func leaf(_ transfer: ChainLeaf.Transfer, _ place: Int) -> ChainLeaf {
      ChainLeaf(
        view: view, strides: strides, transfer: transfer, place: place, goesOn: goesOn,
        computeWidth: computeType.byteWidth)
    }
    if step == width, !needsConversion, goesOn || rowsPerBlock == 1 { return leaf(.inPlace, number) }
    let place = registers.reserve()
    if step == width, !needsConversion { return leaf(.rows, place) }
    let function: BlockFunction? =
      needsConversion
      ? try isTarget ? conversion(computeType, view.dtype) : conversion(view.dtype, computeType) : nil
    if step == width, let function {
      return leaf(.convert(function), place)
    }
    let conversion = function.map { ChainLeaf.Conversion(function: $0, staging: registers.reserve()) }
    return leaf(step == 0 ? .fill(conversion) : .strided(conversion), place)
  }

  private func conversion(_ from: DType, _ to: DType) throws -> BlockFunction {
    guard let function = kernels.cast(from, to) else {
      throw NativeError("there is no conversion from \(from.rawValue) to \(to.rawValue)")
    }
    return function
  }
}

extension ChainLeaf {
  var isInPlace: Bool { if case .inPlace = transfer { true } else { false } }
}

/// Places for values that are being computed, as few as do.
private struct RegisterFile {
  var first = 0
  private(set) var count = 0
  private var free: [Int] = []

  /// A place for what is there before the first instruction, which no other value may have.
  mutating func reserve() -> Int {
    count += 1
    return first + count - 1
  }

  mutating func take() -> Int { free.popLast() ?? reserve() }

  mutating func give(back place: Int) { free.append(place) }
}
