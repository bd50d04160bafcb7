import Testing

@testable import GraftSyntax

@Suite(.enabled(if: PythonTools.areAvailable, "needs python and ruff"))
struct RuffAgreementTests {
  /// Every rendering has to be what `ruff format` leaves as it is, and what it makes of the same statements on one line.
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func emittedVocabulary(seed: UInt64) throws {
    try check(.emitted, seed: seed, statements: 700)
  }

  @Test(arguments: [11, 12, 13, 14, 15, 16] as [UInt64])
  func everything(seed: UInt64) throws {
    try check(.everything, seed: seed, statements: 700)
  }

  private func check(_ vocabulary: RandomPython.Vocabulary, seed: UInt64, statements count: Int) throws {
    var generator = RandomPython(random: SeededGenerator(seed: seed), vocabulary: vocabulary)
    let statements = (0..<count).map { _ in
      let depth = generator.count(1...4)
      return generator.statement(depth)
    }
    let separator = PythonStatement.expression("__separator__")
    let module = Array(statements.map { [$0] }.joined(separator: [separator]))
    let rendered = PythonRenderer().render(module)
    let flat = PythonRenderer(lineWidth: .max / 2).render(module)

    let refined = blocks(try PythonTools.formatted(rendered))
    // Where ruff needs two passes to settle, the second one counts.
    let formatted = blocks(try PythonTools.formatted(PythonTools.formatted(flat)))
    let ours = blocks(rendered)
    try #require(ours.count == refined.count && ours.count == formatted.count)
    var unstable = 0
    var different = 0
    for (index, text) in ours.enumerated() {
      if refined[index] != text { unstable += 1 }
      if formatted[index] != text { different += 1 }
      guard unstable + different <= 5 || (refined[index] == text && formatted[index] == text) else { continue }
      let isStable = refined[index] == text
      let isSame = formatted[index] == text
      #expect(isStable, "seed \(seed): ruff changes the rendering\n\(difference(text, refined[index]))")
      #expect(isSame, "seed \(seed): ruff lays it out differently\n\(difference(text, formatted[index]))")
    }
    #expect(unstable == 0, "seed \(seed): \(unstable) of \(ours.count) statements unstable")
    #expect(different == 0, "seed \(seed): \(different) of \(ours.count) statements different")

    let dumps = try PythonTools.dumps(rendered)
    let explicit = try PythonTools.dumps(
      PythonRenderer(lineWidth: .max / 2).render(module.map { $0.mapExpressions(\.explicit) }))
    #expect(dumps == explicit, "seed \(seed): the rendering does not parse to its tree")
  }

  /// The lines that differ.
  private func difference(_ ours: String, _ theirs: String) -> String {
    let ours = ours.split(separator: "\n", omittingEmptySubsequences: false)
    let theirs = theirs.split(separator: "\n", omittingEmptySubsequences: false)
    let first = zip(ours, theirs).prefix { $0 == $1 }.count
    let context = ours[max(0, first - 4)..<first].map { "     =    |\($0)" }.joined(separator: "\n")
    return context + "\n"
      + theirs.difference(from: ours).sorted { $0.line < $1.line }.prefix(24)
      .map { change in
        switch change {
        case .remove(let line, let text, _): "\(line) ours |\(text)"
        case .insert(let line, let text, _): "\(line) ruff |\(text)"
        }
      }.joined(separator: "\n")
  }

  private func blocks(_ text: String) -> [String] {
    var blocks: [String] = []
    var block = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == "__separator__" {
        blocks.append(block)
        block = ""
      } else {
        block += line + "\n"
      }
    }
    return blocks + [block]
  }
}

extension CollectionDifference<Substring>.Change {
  fileprivate var line: Int {
    switch self {
    case .remove(let offset, _, _), .insert(let offset, _, _): offset
    }
  }
}
