internal import NativeKernels

/// What the processor can do, as far as kernels care.
package struct CPUFeatures: Sendable, Hashable, Codable {
  package enum Feature: String, Sendable, Hashable, Codable, CaseIterable {
    case avx2, fma, f16c, avx512f, avx512bw, avx512dq, avx512vl, avx512vnni, avx512bf16, neon
  }

  /// The marketing name; empty where the processor does not say.
  package var brand: String
  /// `AuthenticAMD`, `GenuineIntel`, ...; empty on other architectures.
  package var vendor: String
  /// The x86 family and model with their extended parts; 0 on other architectures.
  package var family: Int
  package var model: Int
  /// The extensions that the processor has and the operating system supports.
  package var features: Set<Feature>

  package init(brand: String = "", vendor: String = "", family: Int = 0, model: Int = 0, features: Set<Feature> = []) {
    self.brand = brand
    self.vendor = vendor
    self.family = family
    self.model = model
    self.features = features
  }

  /// Those of this machine.
  package static let current = CPUFeatures(graft_cpu())

  private init(_ cpu: GraftCPU) {
    let flags: [(Feature, Bool)] = [
      (.avx2, cpu.avx2), (.fma, cpu.fma), (.f16c, cpu.f16c), (.avx512f, cpu.avx512f), (.avx512bw, cpu.avx512bw),
      (.avx512dq, cpu.avx512dq), (.avx512vl, cpu.avx512vl), (.avx512vnni, cpu.avx512vnni),
      (.avx512bf16, cpu.avx512bf16), (.neon, cpu.neon),
    ]
    self.init(
      brand: text(of: cpu.brand), vendor: text(of: cpu.vendor), family: Int(cpu.family), model: Int(cpu.model),
      features: Set(flags.filter(\.1).map(\.0)))
  }

  /// The extensions in their usual order, for people.
  package var sortedFeatures: [Feature] { Feature.allCases.filter(features.contains) }
}

/// The text of a NUL-terminated array of C characters, without the blanks that pad a brand string.
private func text<Characters>(of characters: Characters) -> String {
  let bytes = withUnsafeBytes(of: characters) { Array($0.prefix { $0 != 0 }) }
  return String(decoding: bytes, as: UTF8.self).split(separator: " ").joined(separator: " ")
}

/// Which set of kernels runs.
package enum KernelPath: String, Sendable, Hashable, Codable, CaseIterable {
  /// AVX-512 F, BW, DQ and VL, with FMA.
  case avx512
  /// AVX2 with FMA and F16C.
  case avx2
  /// What every processor of the architecture has: SSE2, or NEON on 64-bit ARM.
  case baseline

  /// What the path needs.
  package var requirements: [CPUFeatures.Feature] {
    switch self {
    case .avx512: KernelPath.avx2.requirements + [.avx512f, .avx512bw, .avx512dq, .avx512vl]
    case .avx2: [.avx2, .fma, .f16c]
    case .baseline: []
    }
  }

  /// The requirements that `features` does not meet.
  package func missing(from features: CPUFeatures) -> [CPUFeatures.Feature] {
    requirements.filter { !features.features.contains($0) }
  }

  /// The path to use: what `GRAFT_CPU` in `environment` names, or the best that the processor has.
  /// - Throws: `KernelPathError` when `GRAFT_CPU` names no path, or one that the processor cannot run.
  package static func choose(
    _ features: CPUFeatures = .current, environment: [String: String]
  ) throws(KernelPathError) -> KernelPath {
    guard let name = environment["GRAFT_CPU"], !name.isEmpty else {
      return allCases.first { $0.missing(from: features).isEmpty } ?? .baseline
    }
    guard let path = KernelPath(rawValue: name) else { throw .unknown(name) }
    let missing = path.missing(from: features)
    guard missing.isEmpty else { throw .unavailable(path, missing: missing) }
    return path
  }
}

/// A `GRAFT_CPU` that cannot be followed.
package enum KernelPathError: Error, Hashable, CustomStringConvertible {
  case unknown(String)
  case unavailable(KernelPath, missing: [CPUFeatures.Feature])

  package var description: String {
    let choices = KernelPath.allCases.map(\.rawValue).joined(separator: ", ")
    switch self {
    case .unknown(let name): return "GRAFT_CPU is \(name.prefix(40)), and may be \(choices)."
    case .unavailable(let path, let missing):
      let lacking = missing.map(\.rawValue).joined(separator: ", ")
      return "GRAFT_CPU is \(path.rawValue), and this processor lacks \(lacking); leave it unset to use the best path."
    }
  }
}
