/// What stands behind an operation about where it came from: numbers in the table of origins.
struct OriginReference {
  struct Place {
    var call: Int?
    var line: Int?
  }

  var module: Int?
  /// The operation's own, then those of its copies.
  var places: [Place] = []
  var sourceOp = ""
  var node = ""

  /// Reads ` @ m3 c0 l7 + c1 l9 "aten.add.Tensor" "add_1"`, of which everything may be missing.
  init(_ scanner: inout IRScanner) throws {
    guard scanner.take("@") else { return }
    module = try Self.entry("m", &scanner)
    repeat {
      places.append(Place(call: try Self.entry("c", &scanner), line: try Self.entry("l", &scanner)))
    } while scanner.take("+")
    scanner.skipSpace()
    if scanner.peek == UInt8(ascii: "\"") {
      sourceOp = try scanner.string()
      node = try scanner.string()
    }
  }

  private static func entry(_ letter: Character, _ scanner: inout IRScanner) throws -> Int? {
    let start = scanner.position
    guard let word = scanner.takeWord(), word.first == letter, let index = Int(word.dropFirst()) else {
      scanner.rewind(to: start)
      return nil
    }
    return index
  }
}

/// Reads the table that ``OriginTable`` writes.
struct OriginReader {
  /// How many stack entries all operations together may have: stacks share entries in the text, not in memory.
  private static let budget = 1 << 24
  private static let depthLimit = 4096

  private var files: [String] = []
  private var modules: [[ModuleCall]] = []
  private var frames: [[SourceLocation]] = []
  private let callCount: Int
  private var spent = 0

  /// - Parameter calls: how many calls of functions there are.
  init(calls: Int) { callCount = calls }

  mutating func read(_ scanner: inout IRScanner) throws {
    try scanner.expect("{")
    while !scanner.take("}") {
      switch try scanner.name("a file, module or line") {
      case "file":
        try number(files.count, &scanner)
        files.append(try scanner.string())
      case "module":
        try number(modules.count, &scanner)
        let parent = try parent(among: modules, &scanner)
        let call = ModuleCall(
          path: try scanner.string(), className: try scanner.string(), call: try scanner.integer())
        modules.append(parent + [call])
      case "line":
        try number(frames.count, &scanner)
        let parent = try parent(among: frames, &scanner)
        let file = try scanner.index(below: files.count, "file")
        try scanner.expect(":")
        let location = SourceLocation(
          file: files[file], line: try scanner.integer(), function: try scanner.string(), text: try scanner.string())
        frames.append(parent + [location])
      case let other: throw scanner.failure("`\(other)` is neither file, module nor line")
      }
    }
  }

  private func number(_ expected: Int, _ scanner: inout IRScanner) throws {
    guard try scanner.integer("a number") == expected else { throw scanner.failure("expected the number \(expected)") }
  }

  private mutating func parent<T>(among stacks: [[T]], _ scanner: inout IRScanner) throws -> [T] {
    guard scanner.take(word: "in") else { return [] }
    let stack = stacks[try scanner.index(below: stacks.count, "enclosing entry")]
    spent += stack.count
    guard stack.count < Self.depthLimit, spent <= Self.budget else { throw scanner.failure("stacks are too deep") }
    return stack
  }

  func resolve(_ reference: OriginReference) throws -> Origin {
    var places = try reference.places.map(place)
    let own = places.isEmpty ? Origin.unknown.place : places.removeFirst()
    var origin = Origin(
      modules: try stack(reference.module, among: modules, "module"), frames: own.frames, call: own.call,
      sourceOp: reference.sourceOp, node: reference.node)
    origin.copies = places
    return origin
  }

  private func place(_ reference: OriginReference.Place) throws -> Origin.Place {
    if let call = reference.call, !(0..<callCount).contains(call) {
      throw Diagnostic(.invalidPackage, "program text: there is no call \(call)")
    }
    return Origin.Place(call: reference.call, frames: try stack(reference.line, among: frames, "line"))
  }

  private func stack<T>(_ index: Int?, among stacks: [[T]], _ what: String) throws -> [T] {
    guard let index else { return [] }
    guard stacks.indices.contains(index) else {
      throw Diagnostic(.invalidPackage, "program text: there is no \(what) \(index) in the table of origins")
    }
    return stacks[index]
  }
}
