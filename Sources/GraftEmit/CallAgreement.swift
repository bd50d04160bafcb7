import GraftSyntax

/// The constants that all calls of a helper pass for the same parameter, so that none has to.
///
/// A switch that all calls turn on is one. Another constant must be passed for a keyword, or for the last positional
/// parameter, by two calls at least. What a helper only passes on for a parameter of the same name (`rate`) counts as a
/// call of the other helper.
struct CallAgreement {
  private var constants: [String: [String: PythonExpression]] = [:]
  /// Parameters that a helper only passes on and that have a default there.
  private var passedOn: [String: Set<String>] = [:]
  /// What calls leave out, by the function's name in the file: the parameters, and where they are positional.
  private var omitted: [String: [String: Int?]] = [:]

  private static let fewestCalls = 2

  init(_ helpers: [HelperLibrary.Helper], _ calls: CallSurvey, name: (String) -> String) {
    for helper in helpers {
      let passing = helpers.filter { $0.passesOn(to: helper) }
      let isCalled = helpers.contains { $0.name != helper.name && $0.references.contains(helper.name) }
      for parameter in helper.parameterNames.sorted() where helper.canOmit(parameter) {
        let callers = [helper] + (parameter == helper.signature.positional.last ? passing : [])
        let values = callers.map { calls.values(of: parameter, in: $0, as: name($0.name)) }
        guard let constant = Self.constant(values), !isCalled || helper.signature.defaults[parameter] == nil else {
          continue
        }
        let isSwitch = constant == true && helper.options.contains(parameter) && !isCalled
        guard isSwitch || values.compactMap(\.self).joined().count >= Self.fewestCalls else { continue }
        constants[helper.name, default: [:]][parameter] = constant
        for caller in callers {
          omitted[name(caller.name), default: [:]][parameter] = caller.signature.positional.firstIndex(of: parameter)
          if caller.name != helper.name { passedOn[caller.name, default: []].insert(parameter) }
        }
      }
    }
  }

  /// The one constant that all of the calls pass.
  private static func constant(_ values: [[PythonExpression?]?]) -> PythonExpression? {
    guard values.allSatisfy({ $0 != nil }) else { return nil }
    let all = values.compactMap(\.self).joined()
    guard let first = all.first, let constant = first, constant.isConstant, all.allSatisfy({ $0 == constant }) else {
      return nil
    }
    return constant
  }

  func usages(of helper: HelperLibrary.Helper) -> [String: HelperUsage] {
    var usages = (constants[helper.name] ?? [:]).mapValues { HelperUsage.fixed($0) }
    for parameter in passedOn[helper.name] ?? [] { usages[parameter] = .never }
    return usages
  }

  /// The function with calls that do not pass what is agreed on.
  func leavingOut(in function: PythonFunction) -> PythonFunction {
    if omitted.isEmpty { return function }
    var function = function
    function.body = function.body.map { $0.mapExpressions(leavingOut) }
    return function
  }

  private func leavingOut(in expression: PythonExpression) -> PythonExpression {
    let expression = expression.mapChildren(leavingOut)
    guard case .call(.name(let name), let arguments) = expression, let parameters = omitted[name] else {
      return expression
    }
    let kept = arguments.enumerated().filter { index, argument in
      if case .keyword(let keyword, _) = argument { return parameters[keyword] == nil }
      return !parameters.values.contains(index)
    }
    return .call(.name(name), kept.map(\.element))
  }
}

extension HelperLibrary.Helper {
  /// Whether calls could leave out a parameter if it had a default: it is a keyword, or the last one that is not.
  fileprivate func canOmit(_ parameter: String) -> Bool {
    parameter == signature.positional.last || !signature.positional.contains(parameter)
  }

  /// Whether the helper's last positional parameter is an option of its source that it passes on for that of another.
  fileprivate func passesOn(to other: HelperLibrary.Helper) -> Bool {
    guard let last = signature.positional.last, name != other.name else { return false }
    return references.contains(other.name) && other.signature.positional.last == last && options.contains(last)
  }
}
