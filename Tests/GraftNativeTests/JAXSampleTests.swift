import Foundation
import GraftFiles
import GraftIR
import GraftJAX
import GraftOps
import TestSupport
import Testing

@testable import Graft
@testable import GraftNative
@testable import GraftTransform

/// The samples of the catalogue's ops and their gradients, written as JAX and run, beside their native execution, in double
/// precision: what the emitter makes of each op, also of those that only gradients have.
@Suite struct JAXSampleTests {
  /// A sample's program, or its pullback, with a name of its own.
  private struct Program {
    let name: String
    let function: GraftIR.Function
    let inputs: [TensorData]
  }

  /// Programs that are left out, and why.
  private static let exceptions = [
    "ctc_loss_0_gradient": "a comparison in its scan gets the wrong shape, unless the program is simplified before",
    "ctc_loss_1_gradient": "a comparison in its scan gets the wrong shape, unless the program is simplified before",
    "search_sorted_0": "the sample is not sorted, and each algorithm finds another place",
  ]

  /// How far results may be from native ones. `jax.nn.dot_product_attention` computes scores in float32.
  private static func tolerance(_ name: String) -> Double { name.hasPrefix("attention") ? 1e-6 : 1e-9 }

  @Test func emittedSamplesAgreeWithNativeExecution() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "jax-samples-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let programs = try Self.programs().filter { Self.exceptions[$0.name] == nil }
    for program in programs { try Self.write(program, to: folder) }
    try Self.run(folder)
    var compared = 0
    for program in programs {
      if let error = try? String(contentsOf: folder.appending(path: "\(program.name).error"), encoding: .utf8) {
        Issue.record("\(program.name): \(error.prefix(400))")
        continue
      }
      let results = try TensorFile(folder.appending(path: "\(program.name).out.npz")).read()
      let expected = try NativeProgram.forTests(program.function).run(program.inputs)
      #expect(results.count == expected.count, "\(program.name)")
      for (index, exact) in expected.enumerated() {
        let problem = try Self.difference(results["\(index)"], exact, tolerance: Self.tolerance(program.name))
        #expect(problem == nil, "result \(index) of \(program.name) \(problem ?? "")")
      }
      compared += 1
    }
    print("jax samples: \(compared) programs compared, \(Self.exceptions.count) left out")
  }

  private static func programs() throws -> [Program] {
    let samples = try NativeSampleTests.cases.map { item in
      let sample = try SampleProgram(item, isDouble: true, decomposes: false)
      return Program(
        name: "\(item.op)_\(item.number)", function: try SettleMode(isTraining: true).run(sample.function),
        inputs: sample.inputs)
    }
    let gradients = try NativeGradientTests.derived.map { item in
      let check = try GradientCheck(item)
      return Program(
        name: "\(item.op)_\(item.number)_gradient", function: try check.pullback(),
        inputs: try check.inputs + check.cotangents())
    }
    return samples + gradients
  }

  private static func write(_ program: Program, to folder: URL) throws {
    var function = program.function
    function.name = program.name
    let provenance = JAXModuleWriter.Provenance(source: "a sample", origin: "", weightsFile: "")
    let text: String
    do {
      text = try JAXModuleWriter(Conversion.arranged(function), provenance: provenance).write().text
    } catch let error as Diagnostic {
      text = "raise RuntimeError(\(error.message.debugDescription))"
    }
    try Data(text.utf8).write(to: folder.appending(path: "\(program.name).py"))
    let arguments = program.inputs.enumerated().map { ("\($0)", Tensor($1)) }
    try TensorFile(folder.appending(path: "\(program.name).npz")).write(Dictionary(uniqueKeysWithValues: arguments))
  }

  private static func run(_ folder: URL) throws {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    try PythonScript.run(
      here.appending(path: "JAX/run_samples.py"), [folder.path], environment: XLAEnvironment.unoptimised)
  }

  /// What is wrong with a result, if anything: its shape, or elements off by more than rounding may do.
  private static func difference(_ result: Tensor?, _ exact: TensorData, tolerance: Double) throws -> String? {
    guard let result else { return "is missing" }
    guard result.shape == exact.shape else { return "is of shape \(result.shape), not \(exact.shape)" }
    guard result.dtype.isComplex == exact.dtype.isComplex else { return "is \(result.dtype), not \(exact.dtype)" }
    let wide: DType = exact.dtype.isComplex ? .complex128 : .float64
    let own = try result.data.converted(to: wide).doubles
    let wanted = try exact.converted(to: wide).doubles
    let scale = wanted.filter(\.isFinite).map(abs).max() ?? 1
    for (a, b) in zip(own, wanted) where !(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= tolerance * max(scale, 1)) {
      return "is \(a) where \(b) is right"
    }
    return nil
  }
}
