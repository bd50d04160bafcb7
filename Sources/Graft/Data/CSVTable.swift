import Foundation
import GraftFiles
import GraftIR

/// A table of comma-separated values (RFC 4180) with a line of column names.
///
/// Fields may be quoted, and then contain commas, line ends and doubled quotes. Lines end with LF or CRLF.
struct CSVTable {
  let names: [String]
  /// The fields of each column.
  private let columns: [[Substring]]
  private let path: String

  /// - Throws: ``Problem`` for a file that cannot be read, is not UTF-8, has no lines, or lines of different lengths.
  init(contentsOf url: URL) throws {
    let file = try Problem.wrap { try MappedFile(path: url.path) }
    let text = file.withBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { throw Self.malformed(url.path, "it is not UTF-8 text") }
    try self.init(text, path: url.path)
  }

  init(_ text: String, path: String) throws {
    self.path = path
    var records = CSVRecords(text)
    guard let header = try records.next(path) else { throw Self.malformed(path, "it has no line of column names") }
    names = header.map { $0.trimmingCharacters(in: .whitespaces) }
    var columns = Array(repeating: [Substring](), count: header.count)
    while let record = try records.next(path) {
      guard record.count == header.count else {
        throw Self.malformed(
          path, "line \(records.line) has \(record.count) fields, and the first line names \(header.count) columns")
      }
      for (index, field) in record.enumerated() { columns[index].append(field) }
    }
    self.columns = columns
  }

  /// The columns as tensors [rows]: numbers as float32, whole numbers as int64, and words as the numbers of the
  /// different ones in the alphabet's order.
  func tensors() throws -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (name, fields) in zip(names, columns) {
      let trimmed = fields.map { $0.trimmingCharacters(in: .whitespaces) }
      let whole = trimmed.compactMap { Int64($0) }
      if whole.count == trimmed.count {
        tensors[name] = try Tensor(whole)
        continue
      }
      let numbers = trimmed.compactMap { Float($0) }
      if numbers.count == trimmed.count {
        tensors[name] = try Tensor(numbers)
        continue
      }
      if let row = trimmed.firstIndex(of: "") {
        throw Self.malformed(path, "the column `\(name)` has no value in row \(row + 1)")
      }
      let classes = Set(trimmed).sorted()
      let number = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int64($0)) })
      tensors[name] = try Tensor(trimmed.compactMap { number[$0] })
    }
    return tensors
  }

  fileprivate static func malformed(_ path: String, _ message: String) -> Problem {
    Problem(FileError(.malformed, path: path, "cannot be read as comma-separated values: \(message)"))
  }
}

/// The lines of a table, one after the other.
private struct CSVRecords {
  private let text: Substring.UTF8View
  private var position: String.Index
  /// The number of the last record's line.
  private(set) var line = 0

  init(_ text: String) {
    self.text = Substring(text).utf8
    position = self.text.startIndex
    // A byte order mark is no part of the first name.
    if self.text.starts(with: [0xEF, 0xBB, 0xBF]) { position = self.text.index(position, offsetBy: 3) }
  }

  /// The fields of the next line that is not empty.
  mutating func next(_ path: String) throws -> [Substring]? {
    while position < text.endIndex, isLineEnd(text[position]) {
      if text[position] == UInt8(ascii: "\n") { line += 1 }
      position = text.index(after: position)
    }
    guard position < text.endIndex else { return nil }
    line += 1
    var fields: [Substring] = []
    while true {
      fields.append(try field(path))
      guard position < text.endIndex, text[position] == UInt8(ascii: ",") else { return fields }
      position = text.index(after: position)
    }
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  private mutating func field(_ path: String) throws -> Substring {
    guard position < text.endIndex, text[position] == UInt8(ascii: "\"") else {
      let start = position
      while position < text.endIndex, text[position] != UInt8(ascii: ","), !isLineEnd(text[position]) {
        position = text.index(after: position)
      }
      return Substring(text[start..<position])
    }
    var bytes: [UInt8] = []
    position = text.index(after: position)
    while position < text.endIndex {
      let byte = text[position]
      position = text.index(after: position)
      if byte != UInt8(ascii: "\"") {
        bytes.append(byte)
      } else if position < text.endIndex, text[position] == UInt8(ascii: "\"") {
        bytes.append(byte)
        position = text.index(after: position)
      } else {
        guard position >= text.endIndex || text[position] == UInt8(ascii: ",") || isLineEnd(text[position]) else {
          throw CSVTable.malformed(path, "line \(line) goes on after a closing quote")
        }
        return Substring(decoding: bytes, as: UTF8.self)
      }
    }
    throw CSVTable.malformed(path, "a quote in line \(line) is not closed")
  }
}
