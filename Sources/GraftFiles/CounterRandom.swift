/// A random number generator whose n-th number is a function of the seed and n alone.
///
/// It is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the n-th number is
/// `mix(seed + n * 0x9E3779B97F4A7C15)`, n from 1 on. All arithmetic is integer or correctly rounded IEEE 754, so
/// the numbers are the same on every machine. For test inputs, not for secrets.
package struct CounterRandom: RandomNumberGenerator, Sendable {
  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var state: UInt64

  /// The generator for a seed.
  package init(seed: UInt64) { state = seed }

  /// A generator that is independent of this one and of those for other streams, without advancing this one.
  package func split(_ stream: UInt64) -> CounterRandom {
    CounterRandom(seed: Self.mix(state ^ Self.mix(stream &+ Self.increment)))
  }

  /// 64 random bits.
  @inline(__always)
  package mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  /// A number in [0, 1), a multiple of 2^-53.
  @inline(__always)
  package mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number from the standard normal distribution.
  @inline(__always)
  package mutating func nextNormal() -> Double {
    // The centre of one of 2^53 equal intervals: neither 0 nor 1.
    normalQuantile((Double(next() >> 11) - 0x1p52) * 0x1p-53 + 0x1p-54)
  }

  /// An integer from `range`, which must not be empty; every one equally likely to within 2^-64 times the length.
  @inline(__always)
  package mutating func nextInteger(in range: ClosedRange<Int64>) -> Int64 {
    let span = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    if span == .max { return Int64(bitPattern: next()) }
    return range.lowerBound &+ Int64(bitPattern: next().multipliedFullWidth(by: span + 1).high)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// The standard normal quantile of `centred + 0.5`, |centred| < 0.5: algorithm AS 241 (Wichura, 1988), whose relative
/// error is about 1e-16.
package func normalQuantile(_ centred: Double) -> Double {
  if centred.magnitude <= 0.425 {
    let r = 0.180625 - centred * centred
    return centred
      * polynomial(
        r, 3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
        4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3)
      / polynomial(
        r, 1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
        3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3)
  }
  let tail = (-deterministicLog(0.5 - centred.magnitude)).squareRoot()
  let magnitude: Double
  if tail <= 5 {
    let r = tail - 1.6
    magnitude =
      polynomial(
        r, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
        1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4)
      / polynomial(
        r, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9)
  } else {
    let r = tail - 5
    magnitude =
      polynomial(
        r, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7)
      / polynomial(
        r, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15)
  }
  return centred < 0 ? -magnitude : magnitude
}

/// c0 + c1 x + ... + c7 x^7.
@inline(__always)
private func polynomial(
  _ x: Double, _ c0: Double, _ c1: Double, _ c2: Double, _ c3: Double,
  _ c4: Double, _ c5: Double, _ c6: Double, _ c7: Double
) -> Double {
  ((((((c7 * x + c6) * x + c5) * x + c4) * x + c3) * x + c2) * x + c1) * x + c0
}

/// The natural logarithm of a positive normal number from additions, multiplications and one division, so that it
/// does not depend on a mathematics library; the relative error is below 1e-14 for `x` at most 0.1.
package func deterministicLog(_ x: Double) -> Double {
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m - 1) / (m + 1)).
  let bits = x.bitPattern
  var mantissa = Double(bitPattern: bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
  var exponent = Double(Int64(bits >> 52 & 0x7FF) - 1023)
  if mantissa > 1.4142135623730951 {
    mantissa *= 0.5
    exponent += 1
  }
  let s = (mantissa - 1) / (mantissa + 1)
  let z = s * s
  let low = polynomial(z, 1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15)
  let z2 = z * z
  let z4 = z2 * z2
  let high = ((1 / 21 * z + 1 / 19) * z + 1 / 17) * (z4 * z4)
  return exponent * 0.693147180559945309417 + 2 * s * (low + high)
}
