import Foundation
import Testing

@testable import GraftNative

@Suite struct CPUFeaturesTests {
  static let zen5 = CPUFeatures(
    brand: "AMD EPYC 9555", vendor: "AuthenticAMD", family: 0x1a, model: 2,
    features: [.avx2, .fma, .f16c, .avx512f, .avx512bw, .avx512dq, .avx512vl, .avx512vnni, .avx512bf16])
  static let haswell = CPUFeatures(
    brand: "Haswell", vendor: "GenuineIntel", family: 6, model: 0x3c, features: [.avx2, .fma, .f16c])

  #if os(Linux) && arch(x86_64)
    @Test func thisMachineIsAsLinuxSeesIt() throws {
      var fields: [String: String] = [:]
      for line in try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        if parts.count == 2, fields[parts[0]] == nil { fields[parts[0]] = parts[1] }
      }
      let flags = Set(try #require(fields["flags"]).split(separator: " ").map(String.init))
      let names: [CPUFeatures.Feature: String] = [.avx512vnni: "avx512_vnni", .avx512bf16: "avx512_bf16"]
      let expected = CPUFeatures.Feature.allCases.filter { flags.contains(names[$0] ?? $0.rawValue) }
      #expect(CPUFeatures.current.sortedFeatures == expected)
      #expect(CPUFeatures.current.vendor == fields["vendor_id"])
      #expect("\(CPUFeatures.current.family)" == fields["cpu family"])
      #expect("\(CPUFeatures.current.model)" == fields["model"])
      let brand = fields["model name"]?.split(separator: " ").joined(separator: " ")
      #expect(CPUFeatures.current.brand == brand)
    }
  #endif

  @Test func theBestPathIsChosen() throws {
    #expect(try KernelPath.choose(Self.zen5, environment: [:]) == .avx512)
    #expect(try KernelPath.choose(Self.haswell, environment: ["GRAFT_CPU": ""]) == .avx2)
    #expect(try KernelPath.choose(CPUFeatures(features: [.neon]), environment: [:]) == .baseline)
    var withoutVL = Self.zen5
    withoutVL.features.remove(.avx512vl)
    #expect(try KernelPath.choose(withoutVL, environment: [:]) == .avx2)
    withoutVL.features.remove(.fma)
    #expect(try KernelPath.choose(withoutVL, environment: [:]) == .baseline)
  }

  @Test func theEnvironmentMayChooseALesserPath() throws {
    for path in KernelPath.allCases {
      #expect(try KernelPath.choose(Self.zen5, environment: ["GRAFT_CPU": path.rawValue]) == path)
    }
    let unavailable = #expect(throws: KernelPathError.self) {
      try KernelPath.choose(Self.haswell, environment: ["GRAFT_CPU": "avx512"])
    }
    #expect(unavailable == .unavailable(.avx512, missing: [.avx512f, .avx512bw, .avx512dq, .avx512vl]))
    #expect(unavailable?.description.contains("avx512f, avx512bw") == true)
    let unknown = #expect(throws: KernelPathError.self) {
      try KernelPath.choose(Self.zen5, environment: ["GRAFT_CPU": "AVX2"])
    }
    #expect(unknown?.description == "GRAFT_CPU is AVX2, and may be avx512, avx2, baseline.")
  }

  @Test func theCoreTypeOfOpenBLASIsChosenOnlyWhereItErrs() {
    #expect(BLASLibrary.coreType(for: Self.zen5, environment: [:]) == "SkylakeX")
    #expect(BLASLibrary.coreType(for: Self.zen5, environment: ["OPENBLAS_CORETYPE": "Zen"]) == nil)
    #expect(BLASLibrary.coreType(for: Self.haswell, environment: [:]) == nil)
    var intel = Self.zen5
    intel.vendor = "GenuineIntel"
    #expect(BLASLibrary.coreType(for: intel, environment: [:]) == nil)
    var zen3 = Self.zen5
    zen3.features.subtract([.avx512f, .avx512bw, .avx512dq, .avx512vl])
    #expect(BLASLibrary.coreType(for: zen3, environment: [:]) == nil)
  }

  @Test func aMissingBLASSaysWhatToInstall() {
    let missing = BLASLibrary.load(candidates: ["libgraft-nowhere.so.0"])
    guard case .missing(let reason, let remedy) = missing else {
      Issue.record("\(missing)")
      return
    }
    #expect(reason == "There is no OpenBLAS.")
    #expect(remedy.contains("install"))
    #if os(Linux)
      guard case .missing(let other, _) = BLASLibrary.load(candidates: ["libm.so.6"]) else {
        Issue.record("libm passes for an OpenBLAS")
        return
      }
      #expect(other == "libm.so.6 is not an OpenBLAS with the CBLAS interface.")
    #endif
  }

  @Test func theInstalledBLASDescribesItself() {
    switch BLASLibrary.status {
    case .loaded(let library):
      #expect(FileManager.default.isReadableFile(atPath: library.path))
      #expect(library.configuration.hasPrefix("OpenBLAS"))
      #expect(!library.coreName.isEmpty)
      if let requested = library.requestedCoreType { #expect(library.coreName == requested) }
      #expect(ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"] == nil || library.requestedCoreType == nil)
    case .missing(let reason, let remedy):
      #expect(!reason.isEmpty && remedy.contains("openblas"))
    }
  }
}
