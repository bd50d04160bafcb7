import GraftIR
import GraftSyntax

/// What a function's docstring says: what it computes, of which inputs, and where that stands in the source.
struct JAXDocstring {
  var title: String
  /// `torchvision/models/resnet.py:59`; empty if it is not known.
  var place: String
  /// The inputs' names with their shapes in each instance of the function.
  var inputs: [(name: String, shapes: [[Dim]])]
  /// The same for the results; a name may be empty.
  var results: [(name: String, shapes: [[Dim]])]
  var symbols: [String]

  /// The columns that a line may take with its indentation and quotes.
  private static let longestLine = 100
  private static let surroundings = 10
  /// How many results are described.
  private static let mostResults = 6

  /// On one line if it fits, if need be without the shape of a result that is like the first input, or with the bare name
  /// of the file: `BasicBlock of x [N, C, H, W] -> [N, D, H2, W2] (torchvision/models/resnet.py:59).`
  var text: String {
    var notation = ShapeNotation(symbols: symbols)
    let inputs = inputs.map { "\($0.name) \(notation.text($0.shapes))" }
    let described = results.count > Self.mostResults ? [] : results
    let results = described.map { result in
      let shape = notation.text(result.shapes)
      return result.name.isEmpty ? shape : "\(result.name) \(shape)"
    }
    let subject = inputs.isEmpty ? title : "\(title) of \(inputs.joined(separator: ", "))"
    let whole = results.isEmpty ? subject : "\(subject) -> \(results.joined(separator: ", "))"
    if place.isEmpty { return Self.wrapped("\(whole).") }
    let file = place.split(separator: "/").last.map(String.init) ?? place
    let brief = self.results.count == 1 && self.results[0].shapes == self.inputs.first?.shapes ? subject : whole
    for text in ["\(whole) (\(place)).", "\(brief) (\(place)).", "\(whole) (\(file)).", "\(brief) (\(file))."]
    where text.count + Self.surroundings <= Self.longestLine {
      return text
    }
    return Self.wrapped("\(title) (\(place)).\n\n")
      + Self.wrapped(Self.capitalised(whole.dropFirst(title.count)) + ".\n")
  }

  private static func capitalised(_ text: some StringProtocol) -> String {
    let text = text.drop { $0 == " " }
    return text.prefix(1).uppercased() + text.dropFirst()
  }

  /// The text with line breaks where words would pass the last column.
  static func wrapped(_ text: String) -> String {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        if !line.isEmpty, line.count + 1 + word.count > longestLine - surroundings {
          lines.append(line)
          line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }
}

/// What a file's docstring says: what it is, where it came from, and how to load and call it.
struct JAXModuleDocstring {
  var title: String
  var source: String
  var weightsFile: String
  var function: PythonFunction
  /// The names of what the function returns, apart from the state.
  var outputs: [String]

  var text: String {
    let names = function.parameters.positional.map(\.name)
    let keywords = function.parameters.keywordOnly
    let hasState = names.contains("state")
    let returnsState = hasState && function.returnsPair
    let draws = keywords.first { $0.name == "rng" }
    let output = outputs.joined(separator: ", ")
    let key = "rng=jax.random.key(0)"
    let needed = draws != nil && draws?.defaultValue == nil ? [key] : []
    func call(_ function: String, _ extra: [String]) -> String {
      "\(function)(\((names + extra).joined(separator: ", ")))"
    }
    var lines = [JAXDocstring.wrapped("\(title) in JAX, converted from \(source)."), ""]
    if hasState {
      lines.append("params, state = load_params(\"\(weightsFile)\")")
    } else if names.contains("params") {
      lines.append("params = load_params(\"\(weightsFile)\")")
    }
    let name = function.name
    lines.append("\(output)\(returnsState ? ", _" : "") = \(call(name, needed))")
    let training = (draws == nil ? [] : [key]) + (keywords.contains { $0.name == "train" } ? ["train=True"] : [])
    if training == needed {
      lines.append("\(output)\(returnsState ? ", _" : "") = \(call("jax.jit(\(name))", needed))")
    } else {
      lines.append("\(output)\(returnsState ? ", state" : "") = \(call(name, training))")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension PythonFunction {
  /// Whether the function returns its outputs and a dict of new state.
  fileprivate var returnsPair: Bool {
    guard case .subscript("tuple", .tuple(let items)) = returns else { return false }
    return items.count == 2 && items[1] == "dict"
  }
}

extension Function {
  /// The names of the parts of what the function returns; one name where it returns a dict, a list or a nested tuple.
  var outputNames: [String] {
    func name(_ tree: Tree) -> String? {
      guard case .leaf(let leaf) = tree else { return nil }
      let value = body.results.indices.contains(leaf) ? body.results[leaf].asValue : nil
      return value.flatMap { info($0).hint }.map(PythonIdentifier.snakeCase) ?? "output"
    }
    let names: [String?]
    switch outputs {
    case .leaf: names = [name(outputs)]
    case .tuple(let children): names = children.map(name)
    default: names = [nil]
    }
    let known = names.compactMap { $0 }
    guard known.count == names.count, !known.isEmpty else { return ["outputs"] }
    var taken = Set(inputArgumentNames + ["params", "state", "rng", "train", self.name])
    return known.map { wanted in
      let name = PythonIdentifier.unique(taken.contains(wanted) ? "output" : wanted, avoiding: taken)
      taken.insert(name)
      return name
    }
  }

  /// The fields of what the function returns by name, where it has them, and its leaves.
  var namedResults: [(name: String, value: Value)] {
    var names: [Int: String] = [:]
    func visit(_ tree: Tree, _ name: String) {
      switch tree {
      case .leaf(let leaf): names[leaf] = name
      case .tuple(let children), .list(let children): for child in children { visit(child, name) }
      case .dict(let fields), .record(_, let fields): for field in fields { visit(field.tree, field.name) }
      case .constant: break
      }
    }
    visit(outputs, "")
    return body.results.enumerated().compactMap { leaf, result in
      result.asValue.map { (names[leaf] ?? "", $0) }
    }
  }
}

extension JAXDocstring {
  /// - Parameters:
  ///   - names: what the inputs are called.
  ///   - functions: the instances.
  init(title: String, place: String, inputs names: [String], of functions: [Function]) {
    self.title = title
    self.place = place
    symbols = functions.first?.symbols.map(\.name) ?? []
    func shapes(_ values: [[Value]], _ index: Int) -> [[Dim]] {
      zip(functions, values).compactMap { function, own in
        own.indices.contains(index) ? function.type(of: own[index]).shape : nil
      }
    }
    let inputs = functions.map(\.inputValues)
    self.inputs = names.indices.map { (names[$0], shapes(inputs, $0)) }
    let results = functions.map(\.namedResults)
    self.results = (results.first ?? []).indices.map { index in
      (results[0][index].name, shapes(results.map { $0.map(\.value) }, index))
    }
  }
}
