import GraftFiles
import GraftIR
import GraftOps
import GraftTransform
import Testing

@testable import GraftNative

/// What the gradient's graph is made of: regions, random numbers, what is frozen, and gradients of gradients.
@Suite struct GradientGraphTests {
  private func random(_ shape: Int..., seed: UInt64 = 3) throws -> TensorData {
    var random = CounterRandom(seed: seed)
    return try TensorData(random: .normal(), dtype: .float64, shape: shape, using: &random)
  }

  private func expectGradients(
    _ body: String, returning returns: String, _ inputs: [TensorData], drawing: Bool = false
  ) throws {
    let function = try NativeText.function(body, returning: returns, inputs, drawing: drawing)
    let mismatches = try GradientCheck(function: function, inputs: inputs).mismatches()
    #expect(mismatches.isEmpty, "\(mismatches.prefix(4).joined(separator: "; "))")
  }

  // MARK: Regions

  @Test(arguments: [UInt8(1), 0]) func gradientsPassThroughTheBranchThatRan(_ condition: UInt8) throws {
    let body = """
      %y.9 = cond(%x2.2) {
        %a.3 = multiply(%x0.0, %x1.1) : f64[3]
        return %a.3
      } {
        %b.4 = sin(%x0.0) : f64[3]
        return %b.4
      } : f64[3]
      %z.10 = multiply(%y.9, %x0.0) : f64[3]
      """
    let flag = try TensorData(shape: [], elements: [condition], dtype: .bool)
    try expectGradients(body, returning: "%z.10", [random(3), random(3, seed: 4), flag])
  }

  /// A recurrence with its history, a captured matrix and a counter, in either direction.
  @Test(arguments: [false, true]) func gradientsPassThroughAScan(_ isReversed: Bool) throws {
    let body = """
      %zero.20 = full {dtype = i64, shape = [], value = 0} : i64[]
      %last.9, %count.21, %all.10 = scan([%x0.0, %zero.20], [%x1.1]) {count = 4, reverse = \(isReversed)} { (%s.3: f64[2], %i.4: i64[], %e.5: f64[2])
        %p.6 = matmul(%x2.2, %s.3) : f64[2]
        %t.7 = tanh(%p.6) : f64[2]
        %n.8 = add(%e.5, %t.7) : f64[2]
        %j.11 = add(%i.4, 1) : i64[]
        %sq.12 = multiply(%n.8, %s.3) : f64[2]
        return %n.8, %j.11, %sq.12
      } : f64[2], i64[], f64[4,2]
      """
    let inputs = [try random(2), try random(4, 2, seed: 4), try random(2, 2, seed: 5)]
    try expectGradients(body, returning: "%last.9, %all.10", inputs)
    let function = try NativeText.function(body, returning: "%last.9, %all.10", inputs)
    let check = GradientCheck(function: function, inputs: inputs)
    let second = GradientCheck(function: try check.pullback(), inputs: try inputs + check.cotangents())
    let mismatches = try second.mismatches()
    #expect(mismatches.isEmpty, "\(mismatches.prefix(4).joined(separator: "; "))")
  }

  /// A recurrence over batches: each run adds to the gradient of a weight that is used twice, of a bias and of a scale.
  @Test func weightsAreMultipliedOnceForAllRuns() throws {
    let body = """
      %last.9, %all.10 = scan([%x0.0], [%x1.1]) {count = 5} { (%s.5: f64[3,2], %e.6: f64[3,2])
        %p.7 = linear(%s.5, %x2.2, %x3.3) : f64[3,2]
        %q.8 = linear(%e.6, %x2.2) : f64[3,2]
        %sum.11 = add(%p.7, %q.8) : f64[3,2]
        %t.12 = tanh(%sum.11) : f64[3,2]
        %n.13 = multiply(%t.12, %x4.4) : f64[3,2]
        return %n.13, %t.12
      } : f64[3,2], f64[5,3,2]
      """
    let inputs = [
      try random(3, 2), try random(5, 3, 2, seed: 4), try random(2, 2, seed: 5), try random(2, seed: 6),
      try random(seed: 7),
    ]
    try expectGradients(body, returning: "%last.9, %all.10", inputs)
    let function = try NativeText.function(body, returning: "%last.9, %all.10", inputs)
    let pullback = try GradientCheck(function: function, inputs: inputs).pullback()
    let scans = pullback.body.operations.filter { $0.name == "scan" }
    try #require(scans.count == 2)
    let states = scans[1].operands[0].values.map { pullback.type(of: $0).shape.count }
    #expect(states.sorted() == [0, 2], "The scale's gradient and the state's alone go through the runs: \(states)")
    #expect(scans[1].regions[0].operations.count { $0.name == "linear" } == 0, "Products of the way forward are kept.")
    // That of the cotangent and the weight, for both factors of the weight.
    #expect(scans[1].regions[0].operations.count { $0.name == "matmul" } == 1)
  }

  private func loop(_ attributes: String) -> String {
    """
    %zero.20 = full {dtype = i64, shape = [], value = 0} : i64[]
    %y.9, %n.10 = while([%x0.0, %zero.20]) \(attributes){ (%s.3: f64[2], %i.4: i64[])
      %go.8 = less(%i.4, 3) : bool[]
      return %go.8
    } { (%s.11: f64[2], %i.12: i64[])
      %d.13 = multiply(%s.11, %x1.1) : f64[2]
      %e.15 = sin(%d.13) : f64[2]
      %j.14 = add(%i.12, 1) : i64[]
      return %e.15, %j.14
    } : f64[2], i64[]
    """
  }

  @Test func gradientsPassThroughALoopOfBoundedRuns() throws {
    try expectGradients(loop("{bound = 5} "), returning: "%y.9", [random(2), random(2, seed: 4)])
  }

  @Test func aLoopOfUnknownRunsHasNoGradient() throws {
    let function = try NativeText.function(loop(""), returning: "%y.9", [random(2), random(2, seed: 4)])
    #expect {
      try Differentiation.pullback(of: function, withRespectTo: [function.inputValues[0]])
    } throws: { ($0 as? Diagnostic)?.message.contains("`while` has no gradient") ?? false }
  }

  // MARK: Modes

  @Test func whatIsDroppedHasNoGradient() throws {
    let body = """
      %y.2 = dropout(%x0.0, %key.1) {rate = 0.5} : f64[4,5]
      %z.3 = multiply(%y.2, %x0.0) : f64[4,5]
      """
    try expectGradients(body, returning: "%z.3", [random(4, 5)], drawing: true)
  }

  @Test func droppedAttentionHasAGradient() throws {
    let body = """
      %y.4 = attention(%x0.0, %x1.1, %x2.2, absent, %key.3) {dropout_rate = 0.4} : f64[2,3,4]
      """
    try expectGradients(
      body, returning: "%y.4", [random(2, 3, 4), random(2, 3, 4, seed: 4), random(2, 3, 4, seed: 5)], drawing: true)
  }

  /// PyTorch's gradient of the loss is that of the scores before its log_softmax, where differences show it.
  @Test func connectionistLossHasTheGradientOfScores() throws {
    let body = """
      %p.4 = log_softmax(%x0.0) {axis = 2} : f64[6,2,4]
      %y.5 = ctc_loss(%p.4, %x1.1, %x2.2, %x3.3) {reduction = "none"} : f64[2]
      """
    let labels = try TensorData(shape: [2, 3], elements: [1, 2, 2, 3, 1, 0] as [Int64])
    let lengths = try [[6, 5], [3, 2]].map { try TensorData(shape: [2], elements: $0 as [Int64]) }
    try expectGradients(body, returning: "%y.5", [random(6, 2, 4), labels] + lengths)
  }

  // MARK: What is asked for

  private static let network = """
    %a.3 = conv(%x0.0, %x1.1) {dilation = [1, 1], padding = [1, 1, 1, 1], stride = [1, 1]} : f64[2,4,5,5]
    %b.4 = relu(%a.3) : f64[2,4,5,5]
    %c.5 = conv(%b.4, %x1.1) {dilation = [1, 1], padding = [1, 1, 1, 1], stride = [1, 1]} : f64[2,4,5,5]
    %d.6 = mean(%c.5) {axes = [2, 3]} : f64[2,4]
    %e.7 = linear(%d.6, %x2.2) : f64[2,3]
    %f.8 = sum(%e.7) {axes = [0, 1]} : f64[]
    """

  @Test func frozenParametersCostNothing() throws {
    let inputs = [try random(2, 4, 5, 5), try random(4, 4, 3, 3, seed: 4), try random(3, 4, seed: 5)]
    let function = try NativeText.function(Self.network, returning: "%f.8", inputs)
    let values = function.inputValues
    func convolutions(_ asked: [Value]) throws -> Int {
      let derived = try Differentiation.gradient(of: function, withRespectTo: asked)
      return derived.body.operations.count { $0.name == "conv" }
    }
    #expect(try convolutions([values[2]]) == 2)
    #expect(try convolutions([values[1]]) == 5)
    #expect(try convolutions(values) == 6)
    let head = try Differentiation.gradient(of: function, withRespectTo: [values[2]])
    let names = head.body.operations.map(\.name)
    #expect(names.count { $0 == "relu" } == 1 && !names.contains("where") && !names.contains("flip"), "\(names)")
    try expectGradients(Self.network, returning: "%f.8", inputs)
  }

  @Test func onlyScalarsOfFloatingTypeHaveAGradient() throws {
    let function = try NativeText.function("%y.1 = exp(%x0.0) : f64[2]", returning: "%y.1", [random(2)])
    #expect(throws: Diagnostic.self) { try Differentiation.gradient(of: function, withRespectTo: function.inputValues) }
  }

  @Test func theGraphReadsBackFromItsText() throws {
    let inputs = [try random(2, 4, 5, 5), try random(4, 4, 3, 3, seed: 4), try random(3, 4, seed: 5)]
    let function = try NativeText.function(Self.network, returning: "%f.8", inputs)
    let derived = try Differentiation.gradient(of: function, withRespectTo: function.inputValues)
    let printed = IRPrinter().print(derived)
    #expect(IRPrinter().print(try IRParser.parse(printed)) == printed)
  }

  // MARK: Second order

  static let smooth = [
    "exp", "log", "sqrt", "tanh", "sigmoid", "sin", "multiply", "divide", "power", "gelu", "silu", "matmul", "linear",
    "conv", "softmax", "log_softmax", "layer_norm", "rms_norm", "group_norm", "batch_norm", "attention", "mean",
    "cumprod", "prod", "lstm_cell", "cross_entropy", "inverse", "max_pool", "grid_sample",
  ]

  @Test(arguments: smooth.map { NativeSampleTests.Case(op: $0, number: 0) })
  func gradientsOfGradients(_ item: NativeSampleTests.Case) throws {
    let first = try GradientCheck(item)
    let second = GradientCheck(function: try first.pullback(), inputs: try first.inputs + first.cotangents())
    let mismatches = try second.mismatches()
    #expect(mismatches.isEmpty, "seed \(second.seed): \(mismatches.prefix(4).joined(separator: "; "))")
  }
}
