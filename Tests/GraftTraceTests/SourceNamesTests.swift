import GraftIR
import GraftOps
import Testing

@testable import GraftTrace

@Suite struct SourceNamesTests {
  @Test(arguments: [
    ("x = self.conv1(x)", ["x"]), ("x += y", ["x"]), ("self.out = f(x)", ["out"]),
    ("a, (b, c) = f(x)", ["a", "b", "c"]),
    ("h: Tensor = f(x)", ["h"]), ("x[0] = 1", ["x"]), ("y = a if b == c else d", ["y"]), ("cache[\"k\"] = v", []),
    ("return f(x)", []), ("if x == y:", []), ("assert a <= b", []), ("f(x, y=1)", []), ("", []), ("= 3", []),
  ])
  func readsTheAssignedVariables(statement: String, names: [String]) {
    #expect(SourceLocation(file: "m.py", line: 1, text: statement).assignmentTargets == names)
  }

  @Test func aReturnTakesTheCallersVariable() {
    let origin = Origin(frames: [
      SourceLocation(file: "/home/me/net.py", line: 3, text: "h = self.block(x)"),
      SourceLocation(file: "/home/me/block.py", line: 9, text: "return self.relu(y)"),
      SourceLocation(file: "/env/site-packages/torch/nn/modules/activation.py", line: 1, text: "result = F.relu(x)"),
    ])
    #expect(SourceNames.targets(of: origin) == ["h"])
  }
}

@Suite struct TupleTargetTests {
  /// `a, b = -exp(x), tanh(x)` and `y = a + b`; optionally the inner value is read as well.
  private func names(readingInner: Bool) throws -> [String?] {
    let builder = GraphBuilder(Function(name: "f"))
    let x = builder.function.makeValue(TensorType(.float32, [3]))
    builder.function.arguments = [Argument(.input(leaf: 0), x)]
    func statement(_ line: Int, _ text: String) {
      builder.origin = Origin(frames: [SourceLocation(file: "/home/me/net.py", line: line, text: text)])
    }
    statement(1, "a, b = -exp(x), tanh(x)")
    let inner = try builder(.exp, .value(x))
    let (a, b) = (try builder(.negative, inner), try builder(.tanh, .value(x)))
    statement(2, "y = a + b")
    let y = try builder(.add, readingInner ? inner : a, b)
    var function = builder.finished(results: [y, a])
    function.nameStatementTargets()
    return [inner, a, b].map { $0.asValue.flatMap { function.info($0).hint } }
  }

  @Test func whatOtherStatementsReadIsNamedInOrder() throws {
    #expect(try names(readingInner: false) == [nil, "a", "b"])
  }

  @Test func moreValuesThanTargetsStayUnnamed() throws {
    #expect(try names(readingInner: true) == [nil, nil, nil])
  }
}

@Suite struct IntermediateNameTests {
  /// `out = self.second(self.first(x))` and `y = out + x`: what the values are called.
  @Test func aValueOnTheWayIsNamedAfterItsLayer() throws {
    let builder = GraphBuilder(Function(name: "f"))
    let x = builder.function.makeValue(TensorType(.float32, [3]))
    builder.function.arguments = [Argument(.input(leaf: 0), x)]
    func layer(_ name: String, _ op: OpDefinition, _ operand: Operand) throws -> Operand {
      builder.origin = Origin(
        modules: [
          ModuleCall(path: "", className: "net.Net"), ModuleCall(path: name, className: "torch.nn.modules.act.\(name)"),
        ], frames: [SourceLocation(file: "/home/me/net.py", line: 1, text: "out = self.second(self.first(x))")])
      let result = try builder(op, operand)
      result.asValue.map { builder.function.setHint("out", of: $0) }
      return result
    }
    let first = try layer("first", .exp, .value(x))
    let second = try layer("second", .tanh, first)
    builder.origin = Origin(frames: [SourceLocation(file: "/home/me/net.py", line: 2, text: "y = out + x")])
    var function = builder.finished(results: [try builder(.add, second, .value(x))])
    function.nameStatementTargets()
    #expect([first, second].map { $0.asValue.flatMap { function.info($0).hint } } == ["first", "out"])
  }
}

@Suite struct TypePromotionTests {
  private let scalar = { (dtype: DType) in TensorType(dtype) }
  private let vector = { (dtype: DType) in TensorType(dtype, [3]) }

  /// The cases of PyTorch's documentation of type promotion.
  @Test func followsPyTorch() {
    #expect(TypePromotion.common([vector(.float32), vector(.float64)], scalars: []) == .float64)
    #expect(TypePromotion.common([vector(.int32), scalar(.int64)], scalars: []) == .int32)
    #expect(TypePromotion.common([vector(.int32), scalar(.float32)], scalars: []) == .float32)
    #expect(TypePromotion.common([vector(.int32)], scalars: [.float(1.5)]) == .float32)
    #expect(TypePromotion.common([vector(.float16)], scalars: [.float(1.5)]) == .float16)
    #expect(TypePromotion.common([vector(.bool)], scalars: [.int(1)]) == .int64)
    #expect(TypePromotion.common([vector(.uint8), vector(.int8)], scalars: []) == .int16)
    #expect(TypePromotion.common([vector(.float16), vector(.bfloat16)], scalars: []) == .float32)
    #expect(TypePromotion.common([vector(.float64)], scalars: [.complex(0, 1)]) == .complex128)
    #expect(TypePromotion.common([vector(.complex64), vector(.float64)], scalars: []) == .complex128)
  }

  @Test func joiningIsCommutative() {
    for a in DType.allCases where a != .key {
      for b in DType.allCases where b != .key {
        #expect(TypePromotion.join(a, b) == TypePromotion.join(b, a), "\(a) and \(b)")
      }
    }
  }
}
