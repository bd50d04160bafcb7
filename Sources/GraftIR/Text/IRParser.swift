/// Reads functions from the text that ``IRPrinter`` writes.
///
/// The text may come from anywhere: whatever it says, the result is a function or a ``Diagnostic`` with a line and a
/// column. Only the form is checked; ``Function/verify()`` checks the rest.
package struct IRParser {
  var scanner: IRScanner
  var function = Function(name: "")
  /// The values in scope, by name.
  private var scope: [String: Value] = [:]
  /// The operations' origins, in the order in which the operations end.
  private var references: [OriginReference] = []

  /// - Throws: ``Diagnostic`` with the code `invalid-package`.
  package static func parse(_ text: String) throws -> Function {
    var parser = IRParser(scanner: IRScanner(text))
    try parser.parseFunction()
    return parser.function
  }

  private init(scanner: IRScanner) { self.scanner = scanner }

  private mutating func parseFunction() throws {
    try scanner.expect(word: "function")
    function.name = try scanner.name("the function's name")
    scanner.skipSpace()
    if scanner.peek == UInt8(ascii: "\"") { function.summary = try scanner.string() }
    if scanner.take(word: "symbols") { try parseSymbols() }
    if scanner.take(word: "arguments") { try parseArguments() }
    try scanner.expect(word: "inputs")
    function.inputs = try tree()
    if scanner.take(word: "names") { function.inputNames = try strings() }
    try scanner.expect(word: "outputs")
    function.outputs = try tree()
    try scanner.expect(word: "body")
    try scanner.expect("{")
    function.body = try block()
    while scanner.take(word: "update") {
      let path = try scanner.string()
      try scanner.expect("=")
      function.stateUpdates.append(StateUpdate(path: path, value: try operand()))
    }
    while scanner.take(word: "passed") {
      let module = try scanner.string()
      let name = try scanner.name("a parameter")
      try scanner.expect("=")
      function.passedNames.record(PassedNames.Entry(module: module, name: name, value: try value()))
    }
    try scanner.expect("}")
    if scanner.take(word: "calls") { try parseCalls() }
    var origins = OriginReader(calls: function.calls.count)
    if scanner.take(word: "origins") { try origins.read(&scanner) }
    scanner.skipSpace()
    if !scanner.isAtEnd { throw scanner.expected("the end") }
    var pending = references[...]
    try resolveOrigins(of: &function.body, from: &pending, in: origins)
  }

  // MARK: Header

  private mutating func parseSymbols() throws {
    try scanner.expect("{")
    while !scanner.take("}") {
      let name = try scanner.name("a symbol")
      try scanner.expect(":")
      let minimum = try scanner.integer()
      try scanner.expect("...")
      scanner.skipSpace()
      let maximum = scanner.peek.map { IRScanner.isDigit($0) || $0 == UInt8(ascii: "-") } ?? false
      let symbol = Symbol(
        name, minimum: minimum, maximum: maximum ? try scanner.integer() : nil,
        sizes: scanner.take(word: "sizes") ? try list("[", "]") { try $0.scanner.integer() } : [])
      function.symbols.append(symbol)
    }
  }

  private mutating func parseArguments() throws {
    try scanner.expect("{")
    while !scanner.take("}") {
      let value = try typedName()
      try scanner.expect("=")
      function.arguments.append(Argument(try role(), value))
    }
  }

  private mutating func role() throws -> Argument.Role {
    switch try scanner.name("a role") {
    case "input":
      try scanner.expect("#")
      return .input(leaf: try scanner.index(below: Int.max, "leaf"))
    case "parameter":
      return .parameter(
        path: try scanner.string(), trainable: scanner.take(word: "trainable"),
        aliases: scanner.take(word: "aliases") ? try strings() : [])
    case "state": return .state(path: try scanner.string(), persistent: scanner.take(word: "persistent"))
    case "constant": return .constant(name: try scanner.string())
    case "key": return .key
    case let other: throw scanner.failure("`\(other)` is not a role")
    }
  }

  /// `{ 0 "utils.area" 0 1 ("boxes" = %boxes.0) returns ["width", none] }`
  private mutating func parseCalls() throws {
    try scanner.expect("{")
    while !scanner.take("}") {
      let number = function.calls.count
      guard try scanner.integer("a call's number") == number else {
        throw scanner.failure("expected the number \(number)")
      }
      let parent = scanner.take(word: "in") ? try scanner.index(below: number, "enclosing call") : nil
      var call = FunctionCall(
        try scanner.string(), parent: parent, modules: try scanner.index(below: Int.max, "count of modules"),
        frames: try scanner.index(below: Int.max, "count of frames"))
      scanner.skipSpace()
      if scanner.peek == UInt8(ascii: "(") { call.arguments = try list("(", ")") { try $0.callArgument() } }
      if scanner.take(word: "returns") {
        call.returns = try list("[", "]") { $0.scanner.take(word: "none") ? nil : try $0.scanner.string() }
      }
      function.calls.append(call)
    }
  }

  private mutating func callArgument() throws -> FunctionCall.Argument {
    let name = try scanner.string()
    try scanner.expect("=")
    return FunctionCall.Argument(name, try operand())
  }

  // MARK: Values

  /// The name behind a `%`, with its hint.
  private mutating func valueName() throws -> (name: String, hint: String?) {
    try scanner.expect("%")
    if let digits = scanner.takeDigits() { return (digits, nil) }
    let hint = try scanner.name("a value's name")
    guard scanner.peek == UInt8(ascii: ".") else { return (IRText.word(hint), hint) }
    _ = scanner.take(".")
    guard let digits = scanner.takeDigits() else { throw scanner.expected("a value's number") }
    return ("\(IRText.word(hint)).\(digits)", hint)
  }

  private mutating func value() throws -> Value {
    let name = try valueName().name
    guard let value = scope[name] else { throw scanner.failure("`%\(name)` is not defined") }
    return value
  }

  private mutating func define(_ name: String, _ value: Value) throws {
    if scope.updateValue(value, forKey: name) != nil { throw scanner.failure("`%\(name)` is defined twice") }
  }

  /// `%x: f32[N]`, a new value.
  private mutating func typedName() throws -> Value {
    let (name, hint) = try valueName()
    try scanner.expect(":")
    let value = function.makeValue(try type(), hint: hint)
    try define(name, value)
    return value
  }

  private mutating func operand() throws -> Operand {
    scanner.skipSpace()
    switch scanner.peek {
    case UInt8(ascii: "%"): return .value(try value())
    case UInt8(ascii: "["): return .list(try list("[", "]") { try $0.value() })
    default: return scanner.take(word: "absent") ? .absent : .scalar(try scalar())
    }
  }

  // MARK: Operations

  /// Operations up to and including `return` and its operands.
  private mutating func block(arguments: [Value] = []) throws -> Block {
    try scanner.enter()
    defer { scanner.leave() }
    var block = Block(arguments: arguments)
    while !scanner.take(word: "return") { block.operations.append(try operation()) }
    scanner.skipSpace()
    let start = scanner.position
    if scanner.take("}") || scanner.take(word: "update") || scanner.take(word: "passed") {
      scanner.rewind(to: start)
    } else {
      repeat { block.results.append(try operand()) } while scanner.take(",")
    }
    return block
  }

  private mutating func operation() throws -> Operation {
    var names: [String] = []
    var results: [Value] = []
    scanner.skipSpace()
    if scanner.peek == UInt8(ascii: "%") {
      repeat {
        let (name, hint) = try valueName()
        names.append(name)
        results.append(function.makeValue(TensorType(.bool), hint: hint))
      } while scanner.take(",")
      try scanner.expect("=")
    }
    var operation = Operation(try scanner.name("an operation"), [], results: results)
    scanner.skipSpace()
    if scanner.peek == UInt8(ascii: "(") { operation.operands = try list("(", ")") { try $0.operand() } }
    try parseAttributes(of: &operation)
    while scanner.take("{") { operation.regions.append(try region()) }
    for (index, result) in results.enumerated() {
      if index == 0 { try scanner.expect(":") } else { try scanner.expect(",") }
      function.setType(try type(), of: result)
    }
    references.append(try OriginReference(&scanner))
    for (name, result) in zip(names, results) { try define(name, result) }
    return operation
  }

  /// Attributes in braces, told from a region by the `=` behind the first word.
  private mutating func parseAttributes(of operation: inout Operation) throws {
    let start = scanner.position
    guard scanner.take("{"), try scanner.takeName() != nil, scanner.take("=") else {
      scanner.rewind(to: start)
      return
    }
    scanner.rewind(to: start)
    try scanner.expect("{")
    repeat {
      let name = try scanner.name("an attribute")
      try scanner.expect("=")
      guard operation.attributes.updateValue(try attribute(), forKey: name) == nil else {
        throw scanner.failure("attribute `\(name)` is given twice")
      }
    } while scanner.take(",")
    try scanner.expect("}")
  }

  private mutating func region() throws -> Block {
    let outer = scope
    scanner.skipSpace()
    let arguments = scanner.peek == UInt8(ascii: "(") ? try list("(", ")") { try $0.typedName() } : []
    let block = try block(arguments: arguments)
    try scanner.expect("}")
    scope = outer
    return block
  }

  private func resolveOrigins(
    of block: inout Block, from pending: inout ArraySlice<OriginReference>, in origins: OriginReader
  ) throws {
    for index in block.operations.indices {
      for region in block.operations[index].regions.indices {
        try resolveOrigins(of: &block.operations[index].regions[region], from: &pending, in: origins)
      }
      if let reference = pending.popFirst() { block.operations[index].origin = try origins.resolve(reference) }
    }
  }
}
