import GraftSyntax

extension PythonFunction {
  /// The function, which stands within another one, with its numbered variables called by their names alone where it
  /// reads nothing by that name from outside.
  func withoutNeedlessNumbers() -> PythonFunction {
    let own = Set(parameters.all.map(\.name) + body.flatMap(\.allAssignedNames))
    let occurring = own.union(body.flatMap(\.names))
    let byBase = Dictionary(grouping: own, by: \.withoutNumber)
    let names = byBase.filter { base, variables in variables.count == 1 && !occurring.contains(base) }
    let renamed = Dictionary(names.map { ($1[0], $0) }, uniquingKeysWith: { first, _ in first })
    let replacements = renamed.mapValues { PythonExpression.name($0) }
    var function = self
    function.parameters = parameters.map { parameter in
      var parameter = parameter
      parameter.name = renamed[parameter.name] ?? parameter.name
      return parameter
    }
    function.body = body.map { statement in statement.mapExpressions { $0.substituting(replacements) } }
    return function
  }
}
