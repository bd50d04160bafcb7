import GraftIR
import GraftOps

extension RewriteRule {
  private static let binaryOps = ["add", "subtract", "multiply", "divide", "floor_divide", "remainder"]

  /// Arithmetic on what is known, and scalars that can stand in place.
  static let constantArithmetic: [RewriteRule] =
    binaryOps.flatMap { op in
      [
        RewriteRule("extent arithmetic", op) { b, site in try foldExtents(op, b, site) },
        RewriteRule("full arithmetic", op) { b, site in try foldFull(op, b, site) },
        RewriteRule("literal arithmetic", op) { b, site in try foldLiteral(op, b, site) },
      ]
    } + [RewriteRule("scalar in place", replacement: inlineScalar)]

  // MARK: Extents

  private static func foldExtents(_ op: String, _ b: GraphBuilder, _ site: RewriteSite) throws -> [Operand]? {
    guard let type = site.resultType, type.dtype.isInteger, let x = try extent(site.op[0], site),
      let y = try extent(site.op[1], site)
    else { return nil }
    let value: Dim
    switch op {
    case "add": value = x + y
    case "subtract": value = x - y
    case "multiply": value = x * y
    case "floor_divide": value = x.floorDivided(by: y)
    case "remainder": value = x.remainder(by: y)
    default: return nil
    }
    // Only a divisor that is known can be known to be positive.
    if ["floor_divide", "remainder"].contains(op), (y.knownValue ?? 0) <= 0 { return nil }
    return [try b(.dimension, attributes: ["value": .dim(value), "dtype": .dtype(type.dtype)])]
  }

  private static func extent(_ operand: Operand, _ site: RewriteSite) throws -> Dim? {
    if case .scalar(.int(let value)) = operand { return Dim(value) }
    return try site.producer(of: operand, "dimension")?.dim("value")
  }

  // MARK: Filled tensors and literals

  private static func foldFull(_ op: String, _ b: GraphBuilder, _ site: RewriteSite) throws -> [Operand]? {
    func filled(_ operand: Operand) throws -> Scalar? {
      if let scalar = operand.asScalar { return scalar }
      return try site.producer(of: operand, "full")?.scalar("value")
    }
    guard let type = site.resultType, let x = try filled(site.op[0]), let y = try filled(site.op[1]),
      let value = apply(op, x, y, type.dtype)
    else { return nil }
    return [
      try b(
        .full, attributes: ["shape": .dims(type.shape), "value": .scalar(value), "dtype": .dtype(type.dtype)])
    ]
  }

  /// Literals of more elements than this are left alone.
  private static let literalLimit = 16

  private static func foldLiteral(_ op: String, _ b: GraphBuilder, _ site: RewriteSite) throws -> [Operand]? {
    func literal(_ operand: Operand) throws -> TensorLiteral? {
      guard case .literal(let value) = try site.producer(of: operand, "constant")?.attribute("value") else {
        return nil
      }
      return value.elements.count <= literalLimit ? value : nil
    }
    let folded: TensorLiteral?
    if let x = try literal(site.op[0]), let y = site.op[1].asScalar {
      folded = x.map { apply(op, $0, y, x.dtype) }
    } else if let y = try literal(site.op[1]), let x = site.op[0].asScalar {
      folded = y.map { apply(op, x, $0, y.dtype) }
    } else {
      return nil
    }
    guard let folded, folded.dtype == site.resultType?.dtype else { return nil }
    return [try b(.constant, attributes: ["value": .literal(folded)])]
  }

  // MARK: Numbers in place

  /// A scalar tensor beside a tensor of the same type becomes a number in place.
  private static let inlineScalar: Replacement = { b, site in
    var operands = site.op.operands
    for (index, spec) in site.op.definition.operands.enumerated() where operands.indices.contains(index) {
      guard spec.kind == .tensorOrScalar, let type = site.type(operands[index]),
        type.isScalar || site.producer(of: operands[index], "full") != nil,
        let scalar = try scalar(operands[index], site)
      else { continue }
      let others = operands.indices.filter { $0 != index }
      guard others.contains(where: { site.type(operands[$0])?.dtype == type.dtype }) else { continue }
      operands[index] = .scalar(scalar)
    }
    let types = site.op.results.map(site.op.type(of:))
    guard operands != site.op.operands,
      (try? site.op.definition.resultTypes(operands: operands, attributes: site.op.attributes, in: b.function)) == types
    else { return nil }
    return try b.apply(site.op.definition, operands, attributes: site.op.attributes)
  }

  private static func scalar(_ operand: Operand, _ site: RewriteSite) throws -> Scalar? {
    guard let dtype = site.type(operand)?.dtype else { return nil }
    if let full = site.producer(of: operand, "full") {
      return try full.scalar("value").converted(from: dtype, to: dtype)
    }
    if let extent = try site.producer(of: operand, "dimension")?.dim("value").knownValue {
      return Scalar.int(extent).converted(from: .int64, to: dtype)
    }
    guard case .literal(let literal) = try site.producer(of: operand, "constant")?.attribute("value") else {
      return nil
    }
    return literal.elements.first?.converted(from: dtype, to: dtype)
  }

  // MARK: Numbers

  /// The op's value for two numbers in the given type, or nil where it is not certain to be what a tensor would hold.
  private static func apply(_ op: String, _ x: Scalar, _ y: Scalar, _ dtype: DType) -> Scalar? {
    switch dtype {
    case .int32, .int64:
      guard case .int(let x) = x, case .int(let y) = y else { return nil }
      let (value, overflow) =
        switch op {
        case "add": x.addingReportingOverflow(y)
        case "subtract": x.subtractingReportingOverflow(y)
        case "multiply": x.multipliedReportingOverflow(by: y)
        default: (0, true)
        }
      if overflow || (dtype == .int32 && Int32(exactly: value) == nil) { return nil }
      return .int(value)
    case .float32:
      guard let x = x.asDouble, let y = y.asDouble else { return nil }
      return apply(op, Float(x), Float(y)).map { .float(Double($0)) }
    case .float64:
      guard let x = x.asDouble, let y = y.asDouble else { return nil }
      return apply(op, x, y).map { .float($0) }
    default: return nil
    }
  }

  private static func apply<T: BinaryFloatingPoint>(_ op: String, _ x: T, _ y: T) -> T? {
    switch op {
    case "add": x + y
    case "subtract": x - y
    case "multiply": x * y
    case "divide": x / y
    default: nil
    }
  }
}

extension TensorLiteral {
  /// Every element mapped, or nil when one has no value.
  func map(_ transform: (Scalar) -> Scalar?) -> TensorLiteral? {
    TensorLiteral(dtype: dtype, shape: shape, elements: elements.compactMap(transform))
  }
}

extension Scalar {
  /// The number as an element of another type, or nil when that type cannot hold it or it is not a real number.
  func converted(from source: DType, to target: DType) -> Scalar? {
    guard let value = asDouble else { return nil }
    switch target.category {
    case .bool: return .bool(value != 0)
    case .integer:
      let whole: Int
      if case .int(let exact) = self {
        whole = exact
      } else {
        guard value.isFinite, let truncated = Int(exactly: value.rounded(.towardZero)) else { return nil }
        whole = truncated
      }
      let bits = target.byteWidth * 8
      if bits == 64 { return target.isSigned || whole >= 0 ? .int(whole) : nil }
      let range = target.isSigned ? -(1 << (bits - 1))...((1 << (bits - 1)) - 1) : 0...((1 << bits) - 1)
      return range.contains(whole) ? .int(whole) : nil
    case .floating:
      // A narrower source has already rounded the number that the program shows.
      if source.isFloating, target.isFloating, source != target {
        return source == .float32 ? .float(Double(Float(value))) : source == .float64 ? .float(value) : nil
      }
      return .float(value)
    case .complex, .opaque: return nil
    }
  }
}
