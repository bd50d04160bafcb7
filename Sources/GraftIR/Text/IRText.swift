/// How the parts of a function that are not values are written.
enum IRText {
  /// Whether the text is a word of letters, digits and underscores that does not begin with a digit.
  static func isWord(_ text: String) -> Bool {
    guard let first = text.utf8.first, IRScanner.startsWord(first) else { return false }
    return text.utf8.allSatisfy(IRScanner.continuesWord)
  }

  /// A name as it is, or in quotes.
  static func word(_ text: String) -> String { isWord(text) ? text : quoted(text) }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  static func strings(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }

  static func number(_ value: Double) -> String { value.isNaN ? "nan" : "\(value)" }

  static func scalar(_ scalar: Scalar) -> String {
    switch scalar {
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): number(value)
    case .complex(let real, let imaginary): "complex(\(number(real)), \(number(imaginary)))"
    }
  }

  static func attribute(_ attribute: Attribute) -> String {
    switch attribute {
    case .none: "none"
    case .scalar(let value): scalar(value)
    case .dim(let value): value.description
    case .string(let value): quoted(value)
    case .dtype(let value): value.shortName
    case .list(let values): "[" + values.map(self.attribute).joined(separator: ", ") + "]"
    case .literal(let value): literal(value)
    }
  }

  private static func literal(_ literal: TensorLiteral) -> String {
    literal.type.description + "{" + literal.elements.map(scalar).joined(separator: ", ") + "}"
  }

  static func tree(_ tree: Tree) -> String {
    switch tree {
    case .leaf(let index): "#\(index)"
    case .tuple(let trees): "(" + trees.map(self.tree).joined(separator: ", ") + ")"
    case .list(let trees): "[" + trees.map(self.tree).joined(separator: ", ") + "]"
    case .dict(let fields): self.fields(fields)
    case .record(let className, let fields): "record \(quoted(className)) \(self.fields(fields))"
    case .constant(let value): "const \(attribute(value))"
    }
  }

  private static func fields(_ fields: [Tree.Field]) -> String {
    "{" + fields.map { "\(quoted($0.name)): \(tree($0.tree))" }.joined(separator: ", ") + "}"
  }

  static func role(_ role: Argument.Role) -> String {
    switch role {
    case .input(let leaf): "input #\(leaf)"
    case .parameter(let path, let trainable, let aliases):
      "parameter \(quoted(path))" + (trainable ? " trainable" : "")
        + (aliases.isEmpty ? "" : " aliases \(strings(aliases))")
    case .state(let path, let persistent): "state \(quoted(path))" + (persistent ? " persistent" : "")
    case .constant(let name): "constant \(quoted(name))"
    case .key: "key"
    }
  }

  static func symbol(_ symbol: Symbol) -> String {
    "\(symbol.name): \(symbol.minimum)...\(symbol.maximum.map(String.init) ?? "")"
      + (symbol.sizes.isEmpty ? "" : " sizes [\(symbol.sizes.map(String.init).joined(separator: ", "))]")
  }
}

extension Attribute: CustomStringConvertible {
  /// The text form: `[2, 2]`, `"batch"`, `N // 2`.
  package var description: String { IRText.attribute(self) }
}

extension Scalar: CustomStringConvertible {
  /// The text form: `2`, `2.0`, `inf`.
  package var description: String { IRText.scalar(self) }
}
