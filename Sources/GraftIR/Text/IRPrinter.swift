/// Writes functions as text that ``IRParser`` reads back.
///
/// Values are numbered in the order of their definitions, whatever their numbers in the function, and carry their
/// hints: `%out.3`.
package struct IRPrinter: Sendable {
  /// Whether where each operation came from is written as well.
  package var includesOrigins: Bool

  package init(includesOrigins: Bool = true) { self.includesOrigins = includesOrigins }

  package func print(_ function: Function) -> String {
    var writer = IRWriter(function, includesOrigins: includesOrigins)
    writer.write()
    return writer.lines.joined(separator: "\n") + "\n"
  }
}

extension Function: CustomStringConvertible {
  /// The text form without origins.
  package var description: String { IRPrinter(includesOrigins: false).print(self) }
}

private struct IRWriter {
  let function: Function
  let numbers: [Value: Int]
  var origins: OriginTable?
  var lines: [String] = []
  var depth = 0

  init(_ function: Function, includesOrigins: Bool) {
    self.function = function
    numbers = Dictionary(function.definitions.enumerated().map { ($1, $0) }, uniquingKeysWith: { a, _ in a })
    origins = includesOrigins ? OriginTable() : nil
  }

  mutating func line(_ text: String) { lines.append(String(repeating: "  ", count: depth) + text) }

  mutating func section(_ head: String, _ entries: [String]) {
    if entries.isEmpty { return }
    line(head + " {")
    depth += 1
    for entry in entries { line(entry) }
    depth -= 1
    line("}")
  }

  mutating func write() {
    let summary = function.summary.isEmpty ? "" : " " + IRText.quoted(function.summary)
    line("function " + IRText.word(function.name) + summary)
    section("symbols", function.symbols.map(IRText.symbol))
    section(
      "arguments",
      function.arguments.map { "\(name($0.value)): \(type($0.value)) = \(IRText.role($0.role))" })
    let names = function.inputNames.isEmpty ? "" : " names \(IRText.strings(function.inputNames))"
    line("inputs \(IRText.tree(function.inputs))\(names)")
    line("outputs \(IRText.tree(function.outputs))")
    line("body {")
    depth += 1
    write(function.body)
    for update in function.stateUpdates {
      line("update \(IRText.quoted(update.path)) = \(operand(update.value))")
    }
    if origins != nil { writePassedNames() }
    depth -= 1
    line("}")
    guard let origins else { return }
    if !function.calls.isEmpty { section("calls", function.calls.enumerated().map(text)) }
    section("origins", origins.lines)
  }

  /// `1 in 0 "utils.area" 0 2 ("boxes" = %boxes.0) returns ["width", none]`.
  func text(_ number: Int, _ call: FunctionCall) -> String {
    let parent = call.parent.map { " in \($0)" } ?? ""
    let arguments = call.arguments.map { "\(IRText.quoted($0.name)) = \(operand($0.value))" }.joined(separator: ", ")
    let names = call.returns.map { $0.map(IRText.quoted) ?? "none" }.joined(separator: ", ")
    return "\(number)\(parent) \(IRText.quoted(call.function)) \(call.modules) \(call.frames)"
      + (arguments.isEmpty ? "" : " (\(arguments))") + (names.isEmpty ? "" : " returns [\(names)]")
  }

  mutating func writePassedNames() {
    let outermost = function.outermostValues
    for entry in function.passedNames.entries where outermost.contains(entry.value) {
      line("passed \(IRText.quoted(entry.module)) \(IRText.word(entry.name)) = \(name(entry.value))")
    }
  }

  mutating func write(_ block: Block) {
    for operation in block.operations { write(operation) }
    line((["return"] + (block.results.isEmpty ? [] : [list(block.results)])).joined(separator: " "))
  }

  mutating func write(_ operation: Operation) {
    var text = operation.results.map(name).joined(separator: ", ")
    if !operation.results.isEmpty { text += " = " }
    text += IRText.word(operation.name)
    if !operation.operands.isEmpty { text += "(\(list(operation.operands)))" }
    if !operation.attributes.isEmpty {
      let attributes = operation.attributes.map { "\(IRText.word($0.key)) = \(IRText.attribute($0.value))" }
      text += " {\(attributes.joined(separator: ", "))}"
    }
    var head = text
    for region in operation.regions {
      let arguments = region.arguments.map { "\(name($0)): \(type($0))" }
      line(head + " {" + (arguments.isEmpty ? "" : " (\(arguments.joined(separator: ", ")))"))
      depth += 1
      write(region)
      depth -= 1
      head = "}"
    }
    if !operation.results.isEmpty { head += " : " + operation.results.map(type).joined(separator: ", ") }
    line(head + (origins?.reference(to: operation.origin) ?? ""))
  }

  func name(_ value: Value) -> String {
    guard let number = numbers[value] else { return "%undefined.\(value.id)" }
    guard let hint = function.knownInfo(value)?.hint else { return "%\(number)" }
    return "%\(IRText.word(hint)).\(number)"
  }

  func type(_ value: Value) -> String { function.knownInfo(value)?.type.description ?? "?" }

  func operand(_ operand: Operand) -> String {
    switch operand {
    case .value(let value): name(value)
    case .scalar(let scalar): IRText.scalar(scalar)
    case .absent: "absent"
    case .list(let values): "[\(values.map(name).joined(separator: ", "))]"
    }
  }

  func list(_ operands: [Operand]) -> String { operands.map(operand).joined(separator: ", ") }
}
