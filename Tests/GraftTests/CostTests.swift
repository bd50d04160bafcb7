import GraftIR
import GraftOps
import Testing

@Suite struct CostTests {
  private let builder = GraphBuilder(GraftIR.Function(name: "f"))

  private func tensor(_ shape: Dim...) -> Operand {
    .value(builder.function.makeValue(TensorType(.float32, shape)))
  }

  private func flops(_ result: Operand) throws -> Dim {
    let operation = try #require(builder.operations.last)
    #expect(result.asValue == operation.results.first)
    let definition = try OpCatalogue.definition(of: operation)
    return try OpCall(operation, of: definition, in: builder.function).flops
  }

  @Test func contractionsCountTwoPerMultiplyAdd() throws {
    let n = Dim.symbol("N")
    #expect(try flops(builder(.matmul, tensor(n, 3, 4), tensor(4, 5))) == n * Dim(2 * 3 * 4 * 5))
    #expect(try flops(builder(.linear, tensor(n, 4), tensor(5, 4), tensor(5))) == n * Dim(2 * 4 * 5 + 5))
    let einsum = try builder.apply(
      .einsum, [.list([tensor(n, 3, 4), tensor(4, 5)].compactMap(\.asValue))],
      attributes: ["equation": .string("bij,jk->bik")])
    #expect(try flops(einsum[0]) == n * Dim(2 * 3 * 4 * 5))
    let conv = try builder(
      .conv, tensor(n, 4, 8, 8), tensor(6, 2, 3, 3), .absent,
      attributes: [
        "stride": .ints([1, 1]), "padding": .ints([1, 1, 1, 1]), "dilation": .ints([1, 1]), "groups": .int(2),
      ])
    #expect(try flops(conv) == n * Dim(6 * 64 * 2 * 2 * 9))
  }

  @Test func elementwiseOpsCountElementsAndMovesNothing() throws {
    #expect(try flops(builder(.add, tensor(3, 4), tensor(4))) == 12)
    #expect(try flops(builder(.transpose, tensor(3, 4), attributes: ["permutation": .ints([1, 0])])) == 0)
  }

  @Test func recurrentCellsCountTheirWeights() throws {
    let cell = try #require(OpCatalogue.definition("lstm_cell"))
    let n = Dim.symbol("N")
    _ = try builder.apply(
      cell, [tensor(n, 3), tensor(n, 5), tensor(n, 5), tensor(20, 3), tensor(20, 5), tensor(20), tensor(20)])
    let operation = try #require(builder.operations.last)
    let cost = try OpCall(operation, of: cell, in: builder.function).flops
    #expect(cost == n * Dim(2 * 20 * (3 + 5) + 2 * 20))
  }

  @Test func integersCostNothing() throws {
    let x = Operand.value(builder.function.makeValue(TensorType(.int32, [3])))
    #expect(try flops(builder(.add, x, .int(1))) == 0)
  }
}
