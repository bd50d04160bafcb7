import GraftIR
import GraftOps

/// One operation of those that make a view.
enum ViewStep: Hashable {
  case reshape([Dim])
  case select(axis: Int, index: Dim)
  case transpose([Int])

  /// The ops whose calls are steps.
  static let ops = ["reshape", "select", "transpose"]

  /// The step that an operation is; nil for one that makes no view.
  init?(_ call: OpCall) throws {
    switch call.definition.name {
    case "reshape": self = .reshape(try call.dims("shape"))
    case "transpose": self = .transpose(try call.ints("permutation"))
    case "select": self = .select(axis: try call.int("axis"), index: try call.dim("index"))
    default: return nil
    }
  }

  func append(to b: GraphBuilder, _ x: Operand) throws -> Operand {
    switch self {
    case .reshape(let shape): try b(.reshape, x, attributes: ["shape": .dims(shape)])
    case .select(let axis, let index): try b(.select, x, attributes: ["axis": .int(axis), "index": .dim(index)])
    case .transpose(let permutation): try b(.transpose, x, attributes: ["permutation": .ints(permutation)])
    }
  }
}

extension AxisView {
  /// The fewest operations that make the view from its source: at most a reshape, the indexing, a transpose and a
  /// reshape. Of equally few, those that reshape first.
  func steps() -> [ViewStep] {
    var best: [ViewStep]?
    for blocks in [blocksOfView, source, runs] {
      guard let found = steps(through: blocks), found.count < best?.count ?? .max else { continue }
      best = found
    }
    return best ?? []
  }

  /// The view's steps when the source is first reshaped to axes of these atoms, in the source's order; nil where a
  /// transpose of those does not lead to the view.
  private func steps(through blocks: [[Int]]) -> [ViewStep]? {
    guard blocks.flatMap(\.self) == source.flatMap(\.self) else { return nil }
    var (steps, blocks): ([ViewStep], [[Int]]) = ([], blocks)
    if blocks.map(extent) != source.map(extent) { steps.append(.reshape(blocks.map(extent))) }
    for (atom, index) in fixed {
      guard let axis = blocks.firstIndex(of: [atom]) else { return nil }
      steps.append(.select(axis: axis, index: index))
      blocks.remove(at: axis)
    }
    guard let permutation = order(of: blocks) else { return nil }
    if permutation != Array(permutation.indices) { steps.append(.transpose(permutation)) }
    let shape = permutation.map { extent(blocks[$0]) }
    if shape != axes.map(extent) { steps.append(.reshape(axes.map(extent))) }
    return steps
  }

  /// The order of the blocks in which their atoms are those of the view; nil where there is none.
  ///
  /// Blocks without atoms go to where the view has an axis without, or stay beside the block before them.
  private func order(of blocks: [[Int]]) -> [Int]? {
    if let exact = exactOrder(of: blocks) { return exact }
    let wanted = axes.flatMap(\.self)
    let position = Self.positions(of: wanted)
    var (keys, last): ([Int], Int) = ([], -1)
    for block in blocks {
      if let first = block.first { last = position[first] ?? -1 }
      keys.append(last)
    }
    let order = blocks.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    return order.flatMap { blocks[$0] } == wanted ? order : nil
  }

  /// The order in which the blocks are the view's axes one by one.
  private func exactOrder(of blocks: [[Int]]) -> [Int]? {
    guard blocks.count == axes.count else { return nil }
    var free = Array(blocks.indices)
    var order: [Int] = []
    for axis in axes {
      guard let index = free.firstIndex(where: { blocks[$0] == axis }) else { return nil }
      order.append(free.remove(at: index))
    }
    return order
  }

  /// The view's axes and the fixed atoms in the source's order.
  private var blocksOfView: [[Int]] {
    let position = Self.positions(of: source.flatMap(\.self))
    var keyed: [(key: Int, block: [Int])] = fixed.keys.map { (position[$0] ?? 0, [$0]) }
    var last = -1
    for axis in axes {
      if let first = axis.first { last = position[first] ?? -1 }
      keyed.append((last, axis))
    }
    return keyed.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }.map(\.element.block)
  }

  private static func positions(of atoms: [Int]) -> [Int: Int] {
    Dictionary(atoms.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
  }

  /// The longest runs of atoms that stand side by side in source and view.
  private var runs: [[Int]] {
    let wanted = axes.flatMap(\.self)
    let next = Dictionary(zip(wanted, wanted.dropFirst()), uniquingKeysWith: { a, _ in a })
    var runs: [[Int]] = []
    for atom in source.flatMap(\.self) {
      if let last = runs.last?.last, fixed[last] == nil, next[last] == atom {
        runs[runs.count - 1].append(atom)
      } else {
        runs.append([atom])
      }
    }
    return runs
  }
}
