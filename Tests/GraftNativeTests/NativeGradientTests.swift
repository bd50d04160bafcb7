import GraftFiles
import GraftIR
import GraftOps
import GraftTransform
import Testing

@testable import GraftNative

/// Gradients of every op's samples, in double precision, beside finite differences.
@Suite struct NativeGradientTests {
  typealias Case = NativeSampleTests.Case

  /// Samples that take and yield floating numbers.
  static let cases = OpCatalogue.all.flatMap { op in op.samples.indices.map { Case(op: op.name, number: $0) } }
    .filter { item in
      guard let sample = try? SampleProgram(item, isDouble: true, decomposes: false) else { return false }
      let results = sample.function.body.results.flatMap(\.values).map(sample.function.type)
      return sample.inputs.contains { $0.dtype.isDifferentiable } && results.contains { $0.dtype.isDifferentiable }
    }

  /// Samples whose gradient is cut on purpose, or taken through what is not there, so that differences do not show it.
  private static let cut: Set<String> = ["stop_gradient 0", "embedding 1", "ctc_loss 0", "ctc_loss 1"]

  /// Samples that have no gradient, and say why.
  static let underived = cases.filter { item in
    if case .none? = OpCatalogue.definition(item.op)?.differentiability { true } else { false }
  }

  /// Samples that have one.
  static let derived = cases.filter { item in !underived.contains { $0.testDescription == item.testDescription } }

  /// Operands with respect to which an op has no known gradient.
  static let unknown: [String: Set<Int>] = ["gammainc": [0], "gammaincc": [0], "zeta": [0]]

  @Test(arguments: derived.filter { !cut.contains($0.testDescription) })
  func gradientsAreThoseOfDifferences(_ item: Case) throws {
    let check = try GradientCheck(item)
    let mismatches = try check.mismatches()
    #expect(mismatches.isEmpty, "seed \(check.seed): \(mismatches.prefix(4).joined(separator: "; "))")
  }

  @Test func opsWithoutAGradientSayWhy() throws {
    for name in Self.unknown.keys.sorted() {
      var check = try GradientCheck(Case(op: name, number: 0))
      check.constant = []
      #expect(throws: Diagnostic.self, "\(name)") { try check.pullback() }
    }
    for item in Self.underived {
      #expect(throws: Diagnostic.self, "\(item.op)") { try GradientCheck(item).pullback() }
    }
  }

  @Test func gradientsAreCutOnPurpose() throws {
    for name in Self.cut.sorted() {
      let item = try #require(Self.cases.first { $0.testDescription == name })
      let check = try GradientCheck(item)
      #expect(try !check.mismatches().isEmpty, "\(name)")
    }
  }
}

extension GradientCheck {
  init(_ item: NativeSampleTests.Case) throws {
    let sample = try SampleProgram(item, isDouble: true, decomposes: false)
    let symmetric = sample.fills.indices.filter { sample.fills[$0] == .positiveDefinite }
    self.init(
      function: sample.function, inputs: sample.inputs, symmetric: Set(symmetric),
      constant: NativeGradientTests.unknown[item.op] ?? [])
  }
}
