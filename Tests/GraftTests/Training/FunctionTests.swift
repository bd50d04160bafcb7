import Testing

@testable import Graft

/// Programs that are written in Swift.
@Suite struct FunctionTests {
  @Test func computesAndDifferentiates() throws {
    let function = Function { x, y in try ((x - y).squared() * 0.5).sum() }
    let (x, y): (Tensor, Tensor) = ([1.5, 2.0, 4.0], [1.0, 1.0, 1.0])
    #expect(try function(x, y).scalar(as: Float.self) == 0.5 * (0.25 + 1 + 9))
    let (value, gradients) = try function.valueAndGradient(x, y)
    #expect(try value.scalar(as: Float.self) == 5.125)
    #expect(try gradients[0].elements(of: Float.self) == [0.5, 1, 3])
    #expect(try gradients[1].elements(of: Float.self) == [-0.5, -1, -3])
    #expect(try function.text([(.float32, [3]), (.float32, [3])]).contains("subtract"))
  }

  @Test func promotesAsTorchDoes() throws {
    let scaled = Function { x, scale in try x * scale + 1 }
    let result = try scaled([1.0, 2.0], Tensor(0.5))
    #expect(result.dtype == .float32)
    #expect(try result.elements(of: Float.self) == [1.5, 2])
    #expect(try scaled([1, 2], [0.5, 0.5]).dtype == .float32)
  }

  @Test func appliesOpsByName() throws {
    let sums = Function { x in try x.op("cumsum", attributes: ["axis": 0]) }
    #expect(try sums([1.0, 2.0, 3.0]).elements(of: Float.self) == [1, 3, 6])
    #expect(throws: Problem.self) { try Function { x in try x.op("cumsun") }([1.0]) }
    #expect(throws: Problem.self) { try Function { x in try x.op("cumsum") }([1.0]) }
    #expect(throws: Problem.self) { try Function { x in try x.matmul(x) }([[1.0, 2.0]]) }
  }

  @Test func refusesAnotherNumberOfTensors() throws {
    let negative = Function { x in try -x }
    #expect(throws: Problem.self) { try negative([1.0], [2.0]) }
    #expect(throws: Problem.self) { try negative.valueAndGradient([1.0, 2.0]) }
    #expect(throws: Problem.self) { try Function { _ in 1 }([1.0]) }
  }
}
