package import GraftIR

/// All that Graft knows of one op: what it takes, what it yields, how it is differentiated, decomposed and spelled.
///
/// Definitions are static properties in the file of their family and are listed in that family's array.
package struct OpDefinition: Sendable {
  /// How much a backend has to know of an op.
  package enum Tier: String, Sendable {
    /// One of the primitives that every backend implements.
    case core
    /// Has a decomposition into other ops; a direct implementation is an improvement.
    case composite
  }

  /// What a gradient of the op is.
  package enum Differentiability: Sendable {
    case vjp(VJP)
    /// The gradient of the decomposition, which takes the op's place.
    case decomposed
    /// The gradient of the decomposition, which is computed again on the way back: the op itself stays, and what lies
    /// within it need not be kept.
    case recomputed
    /// That of its regions.
    case region
    /// Zero wherever there is one, with the reason.
    case zero(String)
    /// There is none, with the reason.
    case none(String)
  }

  package typealias Inference = @Sendable (OpCall) throws -> [TensorType]
  /// From the cotangents of the results (nil where none flows) to those of the operands, one per operand position.
  package typealias VJP = @Sendable (GraphBuilder, OpCall, [Operand?]) throws -> [Operand?]
  package typealias Decomposition = @Sendable (GraphBuilder, OpCall) throws -> [Operand]

  package var name: String
  package var family: Family
  package var summary: String
  package var operands: [OperandSpec]
  package var attributes: [AttributeSpec]
  /// Names of the results, for ops with more than one.
  package var resultNames: [String]
  package var promotion: Promotion
  package var infer: Inference
  package var differentiability: Differentiability
  package var decomposition: Decomposition?
  package var spellings: [Spelling]
  package var samples: [Sample]
  /// Whether running the op again with the same operands may give something else, or writes something.
  package var drawsRandomNumbers: Bool
  /// Whether the result depends on the function's mode (training or inference).
  package var dependsOnMode: @Sendable (Operation) -> Bool

  package var tier: Tier { decomposition == nil ? .core : .composite }

  package init(
    _ name: String, family: Family, summary: String, operands: [OperandSpec], attributes: [AttributeSpec] = [],
    results: [String] = ["result"], promotion: Promotion = .none, infer: @escaping Inference,
    differentiability: Differentiability? = nil, decomposition: Decomposition? = nil, spellings: [Spelling] = [],
    samples: [Sample] = [], drawsRandomNumbers: Bool = false,
    dependsOnMode: @escaping @Sendable (Operation) -> Bool = { _ in false }
  ) {
    self.name = name
    self.family = family
    self.summary = summary
    self.operands = operands
    self.attributes = attributes
    self.resultNames = results
    self.promotion = promotion
    self.infer = infer
    self.differentiability =
      differentiability ?? (decomposition != nil ? .decomposed : .none(OpDefinition.noGradient))
    self.decomposition = decomposition
    self.spellings = spellings
    self.samples = samples
    self.drawsRandomNumbers = drawsRandomNumbers
    self.dependsOnMode = dependsOnMode
  }

  /// The reason of an op that gives none.
  package static let noGradient = "no gradient has been defined"

  /// The number of the operand with this name.
  package func operandIndex(_ name: String) -> Int? { operands.firstIndex { $0.name == name } }

  package func attribute(_ name: String) -> AttributeSpec? { attributes.first { $0.name == name } }

  /// The spellings that name a framework's function.
  package func spellings(in framework: Framework) -> [Spelling] { spellings.filter { $0.framework == framework } }
}

/// The group of ops that an op is documented and listed with.
package enum Family: String, Sendable, CaseIterable {
  case creation, elementwise, comparison, activation, reduction, scan, sorting, shape, indexing
  case linearAlgebra = "linear algebra"
  case fourier, convolution, pooling, normalization, attention, recurrent, embedding, resampling, loss, random, control
}

/// A tensor position of an op.
package struct OperandSpec: Sendable {
  package enum Kind: Sendable {
    case tensor
    /// A tensor, or a number that takes its type from the tensors beside it.
    case tensorOrScalar
    case optional
    case variadic
  }

  package var name: String
  package var kind: Kind

  package static func tensor(_ name: String) -> OperandSpec { OperandSpec(name: name, kind: .tensor) }
  package static func tensorOrScalar(_ name: String) -> OperandSpec { OperandSpec(name: name, kind: .tensorOrScalar) }
  package static func optional(_ name: String) -> OperandSpec { OperandSpec(name: name, kind: .optional) }
  package static func variadic(_ name: String) -> OperandSpec { OperandSpec(name: name, kind: .variadic) }
}

/// A static argument of an op.
package struct AttributeSpec: Sendable {
  package enum Kind: Sendable, Hashable {
    case bool, float, dtype, literal
    /// An integer or an expression of dynamic dimensions.
    case dim
    case dims
    /// A non-negative axis of the first operand. Spellings may count it from the end.
    case axis
    case axes
    /// One of the given words.
    case string([String])
    /// Any number.
    case scalar
    /// A list of real numbers.
    case numbers
    /// A free word.
    case text
  }

  package var name: String
  package var kind: Kind
  /// Nil for an attribute that must be given.
  package var defaultValue: Attribute?

  package init(_ name: String, _ kind: Kind, default defaultValue: Attribute? = nil) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
  }
}

/// What an importer does about operands of different element types before it builds the op.
package enum Promotion: Sendable {
  /// Takes the operands as they are.
  case none
  /// Casts tensor operands to their common type.
  case common
  /// Casts tensor operands to their common type, or to the default floating type if that is an integer.
  case floating
}
