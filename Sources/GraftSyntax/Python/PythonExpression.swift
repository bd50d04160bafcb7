/// A Python expression. Trees carry no layout and need no parentheses: the renderer adds those that precedence
/// requires.
package indirect enum PythonExpression: Hashable, Sendable {
  /// A variable: `x`.
  case name(String)
  /// An integer; a negative one prints as a unary minus.
  case integer(Int)
  /// A number in Python's shortest form that reads back the same. Infinities and NaN print as `float("inf")`,
  /// `float("nan")`.
  case float(Double)
  /// A string of any characters, quoted and escaped by the renderer, always on one line.
  case string(String)
  /// `f"layer_{index}"`: text and values in turn.
  case formattedString([PythonFormatPart])
  /// `True` or `False`.
  case boolean(Bool)
  /// `None`
  case none
  /// `...`
  case ellipsis
  /// `(a, b)`, without the parentheses where Python style omits them (targets, `return a, b`, `x[a, b]`).
  case tuple([PythonExpression])
  /// `[a, b]`
  case list([PythonExpression])
  /// `{a, b}`; `set()` when empty.
  case set([PythonExpression])
  /// `{"a": x, **rest}`
  case dictionary([PythonDictionaryEntry])
  /// `value.name`
  case attribute(PythonExpression, String)
  /// `function(a, b, key=c)`
  case call(PythonExpression, [PythonArgument])
  /// `value[index]`; the index may be a slice, or a tuple that contains slices.
  case `subscript`(PythonExpression, PythonExpression)
  /// `lower:upper:step`, only as a subscript's index or within the tuple that is one.
  case slice(lower: PythonExpression?, upper: PythonExpression?, step: PythonExpression?)
  /// `*values`, in arguments, displays and assignment targets.
  case starred(PythonExpression)
  /// `-x`, `not x`
  case unary(PythonUnaryOperator, PythonExpression)
  /// `a + b`
  case binary(PythonExpression, PythonBinaryOperator, PythonExpression)
  /// `a < b <= c`; without comparisons it is `a` itself.
  case comparison(PythonExpression, [PythonComparison])
  /// `a and b and c`; a single operand stands for itself, none for `True` (`and`) or `False` (`or`).
  case logical(PythonLogicalOperator, [PythonExpression])
  /// `body if test else orElse`
  case conditional(body: PythonExpression, test: PythonExpression, orElse: PythonExpression)
  /// `lambda x: body`
  case lambda(PythonParameters, PythonExpression)
  /// `[x for x in xs if x]`; without clauses the display of its one element.
  case comprehension(PythonComprehension)
  /// Parentheses that precedence does not ask for, kept for the reader: `(a * b) + c`.
  case parenthesized(PythonExpression)
}

/// A part of a formatted string.
package enum PythonFormatPart: Hashable, Sendable {
  /// Literal text of any characters; braces are doubled by the renderer.
  case text(String)
  /// `{value}`
  case value(PythonExpression)

  /// The part's value, unless it is text.
  package var value: PythonExpression? { if case .value(let value) = self { value } else { nil } }

  func mapValue(_ transform: (PythonExpression) -> PythonExpression) -> PythonFormatPart {
    if case .value(let value) = self { .value(transform(value)) } else { self }
  }
}

/// An argument of a call.
package enum PythonArgument: Hashable, Sendable {
  /// `value`, or `*values` when it is `.starred`.
  case positional(PythonExpression)
  /// `name=value`
  case keyword(String, PythonExpression)
  /// `**values`
  case unpackedKeywords(PythonExpression)

  /// The argument's value, whatever way it is passed.
  package var value: PythonExpression {
    switch self {
    case .positional(let value), .keyword(_, let value), .unpackedKeywords(let value): value
    }
  }

  func mapValue(_ transform: (PythonExpression) -> PythonExpression) -> PythonArgument {
    switch self {
    case .positional(let value): .positional(transform(value))
    case .keyword(let name, let value): .keyword(name, transform(value))
    case .unpackedKeywords(let value): .unpackedKeywords(transform(value))
    }
  }
}

/// An entry of a dictionary display: `key: value`, or `**value` without a key.
package struct PythonDictionaryEntry: Hashable, Sendable {
  package var key: PythonExpression?
  package var value: PythonExpression

  package init(key: PythonExpression?, value: PythonExpression) {
    self.key = key
    self.value = value
  }
}

/// An operator and right-hand side of a comparison chain.
package struct PythonComparison: Hashable, Sendable {
  package var `operator`: PythonComparisonOperator
  package var operand: PythonExpression

  package init(_ operator: PythonComparisonOperator, _ operand: PythonExpression) {
    self.operator = `operator`
    self.operand = operand
  }
}

/// A comprehension or generator expression.
package struct PythonComprehension: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case list, set, generator
    /// `{key: element for ...}`
    case dictionary(key: PythonExpression)
  }

  /// `for target in iterable if conditions[0] if conditions[1]`
  package struct Clause: Hashable, Sendable {
    package var target: PythonExpression
    package var iterable: PythonExpression
    package var conditions: [PythonExpression]

    package init(target: PythonExpression, in iterable: PythonExpression, if conditions: [PythonExpression] = []) {
      self.target = target
      self.iterable = iterable
      self.conditions = conditions
    }
  }

  package var kind: Kind
  package var element: PythonExpression
  package var clauses: [Clause]

  package init(_ kind: Kind, _ element: PythonExpression, for clauses: [Clause]) {
    self.kind = kind
    self.element = element
    self.clauses = clauses
  }
}

/// A parameter of a function or lambda. Lambdas ignore the annotation.
package struct PythonParameter: Hashable, Sendable {
  package var name: String
  package var annotation: PythonExpression?
  package var defaultValue: PythonExpression?

  package init(_ name: String, annotation: PythonExpression? = nil, default defaultValue: PythonExpression? = nil) {
    self.name = name
    self.annotation = annotation
    self.defaultValue = defaultValue
  }
}

/// The parameters of a function or lambda, in the order of Python's grammar.
package struct PythonParameters: Hashable, Sendable {
  /// Parameters before `/`.
  package var positionalOnly: [PythonParameter]
  package var positional: [PythonParameter]
  /// `*args`
  package var variadic: PythonParameter?
  /// Parameters after `*` or `*args`.
  package var keywordOnly: [PythonParameter]
  /// `**kwargs`
  package var variadicKeyword: PythonParameter?

  package init(
    _ positional: [PythonParameter] = [], positionalOnly: [PythonParameter] = [], variadic: PythonParameter? = nil,
    keywordOnly: [PythonParameter] = [], variadicKeyword: PythonParameter? = nil
  ) {
    self.positionalOnly = positionalOnly
    self.positional = positional
    self.variadic = variadic
    self.keywordOnly = keywordOnly
    self.variadicKeyword = variadicKeyword
  }

  /// All parameters in the order they are written.
  package var all: [PythonParameter] {
    positionalOnly + positional + (variadic.map { [$0] } ?? []) + keywordOnly + (variadicKeyword.map { [$0] } ?? [])
  }

  package func map(_ transform: (PythonParameter) -> PythonParameter) -> PythonParameters {
    PythonParameters(
      positional.map(transform), positionalOnly: positionalOnly.map(transform), variadic: variadic.map(transform),
      keywordOnly: keywordOnly.map(transform), variadicKeyword: variadicKeyword.map(transform))
  }
}
