import GraftIR
import GraftOps
import OrderedCollections

/// The axes of a tensor that was reshaped, transposed and indexed, in terms of the tensor that it was made from.
///
/// Every axis of the source is a product of atoms, indivisible extents in row-major order; every axis of the view is a
/// product of some of the same atoms. Atoms of extent 1 are left out. An atom that the view has one position of is fixed.
struct AxisView {
  /// The extents of the atoms, by number.
  private(set) var extents: [Dim] = []
  /// The atoms of each axis of the source.
  private(set) var source: [[Int]] = []
  /// The atoms of each axis of the view.
  private(set) var axes: [[Int]] = []
  /// The positions of the atoms that were indexed, in the order of the indexing.
  private(set) var fixed: OrderedDictionary<Int, Dim> = [:]

  /// The source itself.
  init(of shape: [Dim]) {
    for extent in shape {
      source.append(extent == 1 ? [] : [extents.count])
      if extent != 1 { extents.append(extent) }
    }
    axes = source
  }

  /// The view that the operation makes of this one; nil where the atoms do not show it.
  func applying(_ call: OpCall) throws -> AxisView? {
    var view = self
    switch call.definition.name {
    case "reshape": return view.reshape(to: try call.dims("shape")) ? view : nil
    case "transpose":
      view.axes = try call.axes("permutation", rank: axes.count).map { axes[$0] }
      return view
    case "select":
      let atoms = view.axes.remove(at: try call.axis("axis", rank: axes.count))
      guard atoms.count <= 1 else { return nil }
      if let atom = atoms.first { view.fixed[atom] = try call.dim("index") }
      return view
    default: return nil
    }
  }

  private mutating func reshape(to shape: [Dim]) -> Bool {
    var left = axes.flatMap(\.self)
    var reshaped: [[Int]] = []
    for extent in shape {
      var (axis, missing): ([Int], Dim) = ([], extent)
      while missing != 1 {
        guard let atom = left.first, missing != 0 else { return false }
        if let quotient = missing.exactQuotient(by: extents[atom]) {
          axis.append(atom)
          left.removeFirst()
          missing = quotient
        } else if let rest = extents[atom].exactQuotient(by: missing) {
          let parts = split(atom, into: missing, rest)
          axis.append(parts.0)
          reshaped = reshaped.map { Self.replacing(atom, by: parts, in: $0) }
          left[0] = parts.1
          missing = 1
        } else {
          return false
        }
      }
      reshaped.append(axis)
    }
    axes = reshaped
    return left.isEmpty
  }

  private mutating func split(_ atom: Int, into first: Dim, _ second: Dim) -> (Int, Int) {
    let parts = (extents.count, extents.count + 1)
    extents += [first, second]
    source = source.map { Self.replacing(atom, by: parts, in: $0) }
    return parts
  }

  private static func replacing(_ atom: Int, by parts: (Int, Int), in atoms: [Int]) -> [Int] {
    atoms.flatMap { $0 == atom ? [parts.0, parts.1] : [$0] }
  }

  /// The extent of an axis made of the atoms.
  func extent(_ atoms: [Int]) -> Dim { atoms.reduce(1) { $0 * extents[$1] } }
}
