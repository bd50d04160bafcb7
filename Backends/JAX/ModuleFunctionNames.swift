import GraftEmit
import GraftSyntax
import GraftTransform

/// What a file's functions are called. Those of modules: after their classes, without the words that nearly all of these
/// begin with, which are the model's name: `GPT2Attention`, `GPT2Block` and `GPT2MLP` are `attention`, `block` and `mlp`.
/// Those of the source's functions: as in the source.
struct ModuleFunctionNames {
  private let prefix: [String]
  /// Names of variables, which no function gets by being shortened.
  private let variables: Set<String>

  /// The share of the classes that must have a prefix for it to be the model's.
  private static let sharing = 0.75
  /// How many classes must have a prefix that the model's own class lacks.
  private static let fewestClasses = 3

  /// - Parameters:
  ///   - classes: the full names of the classes of modules that have functions.
  ///   - main: the class of the whole model.
  ///   - variables: the names that variables will have.
  init(classes: [String], main: String?, variables: Set<String>) {
    let own = Set(classes.filter { !$0.hasPrefix("torch.nn.modules.") }).sorted().map(Self.words)
    let mainWords = main.map(Self.words) ?? []
    self.variables = variables
    var best: [String] = []
    for candidate in Self.prefixes(of: own) where candidate.count > best.count {
      let rests = own.filter { $0.count > candidate.count && $0.starts(with: candidate) }.map {
        $0.dropFirst(candidate.count)
      }
      let fewest = mainWords.starts(with: candidate) ? 1 : Self.fewestClasses
      guard rests.count >= fewest, Double(rests.count) >= Self.sharing * Double(own.count),
        rests.allSatisfy({ Self.isTelling($0) })
      else { continue }
      best = candidate
    }
    prefix = best
  }

  /// The names of the functions of a class, or of one function of the source.
  ///
  /// - Parameters:
  ///   - instances: its calls.
  ///   - variants: its functions.
  ///   - taken: names that mean something else in the file.
  func names(
    of instances: [CallInstance], _ variants: [VariantNames.Variant], avoiding taken: Set<String>
  ) -> [String] {
    guard let function = instances.first?.function else { return [] }
    if function.kind == .module { return names(of: function.name, variants, avoiding: taken) }
    let variables = instances.reduce(into: taken) { $0.formUnion($1.caller.variables) }
    let name = Self.functionName(function.name, avoiding: variables)
    return variants.count > 1 ? VariantNames.names(of: variants, base: name) : [name]
  }

  /// The name of a function without the underscore of a private one; with that of its class or file if its callers have
  /// a variable of the name.
  static func functionName(_ name: String, avoiding taken: Set<String>) -> String {
    let words = name.split(separator: ".").suffix(2).map { $0.drop { $0 == "_" } }
    let own = PythonIdentifier.snakeCase(String(words.last ?? ""))
    return taken.contains(own) ? PythonIdentifier.snakeCase(words.joined(separator: "_")) : own
  }

  private func names(
    of className: String, _ variants: [VariantNames.Variant], avoiding taken: Set<String>
  ) -> [String] {
    let whole = name(of: className, avoiding: taken)
    let short = shortName(of: className) ?? whole
    guard variants.count > 1 else { return [whole] }
    let names = VariantNames.names(of: variants, base: short)
    return names.map { $0 == short ? whole : $0 }
  }

  /// The name of a class's only function.
  ///
  /// - Parameter taken: names that mean something else in the file.
  func name(of className: String, avoiding taken: Set<String>) -> String {
    guard let short = shortName(of: className), !taken.contains(short), !variables.contains(short) else {
      return Self.wholeName(of: className)
    }
    return short
  }

  private static func wholeName(of className: String) -> String {
    PythonIdentifier.snakeCase(className.lastComponent ?? "module")
  }

  /// The class's name without the model's words; nil if nothing that is a name is left.
  private func shortName(of className: String) -> String? {
    let words = Self.words(of: className)
    guard !prefix.isEmpty, words.count > prefix.count, words.starts(with: prefix) else { return nil }
    let rest = words.dropFirst(prefix.count).joined(separator: "_")
    return PythonIdentifier.snakeCase(rest) == rest ? rest : nil
  }

  private static func words(of className: String) -> [String] {
    PythonIdentifier.snakeCase(className.lastComponent ?? "").split(separator: "_").map(String.init)
  }

  private static func prefixes(of names: [[String]]) -> [[String]] {
    names.flatMap { words in words.indices.dropFirst().map { Array(words[..<$0]) } }
  }

  /// Whether the words say what a module is, as the letter of `InceptionA` does not.
  private static func isTelling(_ words: ArraySlice<String>) -> Bool {
    words.contains { $0.count > 1 } && words.first?.first?.isLetter == true
  }
}

extension OutlinedFunction {
  /// The classes of all modules that have functions.
  var classNames: [String] {
    calls.flatMap { ($0.callee.kind == .module ? [$0.callee.name] : []) + $0.callee.classNames }
  }

  /// What the docstring calls the class or function: `Net`, `area`, and `Net._attend` for a method.
  var title: String {
    let parts = name.split(separator: ".")
    let isMethod = kind != .module && parts.dropLast().last?.first?.isUppercase == true
    return parts.suffix(isMethod ? 2 : 1).joined(separator: ".")
  }

  /// The names that the variables of the function, and of those that it calls, have in the source.
  var variableNames: Set<String> { calls.reduce(into: ownVariableNames) { $0.formUnion($1.callee.variableNames) } }

  /// The names that the variables of the function have in the source.
  var ownVariableNames: Set<String> {
    let inputs = function.arguments.filter { if case .input = $0.role { true } else { false } }.map(\.value)
    let results = function.body.operations.flatMap(\.results)
    return Set((inputs + results).compactMap { function.info($0).hint.map(PythonIdentifier.snakeCase) })
  }
}
