public import ArgumentParser
public import Graft

/// `graft ops`.
struct OpsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "List the operations that Graft knows, and what becomes of each in the target.",
    discussion: """
      direct: the target has a form of its own, or native execution a kernel; decomposed: it is written, or computed,
      with other operations; unsupported: not yet. core operations are primitives, composite ones have a decomposition.

      EXAMPLES
        graft ops
        graft ops pool
        graft ops aten.conv2d
        graft ops --from torch --to jax --json
        graft ops --markdown > Docs/Coverage.md

      Exit codes: 0 done; 1 nothing matches the filter; 2 wrong usage.
      """)

  @Argument(help: "Show only what contains this text: in its name, family, meaning or the source's call.")
  var filter: String?

  @Option(name: .customLong("from"), help: "The framework that is read.")
  var source: SourceFramework = .torch

  @Option(name: .customLong("to"), help: "The framework that is written.")
  var target: TargetFramework = .jax

  @Flag(help: "Print the table as JSON.")
  var json = false

  @Flag(help: "Print the table as the coverage page.")
  var markdown = false

  func validate() throws {
    if json, markdown { throw ValidationError("--json and --markdown exclude each other") }
  }

  func run() async throws {
    var table = OpTable(from: source, to: target)
    if let filter { table = table.filtered(by: filter) }
    if json {
      Console.output(try JSONText.encode(table))
    } else if markdown {
      Console.write(table.markdown)
    } else {
      for line in lines(table) { Console.output(line) }
    }
    if table.rows.isEmpty, table.convertedCalls.isEmpty {
      Console.note("error: no operation matches `\(filter ?? "")`\n  `graft ops` lists all of them.")
      throw StatusError(status: .failed)
    }
  }

  private func lines(_ table: OpTable) -> [String] {
    if table.rows.isEmpty, table.convertedCalls.isEmpty { return [] }
    var text = TextTable()
    text.add("OP", "FAMILY", "TIER", target.title.uppercased(), "NATIVE", "READ FROM")
    for row in table.rows {
      let form = row.reason.map { "\(row.target.rawValue): \($0)" } ?? row.target.rawValue
      text.add(
        row.name, row.family, row.tier, form, row.native.rawValue, row.sources.joined(separator: " "))
    }
    var lines = table.rows.isEmpty ? [] : text.lines
    if !table.convertedCalls.isEmpty {
      if !lines.isEmpty { lines.append("") }
      lines.append("Calls of \(source.title) that become other operations:")
      lines += table.convertedCalls.map { "  \($0)" }
    }
    return lines + ["", table.totals]
  }
}

extension SourceFramework: ExpressibleByArgument {}
extension TargetFramework: ExpressibleByArgument {}
extension ConversionMode: ExpressibleByArgument {}
