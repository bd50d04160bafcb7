import GraftIR

/// An expression as a list of block functions over registers and memory.
///
/// The iteration runs over the result in the order in which its elements lie in memory, in blocks of at most
/// ``blockLength`` elements: a part of a row, which is what the innermost axis is called here, or several short rows. A
/// source with neighbouring elements is read where it lies; others are first gathered, repeated or converted into a
/// register, those that do not go on from row to row piece by piece.
///
/// Places, which instructions name by number, are the sources, then the target, then the registers.
struct ChainProgram: Sendable {
  static let blockLength = 512

  /// Extents from the outermost to the innermost, as the result lies in memory; at least one.
  let extents: [Int]
  /// How many whole rows a block may have.
  let rowsPerBlock: Int
  let sources: [ChainLeaf]
  let target: ChainLeaf
  let constants: [ChainConstant]
  let instructions: [ChainInstruction]
  let registerCount: Int
  /// Bytes of a register: a block of the widest element.
  let registerBytes: Int

  var count: Int { extents.reduce(1, *) }
  /// The number of operators.
  var length: Int { instructions.count }
}

/// A view along the axes of a chain's iteration.
struct ChainLeaf: Sendable {
  /// How a block moves between memory and a register.
  enum Transfer: Sendable {
    /// Not at all: instructions work on the memory itself.
    case inPlace
    /// Neighbours that do not go on from row to row.
    case rows
    /// Neighbours of another type than the one computed with.
    case convert(BlockFunction)
    /// One element, repeated.
    case fill(Conversion?)
    /// Elements some bytes apart.
    case strided(Conversion?)
  }

  /// A conversion between memory's type, in a register of its own, and the one computed with.
  struct Conversion: Sendable {
    let function: BlockFunction
    let staging: Int
  }

  let view: View
  /// In bytes, from the outermost axis to the innermost.
  let strides: [Int]
  let transfer: Transfer
  /// The place that instructions use; the leaf's own where it is used in place.
  let place: Int
  /// Whether the next row goes on where one ends.
  let goesOn: Bool
  /// Bytes of an element in the type computed with.
  let computeWidth: Int

  var width: Int { view.dtype.byteWidth }
}

/// A register that holds one number everywhere.
struct ChainConstant: Sendable {
  let place: Int
  let bytes: [UInt8]
}

/// A function of places, which writes to a place.
struct ChainInstruction: Sendable {
  let function: BlockFunction
  let target: Int
  let a: Int
  let b: Int
  let c: Int
}

// MARK: - Scratch memory

extension ChainProgram {
  private var leafCount: Int { sources.count + 1 }
  private var placeCount: Int { leafCount + registerCount }
  private var tableBytes: Int { ((placeCount + leafCount + extents.count) * 8 + 63) / 64 * 64 }

  /// Tables of places, of the leaves' offsets and of the position, then the registers.
  var scratchBytes: Int { tableBytes + registerCount * registerBytes }
}

// MARK: - Running

extension ChainProgram {
  /// Computes the elements in a range of the iteration.
  func run(_ range: Range<Int>, in frame: borrowing TaskFrame, _ kernels: VectorKernels) {
    guard !range.isEmpty else { return }
    let places = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    let offsets = (frame.scratch + placeCount * 8).assumingMemoryBound(to: Int.self)
    let position = offsets + leafCount
    for register in 0..<registerCount {
      places[leafCount + register] = frame.scratch + tableBytes + register * registerBytes
    }
    for constant in constants {
      constant.bytes.withUnsafeBytes { bytes in
        guard let element = bytes.baseAddress else { return }
        kernels.fill(places[constant.place], element, width: bytes.count, Self.blockLength)
      }
    }
    start(at: range.lowerBound, position, offsets)
    let innermost = extents.count - 1
    var left = range.count
    while left > 0 {
      let rows = rowsPerBlock > 1 && position[innermost] == 0 ? wholeRows(left, position[innermost - 1]) : 1
      if rows > 1 {
        runBlock(rows: rows, of: extents[innermost], places, offsets, in: frame, kernels)
        left -= rows * extents[innermost]
        advance(along: innermost - 1, by: rows, position, offsets)
      } else {
        let length = min(Self.blockLength, extents[innermost] - position[innermost], left)
        runBlock(rows: 1, of: length, places, offsets, in: frame, kernels)
        left -= length
        advance(along: innermost, by: length, position, offsets)
      }
    }
  }

  /// The rows of the next block, where `left` elements and the rows from `row` on are to be done.
  private func wholeRows(_ left: Int, _ row: Int) -> Int {
    let innermost = extents.count - 1
    return min(rowsPerBlock, extents[innermost - 1] - row, left / extents[innermost])
  }

  private func runBlock(
    rows: Int, of length: Int, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ offsets: UnsafeMutablePointer<Int>,
    in frame: borrowing TaskFrame, _ kernels: VectorKernels
  ) {
    for index in sources.indices {
      let memory = frame.raw(sources[index].view) + offsets[index]
      places[index] = memory
      sources[index].load(from: memory, places, rows: rows, of: length, kernels)
    }
    let memory = frame.raw(target.view) + offsets[sources.count]
    places[sources.count] = memory
    for instruction in instructions {
      instruction.function(
        places[instruction.target], places[instruction.a], places[instruction.b], places[instruction.c], rows * length)
    }
    target.store(to: memory, places, rows * length, kernels)
  }

  /// Sets the position to the `element`-th of the iteration.
  private func start(at element: Int, _ position: UnsafeMutablePointer<Int>, _ offsets: UnsafeMutablePointer<Int>) {
    var rest = element
    for axis in extents.indices.reversed() {
      position[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    for index in 0..<leafCount {
      let strides = index < sources.count ? sources[index].strides : target.strides
      offsets[index] = extents.indices.reduce(0) { $0 + position[$1] * strides[$1] }
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
    for index in sources.indices { offsets[index] += steps * sources[index].strides[axis] }
    offsets[sources.count] += steps * target.strides[axis]
  }
}

extension ChainLeaf {
  private var step: Int { strides.last ?? 0 }

  fileprivate func load(
    from memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, rows: Int,
    of length: Int, _ kernels: VectorKernels
  ) {
    if isInPlace { return }
    if rows == 1 || goesOn { return load(from: memory, places, at: 0, rows * length, kernels) }
    for row in 0..<rows {
      load(from: memory + row * strides[strides.count - 2], places, at: row * length, length, kernels)
    }
  }

  /// Loads elements to the `first`-th place of the register and those after it.
  private func load(
    from memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, at first: Int,
    _ length: Int, _ kernels: VectorKernels
  ) {
    let target = places[place] + first * computeWidth
    func staging(_ conversion: Conversion?) -> UnsafeMutableRawPointer {
      conversion.map { places[$0.staging] + first * width } ?? target
    }
    switch transfer {
    case .inPlace: return
    case .rows: target.copyMemory(from: memory, byteCount: length * width)
    case .convert(let convert): convert(target, memory, nil, nil, length)
    case .fill(let conversion):
      kernels.fill(staging(conversion), memory, width: width, length)
      conversion?.function(target, staging(conversion), nil, nil, length)
    case .strided(let conversion):
      kernels.gather(staging(conversion), memory, step: step, width: width, length)
      conversion?.function(target, staging(conversion), nil, nil, length)
    }
  }

  fileprivate func store(
    to memory: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ length: Int,
    _ kernels: VectorKernels
  ) {
    switch transfer {
    case .inPlace, .rows, .fill: return
    case .convert(let convert): convert(memory, places[place], nil, nil, length)
    case .strided(let conversion):
      conversion?.function(places[conversion?.staging ?? place], places[place], nil, nil, length)
      kernels.scatter(memory, places[conversion?.staging ?? place], step: step, width: width, length)
    }
  }
}
