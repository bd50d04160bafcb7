import GraftFiles
import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops without operands. Their results are known when the plan is made.
  static let creation: [LoweringRule] = [
    LoweringRule(.constant) { planner, call in
      guard case .literal(let literal) = try call.attribute("value") else {
        throw Diagnostic(.invalidProgram, "`value` must be a tensor", at: planner.origin.location)
      }
      let bytes = literal.elements.flatMap { $0.bytes(as: literal.dtype) }
      return [Expression(try planner.tensor(literal.shape, literal.dtype, bytes))]
    },
    LoweringRule(.full) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      return [Expression(.scalar(try call.scalar("value")), dtype: dtype, shape: shape)]
    },
    LoweringRule(.dimension) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      return [Expression(.scalar(.int(try call.int("value"))), dtype: dtype, shape: shape)]
    },
    LoweringRule(.arange) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let (start, step) = (try call.scalar("start"), try call.scalar("step"))
      if case .int(let start) = start, case .int(let step) = step {
        let target = try planner.allocate(shape, .int64)
        planner.add(NumberingStep(target: target) { Int64(start &+ $0 &* step) })
        return [Expression(target).converted(to: dtype)]
      }
      let target = try planner.allocate(shape, .float64)
      let (first, distance) = (start.asDouble ?? 0, step.asDouble ?? 0)
      planner.add(NumberingStep(target: target) { first + Double($0) * distance })
      return [Expression(target).converted(to: dtype)]
    },
  ]
}

/// Numbers by their position in a row-major tensor.
struct NumberingStep<Element: BitwiseCopyable & Sendable>: Step {
  let target: View
  let number: @Sendable (Int) -> Element

  var name: String { "numbering" }
  var reads: [View] { [] }
  var writes: [View] { [target] }
  private static var grain: Int { 32_768 }
  var taskCount: Int { max(1, (target.count + Self.grain - 1) / Self.grain) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let results = frame.pointer(target, as: Element.self)
    let first = task * Self.grain
    for index in first..<min(first + Self.grain, target.count) { results[index] = number(index) }
  }
}

extension Planner {
  /// A tensor whose bytes are known.
  fileprivate func tensor(_ shape: [Int], _ dtype: DType, _ bytes: [UInt8]) throws -> View {
    let data = try TensorData(dtype: dtype, shape: shape) { target in
      bytes.withUnsafeBytes { target.copyMemory(from: $0) }
    }
    return constant(data)
  }
}

extension Scalar {
  /// The number as an element in memory.
  func bytes(as dtype: DType) -> [UInt8] {
    func raw<T: BitwiseCopyable>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    let (real, imaginary) = parts
    switch dtype {
    case .bool: return raw(UInt8(real != 0 || imaginary != 0 ? 1 : 0))
    case .uint8: return raw(UInt8(truncatingIfNeeded: whole))
    case .uint16: return raw(UInt16(truncatingIfNeeded: whole))
    case .uint32: return raw(UInt32(truncatingIfNeeded: whole))
    case .uint64: return raw(UInt64(truncatingIfNeeded: whole))
    case .int8: return raw(Int8(truncatingIfNeeded: whole))
    case .int16: return raw(Int16(truncatingIfNeeded: whole))
    case .int32: return raw(Int32(truncatingIfNeeded: whole))
    case .int64: return raw(Int64(whole))
    case .float16: return raw(HalfPrecision.float16(from: Float(real)))
    case .bfloat16: return raw(HalfPrecision.bfloat16(from: Float(real)))
    case .float32: return raw(Float(real))
    case .float64: return raw(real)
    case .complex64: return raw(Float(real)) + raw(Float(imaginary))
    case .complex128: return raw(real) + raw(imaginary)
    case .key: return []
    }
  }

  private var parts: (Double, Double) {
    if case .complex(let real, let imaginary) = self { return (real, imaginary) }
    return (asDouble ?? 0, 0)
  }

  /// The number without its fraction, at the ends of the range where it is outside.
  private var whole: Int {
    if case .int(let value) = self { return value }
    let value = parts.0.rounded(.towardZero)
    return Int(exactly: value) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }
}
