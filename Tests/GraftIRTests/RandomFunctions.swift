@testable import GraftIR

/// Well-formed functions that exercise every part of the text form, with ops that mean nothing.
struct RandomFunctions {
  var generator: SeededGenerator
  private var function = Function(name: "")

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private static let calls = 3
  private let names = ["x", "out", "conv1.weight", "naïve \"name\"\n", "_1", "a\\b", "λ", "return", ""]

  mutating func next(operations: Int = 12, parameters: Int = 3) -> Function {
    function = Function(name: generator.pick(["f", "resnet 18", "g_2"]), summary: generator.pick(["", "a \"line\""]))
    function.symbols = [
      Symbol("N", minimum: 1, maximum: 512, sizes: [2, 3]), Symbol("T", minimum: -1), Symbol("H", sizes: [4]),
    ]
    addArguments(parameters)
    var block = Block()
    var visible = function.arguments.map(\.value)
    for _ in 0..<operations { block.operations.append(operation(depth: 0, &visible)) }
    block.results = (0..<3).map { _ in .value(generator.pick(visible)) } + [.float(.infinity)]
    function.body = block
    function.calls = (0..<Self.calls).map { call($0, visible) }
    function.outputs = .tuple([
      .leaf(1), .list([.leaf(0)]),
      .record(className: "pkg.Out", fields: [.init("a b", .leaf(2)), .init("c", .constant(attribute(2)))]), .leaf(3),
    ])
    function.stateUpdates = [StateUpdate(path: "bn.running mean", value: .value(generator.pick(visible)))]
    for value in [generator.pick(visible), generator.pick(visible)] {
      function.passedNames.record(.init(module: "blocks.0 \"a\"", name: generator.pick(names), value: value))
    }
    return function.normalised()
  }

  private mutating func addArguments(_ parameters: Int) {
    let roles: [Argument.Role] = [
      .input(leaf: 0), .input(leaf: 1), .state(path: "bn.running mean", persistent: true),
    ]
    let others: [Argument.Role] = [
      .parameter(path: "conv1.weight", trainable: true, aliases: ["a.b", "c"]),
      .parameter(path: "frozen", trainable: false, aliases: []), .state(path: "cache", persistent: false),
      .constant(name: "c_lifted_0"), .key,
    ]
    for role in roles + others.shuffled(using: &generator).prefix(parameters) {
      let type = role == .key ? TensorType(.key) : type()
      function.arguments.append(Argument(role, function.makeValue(type, hint: hint())))
    }
    function.inputs = .dict([
      .init("x", .leaf(0)), .init("more", .tuple([.leaf(1), .constant(.none), .constant(.bool(true))])),
    ])
    function.inputNames = ["x", "more \"0\""]
  }

  private mutating func hint() -> String? { generator.chance(50) ? generator.pick(names) : nil }

  private mutating func dim() -> Dim {
    let (n, t) = (Dim.symbol("N"), Dim.symbol("T"))
    switch generator.below(12) {
    case 0: return n
    case 1: return n * t
    case 2: return (n + 2).floorDivided(by: 2) - 1
    case 3: return Dim.maximum(n, t * -2 + 4)
    case 4: return n.remainder(by: 7)
    case 5: return t * t + n - 5
    case 6: return Dim.minimum(n, 4) * t
    default: return Dim(generator.below(300))
    }
  }

  private mutating func type() -> TensorType {
    TensorType(generator.pick(DType.allCases), (0..<generator.below(4)).map { _ in dim() })
  }

  private mutating func scalar() -> Scalar {
    generator.pick([
      .bool(true), .int(-3), .int(Int.min), .int(Int.max), .float(2), .float(-1e-5), .float(-.infinity), .float(0.1),
      .float(.greatestFiniteMagnitude), .complex(1, -2.5), .float(-0.0),
    ])
  }

  private mutating func attribute(_ depth: Int) -> Attribute {
    switch generator.below(depth > 0 ? 8 : 6) {
    case 0: return .none
    case 1: return .scalar(scalar()).canonical
    case 2: return .dim(dim())
    case 3: return .string(generator.pick(names))
    case 4: return .dtype(generator.pick(DType.allCases))
    case 5:
      let elements = (0..<4).map { _ in scalar() }
      return TensorLiteral(dtype: .float32, shape: [2, 2], elements: elements).map { .literal($0) } ?? .none
    default: return .list((0..<generator.below(4)).map { _ in attribute(depth - 1) })
    }
  }

  private mutating func operation(depth: Int, _ visible: inout [Value]) -> Operation {
    var operation = Operation(generator.pick(["add", "conv", "odd name", "mode"]), [], results: [])
    for _ in 0..<generator.below(4) {
      switch generator.below(6) {
      case 0: operation.operands.append(.scalar(scalar()))
      case 1: operation.operands.append(.absent)
      case 2: operation.operands.append(.list((0..<generator.below(3)).map { _ in generator.pick(visible) }))
      default: operation.operands.append(.value(generator.pick(visible)))
      }
    }
    for _ in 0..<generator.below(3) {
      operation.attributes[generator.pick(["stride", "eps", "odd name", "value"])] = attribute(2)
    }
    if depth < 2, generator.chance(15) {
      for _ in 0..<(1 + generator.below(2)) { operation.regions.append(region(depth + 1, visible)) }
    }
    operation.results = (0..<generator.below(3)).map { _ in function.makeValue(type(), hint: hint()) }
    operation.origin = origin()
    visible += operation.results
    return operation
  }

  private mutating func region(_ depth: Int, _ outer: [Value]) -> Block {
    var visible = outer
    let arguments = (0..<generator.below(3)).map { _ in function.makeValue(type(), hint: hint()) }
    visible += arguments
    var block = Block(arguments: arguments)
    for _ in 0..<generator.below(4) { block.operations.append(operation(depth: depth, &visible)) }
    block.results = (0..<generator.below(3)).map { _ in .value(generator.pick(visible)) }
    return block
  }

  private mutating func origin() -> Origin {
    if generator.chance(20) { return .unknown }
    let modules = (0..<generator.below(3)).map {
      ModuleCall(path: "layer\($0).\(generator.below(2))", className: "torch.nn.Conv2d", call: generator.below(2))
    }
    let own = place()
    var origin = Origin(
      modules: modules, frames: own.frames, call: own.call, sourceOp: generator.pick(["", "aten.add.Tensor"]),
      node: "add_1")
    origin.copies = (0..<generator.below(3)).map { _ in place() }
    return origin
  }

  private mutating func place() -> Origin.Place {
    let frames = (0..<generator.below(3)).map { _ in
      SourceLocation(
        file: generator.pick(["a.py", "/b c/ü.py"]), line: generator.below(9), function: "forward", text: "y = \"x\"")
    }
    return Origin.Place(call: generator.chance(50) ? generator.below(Self.calls) : nil, frames: frames)
  }

  private mutating func call(_ number: Int, _ visible: [Value]) -> FunctionCall {
    var call = FunctionCall(
      generator.pick(["utils.area", "net.Net.attend \"0\""]), parent: number > 0 && generator.chance(50) ? 0 : nil,
      modules: generator.below(3), frames: generator.below(3))
    call.arguments = (0..<generator.below(3)).map { _ in
      let value = generator.chance(50) ? Operand.value(generator.pick(visible)) : .scalar(scalar())
      return FunctionCall.Argument(generator.pick(names), value)
    }
    call.returns = (0..<generator.below(3)).map { _ in generator.chance(50) ? generator.pick(names) : nil }
    return call
  }
}
