import NativeKernels
import Testing

@testable import GraftNative

/// A path of kernels as the argument of a test.
enum VectorPath: String, CaseIterable, CustomTestStringConvertible {
  case baseline, avx2, avx512

  var testDescription: String { rawValue }

  var kernels: GraftPath {
    switch self {
    case .baseline: GRAFT_BASELINE
    case .avx2: GRAFT_AVX2
    case .avx512: GRAFT_AVX512
    }
  }

  /// Skips the test, and has that counted, where the processor cannot run the path.
  func require() throws {
    guard let path = KernelPath(rawValue: rawValue) else { return }
    let missing = path.missing(from: .current)
    if !missing.isEmpty {
      try Test.cancel("needs \(missing.map(\.rawValue).joined(separator: ", "))")
    }
  }
}

/// SplitMix64.
struct SeededBits: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// The distance of a result from the exact number, in units of the last place that a float near it has; 0 where both
/// are NaN or the same infinity, infinite where only one is.
func ulps(_ result: Float, from exact: Double) -> Double {
  if exact.isNaN || result.isNaN { return exact.isNaN && result.isNaN ? 0 : .infinity }
  let rounded = Float(exact)
  if result == rounded { return result == 0 && exact == 0 && result.sign != exact.sign ? .infinity : 0 }
  if !rounded.isFinite || !result.isFinite {
    // One place below the greatest number is as near as the infinity is.
    let other = rounded.isFinite ? rounded : result
    return abs(other) == .greatestFiniteMagnitude && (result > 0) == (exact > 0) ? 1 : .infinity
  }
  return abs(Double(result) - exact) / Double(max(rounded.ulp, Float.leastNonzeroMagnitude))
}

func ulps(_ result: Double, from exact: Double) -> Double {
  if exact.isNaN || result.isNaN { return exact.isNaN && result.isNaN ? 0 : .infinity }
  if result == exact { return result == 0 && result.sign != exact.sign ? .infinity : 0 }
  if !exact.isFinite || !result.isFinite { return .infinity }
  return abs(result - exact) / exact.ulp
}

/// What a type has besides ordinary numbers, its borders, and what is near to them.
func specials<T: BinaryFloatingPoint>(_ type: T.Type) -> [T] {
  let positive: [T] = [
    0, 1, 0.5, 2, .infinity, .greatestFiniteMagnitude, .leastNormalMagnitude, .leastNonzeroMagnitude,
    .leastNormalMagnitude.nextDown, T(1).nextUp, T(1).nextDown, 88.72, 88.73, 104, 127.5, 1e10, 3e9,
  ]
  return positive + positive.map { -$0 } + [.nan]
}

/// Every length that takes another way through a block function, with one vector or several.
let blockLengths = [0, 1, 3, 7, 16, 17, 31, 64, 100, 511, 512]

/// Records an issue unless `condition` holds: an expectation without copies of what was compared.
func verify(
  _ condition: Bool, _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  if !condition { Issue.record(Comment(rawValue: comment()), sourceLocation: sourceLocation) }
}

/// The sum after Neumaier, with an error of about one unit of the last place.
func compensatedSum(_ terms: some Sequence<Double>) -> Double {
  var sum = 0.0, lost = 0.0
  for term in terms {
    let next = sum + term
    lost += abs(sum) >= abs(term) ? (sum - next) + term : (term - next) + sum
    sum = next
  }
  return sum + lost
}
