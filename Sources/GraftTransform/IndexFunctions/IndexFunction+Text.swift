import GraftIR

extension IndexFunction: CustomStringConvertible {
  /// `@1 - @0`, `[@0 >= 4] ? 1 : 0`, `%3[@1, @0]`.
  package var description: String {
    switch self {
    case .whole(let value): "\(value)"
    case .number(let bits): "\(Double(bitPattern: bits))"
    case .boolean(let condition): "\(condition)"
    case .element(let element): "\(element)"
    case .choice(let condition, let a, let b): "[\(condition)] ? \(a) : \(b)"
    }
  }
}

extension IndexCondition: CustomStringConvertible {
  package var description: String {
    switch self {
    case .constant(let holds): "\(holds)"
    case .nonNegative(let value): "\(value) >= 0"
    case .zero(let value): "\(value) == 0"
    case .nonZero(let value): "\(value) != 0"
    case .element(let element, let holds): holds ? "\(element)" : "!\(element)"
    case .all(let parts): "(" + parts.map(\.description).joined(separator: " & ") + ")"
    case .any(let parts): "(" + parts.map(\.description).joined(separator: " | ") + ")"
    }
  }
}

extension IndexedElement: CustomStringConvertible {
  package var description: String {
    "%\(value.id)[" + indices.map(\.description).joined(separator: ", ") + "]"
  }
}
