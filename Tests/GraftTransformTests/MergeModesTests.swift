import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct MergeModesTests {
  private func merged(
    _ training: String, _ inference: String, arguments: String = "", trainingArguments: String? = nil,
    outputs: String = "#0"
  ) throws -> Function {
    let result = try MergeModes.merge(
      training: program(training, arguments: trainingArguments ?? arguments, outputs: outputs),
      inference: program(inference, arguments: arguments, outputs: outputs))
    try OpCatalogue.verify(result)
    return result
  }

  private func expect(
    _ training: String, _ inference: String, arguments: String = "", trainingArguments: String? = nil,
    outputs: String = "#0", becomes expected: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let result = try merged(
      training, inference, arguments: arguments, trainingArguments: trainingArguments, outputs: outputs)
    #expect(body(result) == expected, sourceLocation: sourceLocation)
  }

  private let key = "%k: key[] = key"

  @Test func equalTracesStayAsTheyAre() throws {
    let text = "%a = exp(%x) : f32[N,4] %b = add(%a, %y) : f32[N,4] return %b"
    try expect(
      text, text, becomes: "%a.2 = exp(%x.0) : f32[N,4]\n%b.3 = add(%a.2, %y.1) : f32[N,4]\nreturn %b.3")
  }

  @Test func bothTracesSayWhatModulesCallTheirArguments() throws {
    let text = "%a = exp(%x) : f32[N,4] %b = add(%a, %y) : f32[N,4] return %b"
    var (training, inference) = (try program(text), try program(text))
    training.passedNames.record(.init(module: "up", name: "skip", value: training.arguments[1].value))
    inference.passedNames.record(.init(module: "up", name: "x", value: inference.body.operations[0].results[0]))
    let merged = try MergeModes.merge(training: training, inference: inference)
    #expect(merged.passedNames.name(of: merged.arguments[1].value, in: "up") == "skip")
    #expect(merged.passedNames.name(of: merged.body.operations[0].results[0], in: "up") == "x")
  }

  @Test func dropoutCarriesTheModeItself() throws {
    try expect(
      """
      %k1, %k2 = split_key(%k) {count = 2} : key[], key[]
      %a = exp(%x) : f32[N,4] %d = dropout(%a, %k2) {rate = 0.1} : f32[N,4] %b = add(%d, %a) : f32[N,4] return %b
      """, "%a = exp(%x) : f32[N,4] %b = add(%a, %a) : f32[N,4] return %b", trainingArguments: key,
      becomes: """
        %k2.3 = split_key(%k.2) {count = 1} : key[]
        %a.4 = exp(%x.0) : f32[N,4]
        %d.5 = dropout(%a.4, %k2.3) {rate = 0.1} : f32[N,4]
        %b.6 = add(%d.5, %a.4) : f32[N,4]
        return %b.6
        """)
  }

  @Test func differentStretchesBecomeModeOperations() throws {
    try expect(
      "%a = exp(%x) : f32[N,4] %b = negative(%a) : f32[N,4] %c = add(%b, %y) : f32[N,4] return %c",
      "%a = tanh(%x) : f32[N,4] %c = add(%a, %y) : f32[N,4] return %c",
      becomes: """
        %b.2 = mode {
          %a.3 = exp(%x.0) : f32[N,4]
          %b.4 = negative(%a.3) : f32[N,4]
          return %b.4
        } {
          %a.5 = tanh(%x.0) : f32[N,4]
          return %a.5
        } : f32[N,4]
        %c.6 = add(%b.2, %y.1) : f32[N,4]
        return %c.6
        """)
  }

  @Test func valuesStayDistinctWhereOnlyOneModeChangesThem() throws {
    try expect(
      "%a = exp(%x) : f32[N,4] %b = tanh(%a) : f32[N,4] %c = add(%b, %a) : f32[N,4] %d = sqrt(%a) : f32[N,4] return %c, %d",
      """
      %a = exp(%x) : f32[N,4] %g = negative(%a) : f32[N,4] %b = tanh(%g) : f32[N,4] %c = add(%b, %a) : f32[N,4]
      %d = sqrt(%g) : f32[N,4] return %c, %d
      """, outputs: "(#0, #1)",
      becomes: """
        %a.2 = exp(%x.0) : f32[N,4]
        %a.3 = mode {
          return %a.2
        } {
          %g.4 = negative(%a.2) : f32[N,4]
          return %g.4
        } : f32[N,4]
        %b.5 = tanh(%a.3) : f32[N,4]
        %c.6 = add(%b.5, %a.2) : f32[N,4]
        %d.7 = sqrt(%a.3) : f32[N,4]
        return %c.6, %d.7
        """)
  }

  @Test func laterStretchesUseWhatEarlierOnesYield() throws {
    try expect(
      """
      %a = exp(%x) : f32[N,4] %b = add(%a, %y) : f32[N,4] %c = multiply(%a, %b) : f32[N,4]
      %d = negative(%c) : f32[N,4] return %d
      """,
      """
      %a = tanh(%x) : f32[N,4] %b = add(%a, %y) : f32[N,4] %c = divide(%a, %b) : f32[N,4]
      %d = negative(%c) : f32[N,4] return %d
      """,
      becomes: """
        %a.2 = mode {
          %a.3 = exp(%x.0) : f32[N,4]
          return %a.3
        } {
          %a.4 = tanh(%x.0) : f32[N,4]
          return %a.4
        } : f32[N,4]
        %b.5 = add(%a.2, %y.1) : f32[N,4]
        %c.6 = mode {
          %c.7 = multiply(%a.2, %b.5) : f32[N,4]
          return %c.7
        } {
          %c.8 = divide(%a.2, %b.5) : f32[N,4]
          return %c.8
        } : f32[N,4]
        %d.9 = negative(%c.6) : f32[N,4]
        return %d.9
        """)
  }

  @Test func keysAreCountedInProgramOrder() throws {
    let result = try merged(
      """
      %k1, %k2, %k3 = split_key(%k) {count = 3} : key[], key[], key[]
      %a = dropout(%x, %k3) {rate = 0.1} : f32[N,4] %n = negative(%a) : f32[N,4]
      %b = dropout(%n, %k1) {rate = 0.2} : f32[N,4] %c = exp(%b) : f32[N,4]
      %d = dropout(%c, %k2) {rate = 0.3} : f32[N,4] return %d
      """, "%c = exp(%x) : f32[N,4] return %c", trainingArguments: key)
    #expect(
      body(result) == """
        %k3.3, %k1.4, %k2.5 = split_key(%k.2) {count = 3} : key[], key[], key[]
        %a.6 = dropout(%x.0, %k3.3) {rate = 0.1} : f32[N,4]
        %b.7 = mode {
          %n.8 = negative(%a.6) : f32[N,4]
          %b.9 = dropout(%n.8, %k1.4) {rate = 0.2} : f32[N,4]
          return %b.9
        } {
          return %x.0
        } : f32[N,4]
        %c.10 = exp(%b.7) : f32[N,4]
        %d.11 = dropout(%c.10, %k2.5) {rate = 0.3} : f32[N,4]
        return %d.11
        """)
  }

  @Test func stateOfOneModeOnlyStaysInTheOther() throws {
    let arguments = """
      %w: f32[4] = parameter "w" trainable %b: f32[4] = parameter "b" trainable %m: f32[4] = state "m" persistent
      %v: f32[4] = state "v" persistent %n: i64[] = state "n" persistent
      """
    try expect(
      """
      %n2 = add(%n, 1) : i64[]
      %r, %m2, %v2 = batch_norm(%x, %w, %b, %m, %v) : f32[N,4], f32[4], f32[4]
      return %r update "m" = %m2 update "v" = %v2 update "n" = %n2
      """,
      """
      %r, %m2, %v2 = batch_norm(%x, %w, %b, %m, %v) {statistics = "running"} : f32[N,4], f32[4], f32[4] return %r
      """, arguments: arguments,
      becomes: """
        %n2.7 = mode {
          %n2.8 = add(%n.6, 1) : i64[]
          return %n2.8
        } {
          return %n.6
        } : i64[]
        %r.9, %m2.10, %v2.11 = batch_norm(%x.0, %w.2, %b.3, %m.4, %v.5) : f32[N,4], f32[4], f32[4]
        return %r.9
        update "m" = %m2.10
        update "v" = %v2.11
        update "n" = %n2.7
        """)
  }

  @Test func outputsOfOtherTypesAreRefused() throws {
    #expect(throws: Diagnostic.self) {
      try merged("return %x", "%s = sum(%x) {axes = [0]} : f32[4] return %s")
    }
  }

  @Test func thousandsOfOperationsTakeLittleTime() throws {
    func chain(_ odd: String) -> String {
      (0..<3000).map { index in
        "%v\(index + 1) = \(index % 300 == 7 ? odd : "exp")(%v\(index)) : f32[N,4]"
      }.joined(separator: "\n").replacing("%v0)", with: "%x)") + " return %v3000"
    }
    let training = try program(chain("tanh"))
    let inference = try program(chain("sqrt"))
    let clock = ContinuousClock()
    var result = training
    let time = try clock.measure { result = try MergeModes.merge(training: training, inference: inference) }
    try OpCatalogue.verify(result)
    #expect(result.body.operations.count { $0.name == "mode" } == 10)
    #expect(time < .seconds(10), "took \(time)")
  }

  @Test func alignmentIsIncreasingAndLongest() {
    let pairs = SequenceAlignment.align(Array("abcabd"), Array("xabdabc"))
    #expect(pairs.map(\.0) == [0, 1, 3, 4])
    #expect(pairs.map(\.1) == [1, 2, 4, 5])
  }
}
