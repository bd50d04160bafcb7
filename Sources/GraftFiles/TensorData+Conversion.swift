import GraftIR

extension TensorData {
  /// The elements as `Double`s, in row-major order; exact for all but large 64-bit integers, which round.
  ///
  /// Bool becomes 0 and 1; a complex tensor becomes its components, real and imaginary interleaved.
  package func doubles() -> [Double] { converted(Double.self) }

  /// The elements as `Float`s, in row-major order, rounded to nearest; otherwise as `doubles`.
  package func floats() -> [Float] { converted(Float.self) }

  private func converted<Target: BinaryFloatingPoint & BitwiseCopyable>(_ type: Target.Type) -> [Target] {
    let components = dtype.isComplex ? 2 * count : count
    return [Target](unsafeUninitializedCapacity: components) { buffer, initialized in
      // Room for nothing is a valid allocation without an address.
      if let base = buffer.baseAddress {
        widen(from: 0, into: UnsafeMutableBufferPointer(start: base, count: components))
      }
      initialized = components
    }
  }

  /// Converts as many elements (components, when complex) as `target` holds, from the `start`-th on.
  @inline(__always)
  func widen<Target: BinaryFloatingPoint>(from start: Int, into target: UnsafeMutableBufferPointer<Target>) {
    if Target.self == Double.self {
      widenToDouble(from: start, into: UnsafeMutableRawBufferPointer(target).assumingMemoryBound(to: Double.self))
    } else {
      widenToFloat(from: start, into: UnsafeMutableRawBufferPointer(target).assumingMemoryBound(to: Float.self))
    }
  }

  private func widenToDouble(from start: Int, into target: UnsafeMutableBufferPointer<Double>) {
    let count = target.count
    withUnsafeBytes { bytes in
      switch dtype {
      case .bool: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = $1 == 0 ? 0 : 1 }
      case .uint8: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = Double($1) }
      case .uint16: eachElement(bytes, as: UInt16.self, start, count) { target[$0] = Double($1) }
      case .uint32: eachElement(bytes, as: UInt32.self, start, count) { target[$0] = Double($1) }
      case .uint64: eachElement(bytes, as: UInt64.self, start, count) { target[$0] = Double($1) }
      case .int8: eachElement(bytes, as: Int8.self, start, count) { target[$0] = Double($1) }
      case .int16: eachElement(bytes, as: Int16.self, start, count) { target[$0] = Double($1) }
      case .int32: eachElement(bytes, as: Int32.self, start, count) { target[$0] = Double($1) }
      case .int64: eachElement(bytes, as: Int64.self, start, count) { target[$0] = Double($1) }
      case .float16:
        eachElement(bytes, as: UInt16.self, start, count) {
          target[$0] = Double(HalfPrecision.float(fromFloat16: $1))
        }
      case .bfloat16:
        eachElement(bytes, as: UInt16.self, start, count) {
          target[$0] = Double(HalfPrecision.float(fromBFloat16: $1))
        }
      case .float32, .complex64: eachElement(bytes, as: Float.self, start, count) { target[$0] = Double($1) }
      case .float64, .complex128: eachElement(bytes, as: Double.self, start, count) { target[$0] = $1 }
      case .key: break
      }
    }
  }

  private func widenToFloat(from start: Int, into target: UnsafeMutableBufferPointer<Float>) {
    let count = target.count
    withUnsafeBytes { bytes in
      switch dtype {
      case .bool: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = $1 == 0 ? 0 : 1 }
      case .uint8: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = Float($1) }
      case .uint16: eachElement(bytes, as: UInt16.self, start, count) { target[$0] = Float($1) }
      case .uint32: eachElement(bytes, as: UInt32.self, start, count) { target[$0] = Float($1) }
      case .uint64: eachElement(bytes, as: UInt64.self, start, count) { target[$0] = Float($1) }
      case .int8: eachElement(bytes, as: Int8.self, start, count) { target[$0] = Float($1) }
      case .int16: eachElement(bytes, as: Int16.self, start, count) { target[$0] = Float($1) }
      case .int32: eachElement(bytes, as: Int32.self, start, count) { target[$0] = Float($1) }
      case .int64: eachElement(bytes, as: Int64.self, start, count) { target[$0] = Float($1) }
      case .float16:
        eachElement(bytes, as: UInt16.self, start, count) { target[$0] = HalfPrecision.float(fromFloat16: $1) }
      case .bfloat16:
        eachElement(bytes, as: UInt16.self, start, count) { target[$0] = HalfPrecision.float(fromBFloat16: $1) }
      case .float32, .complex64: eachElement(bytes, as: Float.self, start, count) { target[$0] = $1 }
      case .float64, .complex128: eachElement(bytes, as: Double.self, start, count) { target[$0] = Float($1) }
      case .key: break
      }
    }
  }

  /// Converts integers or bools to 64-bit patterns, signed ones sign-extended, bool as 0 and 1.
  func widenToBits(from start: Int, into target: UnsafeMutableBufferPointer<UInt64>) {
    let count = target.count
    withUnsafeBytes { bytes in
      switch dtype {
      case .bool: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = $1 == 0 ? 0 : 1 }
      case .uint8: eachElement(bytes, as: UInt8.self, start, count) { target[$0] = UInt64($1) }
      case .uint16: eachElement(bytes, as: UInt16.self, start, count) { target[$0] = UInt64($1) }
      case .uint32: eachElement(bytes, as: UInt32.self, start, count) { target[$0] = UInt64($1) }
      case .uint64: eachElement(bytes, as: UInt64.self, start, count) { target[$0] = $1 }
      case .int8: eachElement(bytes, as: Int8.self, start, count) { target[$0] = UInt64(bitPattern: Int64($1)) }
      case .int16: eachElement(bytes, as: Int16.self, start, count) { target[$0] = UInt64(bitPattern: Int64($1)) }
      case .int32: eachElement(bytes, as: Int32.self, start, count) { target[$0] = UInt64(bitPattern: Int64($1)) }
      case .int64: eachElement(bytes, as: Int64.self, start, count) { target[$0] = UInt64(bitPattern: $1) }
      case .float16, .bfloat16, .float32, .float64, .complex64, .complex128, .key: break
      }
    }
  }
}

/// Calls `body` with 0, 1, ... and the elements from the `start`-th on; inlined, so that each use is a plain loop.
@inline(__always)
private func eachElement<Element: TensorElement>(
  _ bytes: UnsafeRawBufferPointer, as type: Element.Type, _ start: Int, _ count: Int, _ body: (Int, Element) -> Void
) {
  let width = MemoryLayout<Element>.stride
  precondition(start >= 0 && count >= 0 && count <= bytes.count / width - start)
  guard let base = bytes.baseAddress else { return }
  let first = base + start * width
  var index = 0
  while index < count {
    body(index, first.loadUnaligned(fromByteOffset: index &* width, as: Element.self))
    index &+= 1
  }
}
