/// The places that operations came from, each written once: files, and stacks of modules and of lines in which every
/// entry names the one that encloses it.
struct OriginTable {
  private struct Key<Entry: Hashable>: Hashable {
    let parent: Int?
    let entry: Entry
  }

  private struct Line: Hashable {
    let file: Int
    let line: Int
    let function: String
    let text: String
  }

  private var files: [String: Int] = [:]
  private var modules: [Key<ModuleCall>: Int] = [:]
  private var frames: [Key<Line>: Int] = [:]
  private var fileLines: [String] = []
  private var moduleLines: [String] = []
  private var frameLines: [String] = []

  /// The table's text: files, then modules, then lines of source.
  var lines: [String] { fileLines + moduleLines + frameLines }

  /// What is written after an operation, adding to the table what it lacks; empty for an unknown origin.
  mutating func reference(to origin: Origin) -> String {
    if origin == .unknown { return "" }
    var text = " @"
    var module: Int?
    for call in origin.modules { module = index(of: call, in: module) }
    if let module { text += " m\(module)" }
    text += ([origin.place] + origin.copies).map { reference(to: $0) }.joined(separator: " +")
    if !origin.sourceOp.isEmpty || !origin.node.isEmpty {
      text += " \(IRText.quoted(origin.sourceOp)) \(IRText.quoted(origin.node))"
    }
    return text
  }

  private mutating func reference(to place: Origin.Place) -> String {
    var frame: Int?
    for location in place.frames { frame = index(of: location, in: frame) }
    return (place.call.map { " c\($0)" } ?? "") + (frame.map { " l\($0)" } ?? "")
  }

  private mutating func index(of call: ModuleCall, in parent: Int?) -> Int {
    let key = Key(parent: parent, entry: call)
    if let known = modules[key] { return known }
    let index = modules.count
    modules[key] = index
    moduleLines.append(
      "module \(index)\(enclosing(parent)) \(IRText.quoted(call.path)) \(IRText.quoted(call.className)) \(call.call)")
    return index
  }

  private mutating func index(of location: SourceLocation, in parent: Int?) -> Int {
    let file = index(of: location.file)
    let key = Key(
      parent: parent,
      entry: Line(file: file, line: location.line, function: location.function, text: location.text))
    if let known = frames[key] { return known }
    let index = frames.count
    frames[key] = index
    frameLines.append(
      "line \(index)\(enclosing(parent)) \(file):\(location.line) \(IRText.quoted(location.function)) "
        + IRText.quoted(location.text))
    return index
  }

  private mutating func index(of file: String) -> Int {
    if let known = files[file] { return known }
    let index = files.count
    files[file] = index
    fileLines.append("file \(index) \(IRText.quoted(file))")
    return index
  }

  private func enclosing(_ parent: Int?) -> String { parent.map { " in \($0)" } ?? "" }
}
