extension OpTable {
  /// The coverage page: the same text for the same build, byte for byte.
  public var markdown: String {
    var lines = [
      "# Coverage", "",
      "Every op that Graft knows, from \(from.title) to \(to.title). Written by `make docs`; do not edit.", "",
      totals, "",
      "- *direct*: the target has a form of its own, a function or an idiom; native execution has a kernel.",
      "- *decomposed*: written, or computed, with other ops of this table.",
      "- *core* ops are primitives; *composite* ops have a decomposition, so that a backend need not know them.",
    ]
    for family in families {
      let rows = rows.filter { $0.family == family }
      lines += ["", "## \(family.prefix(1).uppercased())\(family.dropFirst())", ""]
      lines += ["| Op | Tier | \(to.title) | Native | Read from | Meaning |", "| --- | --- | --- | --- | --- | --- |"]
      for row in rows {
        let form = row.reason.map { "\(row.target.rawValue): \($0)" } ?? row.target.rawValue
        let sources = row.sources.map { "`\($0)`" }.joined(separator: ", ")
        let cells = ["`\(row.name)`", row.tier, escaped(form), row.native.rawValue, sources, escaped(row.summary)]
        lines.append("| \(cells.joined(separator: " | ")) |")
      }
    }
    if !convertedCalls.isEmpty {
      lines += ["", "## Calls that become other ops", "", "These are read too, each as one or several ops above.", ""]
      lines += convertedCalls.map { "- `\($0)`" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One line of numbers.
  public var totals: String {
    "\(rows.count) \(rows.count == 1 ? "op" : "ops"): \(count(.direct)) direct, \(count(.decomposed)) decomposed, "
      + "\(count(.unsupported)) without a form in \(to.title); \(callCount) calls of \(from.title) are read. "
      + "Natively: \(nativeCount(.direct)) direct, \(nativeCount(.decomposed)) decomposed, "
      + "\(nativeCount(.unsupported)) not yet."
  }

  /// The families in the order of the catalogue.
  private var families: [String] {
    var seen: Set<String> = []
    return rows.map(\.family).filter { seen.insert($0).inserted }
  }

  private func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }
}

extension SourceFramework {
  /// The name that people use.
  public var title: String {
    switch self {
    case .torch: "PyTorch"
    }
  }
}

extension TargetFramework {
  /// The name that people use.
  public var title: String {
    switch self {
    case .jax: "JAX"
    }
  }
}
