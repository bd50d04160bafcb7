/// A Python statement.
package indirect enum PythonStatement: Hashable, Sendable {
  /// `a = b = value`; at least one target.
  case assign([PythonExpression], PythonExpression)
  /// `target: annotation = value`
  case annotatedAssign(PythonExpression, annotation: PythonExpression, value: PythonExpression?)
  /// `target += value`
  case augmentedAssign(PythonExpression, PythonBinaryOperator, PythonExpression)
  case expression(PythonExpression)
  case `return`(PythonExpression?)
  /// `if` with its `elif` branches (at least one branch), and an `else` unless it is empty.
  case `if`([PythonBranch], orElse: [PythonStatement])
  case `for`(PythonExpression, in: PythonExpression, body: [PythonStatement])
  case `while`(PythonExpression, body: [PythonStatement])
  /// `with a as b, c:`; at least one item.
  case with([PythonContextItem], body: [PythonStatement])
  case function(PythonFunction)
  case `class`(PythonClass)
  case `import`(PythonImport)
  case raise(PythonExpression?, from: PythonExpression?)
  case assert(PythonExpression, message: PythonExpression?)
  case pass
  case `break`
  case `continue`
  /// A definition that is text already, formatted as it should be.
  case source(String)
  /// A comment on lines of its own, without the `#`.
  case comment(String)
  /// An empty line, where Python style allows one.
  case blank
}

/// A condition and what it guards.
package struct PythonBranch: Hashable, Sendable {
  package var test: PythonExpression
  package var body: [PythonStatement]

  package init(_ test: PythonExpression, _ body: [PythonStatement]) {
    self.test = test
    self.body = body
  }
}

/// `context as target`
package struct PythonContextItem: Hashable, Sendable {
  package var context: PythonExpression
  package var target: PythonExpression?

  package init(_ context: PythonExpression, as target: PythonExpression? = nil) {
    self.context = context
    self.target = target
  }
}

/// A function definition. An empty body is `pass` unless there is a docstring.
package struct PythonFunction: Hashable, Sendable {
  package var decorators: [PythonExpression]
  package var name: String
  package var parameters: PythonParameters
  package var returns: PythonExpression?
  package var docstring: String?
  package var body: [PythonStatement]

  package init(
    _ name: String, _ parameters: PythonParameters = PythonParameters(), returns: PythonExpression? = nil,
    decorators: [PythonExpression] = [], docstring: String? = nil, body: [PythonStatement]
  ) {
    self.decorators = decorators
    self.name = name
    self.parameters = parameters
    self.returns = returns
    self.docstring = docstring
    self.body = body
  }
}

/// A class definition. An empty body is `pass` unless there is a docstring.
package struct PythonClass: Hashable, Sendable {
  package var decorators: [PythonExpression]
  package var name: String
  /// Base classes and keyword arguments.
  package var arguments: [PythonArgument]
  package var docstring: String?
  package var body: [PythonStatement]

  package init(
    _ name: String, _ arguments: [PythonArgument] = [], decorators: [PythonExpression] = [],
    docstring: String? = nil, body: [PythonStatement]
  ) {
    self.decorators = decorators
    self.name = name
    self.arguments = arguments
    self.docstring = docstring
    self.body = body
  }
}

extension PythonStatement {
  /// `target = value`
  package static func assign(_ target: PythonExpression, _ value: PythonExpression) -> PythonStatement {
    .assign([target], value)
  }

  /// `if test:` with an optional `else`.
  package static func `if`(
    _ test: PythonExpression, _ body: [PythonStatement], orElse: [PythonStatement] = []
  ) -> PythonStatement {
    .if([PythonBranch(test, body)], orElse: orElse)
  }

  /// `assert test`
  package static func assert(_ test: PythonExpression) -> PythonStatement { .assert(test, message: nil) }

  /// `raise exception`
  package static func raise(_ exception: PythonExpression) -> PythonStatement { .raise(exception, from: nil) }

  /// The same statement with each expression directly in it (targets, values, conditions, annotations, defaults,
  /// decorators; also of the statements it contains) replaced.
  package func mapExpressions(_ transform: (PythonExpression) -> PythonExpression) -> PythonStatement {
    func body(_ statements: [PythonStatement]) -> [PythonStatement] {
      statements.map { $0.mapExpressions(transform) }
    }
    switch self {
    case .assign(let targets, let value): return .assign(targets.map(transform), transform(value))
    case .annotatedAssign(let target, let annotation, let value):
      return .annotatedAssign(transform(target), annotation: transform(annotation), value: value.map(transform))
    case .augmentedAssign(let target, let symbol, let value):
      return .augmentedAssign(transform(target), symbol, transform(value))
    case .expression(let value): return .expression(transform(value))
    case .return(let value): return .return(value.map(transform))
    case .if(let branches, let orElse):
      return .if(branches.map { PythonBranch(transform($0.test), body($0.body)) }, orElse: body(orElse))
    case .for(let target, let iterable, let statements):
      return .for(transform(target), in: transform(iterable), body: body(statements))
    case .while(let test, let statements): return .while(transform(test), body: body(statements))
    case .with(let items, let statements):
      let items = items.map { PythonContextItem(transform($0.context), as: $0.target.map(transform)) }
      return .with(items, body: body(statements))
    case .function(let function):
      return .function(
        PythonFunction(
          function.name, function.parameters.mapExpressions(transform), returns: function.returns.map(transform),
          decorators: function.decorators.map(transform), docstring: function.docstring, body: body(function.body)))
    case .class(let definition):
      return .class(
        PythonClass(
          definition.name, definition.arguments.map { $0.mapValue(transform) },
          decorators: definition.decorators.map(transform), docstring: definition.docstring,
          body: body(definition.body)))
    case .raise(let exception, let cause): return .raise(exception.map(transform), from: cause.map(transform))
    case .assert(let test, let message): return .assert(transform(test), message: message.map(transform))
    case .import, .pass, .break, .continue, .source, .comment, .blank: return self
    }
  }
}

extension PythonParameters {
  fileprivate func mapExpressions(_ transform: (PythonExpression) -> PythonExpression) -> PythonParameters {
    map {
      PythonParameter(
        $0.name, annotation: $0.annotation.map(transform), default: $0.defaultValue.map(transform))
    }
  }
}
