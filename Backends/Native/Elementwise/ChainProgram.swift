import GraftIR

/// An expression as a list of block functions over registers and memory.
///
/// The iteration runs over the result in the order in which its elements lie in memory, in blocks of at most
/// ``blockLength`` elements: a part of a row, which is what the innermost axis is called here, or several short rows. A
/// source with neighbouring elements is read where it lies; others are first gathered, repeated or converted into a
/// register, those that do not go on from row to row piece by piece.
///
/// Places, which instructions name by number, are the sources, then the target, then the registers. ``ChainCode`` runs it.
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
