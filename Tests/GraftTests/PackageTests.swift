import Foundation
import GraftFiles
import GraftIR
import GraftOps
import Testing

@testable import Graft

private func temporaryPath(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)").path
}

/// `x + weight` with a buffer that numbers positions.
private func program() throws -> GraftIR.Function {
  var function = GraftIR.Function(name: "f")
  let x = function.makeValue(TensorType(.float32, [.symbol("N"), 3]), hint: "x")
  let weight = function.makeValue(TensorType(.float32, [3]), hint: "weight")
  let ids = function.makeValue(TensorType(.int64, [1, 3]), hint: "position_ids")
  function.symbols = [Symbol("N", minimum: 1, sizes: [2, 3])]
  function.arguments = [
    Argument(.input(leaf: 0), x), Argument(.parameter(path: "weight", trainable: true, aliases: []), weight),
    Argument(.state(path: "position_ids", persistent: false), ids),
  ]
  function.inputs = .dict([Tree.Field("x", .leaf(0))])
  function.inputNames = ["x"]
  function.outputs = .leaf(0)
  let builder = GraphBuilder(function)
  let sum = try builder(.add, .value(x), .value(weight))
  let positions = try builder(.cast, .value(ids), attributes: ["dtype": .dtype(.float32)])
  return builder.finished(results: [try builder(.add, sum, positions)])
}

@Suite struct PackageTests {
  private func write(_ entries: [SafetensorsWriter.Entry], metadata: [(key: String, value: String)]) throws -> String {
    let path = temporaryPath("p.graft")
    try SafetensorsWriter(entries, metadata: metadata).write(to: path)
    return path
  }

  private var metadata: [(key: String, value: String)] {
    get throws {
      [
        ("format", GraftPackage.format), ("version", GraftPackage.version),
        ("program", IRPrinter().print(try program())),
      ]
    }
  }

  private let weight: SafetensorsWriter.Entry
  private let ids: SafetensorsWriter.Entry

  init() throws {
    weight = SafetensorsWriter.Entry(
      name: "parameter.weight", try TensorData(shape: [3], elements: [1, 2, 3] as [Float]))
    ids = SafetensorsWriter.Entry(
      name: "state.position_ids", try TensorData(shape: [1, 3], elements: [0, 1, 2] as [Int64]))
  }

  @Test func readsBackWhatWasWritten() throws {
    let path = try write([weight, ids], metadata: metadata)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let package = try GraftPackage(contentsOf: path)
    #expect(package.function == (try program()).normalised())
    #expect(try package.tensors["weight"]?.floats() == [1, 2, 3])
  }

  @Test func runsNatively() throws {
    let path = try write([weight, ids], metadata: metadata)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = try Model(contentsOf: URL(filePath: path), threads: 1)
    #expect(model.inputs == [Model.Port(name: "x", dtype: .float32, shape: ["N", "3"])])
    #expect(model.outputs.map(\.name) == ["output"])
    let y = try model([[10, 20, 30.5]])
    #expect(try y.elements(of: Float.self) == [11, 23, 35.5])
    #expect(try model(["x": [[0, 0, 0.5]]])["output"]?.elements(of: Float.self) == [1, 3, 5.5])
    #expect(try model.plan(for: [[1, 3]]).kernels.count == 1)
  }

  @Test func namesTheInputThatIsWrong() throws {
    let path = try write([weight, ids], metadata: metadata)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = try Model(contentsOf: URL(filePath: path), threads: 1)
    func message(_ inputs: [String: Tensor]) throws -> String {
      try #require(throws: Problem.self) { try model(inputs) }.message
    }
    #expect(try message([:]) == "the input `x` is missing")
    #expect(try message(["x": [[0, 0, 0.5]], "y": 1]) == "f has no input `y`")
    #expect(try message(["x": [0, 0, 0.5]]) == "input `x` must be f32[N,3], and is shape [3]")
    #expect(try message(["x": [[1, 2, 3]]]) == "input `x` must be f32[N,3], and is a tensor of int64")
  }

  @Test func refusesAPackageWithoutATensor() throws {
    let path = try write([weight], metadata: metadata)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let diagnostic = try #require(throws: Diagnostic.self) { try GraftPackage(contentsOf: path) }
    #expect(diagnostic.code == .invalidPackage && diagnostic.message.contains("state.position_ids"))
  }

  @Test func refusesOtherSafetensorsFiles() throws {
    let path = try write([weight], metadata: [])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let diagnostic = try #require(throws: Diagnostic.self) { try GraftPackage(contentsOf: path) }
    #expect(diagnostic.message.contains("not a .graft package"))
  }

  @Test func refusesADamagedProgram() throws {
    var damaged = try metadata
    damaged[2].value = String(damaged[2].value.dropLast(40))
    let path = try write([weight, ids], metadata: damaged)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: Diagnostic.self) { try GraftPackage(contentsOf: path) }
  }
}

@Suite struct FoldKnownTensorsTests {
  private func folded(_ elements: [Int64]) throws -> GraftIR.Function {
    try FoldKnownTensors { argument in
      guard case .state = argument.role else { return nil }
      return try TensorData(shape: [1, 3], elements: elements)
    }.run(program())
  }

  @Test func positionsBecomeAnArange() throws {
    let function = try folded([4, 6, 8])
    try OpCatalogue.verify(function)
    let arange = try #require(function.body.operations.first)
    #expect(arange.name == "arange")
    #expect(arange.attributes["start"]?.asInt == 4 && arange.attributes["step"]?.asInt == 2)
    #expect(function.arguments.count == 2)
  }

  @Test func oneValueBecomesAFill() throws {
    #expect(try folded([7, 7, 7]).body.operations.first?.name == "full")
  }

  @Test func otherBuffersStay() throws {
    #expect(try folded([1, 5, 2]).arguments.count == 3)
  }

  @Test func stateThatChangesStays() throws {
    var function = try program()
    let ids = function.arguments[2].value
    function.stateUpdates = [StateUpdate(path: "position_ids", value: .value(ids))]
    let folded = try FoldKnownTensors { _ in try TensorData(shape: [1, 3], elements: [0, 1, 2] as [Int64]) }
      .run(function)
    #expect(folded.arguments.count == 3)
  }
}

@Suite struct ToleranceTests {
  private func row(_ target: [Float], _ source: [Float], _ reference: [Double]) throws -> VerificationReport.Row {
    try Tolerance.standard.row(
      "t", .output, target: TensorData(shape: [target.count], elements: target),
      sources: [TensorData(shape: [source.count], elements: source)],
      reference: TensorData(shape: [reference.count], elements: reference))
  }

  @Test func allowsAMultipleOfTheSourcesOwnError() throws {
    #expect(try row([1.0005, 2], [1.0001, 2], [1, 2]).passed)
    #expect(try !row([1.01, 2], [1.0001, 2], [1, 2]).passed)
  }

  @Test func allowsAFewUnitsInTheLastPlace() throws {
    #expect(try row([1.0000005, 2], [1, 2], [1, 2]).passed)
    #expect(try !row([1.00001, 2], [1, 2], [1, 2]).passed)
  }

  @Test func countsTheLargestErrorOfAllSources() throws {
    let sources = try [[1, 2], [1.001, 2]].map { try TensorData(shape: [2], elements: $0 as [Float]) }
    let reference = try TensorData(shape: [2], elements: [1, 2] as [Double])
    let target = try TensorData(shape: [2], elements: [1.005, 2] as [Float])
    let (one, both) = try (
      Tolerance.standard.row("t", .output, target: target, sources: [sources[0]], reference: reference),
      Tolerance.standard.row("t", .output, target: target, sources: sources, reference: reference)
    )
    #expect(!one.passed && both.passed)
  }

  @Test func refusesOtherShapesAndNaN() throws {
    #expect(try !row([1], [1, 2], [1, 2]).passed)
    #expect(try !row([.nan, 2], [1, 2], [1, 2]).passed)
    #expect(try !row([.infinity, 2], [1, 2], [1, 2]).passed)
  }
}
