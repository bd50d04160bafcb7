import GraftSyntax

/// Calls of the same form, argument by argument: a keyword that some leave out has its default there.
struct AlignedCalls {
  var functions: [PythonExpression] = []
  /// For each positional argument the name of its parameter, if known, and its value in each call.
  var positional: [(name: String?, values: [PythonExpression])] = []
  var keywords: [(name: String, values: [PythonExpression])] = []

  /// - Returns: nil if the calls do not pass the same arguments.
  init?(_ calls: [PythonExpression], signatures: [String: AntiUnifier.Signature]) {
    var positional: [[PythonExpression]] = []
    var keywords: [[(String, PythonExpression)]] = []
    for call in calls {
      guard case .call(let function, let arguments) = call else { return nil }
      functions.append(function)
      positional.append([])
      keywords.append([])
      for argument in arguments {
        switch argument {
        case .positional(let value): positional[positional.count - 1].append(value)
        case .keyword(let name, let value): keywords[keywords.count - 1].append((name, value))
        case .unpackedKeywords: return nil
        }
      }
    }
    guard let first = positional.first, positional.allSatisfy({ $0.count == first.count }),
      let longest = keywords.max(by: { $0.count < $1.count })
    else { return nil }
    let signature = functions[0].dottedName.flatMap { signatures[$0] }
    for index in first.indices {
      let name = signature.flatMap { $0.positional.indices.contains(index) ? $0.positional[index] : nil }
      self.positional.append((name, positional.map { $0[index] }))
    }
    let names = longest.map(\.0)
    guard keywords.allSatisfy({ $0.allSatisfy { names.contains($0.0) } }) else { return nil }
    for name in names {
      let values = keywords.compactMap { list in
        list.first { $0.0 == name }?.1 ?? signature?.defaults[name]
      }
      guard values.count == calls.count else { return nil }
      self.keywords.append((name, values))
    }
  }
}

extension PythonExpression {
  /// `a.b.c`, if that is all it is.
  var dottedName: String? {
    switch self {
    case .name(let name): name
    case .attribute(let base, let name): base.dottedName.map { "\($0).\(name)" }
    default: nil
    }
  }
}
