import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct HandOnValuesTests {
  /// Two blocks, of which the first computes a bias, of `source`, that the second adds too.
  ///
  /// - Parameter layers: whether that is done by a layer within each block.
  private func blocks(biasOf source: String, inputs: Int = 1, layers: Bool = false) throws -> OutlinedFunction {
    var function = try program(
      """
      %a = exp(\(source)) : f32[N,4] %bias = tanh(%a) : f32[N,4] %b = add(%x, %bias) : f32[N,4]
      %h = tanh(%b) : f32[N,4]
      %c = add(%h, %bias) : f32[N,4] %d = exp(%c) : f32[N,4] %e = tanh(%d) : f32[N,4]
      %f = sin(%e) : f32[N,4] return %f
      """, inputs: inputs, arguments: "%w: f32[N,4] = parameter \"blocks.0\(layers ? ".layer" : "").w\" trainable")
    for index in function.body.operations.indices {
      let block = index < 4 ? 0 : 1
      var modules = [ModuleCall(path: "blocks.\(block)", className: "net.Block")]
      if layers, ![3, 7].contains(index) {
        modules.append(ModuleCall(path: "blocks.\(block).layer", className: "net.Layer"))
      }
      function.body.operations[index].origin = Origin(modules: modules, node: "n\(index)")
    }
    return HandOnValues().run(try OutlineCalls(function).run())
  }

  private func expectOneSignature(_ function: OutlinedFunction) throws {
    let calls = function.function.body.operations.filter { $0.callSite != nil }
    let callees = function.calls.map(\.callee)
    #expect(callees.map(\.function.inputValues.count) == [2, 2])
    #expect(callees.map(\.function.body.results.count) == [2, 2] && calls.map(\.results.count) == [2, 2])
    #expect(callees.map(\.optionalInputs) == [[1], [1]])
    #expect(callees.map(\.function.inputNames) == [["x", "bias"], ["h", "bias"]])
  }

  @Test func allTakeAndReturnWhatTheFirstComputes() throws {
    let root = try blocks(biasOf: "%w")
    try expectOneSignature(root)
    let calls = root.function.body.operations
    #expect(calls[0].operands[1] == .absent)
    #expect(calls[1].operands[1] == .value(calls[0].results[0]))
    let second = root.calls[1].callee.function
    #expect(second.body.results[0] == .value(second.inputValues[1]))
  }

  @Test func whatIsWithinDoesSoToo() throws {
    let root = try blocks(biasOf: "%w", layers: true)
    try expectOneSignature(root)
    for block in root.calls.map(\.callee) {
      let call = try #require(block.function.body.operations.first { $0.callSite != nil })
      #expect(call.operands[1] == .value(block.function.inputValues[1]))
      #expect(block.function.body.results[0] == .value(call.results[0]))
      #expect(block.calls[0].callee.optionalInputs == [1])
    }
  }

  @Test func blocksThatDifferOtherwiseStay() throws {
    let root = try blocks(biasOf: "%y", inputs: 2)
    #expect(root.calls.map(\.callee.optionalInputs) == [[], []])
    #expect(root.calls.map(\.callee.function.body.results.count) == [2, 1])
  }
}
