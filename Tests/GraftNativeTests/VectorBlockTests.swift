import Foundation
import NativeKernels
import Testing

@Suite struct VectorBlockTests {
  static let types = (0..<GRAFT_TYPE_COUNT.rawValue).map(GraftType.init(rawValue:))
  static let operators = (0..<GRAFT_OP_COUNT.rawValue).map(GraftOperator.init(rawValue:))

  /// Bytes that are elements of `type`, all of their bits random but for booleans.
  static func elements(_ type: GraftType, _ count: Int, _ generator: inout SeededBits) -> [UInt8] {
    (0..<count * graft_type_size(type)).map { _ in
      type == GRAFT_TYPE_BOOL ? UInt8.random(in: 0...1, using: &generator) : .random(in: 0...255, using: &generator)
    }
  }

  static let tests: Set<UInt32> = Set(
    [
      GRAFT_OP_IS_NAN, GRAFT_OP_IS_INFINITE, GRAFT_OP_IS_FINITE, GRAFT_OP_SIGN_BIT, GRAFT_OP_LOGICAL_NOT,
      GRAFT_OP_EQUAL, GRAFT_OP_NOT_EQUAL, GRAFT_OP_LESS, GRAFT_OP_LESS_EQUAL, GRAFT_OP_GREATER,
      GRAFT_OP_GREATER_EQUAL,
    ].map(\.rawValue))

  /// Buffers of three operands and a result, the elements of which are aligned for themselves only.
  struct Workspace {
    static let size = 6 * 1024
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: 4 * size, alignment: 64)

    /// Where the elements of buffer `index` start that are `width` bytes wide.
    func start(_ index: Int, width: Int) -> UnsafeMutableRawPointer { bytes + index * Self.size + width }

    /// Runs `block`, and returns the bytes of the result; nil if it wrote elsewhere.
    func run(
      _ block: GraftBlock, _ operands: [[UInt8]], _ widths: [Int], result: Int, count: Int, inPlace: Int? = nil
    ) -> [UInt8]? {
      let size = 4 * Self.size
      memset(bytes, 0xa5, size)
      for (index, operand) in operands.enumerated() {
        memcpy(start(index, width: widths[index]), operand, count * widths[index])
      }
      let before = [UInt8](UnsafeRawBufferPointer(start: bytes, count: size))
      let destination = inPlace.map { start($0, width: widths[$0]) } ?? start(3, width: result)
      block(destination, start(0, width: widths[0]), start(1, width: widths[1]), start(2, width: widths[2]), count)
      let written = [UInt8](UnsafeRawBufferPointer(start: destination, count: count * result))
      let offset = destination - bytes
      memcpy(destination, Array(before[offset..<(offset + count * result)]), count * result)
      return memcmp(bytes, before, size) == 0 ? written : nil
    }
  }

  /// The results of fewer elements, and those of blocks that are computed in place, are the same bits as those of 512.
  @Test(arguments: VectorPath.allCases) func elementsDependOnOperandsAlone(path: VectorPath) throws {
    try path.require()
    var generator = SeededBits(seed: 11)
    let workspace = Workspace()
    defer { workspace.bytes.deallocate() }
    var functions = 0
    for type in Self.types {
      for op in Self.operators {
        guard let block = graft_block(path.kernels, op, type) else { continue }
        functions += 1
        let width = graft_type_size(type)
        let condition = op == GRAFT_OP_WHERE ? GRAFT_TYPE_BOOL : type
        let operands = [condition, type, type].map { Self.elements($0, 512, &generator) }
        let widths = [graft_type_size(condition), width, width]
        let result = Self.tests.contains(op.rawValue) ? 1 : width
        let whole = try #require(workspace.run(block, operands, widths, result: result, count: 512))
        for count in blockLengths {
          let part = workspace.run(block, operands, widths, result: result, count: count)
          if part != Array(whole.prefix(count * result)) { Issue.record("\(op) \(type) \(count)") }
          for operand in 0..<3 where widths[operand] >= result {
            let inPlace = workspace.run(block, operands, widths, result: result, count: count, inPlace: operand)
            if inPlace != part { Issue.record("\(op) \(type) \(count) in place of \(operand)") }
          }
        }
      }
    }
    #expect(functions == Self.floats * 2 + Self.integers * 8 + Self.booleans + Self.halves)
  }

  /// How many operators the types have.
  static let (floats, integers, booleans, halves) = (70, 32, 16, 2)
}
