/// Conversions between 16-bit floating-point bit patterns and `Float`, written out because `Float16` is missing
/// on some platforms and `bfloat16` on all.
package enum HalfPrecision {
  /// The value of an IEEE 754 binary16 bit pattern; exact, NaN payloads kept.
  @inlinable
  package static func float(fromFloat16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7FFF)
    // Scaling by 2^112 moves the exponent from binary16's bias to binary32's and normalises subnormals.
    let scaled = Float(bitPattern: magnitude << 13) * Float(bitPattern: 0x7780_0000)
    let special: UInt32 = magnitude >= 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled.bitPattern | special | sign)
  }

  /// The value of a bfloat16 bit pattern; exact.
  @inlinable
  package static func float(fromBFloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The nearest binary16, ties to even; values beyond 65504 that round up become infinite, NaN stays NaN.
  package static func float16(from value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: (bits >> 16) & 0x8000)
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude >= 0x7F80_0000 {
      if magnitude == 0x7F80_0000 { return sign | 0x7C00 }
      return sign | 0x7E00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x3FF)
    }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
      // Below binary16's smallest normal: adding 0.5 leaves the rounded subnormal in the low bits.
      let shifted = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- Float(0.5).bitPattern)
    }
    let odd = (magnitude >> 13) & 1
    let rounded = (magnitude &- 0x3800_0000) &+ 0xFFF &+ odd
    return sign | UInt16(truncatingIfNeeded: rounded >> 13)
  }

  /// The nearest bfloat16, ties to even; NaN stays NaN.
  package static func bfloat16(from value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }
}
