import GraftIR
import GraftOps
import GraftSyntax

extension EmitContext {
  /// The operation as the catalogue spells it in a framework.
  func spelled(in framework: Framework) throws -> PythonExpression {
    guard let spelling = call.definition.spellings(in: framework).first else {
      throw Diagnostic(.unsupported, "`\(call.definition.name)` has no form in \(framework.rawValue)")
    }
    let template = try CallTemplate(parsing: spelling.template)
    switch template.callee {
    case .infix(let symbol):
      return try infix(symbol, try source(template.parameters[0]), try source(template.parameters[1]))
    case .prefix(let symbol):
      let operand = try source(template.parameters[0])
      return symbol == "~" ? ~operand : -operand
    case .method(let owner, let name):
      return try arguments(template.parameters, to: operand(owner).attribute(name))
    case .function(let path): return try arguments(template.parameters, to: reference(path))
    }
  }

  private func infix(_ symbol: String, _ left: PythonExpression, _ right: PythonExpression) throws -> PythonExpression {
    if let binary = PythonBinaryOperator(rawValue: symbol) { return .binary(left, binary, right) }
    if let comparison = PythonComparisonOperator(rawValue: symbol) {
      return .comparison(left, [PythonComparison(comparison, right)])
    }
    throw Diagnostic(.internalError, "Python has no operator `\(symbol)`")
  }

  private func source(_ parameter: CallTemplate.Parameter) throws -> PythonExpression {
    guard let source = parameter.source else { return .path(parameter.defaultText ?? "None") }
    return call.definition.operandIndex(source) != nil ? operand(source) : try attribute(source)
  }

  private func arguments(
    _ parameters: [CallTemplate.Parameter], to callee: PythonExpression
  ) throws -> PythonExpression {
    var positional: [PythonExpression] = []
    var keywords: [(String, PythonExpression)] = []
    for parameter in parameters {
      let value = try source(parameter)
      if parameter.source != nil, let fallback = parameter.defaultText, isDefault(value, fallback) { continue }
      if parameter.isKeyword {
        keywords.append((parameter.name, value))
      } else {
        positional.append(value)
      }
    }
    return callee.call(positional, keywords: keywords)
  }

  private func isDefault(_ value: PythonExpression, _ text: String) -> Bool {
    switch value {
    case .none: text == "None"
    case .boolean(let flag): text == (flag ? "True" : "False")
    case .string(let word): text == "\"\(word)\"" || text == "'\(word)'"
    default: value.rendered == text || value.asNumber.map { $0 == Double(text) } ?? false
    }
  }
}

extension PythonExpression {
  fileprivate var asNumber: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .float(let value): value
    case .unary(.minus, let operand): operand.asNumber.map { -$0 }
    default: nil
    }
  }
}

extension FunctionEmitter {
  /// An attribute as a plain Python value.
  func expression(
    _ attribute: Attribute, kind: AttributeSpec.Kind?, rank: Int, _ context: EmitContext
  ) throws -> PythonExpression {
    switch attribute {
    case .none: return .none
    case .scalar(let scalar): return kind == .float ? floating(scalar) : number(scalar)
    case .string(let word): return .string(word)
    case .dtype(let dtype): return context.dtype(dtype)
    case .dim(let dim):
      if kind == .axis, let axis = dim.knownValue { return context.axis(axis, rank: rank) }
      return self.dim(dim)
    case .list(let items):
      if kind == .axes, let axes = attribute.asInts { return context.axes(axes, rank: rank) }
      return .tuple(try items.map { try expression($0, kind: nil, rank: rank, context) })
    case .literal(let literal): return Self.nested(literal)
    }
  }

  private func floating(_ scalar: Scalar) -> PythonExpression {
    guard let value = scalar.asDouble else { return number(scalar) }
    return target.constant(value, imports: &imports) ?? .float(value)
  }

  /// A tensor as nested lists.
  static func nested(_ literal: TensorLiteral) -> PythonExpression {
    func build(_ axis: Int, _ elements: ArraySlice<Scalar>) -> PythonExpression {
      guard axis < literal.shape.count else { return elements.first.map(element) ?? .integer(0) }
      let count = literal.shape[axis]
      let step = count == 0 ? 0 : elements.count / count
      return .list(
        (0..<count).map { index in
          let start = elements.startIndex + index * step
          return build(axis + 1, elements[start..<start + step])
        })
    }
    func element(_ scalar: Scalar) -> PythonExpression {
      if case .float(let value) = scalar { return .float(value) }
      return Self.number(scalar)
    }
    return build(0, literal.elements[...])
  }
}
