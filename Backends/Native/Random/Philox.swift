/// Philox 4x32-10: random bits as a function of a key and a counter, with integer arithmetic alone.
///
/// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
struct Philox: Sendable {
  let key: UInt64
  /// Distinguishes uses of one key: the upper half of the counter.
  let stream: UInt64

  /// The stream that tensors are drawn from.
  static let draws: UInt64 = 0
  /// The stream that further keys are made of.
  static let keys: UInt64 = 1

  init(key: UInt64, stream: UInt64 = draws) {
    self.key = key
    self.stream = stream
  }

  /// 64 random bits: those with this number of the key's stream.
  @inline(__always)
  func bits(_ number: UInt64) -> UInt64 {
    let block = block(number >> 1)
    return number & 1 == 0 ? block.0 : block.1
  }

  /// The 128 bits for a counter, the first word lowest.
  @inline(__always)
  func block(_ counter: UInt64) -> (UInt64, UInt64) {
    var words = SIMD4<UInt32>(
      UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32),
      UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    for _ in 0..<10 {
      let p0 = UInt64(words[0]) &* 0xD251_1F53
      let p1 = UInt64(words[2]) &* 0xCD9E_8D57
      words = SIMD4(
        UInt32(truncatingIfNeeded: p1 >> 32) ^ words[1] ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ words[3] ^ k1, UInt32(truncatingIfNeeded: p0))
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (UInt64(words[0]) | UInt64(words[1]) << 32, UInt64(words[2]) | UInt64(words[3]) << 32)
  }
}

extension UInt64 {
  /// The bits as a number in [0, 1), a multiple of 2^-53.
  @inline(__always)
  var unit: Double { Double(self >> 11) * 0x1p-53 }

  /// The bits as a number in [0, 1), a multiple of 2^-24.
  @inline(__always)
  var shortUnit: Float { Float(self >> 40) * 0x1p-24 }

  /// The bits as the centre of one of 2^53 equal parts of (0, 1).
  @inline(__always)
  var openUnit: Double { (Double(self >> 11) + 0.5) * 0x1p-53 }
}
