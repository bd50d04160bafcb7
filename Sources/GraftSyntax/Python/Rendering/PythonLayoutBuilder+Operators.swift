/// The operands and operators of an expression in the order they are written, whatever their precedence.
private struct OperatorChain {
  struct Link {
    let symbol: String
    let precedence: Int
    let isPower: Bool
  }

  private(set) var operands: [PythonExpression] = []
  /// `links[i]` stands between `operands[i]` and `operands[i + 1]`.
  private(set) var links: [Link] = []

  init(_ expression: PythonExpression) { append(expression) }

  private mutating func append(_ expression: PythonExpression) {
    switch expression {
    case .binary(let left, let symbol, let right):
      append(left)
      links.append(
        Link(symbol: symbol.rawValue, precedence: symbol.precedence.rawValue, isPower: symbol == .power))
      append(right)
    case .comparison(let first, let rest):
      append(first)
      for comparison in rest {
        let precedence = PythonPrecedence.comparison.rawValue
        links.append(Link(symbol: comparison.operator.rawValue, precedence: precedence, isPower: false))
        append(comparison.operand)
      }
    case .logical(let symbol, let values):
      for (index, value) in values.enumerated() {
        if index > 0 {
          // `and` and `or` break together.
          links.append(Link(symbol: symbol.rawValue, precedence: PythonPrecedence.or.rawValue, isPower: false))
        }
        append(value)
      }
    default: operands.append(expression)
    }
  }
}

extension PythonLayoutBuilder {
  /// Operators break before the loosest ones first, all of them together.
  mutating func operators(_ expression: PythonExpression, _ level: Level) -> Layout {
    let chain = OperatorChain(expression)
    return groupInParentheses(operators(chain, 0..<chain.operands.count, level), level)
  }

  private mutating func operators(_ chain: OperatorChain, _ range: Range<Int>, _ level: Level) -> Layout {
    let links = range.lowerBound..<(range.upperBound - 1)
    guard let loosest = links.map({ chain.links[$0].precedence }).min() else {
      return operand(chain.operands[range.lowerBound], level)
    }
    var parts: [Layout] = []
    var start = range.lowerBound
    for index in links where chain.links[index].precedence == loosest {
      parts.append(part(chain, start..<(index + 1), level))
      let link = chain.links[index]
      let isHugged =
        link.isPower && chain.operands[index].isSimplePowerOperand && chain.operands[index + 1].isSimplePowerOperand
      if isHugged {
        parts += [softLineInParentheses(level), .text(link.symbol), ifBrokenInParentheses(.space, level)]
      } else {
        parts += [softLineOrSpaceInParentheses(level), .text(link.symbol), .space]
      }
      start = index + 1
    }
    parts.append(part(chain, start..<range.upperBound, level))
    return .concatenation(parts)
  }

  private mutating func part(_ chain: OperatorChain, _ range: Range<Int>, _ level: Level) -> Layout {
    if range.count == 1 { return operand(chain.operands[range.lowerBound], level) }
    return groupInParentheses(operators(chain, range, level), level)
  }

  private mutating func operand(_ expression: PythonExpression, _ level: Level) -> Layout {
    layout(expression, level, expression.isParenthesized ? .always : .never)
  }
}

extension PythonExpression {
  /// Whether `**` is written without spaces beside this operand.
  fileprivate var isSimplePowerOperand: Bool {
    switch self {
    case .name, .integer, .float, .boolean, .none: true
    case .unary(.not, _): false
    case .unary(_, let value), .attribute(let value, _): value.unparenthesized.isSimplePowerOperand
    default: false
    }
  }
}
