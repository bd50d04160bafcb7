import GraftSyntax

/// Names that tell functions of one class of module apart: by where its modules stand in the model, by a part that only
/// some of them have, by standing first in a list.
///
/// `encoder_attention` and `decoder_attention`; `basic_block` and `basic_block_downsample`; `first_block` and `block`.
package struct VariantNames {
  /// One of several functions of a class.
  package struct Variant {
    /// Where the modules stand in the model: `encoder.block.0`.
    let paths: [[String]]
    /// The names in their trees of parameters.
    let parts: Set<String>

    /// - Parameters:
    ///   - paths: of the modules, from the model's root.
    ///   - parameters: the paths of parameters, from a module.
    package init(paths: [String], parameters: [String]) {
      self.paths = paths.map(Self.components)
      parts = Set(parameters.flatMap(Self.components).filter { !Self.isNumber($0) })
    }

    private static func components(_ path: String) -> [String] { path.split(separator: ".").map(String.init) }

    fileprivate static func isNumber(_ component: String) -> Bool { Int(component) != nil }

    /// The name that all modules have at a depth, numbers left out.
    fileprivate func place(at depth: Int) -> String? {
      let found = Set(paths.map { path in path.filter { !Self.isNumber($0) }.dropFirst(depth).first })
      return found.count == 1 ? found.first ?? nil : nil
    }

    /// Whether all modules stand first in their list.
    fileprivate var isFirst: Bool {
      paths.allSatisfy { path in path.last { Self.isNumber($0) } == "0" }
    }
  }

  /// A word for each variant that has one, and where it goes.
  private struct Feature: Equatable {
    let words: [String?]
    let isSuffix: Bool

    /// How many pairs of variants that are alike so far it tells apart.
    func separated(_ names: [[String]]) -> Int {
      var count = 0
      for i in names.indices {
        for j in names.indices where i < j && names[i] == names[j] && words[i] != words[j] { count += 1 }
      }
      return count
    }
  }

  /// A name for each of a class's functions; those that nothing tells apart are alike.
  ///
  /// - Parameter base: the name of a class's only function.
  package static func names(of variants: [Variant], base: String) -> [String] {
    let own = base.split(separator: "_").map(String.init)
    let features = features(of: variants, base: own)
    var (chosen, keys): ([Feature], [[String]]) = ([], variants.map { _ in [] })
    while let best = features.map({ (feature: $0, count: $0.separated(keys)) }).filter({ $0.count > 0 })
      .reduce(nil as (feature: Feature, count: Int)?, { $1.count > $0?.count ?? 0 ? $1 : $0 })
    {
      chosen.append(best.feature)
      keys = keys.indices.map { keys[$0] + [best.feature.words[$0] ?? ""] }
    }
    return variants.indices.map { index in
      let before = features.filter { chosen.contains($0) && !$0.isSuffix }.compactMap { $0.words[index] }
      let after = features.filter { chosen.contains($0) && $0.isSuffix }.compactMap { $0.words[index] }
      return joined(before, own, after)
    }
  }

  /// Those that name a place first, the outermost first of all; then the part that only some have.
  private static func features(of variants: [Variant], base: [String]) -> [Feature] {
    let depth = variants.flatMap(\.paths).map(\.count).max() ?? 0
    let places = (0..<depth).map { depth in
      Feature(words: variants.map { $0.place(at: depth).map(PythonIdentifier.snakeCase) }, isSuffix: false)
    }
    let all = variants.reduce(into: Set<String>()) { $0.formUnion($1.parts) }
    let parts = all.sorted().map { part in
      let words = PythonIdentifier.snakeCase(part).split(separator: "_").map(String.init).filter { !base.contains($0) }
      let word = words.isEmpty ? part : words.joined(separator: "_")
      return Feature(words: variants.map { $0.parts.contains(part) ? word : nil }, isSuffix: true)
    }
    let first = Feature(words: variants.map { $0.isFirst ? "first" : nil }, isSuffix: false)
    return places + parts + [first]
  }

  /// The words in a row; where a place ends as the class begins, `self_attention` and `attention`, only once.
  private static func joined(_ before: [String], _ base: [String], _ after: [String]) -> String {
    var words: [String] = []
    for next in before.map({ $0.split(separator: "_").map(String.init) }) + [base] {
      let overlap = (0...min(words.count, next.count)).last { words.suffix($0) == next.prefix($0) } ?? 0
      words += next.dropFirst(overlap)
    }
    return (words + after).joined(separator: "_")
  }
}
