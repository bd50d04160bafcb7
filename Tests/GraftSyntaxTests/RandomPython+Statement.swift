@testable import GraftSyntax

extension RandomPython {
  mutating func statement(_ depth: Int, nesting: Int = 2) -> PythonStatement {
    let limit = nesting > 0 ? (vocabulary == .emitted ? 15 : 20) : 9
    switch count(0...limit) {
    case 0, 1, 2: return .assign([assignmentTarget(depth)], expression(depth))
    case 3: return .assign([.tuple([.name(name()), .name(name())])], expression(depth))
    case 4: return .expression(statementExpression(depth))
    case 5, 6: return .return(chance(90) ? expression(depth) : nil)
    case 7: return .assert(expression(depth), message: chance(50) ? expression(depth - 1) : nil)
    case 8:
      return .annotatedAssign(
        .name(name()), annotation: annotation(),
        value: chance(80) ? expression(depth) : nil)
    case 9:
      return .augmentedAssign(
        chance(60) ? .name(name()) : .subscript(.name(name()), expression(1)),
        pick([.add, .multiply, .matmul, .power]),
        expression(depth))
    case 10, 11: return .if(branches(depth, nesting), orElse: chance(40) ? body(depth, nesting) : [])
    case 12: return .for(loopTarget(depth), in: expression(depth), body: body(depth, nesting))
    case 13: return .while(expression(depth), body: body(depth, nesting))
    case 14, 15: return .function(function(depth, nesting))
    case 16: return .with(items(depth), body: body(depth, nesting))
    case 17:
      return .class(
        PythonClass(
          pick(["Net", "ALongClassName"]), [.positional(expression(1)), .keyword("metaclass", expression(1))],
          decorators: chance(30) ? [expression(depth)] : [], docstring: chance(50) ? "A class." : nil,
          body: body(depth, nesting)))
    case 18: return .raise(chance(90) ? expression(depth) : nil, from: chance(30) ? expression(1) : nil)
    case 19: return .assign([assignmentTarget(depth), assignmentTarget(depth)], expression(depth))
    default: return pick([.pass, .comment("A comment."), .blank])
    }
  }

  /// A string on its own could be a docstring.
  private mutating func statementExpression(_ depth: Int) -> PythonExpression {
    let value = expression(depth)
    if case .string = value { return .none }
    return value
  }

  private mutating func assignmentTarget(_ depth: Int) -> PythonExpression {
    switch count(0...5) {
    case 0: .subscript(.name(name()), expression(depth - 2))
    case 1: .attribute(.name(name()), "state")
    case 2: .tuple([.name(name()), .subscript(.name(name()), .string("bn1"))])
    case 3: vocabulary == .everything ? .tuple([.starred(.name(name())), .name(name())]) : .name(name())
    default: .name(name())
    }
  }

  private mutating func loopTarget(_ depth: Int) -> PythonExpression {
    chance(50) ? .name(name()) : .tuple((0..<count(1...3)).map { _ in .name(name()) })
  }

  private mutating func branches(_ depth: Int, _ nesting: Int) -> [PythonBranch] {
    (0..<count(1...2)).map { _ in PythonBranch(expression(depth), body(depth, nesting)) }
  }

  private mutating func body(_ depth: Int, _ nesting: Int) -> [PythonStatement] {
    (0..<count(1...3)).map { _ in statement(depth, nesting: nesting - 1) }
  }

  /// A tuple would be read as several items, and is no context manager anyway.
  private mutating func items(_ depth: Int) -> [PythonContextItem] {
    (0..<count(1...2)).map { _ in
      PythonContextItem(.attribute(expression(depth), "context"), as: chance(50) ? .name(name()) : nil)
    }
  }

  private mutating func function(_ depth: Int, _ nesting: Int) -> PythonFunction {
    PythonFunction(
      pick(["forward", "batch_norm", "a_function_with_quite_a_long_name_in_it"]), parameters(2, annotated: true),
      returns: chance(60) ? (chance(20) ? expression(depth - 1) : annotation()) : nil,
      decorators: chance(15) ? [expression(depth - 1)] : [],
      docstring: chance(50)
        ? pick(["Summary.", "Summary.\n\nMore about it.\n    Indented.", "Quote \"\"\" inside\\"]) : nil,
      body: body(depth, nesting))
  }
}
