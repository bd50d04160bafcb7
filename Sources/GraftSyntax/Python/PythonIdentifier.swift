/// Names for Python variables, functions and classes.
package enum PythonIdentifier {
  /// Whether `name` can be used as a name: an ASCII letter or underscore, then letters, digits and underscores, and
  /// not a reserved word.
  package static func isValid(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, isLetter(first) || first == "_" else { return false }
    return name.unicodeScalars.allSatisfy { isLetter($0) || isDigit($0) || $0 == "_" } && !isKeyword(name)
  }

  /// Whether `name` is a reserved word: `lambda`, `None`.
  package static func isKeyword(_ name: String) -> Bool { PythonVocabulary.keywords.contains(name) }

  /// Whether `name` is always in scope: `input`, `len`.
  package static func isBuiltin(_ name: String) -> Bool { PythonVocabulary.builtins.contains(name) }

  /// A variable or function name made of the words of `text`: `"fc1.weight"` gives `fc1_weight`, `"HTTPServer2"` gives
  /// `http_server2`. Never a reserved word or builtin (`input` gives `input_`), never empty.
  package static func snakeCase(_ text: String) -> String {
    let isPrivate = text.hasPrefix("_") && !text.hasPrefix("__")
    let name = words(of: text).map { $0.lowercased() }.joined(separator: "_")
    return usable((isPrivate ? "_" : "") + name, fallback: "value")
  }

  /// A class name made of the words of `text`: `"basic_block"` gives `BasicBlock`, `"GPT2Model"` stays. Never a reserved
  /// word or builtin, never empty.
  package static func pascalCase(_ text: String) -> String {
    let name = words(of: text).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    return usable(name, fallback: "Value")
  }

  /// `name` itself, or else the first of `name_2`, `name_3`, ... that is not in `used`. A name that ends in a digit or an
  /// underscore takes the number without making it read as a longer one: `x1` gives `x1_2`, `x_` gives `x_2`.
  package static func unique(_ name: String, avoiding used: Set<String>) -> String {
    if !used.contains(name) { return name }
    let stem = name.hasSuffix("_") ? name : name + "_"
    var number = 2
    while used.contains(stem + String(number)) { number += 1 }
    return stem + String(number)
  }

  private static func usable(_ name: String, fallback: String) -> String {
    guard let first = name.unicodeScalars.first(where: { $0 != "_" }) else { return fallback }
    let started = isDigit(first) ? "_" + name : name
    return isKeyword(started) || isBuiltin(started) ? started + "_" : started
  }

  /// Runs of ASCII letters and digits, split again where a new capitalised word begins.
  private static func words(of text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var words: [String] = []
    var word = ""
    for (index, scalar) in scalars.enumerated() {
      guard isLetter(scalar) || isDigit(scalar) else {
        if !word.isEmpty { words.append(word) }
        word = ""
        continue
      }
      if isUppercase(scalar), index > 0, !word.isEmpty {
        let next = index + 1 < scalars.count ? scalars[index + 1] : nil
        let startsWord = next.map(isLowercase) ?? false
        let startsAcronym = isDigit(scalars[index - 1]) && (next.map(isUppercase) ?? false)
        if isLowercase(scalars[index - 1]) || startsWord || startsAcronym {
          words.append(word)
          word = ""
        }
      }
      word.unicodeScalars.append(scalar)
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  private static func isUppercase(_ scalar: Unicode.Scalar) -> Bool { ("A"..."Z").contains(scalar) }
  private static func isLowercase(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }
  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { isUppercase(scalar) || isLowercase(scalar) }
  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
