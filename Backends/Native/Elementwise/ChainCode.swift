import NativeKernels

/// A chain as its loops read it: numbers and addresses alone. An array or an object would be counted on each use, and
/// threads that count the same one at the same time wait for each other.
///
/// Its memory is a ``ChainMemory``'s.
struct ChainCode: @unchecked Sendable {
  /// A source, or the target, as a block reads or writes it.
  struct Leaf {
    let buffer: Int
    /// Where its first element is, in bytes.
    let start: Int
    /// Bytes from element to element of a row, and from row to row.
    let step: Int
    let rowStride: Int
    let transfer: ChainLeaf.Transfer
    let place: Int
    /// Whether the next row goes on where one ends.
    let goesOn: Bool
    /// Whether it is one element for all of the iteration, whose register is filled once.
    let isRepeated: Bool
    /// Bytes of an element in memory, and in the type computed with.
    let width: Int
    let computeWidth: Int
    let moves: ElementMoves
  }

  /// A register that holds one number everywhere.
  struct Constant {
    let place: Int
    /// The number's bytes, from the first on.
    let bytes: SIMD16<UInt8>
    let moves: ElementMoves
  }

  /// From the outermost axis to the innermost.
  private let extents: UnsafePointer<Int>
  private let rank: Int
  /// Elements of the iteration.
  let count: Int
  private let rowsPerBlock: Int
  /// The target last.
  private let leaves: UnsafePointer<Leaf>
  private let leafCount: Int
  /// In bytes: for each leaf one for each axis.
  private let strides: UnsafePointer<Int>
  private let constants: UnsafeBufferPointer<Constant>
  private let instructions: UnsafeBufferPointer<ChainInstruction>
  private let registerCount: Int
  private let registerBytes: Int

  init(_ program: ChainProgram, _ kernels: VectorKernels, in memory: ChainMemory) {
    extents = memory.keep(program.extents).start
    rank = program.extents.count
    count = program.count
    rowsPerBlock = program.rowsPerBlock
    let all = program.sources + [program.target]
    leaves = memory.keep(all.map { Leaf($0, kernels) }).start
    leafCount = all.count
    strides = memory.keep(all.flatMap(\.strides)).start
    constants = memory.keep(program.constants.map { Constant($0, kernels) }).elements
    instructions = memory.keep(program.instructions).elements
    (registerCount, registerBytes) = (program.registerCount, program.registerBytes)
  }
}

/// Memory that numbers for many runs are kept in; freed with the object.
final class ChainMemory: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  /// Copies elements, which refer to no objects.
  func keep<Element>(_ elements: [Element]) -> (start: UnsafePointer<Element>, elements: UnsafeBufferPointer<Element>) {
    let block = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
    block.initialize(from: elements, count: elements.count)
    blocks.append(UnsafeMutableRawPointer(block))
    return (UnsafePointer(block), UnsafeBufferPointer(start: block, count: elements.count))
  }
}

extension ChainCode.Leaf {
  fileprivate init(_ leaf: ChainLeaf, _ kernels: VectorKernels) {
    buffer = leaf.view.buffer
    start = leaf.view.offset * leaf.width
    step = leaf.strides.last ?? 0
    rowStride = leaf.strides.count > 1 ? leaf.strides[leaf.strides.count - 2] : 0
    transfer = leaf.transfer
    place = leaf.place
    goesOn = leaf.goesOn
    if case .fill = leaf.transfer { isRepeated = leaf.strides.allSatisfy { $0 == 0 } } else { isRepeated = false }
    (width, computeWidth) = (leaf.width, leaf.computeWidth)
    moves = kernels.moves(width: leaf.width)
  }
}

extension ChainCode.Constant {
  fileprivate init(_ constant: ChainConstant, _ kernels: VectorKernels) {
    place = constant.place
    var bytes = SIMD16<UInt8>()
    for (index, byte) in constant.bytes.prefix(16).enumerated() { bytes[index] = byte }
    self.bytes = bytes
    moves = kernels.moves(width: constant.bytes.count)
  }
}

// MARK: - Running

extension ChainCode {
  private typealias Places = UnsafeMutablePointer<UnsafeMutableRawPointer>

  private var placeCount: Int { leafCount + registerCount }
  private var tableBytes: Int { ((placeCount + leafCount + rank) * 8 + 63) / 64 * 64 }

  /// Tables of places, of the leaves' offsets and of the position, then the registers.
  var scratchBytes: Int { tableBytes + registerCount * registerBytes }

  /// The number of operators.
  var length: Int { instructions.count }

  /// Computes the elements in a range of the iteration.
  func run(_ range: Range<Int>, in frame: borrowing TaskFrame) {
    if range.isEmpty { return }
    prepare(in: frame)
    runPrepared(range, in: frame)
  }

  /// Sets the places of registers, and those registers that hold one number everywhere.
  func prepare(in frame: borrowing TaskFrame) {
    let places = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    for register in 0..<registerCount {
      places[leafCount + register] = frame.scratch + tableBytes + register * registerBytes
    }
    for constant in constants {
      withUnsafeBytes(of: constant.bytes) { bytes in
        guard let element = bytes.baseAddress else { return }
        constant.moves.fill(places[constant.place], element, ChainProgram.blockLength)
      }
    }
    for index in 0..<leafCount where leaves[index].isRepeated {
      let leaf = leaves[index]
      leaf.load(from: frame.buffers[leaf.buffer] + leaf.start, places, at: 0, ChainProgram.blockLength)
    }
  }

  /// The same, in scratch memory that was prepared.
  func runPrepared(_ range: Range<Int>, in frame: borrowing TaskFrame) {
    let places = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    let offsets = (frame.scratch + placeCount * 8).assumingMemoryBound(to: Int.self)
    let position = offsets + leafCount
    start(at: range.lowerBound, position, offsets)
    let innermost = rank - 1
    var left = range.count
    while left > 0 {
      let rows = rowsPerBlock > 1 && position[innermost] == 0 ? wholeRows(left, position[innermost - 1]) : 1
      if rows > 1 {
        runBlock(rows: rows, of: extents[innermost], places, offsets, in: frame)
        left -= rows * extents[innermost]
        advance(along: innermost - 1, by: rows, position, offsets)
      } else {
        let length = min(ChainProgram.blockLength, extents[innermost] - position[innermost], left)
        runBlock(rows: 1, of: length, places, offsets, in: frame)
        left -= length
        advance(along: innermost, by: length, position, offsets)
      }
    }
  }

  /// The rows of the next block, where `left` elements and the rows from `row` on are to be done.
  private func wholeRows(_ left: Int, _ row: Int) -> Int {
    min(rowsPerBlock, extents[rank - 2] - row, left / extents[rank - 1])
  }

  private func runBlock(
    rows: Int, of length: Int, _ places: Places, _ offsets: UnsafeMutablePointer<Int>, in frame: borrowing TaskFrame
  ) {
    for index in 0..<leafCount {
      let leaf = leaves + index
      places[index] = frame.buffers[leaf.pointee.buffer] + (leaf.pointee.start + offsets[index])
      if index < leafCount - 1 { leaf.pointee.load(from: places[index], places, rows: rows, of: length) }
    }
    for instruction in instructions {
      instruction.function(
        places[instruction.target], places[instruction.a], places[instruction.b], places[instruction.c], rows * length)
    }
    leaves[leafCount - 1].store(to: places[leafCount - 1], places, rows * length)
  }

  /// Sets the position to the `element`-th of the iteration.
  private func start(at element: Int, _ position: UnsafeMutablePointer<Int>, _ offsets: UnsafeMutablePointer<Int>) {
    var rest = element
    for axis in (0..<rank).reversed() {
      position[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    for index in 0..<leafCount {
      var offset = 0
      for axis in 0..<rank { offset += position[axis] * strides[index * rank + axis] }
      offsets[index] = offset
    }
  }

  /// Moves on along an axis, and at its end to the next place of those around it.
  private func advance(
    along first: Int, by steps: Int, _ position: UnsafeMutablePointer<Int>, _ offsets: UnsafeMutablePointer<Int>
  ) {
    var axis = first
    move(axis, by: steps, position, offsets)
    while axis > 0, position[axis] == extents[axis] {
      move(axis, by: -extents[axis], position, offsets)
      axis -= 1
      move(axis, by: 1, position, offsets)
    }
  }

  private func move(
    _ axis: Int, by steps: Int, _ position: UnsafeMutablePointer<Int>, _ offsets: UnsafeMutablePointer<Int>
  ) {
    position[axis] += steps
    for index in 0..<leafCount { offsets[index] += steps * strides[index * rank + axis] }
  }
}

extension ChainCode.Leaf {
  fileprivate func load(
    from memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, rows: Int,
    of length: Int
  ) {
    if isRepeated { return }
    if case .inPlace = transfer { return }
    if rows == 1 || goesOn { return load(from: memory, places, at: 0, rows * length) }
    for row in 0..<rows { load(from: memory + row * rowStride, places, at: row * length, length) }
  }

  /// Loads elements to the `first`-th place of the register and those after it.
  fileprivate func load(
    from memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, at first: Int,
    _ length: Int
  ) {
    let target = places[place] + first * computeWidth
    func staging(_ conversion: ChainLeaf.Conversion?) -> UnsafeMutableRawPointer {
      conversion.map { places[$0.staging] + first * width } ?? target
    }
    switch transfer {
    case .inPlace: return
    case .rows: target.copyMemory(from: memory, byteCount: length * width)
    case .convert(let convert): convert(target, memory, nil, nil, length)
    case .fill(let conversion):
      moves.fill(staging(conversion), memory, length)
      conversion?.function(target, staging(conversion), nil, nil, length)
    case .strided(let conversion):
      moves.gather(staging(conversion), memory, step: step, length)
      conversion?.function(target, staging(conversion), nil, nil, length)
    }
  }

  fileprivate func store(
    to memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ length: Int
  ) {
    switch transfer {
    case .inPlace, .rows, .fill: return
    case .convert(let convert): convert(memory, places[place], nil, nil, length)
    case .strided(let conversion):
      conversion?.function(places[conversion?.staging ?? place], places[place], nil, nil, length)
      moves.scatter(memory, places[conversion?.staging ?? place], step: step, length)
    }
  }
}
