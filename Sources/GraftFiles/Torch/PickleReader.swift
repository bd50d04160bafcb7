/// The values that a pickle builds, while it is being read: lists and dictionaries change after others refer to them.
indirect enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  /// Its elements, and how deep tuples lie in each other.
  case tuple([PickleValue], depth: Int)
  case list(PickleList)
  case dictionary(PickleDictionary)
  /// A class or function, by module and name.
  case global(String)
  case storage(key: String, dtype: String, count: Int)
  case tensor(TorchTensorLayout)
  case mark
}

final class PickleList {
  var values: [PickleValue] = []
}

final class PickleDictionary {
  var entries: [(key: PickleValue, value: PickleValue)] = []
}

/// A tensor as a view of a storage.
struct TorchTensorLayout {
  var storage: String
  var dtype: String
  var storageCount: Int
  var offset: Int
  var shape: [Int]
  var strides: [Int]
}

/// Reads pickles (PEP 307, PEP 3154) of plain data and tensors. Nothing that a pickle names is called: a class or
/// function other than those that make tensors and ordered dictionaries is an error.
struct PickleReader {
  private let path: String
  private var bytes: ArraySlice<UInt8>
  private var stack: [PickleValue] = []
  private var memo: [Int: PickleValue] = [:]
  /// All lists and dictionaries, which may hold each other in any way.
  private var lists: [PickleList] = []
  private var dictionaries: [PickleDictionary] = []
  private static let depth = 64

  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes[...]
    self.path = path
  }

  /// The value of the whole pickle. Throws `FileError`.
  mutating func read() throws -> PickleValue {
    while true {
      let code = try byte()
      if code == UInt8(ascii: ".") { return try pop() }
      try step(code)
    }
  }

  /// Empties all lists and dictionaries, so that chains and circles of them are freed one by one.
  mutating func clear() {
    (stack, memo) = ([], [:])
    for list in lists { list.values = [] }
    for dictionary in dictionaries { dictionary.entries = [] }
  }

  private mutating func step(_ code: UInt8) throws {
    switch code {
    case 0x80: _ = try take(1)
    case 0x95: _ = try take(8)
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.int(Int(try byte())))
    case UInt8(ascii: "M"): stack.append(.int(try length(2)))
    case UInt8(ascii: "J"): stack.append(.int(Int(Int32(truncatingIfNeeded: try length(4)))))
    case 0x8A: stack.append(.int(try long(count: Int(byte()))))
    case UInt8(ascii: "G"):
      let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      stack.append(.float(Double(bitPattern: bits)))
    case UInt8(ascii: "X"): stack.append(.string(try text(length(4))))
    case 0x8C: stack.append(.string(try text(length(1))))
    case UInt8(ascii: "q"): memo[try length(1)] = try top()
    case UInt8(ascii: "r"): memo[try length(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): stack.append(try remembered(length(1)))
    case UInt8(ascii: "j"): stack.append(try remembered(length(4)))
    default: try stepOfCollections(code)
    }
  }

  private mutating func stepOfCollections(_ code: UInt8) throws {
    switch code {
    case UInt8(ascii: ")"): try push(tuple: [])
    case 0x85...0x87:
      let count = Int(code) - 0x84
      guard stack.count >= count else { throw malformed("a tuple of values that are not there") }
      let values = Array(stack.suffix(count))
      stack.removeLast(count)
      try push(tuple: values)
    case UInt8(ascii: "t"): try push(tuple: popToMark())
    case UInt8(ascii: "]"):
      lists.append(PickleList())
      stack.append(.list(lists[lists.count - 1]))
    case UInt8(ascii: "a"):
      let value = try pop()
      try list().values.append(value)
    case UInt8(ascii: "e"):
      let values = try popToMark()
      try list().values += values
    case UInt8(ascii: "}"): pushDictionary()
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try dictionary().entries.append((key, value))
    case UInt8(ascii: "u"):
      let values = try popToMark()
      guard values.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
      let target = try dictionary()
      for index in stride(from: 0, to: values.count, by: 2) {
        target.entries.append((values[index], values[index + 1]))
      }
    default: try stepOfObjects(code)
    }
  }

  private mutating func stepOfObjects(_ code: UInt8) throws {
    switch code {
    case UInt8(ascii: "c"): stack.append(.global(try line() + " " + line()))
    case 0x93:
      guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
        throw malformed("a name that is not a word")
      }
      stack.append(.global(module + " " + name))
    case UInt8(ascii: "Q"): stack.append(try storage(pop()))
    case UInt8(ascii: "R"):
      guard case .tuple(let arguments, _) = try pop(), case .global(let name) = try pop() else {
        throw malformed("a call of something that is no function")
      }
      try call(name, arguments)
    case UInt8(ascii: "b"):
      // The state of an ordered dictionary is what nn.Module keeps about versions.
      _ = try pop()
    default: throw malformed("the operation \(code), which files of tensors do not have")
    }
  }

  private func storage(_ identity: PickleValue) throws -> PickleValue {
    guard case .tuple(let parts, _) = identity, parts.count == 5, case .string("storage") = parts[0],
      case .global(let type) = parts[1], case .string(let key) = parts[2], case .int(let count) = parts[4], count >= 0
    else { throw malformed("a reference to something that is no storage") }
    return .storage(key: key, dtype: type, count: count)
  }

  private mutating func call(_ name: String, _ arguments: [PickleValue]) throws {
    switch name {
    case "collections OrderedDict" where arguments.isEmpty: pushDictionary()
    case "torch._utils _rebuild_parameter":
      guard case .tensor? = arguments.first else { throw malformed("a parameter that is no tensor") }
      stack.append(arguments[0])
    case "torch._utils _rebuild_tensor_v2":
      guard arguments.count >= 4, case .storage(let key, let dtype, let count) = arguments[0],
        case .int(let offset) = arguments[1], let shape = integers(arguments[2]), let strides = integers(arguments[3]),
        shape.count == strides.count
      else { throw malformed("a tensor that is not described as one") }
      stack.append(
        .tensor(
          TorchTensorLayout(
            storage: key, dtype: dtype, storageCount: count, offset: offset, shape: shape, strides: strides)))
    default:
      throw FileError(
        .unsupported, path: path, "holds a \(printable(name)); only tensors, numbers and words are read",
        remedy: "save a state_dict, as in torch.save(optimizer.state_dict(), path)")
    }
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let parts, _) = value else { return nil }
    let numbers = parts.compactMap { if case .int(let number) = $0 { number } else { nil } }
    return numbers.count == parts.count ? numbers : nil
  }
}

// MARK: - Bytes and the stack

extension PickleReader {
  private mutating func byte() throws -> UInt8 {
    guard let first = bytes.popFirst() else { throw malformed("an end before it is complete") }
    return first
  }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count else { throw malformed("an end before it is complete") }
    defer { bytes = bytes.dropFirst(count) }
    return bytes.prefix(count)
  }

  /// A number of so many bytes, the lowest first.
  private mutating func length(_ count: Int) throws -> Int {
    try take(count).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// A number in two's complement of any length up to eight bytes.
  private mutating func long(count: Int) throws -> Int {
    guard count <= 8 else { throw malformed("a number of \(count) bytes") }
    let digits = Array(try take(count))
    guard let last = digits.last else { return 0 }
    let start: UInt64 = last >= 0x80 ? .max : 0
    return Int(bitPattern: UInt(digits.reversed().reduce(start) { $0 << 8 | UInt64($1) }))
  }

  private mutating func text(_ count: Int) throws -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw malformed("a word that is not UTF-8")
    }
    return text
  }

  private mutating func line() throws -> String {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { throw malformed("an end before it is complete") }
    let text = try text(end - bytes.startIndex)
    bytes = bytes.dropFirst()
    return text
  }

  private mutating func push(tuple values: [PickleValue]) throws {
    let depths = values.map { if case .tuple(_, let depth) = $0 { depth } else { 0 } }
    let depth = (depths.max() ?? 0) + 1
    guard depth <= Self.depth else { throw malformed("tuples within \(depth) others") }
    stack.append(.tuple(values, depth: depth))
  }

  private mutating func pushDictionary() {
    let dictionary = PickleDictionary()
    dictionaries.append(dictionary)
    stack.append(.dictionary(dictionary))
  }

  private mutating func pop() throws -> PickleValue {
    guard let last = stack.popLast() else { throw malformed("an operation on nothing") }
    return last
  }

  private func top() throws -> PickleValue {
    guard let last = stack.last else { throw malformed("an operation on nothing") }
    return last
  }

  private mutating func popToMark() throws -> [PickleValue] {
    let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
    guard let mark else { throw malformed("an end of something that did not begin") }
    let values = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return values
  }

  private func remembered(_ number: Int) throws -> PickleValue {
    guard let value = memo[number] else { throw malformed("a value \(number) that was not kept") }
    return value
  }

  private func list() throws -> PickleList {
    guard case .list(let list) = try top() else { throw malformed("something appended to no list") }
    return list
  }

  private func dictionary() throws -> PickleDictionary {
    guard case .dictionary(let dictionary) = try top() else { throw malformed("an entry of no dictionary") }
    return dictionary
  }

  private func malformed(_ message: String) -> FileError {
    FileError(.malformed, path: path, "not a valid pickle: \(message)", remedy: "save the file again with torch.save")
  }
}
