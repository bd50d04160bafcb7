extension IRParser {
  /// Elements between brackets, separated by commas.
  mutating func list<T>(
    _ open: StaticString, _ close: StaticString, _ element: (inout IRParser) throws -> T
  ) throws -> [T] {
    try scanner.expect(open)
    try scanner.enter()
    defer { scanner.leave() }
    var elements: [T] = []
    if scanner.take(close) { return elements }
    repeat { elements.append(try element(&self)) } while scanner.take(",")
    try scanner.expect(close)
    return elements
  }

  mutating func strings() throws -> [String] { try list("[", "]") { try $0.scanner.string() } }

  // MARK: Trees

  mutating func tree() throws -> Tree {
    scanner.skipSpace()
    switch scanner.peek {
    case UInt8(ascii: "("): return .tuple(try list("(", ")") { try $0.tree() })
    case UInt8(ascii: "["): return .list(try list("[", "]") { try $0.tree() })
    case UInt8(ascii: "{"): return .dict(try fields())
    case UInt8(ascii: "#"):
      try scanner.expect("#")
      return .leaf(try scanner.index(below: Int.max, "leaf"))
    default:
      if scanner.take(word: "const") { return .constant(try attribute()) }
      try scanner.expect(word: "record")
      return .record(className: try scanner.string(), fields: try fields())
    }
  }

  private mutating func fields() throws -> [Tree.Field] {
    try list("{", "}") { parser in
      let name = try parser.scanner.string()
      try parser.scanner.expect(":")
      return Tree.Field(name, try parser.tree())
    }
  }

  // MARK: Scalars and attributes

  mutating func scalar() throws -> Scalar {
    if let special = try takeSpecialScalar() { return special }
    return .int(try scanner.integer("an operand"))
  }

  /// Any number but an integer.
  private mutating func takeSpecialScalar() throws -> Scalar? {
    if scanner.take(word: "true") { return .bool(true) }
    if scanner.take(word: "false") { return .bool(false) }
    if scanner.take(word: "complex") {
      let parts = try list("(", ")") { try $0.float() }
      guard parts.count == 2 else { throw scanner.failure("a complex number has two parts") }
      return .complex(parts[0], parts[1])
    }
    return try scanner.takeFloat().map(Scalar.float)
  }

  private mutating func float() throws -> Double {
    guard let value = try scanner.takeFloat() else { throw scanner.expected("a floating-point number") }
    return value
  }

  mutating func attribute() throws -> Attribute {
    if scanner.take(word: "none") { return .none }
    if let special = try takeSpecialScalar() { return .scalar(special) }
    let start = scanner.position
    switch scanner.peek {
    case UInt8(ascii: "\""): return .string(try scanner.string())
    case UInt8(ascii: "["):
      let values = try list("[", "]") { try $0.attribute() }
      try check(values.compactMap(\.asDim))
      return .list(values)
    default:
      guard let dtype = scanner.takeWord().flatMap(DType.init(name:)) else {
        scanner.rewind(to: start)
        return .dim(try dim())
      }
      if scanner.peek != UInt8(ascii: "[") { return .dtype(dtype) }
      return .literal(try literal(dtype))
    }
  }

  private mutating func literal(_ dtype: DType) throws -> TensorLiteral {
    let shape = try list("[", "]") { try $0.scanner.index(below: Int.max, "extent") }
    let elements = try list("{", "}") { try $0.scalar() }
    guard shape.count <= DimReader.rankLimit,
      let literal = TensorLiteral(dtype: dtype, shape: shape, elements: elements)
    else { throw scanner.failure("\(elements.count) elements do not fit the shape \(shape)") }
    return literal
  }

  // MARK: Types and dimensions

  mutating func type() throws -> TensorType {
    guard let dtype = scanner.takeWord().flatMap(DType.init(name:)) else { throw scanner.expected("a type") }
    let shape = try list("[", "]") { try $0.dim() }
    try check(shape)
    return TensorType(dtype, shape)
  }

  mutating func dim() throws -> Dim {
    var reader = DimReader()
    return try reader.sum(&scanner)
  }

  /// Refuses extents whose product would be too large to write down.
  private func check(_ dims: [Dim]) throws {
    guard dims.count <= DimReader.rankLimit || dims.allSatisfy({ $0.knownValue != nil }) else {
      throw scanner.failure("too many dimensions")
    }
    var product = 1
    for dim in dims {
      product = saturatingMultiply(product, dim.terms.count + 1)
      if product > DimReader.sizeLimit { throw scanner.failure("the shape is too complex") }
    }
  }
}
