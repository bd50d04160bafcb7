import GraftEmit
import GraftIR
import GraftOps

@testable import GraftJAX

/// The calls of a small model: three blocks of one class in a list, each an elementwise layer with a weight.
struct Model {
  var function = Function(name: "net")
  private(set) var weights: [Value] = []
  let x: Value

  /// - Parameter dtypes: of the blocks' weights.
  init(blocks: Int, weights names: [String] = ["scale"], dtypes: [DType] = []) {
    let type = TensorType(.float32, [.symbol("N"), 4])
    x = function.makeValue(type, hint: "x")
    function.arguments = [Argument(.input(leaf: 0), x)]
    for index in 0..<blocks {
      let dtype = dtypes.indices.contains(index) ? dtypes[index] : .float32
      for name in names {
        let weight = function.makeValue(TensorType(dtype, [4]), hint: "weight")
        function.arguments.append(
          Argument(.parameter(path: "blocks.\(index).\(name)", trainable: true, aliases: []), weight))
        if name == names[0] { weights.append(weight) }
      }
    }
    function.inputs = .dict([Tree.Field("x", .leaf(0))])
    function.inputNames = ["x"]
  }

  static func origin(block: Int, line: Int, _ text: String) -> Origin {
    Origin(
      modules: [ModuleCall(path: "blocks.\(block)", className: "net.Block")],
      frames: [
        SourceLocation(file: "net.py", line: 30, function: "forward", text: "x = block(x)"),
        SourceLocation(file: "net.py", line: line, function: "forward", text: text),
      ], node: "b\(block)l\(line)")
  }

  /// The text of the functions when each block is written by `block`.
  func emitted(
    className: String = "net.Block", forward parameters: [String] = ["x"],
    _ block: (GraphBuilder, _ number: Int, _ x: Operand, _ weight: Operand) throws -> Operand
  ) throws -> String {
    let function = try built(className: className, block)
    let text = try writer(function, className: className, forward: parameters).write().text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = lines.firstIndex { $0.hasPrefix("def ") } ?? 0
    let end = lines.firstIndex { $0.hasPrefix("def load_params") } ?? lines.count
    return lines[start..<end].filter { !$0.isEmpty && !$0.contains("\"\"\"") }.joined(separator: "\n")
  }

  /// The module with scans for loops.
  func scanned(
    _ block: (GraphBuilder, _ number: Int, _ x: Operand, _ weight: Operand) throws -> Operand
  ) throws -> JAXModuleWriter.Module {
    try writer(built(className: "net.Block", block), className: "net.Block", forward: ["x"], scansLayers: true).write()
  }

  private func writer(
    _ function: Function, className: String, forward parameters: [String], scansLayers: Bool = false
  ) -> JAXModuleWriter {
    JAXModuleWriter(
      function,
      provenance: .init(
        source: "a test", origin: "net.py:20 Net", weightsFile: "net.safetensors",
        parameters: [className: parameters]), scansLayers: scansLayers)
  }

  private func built(
    className: String, _ block: (GraphBuilder, _ number: Int, _ x: Operand, _ weight: Operand) throws -> Operand
  ) throws -> Function {
    let builder = GraphBuilder(function)
    var x = Operand.value(x)
    for (index, weight) in weights.enumerated() { x = try block(builder, index, x, .value(weight)) }
    builder.function.outputs = .leaf(0)
    var function = builder.finished(results: [x])
    for index in function.body.operations.indices {
      let modules = function.body.operations[index].origin.modules
      function.body.operations[index].origin.modules = modules.map { ModuleCall(path: $0.path, className: className) }
    }
    return function
  }
}

func scaled(_ b: GraphBuilder, _ block: Int, _ x: Operand, _ weight: Operand, by factor: Double) throws
  -> Operand
{
  b.origin = Model.origin(block: block, line: 11, "h = x * self.scale")
  let h = try b(.multiply, x, weight)
  h.asValue.map { b.function.setHint("h", of: $0) }
  b.origin = Model.origin(block: block, line: 12, "h = torch.tanh(h)")
  let tanh = try b(.tanh, h)
  tanh.asValue.map { b.function.setHint("h", of: $0) }
  b.origin = Model.origin(block: block, line: 13, "return x + \(factor) * h")
  return try b(.add, x, try b(.multiply, tanh, .float(factor)))
}
