import GraftIR
import GraftOps

/// A tensor of whole numbers (booleans are 0 and 1) or floating ones, for checking what passes keep.
struct ReferenceTensor: Equatable {
  var shape: [Int]
  var elements: [Double]

  init(_ shape: [Int], _ element: ([Int]) throws -> Double) rethrows {
    self.shape = shape
    elements = try ReferenceTensor.places(shape).map(element)
  }

  /// Every multi-index of a shape, in row-major order.
  static func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
  }

  subscript(_ place: [Int]) -> Double { elements[offset(place)] }

  private func offset(_ place: [Int]) -> Int { zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 } }

  /// The element of the tensor broadcast to a shape of which `place` is a multi-index.
  func broadcast(at place: [Int]) -> Double {
    self[zip(place.suffix(shape.count), shape).map { $1 == 1 ? 0 : $0 }]
  }
}

/// Runs the ops that programs of index functions are made of, on small tensors.
struct ReferenceRun {
  struct Unsupported: Error { var op: String }

  let function: Function
  let sizes: [String: Int]
  private(set) var values: [Value: ReferenceTensor] = [:]

  init(_ function: Function, sizes: [String: Int], inputs: [Value: ReferenceTensor]) throws {
    self.function = function
    self.sizes = sizes
    values = inputs
    for operation in function.body.operations { try run(operation) }
  }

  var results: [ReferenceTensor] { function.body.results.flatMap(\.values).compactMap { values[$0] } }

  private func number(_ dim: Dim) -> Int { dim.evaluate(sizes) ?? -1 }

  private mutating func run(_ operation: Operation) throws {
    guard let definition = OpCatalogue.definition(operation.name) else { throw Unsupported(op: operation.name) }
    let call = OpCall(operation, of: definition, in: function)
    let shape = function.type(of: operation.results[0]).shape.map(number)
    let result: ReferenceTensor
    if let elementwise = Self.elementwise[operation.name] {
      let operands = (0..<operation.operands.count).map { operand(call, $0) }
      result = ReferenceTensor(shape) { place in elementwise(operands.map { $0(place) }) }
    } else {
      result = try structural(call, shape)
    }
    values[operation.results[0]] = result
  }

  private func operand(_ call: OpCall, _ position: Int) -> ([Int]) -> Double {
    switch call[position] {
    case .scalar(let scalar): return { _ in scalar.asDouble ?? .nan }
    case .value(let value):
      let tensor = values[value]
      return { tensor?.broadcast(at: $0) ?? .nan }
    case .absent, .list: return { _ in .nan }
    }
  }

  private static let elementwise: [String: @Sendable ([Double]) -> Double] = [
    "add": { $0[0] + $0[1] }, "subtract": { $0[0] - $0[1] }, "multiply": { $0[0] * $0[1] },
    "floor_divide": { ($0[0] / $0[1]).rounded(.down) },
    "remainder": { $0[0] - $0[1] * ($0[0] / $0[1]).rounded(.down) },
    "maximum": { max($0[0], $0[1]) }, "minimum": { min($0[0], $0[1]) }, "negative": { -$0[0] }, "abs": { abs($0[0]) },
    "equal": { $0[0] == $0[1] ? 1 : 0 }, "not_equal": { $0[0] != $0[1] ? 1 : 0 },
    "less": { $0[0] < $0[1] ? 1 : 0 }, "less_equal": { $0[0] <= $0[1] ? 1 : 0 },
    "greater": { $0[0] > $0[1] ? 1 : 0 }, "greater_equal": { $0[0] >= $0[1] ? 1 : 0 },
    "bitwise_and": { min($0[0], $0[1]) }, "bitwise_or": { max($0[0], $0[1]) },
    "bitwise_xor": { $0[0] == $0[1] ? 0 : 1 }, "bitwise_not": { 1 - $0[0] },
    "where": { $0[0] != 0 ? $0[1] : $0[2] },
  ]

  private func structural(_ call: OpCall, _ shape: [Int]) throws -> ReferenceTensor {
    let x = call[0].asValue.flatMap { values[$0] } ?? ReferenceTensor([]) { _ in .nan }
    switch call.definition.name {
    case "arange":
      let (start, step) = (try call.double("start"), try call.double("step"))
      return ReferenceTensor(shape) { start + step * Double($0[0]) }
    case "full":
      let value = try call.scalar("value").asDouble ?? .nan
      return ReferenceTensor(shape) { _ in value }
    case "dimension":
      let value = number(try call.dim("value"))
      return ReferenceTensor([]) { _ in Double(value) }
    case "cast":
      let isBool = try call.dtype("dtype") == .bool
      return ReferenceTensor(shape) { isBool ? (x[$0] != 0 ? 1 : 0) : x[$0] }
    case "reshape":
      var result = ReferenceTensor(shape) { _ in 0 }
      result.elements = x.elements
      return result
    case "broadcast_to": return ReferenceTensor(shape) { x.broadcast(at: $0) }
    case "transpose":
      let permutation = try call.ints("permutation")
      return ReferenceTensor(shape) { place in
        x[permutation.indices.map { axis in place[permutation.firstIndex(of: axis) ?? 0] }]
      }
    case "slice":
      let (starts, steps) = (try call.dims("starts").map(number), try call.dims("steps").map(number))
      return ReferenceTensor(shape) { place in x[place.indices.map { starts[$0] + steps[$0] * place[$0] }] }
    case "select":
      let (axis, index) = (try call.int("axis"), number(try call.dim("index")))
      return ReferenceTensor(shape) { place in x[Array(place[..<axis]) + [index] + Array(place[axis...])] }
    case "flip":
      let axes = try call.ints("axes")
      return ReferenceTensor(shape) { place in
        x[place.indices.map { axes.contains($0) ? shape[$0] - 1 - place[$0] : place[$0] }]
      }
    case "concat": return try joined(call, shape)
    case "pad":
      let (low, fill) = (try call.dims("low").map(number), try call.double("value"))
      return ReferenceTensor(shape) { place in
        let inner = zip(place, low).map { $0 - $1 }
        return zip(inner, x.shape).allSatisfy { $0 >= 0 && $0 < $1 } ? x[inner] : fill
      }
    case "cumsum":
      let axis = try call.int("axis")
      return ReferenceTensor(shape) { place in
        (0...place[axis]).reduce(0) { sum, index in
          var inner = place
          inner[axis] = index
          return sum + x[inner]
        }
      }
    case "index": return try picked(call, x, shape)
    case "exp":
      // Stands for any op of which the analysis knows nothing.
      return ReferenceTensor(shape) { x[$0] }
    case "attention": return try visible(call, shape)
    default: throw Unsupported(op: call.definition.name)
    }
  }

  private func joined(_ call: OpCall, _ shape: [Int]) throws -> ReferenceTensor {
    let (axis, parts) = (try call.int("axis"), call[0].values.compactMap { values[$0] })
    return ReferenceTensor(shape) { place in
      var inner = place
      for part in parts {
        if inner[axis] < part.shape[axis] { return part[inner] }
        inner[axis] -= part.shape[axis]
      }
      return .nan
    }
  }

  /// Elements of a matrix picked along both of its axes.
  private func picked(_ call: OpCall, _ x: ReferenceTensor, _ shape: [Int]) throws -> ReferenceTensor {
    let indices = call[1].values.compactMap { values[$0] }
    guard indices.count == x.shape.count else { throw Unsupported(op: "index of some axes") }
    return ReferenceTensor(shape) { place in
      x[
        zip(indices, x.shape).map { index, extent in
          let number = Int(index.broadcast(at: place))
          return number < 0 ? number + extent : number
        }]
    }
  }

  /// In the place of attention's result [N, H, T, D], what its mask and `causal` add to a score: row 0 to T - 1 of the
  /// first D keys in each head.
  private func visible(_ call: OpCall, _ shape: [Int]) throws -> ReferenceTensor {
    let isCausal = try call.bool("causal")
    let mask = call[3].asValue.flatMap { values[$0] }
    let isBoolean = call[3].asValue.map { function.type(of: $0).dtype == .bool } ?? true
    let keys = number(try call.type(1).shape[2])
    return ReferenceTensor([shape[0], shape[1], shape[2], keys]) { place in
      if isCausal, place[3] > place[2] { return -.infinity }
      guard let mask else { return 0 }
      let element = mask.broadcast(at: place)
      return isBoolean ? (element != 0 ? 0 : -.infinity) : element
    }
  }
}
