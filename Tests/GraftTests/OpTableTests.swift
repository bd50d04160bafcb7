import Foundation
import Graft
import Testing

@Suite struct OpTableTests {
  @Test func everyRowHasAFormOrAReason() {
    let table = OpTable()
    #expect(!table.rows.isEmpty)
    for row in table.rows { #expect((row.target == .unsupported) == (row.reason != nil), "\(row.name)") }
    #expect(Set(table.rows.map(\.name)).count == table.rows.count)
  }

  @Test func callsBelongToTheirOps() throws {
    let table = OpTable()
    let conv = try #require(table.rows.first { $0.name == "conv" })
    #expect(conv.sources.contains("aten.conv2d.default"))
    let matmul = try #require(table.rows.first { $0.name == "matmul" })
    #expect(matmul.sources.contains("aten.mm.default"))
    #expect(table.convertedCalls.allSatisfy { call in !table.rows.contains { $0.sources.contains(call) } })
  }

  @Test func filteringKeepsMatchesOnly() {
    let table = OpTable().filtered(by: "MATMUL")
    #expect(table.rows.contains { $0.name == "matmul" })
    #expect(!table.rows.contains { $0.name == "add" })
  }

  /// `make docs` writes the page again.
  @Test func theCoveragePageIsUpToDate() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Docs/Coverage.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    #expect(text == OpTable().markdown, "Docs/Coverage.md is out of date: run `make docs`")
  }
}
