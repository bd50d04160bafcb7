public import GraftIR
import GraftOps
import OrderedCollections

/// A tensor of a program that is being written down: it has a type, and no elements yet.
///
/// Operators and methods append operations of the op catalogue to the program. They throw when an op does not take its
/// operands, so that one `try` stands before a formula:
///
///     let loss = Loss { prediction, target in try (prediction - target).squared().mean() }
///
/// A number in place of a tensor takes its type from the tensors that it meets. Between tensors of two types the wider
/// one counts, as in PyTorch: a tensor with axes before a scalar, floating before integer.
public struct GraphTensor: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// Nil for a number.
  let builder: GraphBuilder?
  let operand: Operand

  init(_ builder: GraphBuilder, _ operand: Operand) {
    self.builder = builder
    self.operand = operand
  }

  private init(number: Scalar) {
    builder = nil
    operand = .scalar(number)
  }

  /// A number, which takes the type of the tensors that it meets.
  public init(_ number: Double) { self.init(number: .float(number)) }

  public init(floatLiteral value: Double) { self.init(number: .float(value)) }
  public init(integerLiteral value: Int) { self.init(number: .int(value)) }

  /// The element type; that of a number is the one that it has alone.
  public var dtype: DType { type.dtype }
  /// The number of axes.
  public var rank: Int { type.rank }
  /// The extent of each axis; nil for a dynamic one.
  public var shape: [Int?] { type.shape.map(\.knownValue) }

  var type: TensorType { builder?.type(operand) ?? TensorType(dtypeOfNumber) }

  private var dtypeOfNumber: DType {
    switch operand.asScalar?.category {
    case .bool: .bool
    case .integer: .int64
    default: .float32
    }
  }

  var isNumber: Bool { operand.asScalar != nil }
}

// MARK: - Applying ops

extension GraphTensor {
  /// An op of the catalogue (`graft ops` lists them) applied to this tensor and others, with its only result.
  ///
  ///     try x.op("cumsum", attributes: ["axis": 1])
  ///
  /// - Throws: ``Problem`` for a name that is not in the catalogue, an op of several results, and operands or
  ///   attributes that the op does not take.
  public func op(
    _ name: String, _ others: GraphTensor..., attributes: KeyValuePairs<String, OpAttribute> = [:]
  ) throws -> GraphTensor {
    guard let definition = OpCatalogue.definition(name) else {
      throw Problem(
        Diagnostic(.invalidInput, "there is no op `\(name)`", remedy: "`graft ops` lists the ops and their attributes.")
      )
    }
    guard definition.resultNames.count == 1 else {
      throw Problem(
        Diagnostic(.invalidInput, "`\(name)` has \(definition.resultNames.count) results, and one is asked for"))
    }
    var named: OrderedDictionary<String, Attribute> = [:]
    for (key, value) in attributes { named[key] = value.attribute }
    return try applying(definition, others, named)
  }

  /// A definition applied to this tensor and others.
  func applying(
    _ definition: OpDefinition, _ others: [GraphTensor] = [], _ attributes: OrderedDictionary<String, Attribute> = [:]
  ) throws -> GraphTensor {
    let all = [self] + others
    guard let builder = all.lazy.compactMap(\.builder).first else {
      throw Problem(Diagnostic(.invalidInput, "`\(definition.name)` of numbers alone has no place in a program"))
    }
    if let stranger = all.lazy.compactMap(\.builder).first(where: { $0 !== builder }) {
      throw Problem(
        Diagnostic(
          .invalidInput,
          "`\(definition.name)` joins tensors of two programs, \(builder.function.name) and \(stranger.function.name)"
        ))
    }
    let operands = definition.promotion.isNone ? all : try Self.promoted(all)
    return try Problem.wrap {
      GraphTensor(builder, try builder.apply(definition, operands.map(\.operand), attributes: attributes)[0])
    }
  }

  /// The tensors cast to their common type; numbers as they are.
  static func promoted(_ tensors: [GraphTensor]) throws -> [GraphTensor] {
    let types = tensors.filter { !$0.isNumber && !$0.operand.isAbsent }.map(\.type)
    guard var common = types.first else { return tensors }
    for type in types.dropFirst() { common = common.promoted(with: type) }
    return try tensors.map { tensor in
      tensor.isNumber || tensor.operand.isAbsent || tensor.dtype == common.dtype
        ? tensor : try tensor.converted(to: common.dtype)
    }
  }
}

extension Promotion {
  fileprivate var isNone: Bool { if case .none = self { true } else { false } }
}

extension TensorType {
  /// The type whose elements those of both fit, as PyTorch chooses it: axes count before none within a category.
  fileprivate func promoted(with other: TensorType) -> TensorType {
    if dtype == other.dtype { return rank > 0 ? self : other }
    if dtype.category != other.dtype.category { return dtype.category > other.dtype.category ? self : other }
    if (rank == 0) != (other.rank == 0) { return rank == 0 ? other : self }
    return dtype.byteWidth >= other.dtype.byteWidth ? self : other
  }
}

/// An attribute of an op: a number, a word, a list of these, or an element type.
public struct OpAttribute: Sendable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  let attribute: Attribute

  public init(integerLiteral value: Int) { attribute = .int(value) }
  public init(floatLiteral value: Double) { attribute = .float(value) }
  public init(booleanLiteral value: Bool) { attribute = .bool(value) }
  public init(stringLiteral value: String) { attribute = .string(value) }
  public init(arrayLiteral elements: OpAttribute...) { attribute = .list(elements.map(\.attribute)) }

  /// A whole number.
  public init(_ value: Int) { attribute = .int(value) }
  public init(_ value: Double) { attribute = .float(value) }
  public init(_ values: [Int]) { attribute = .ints(values) }
  /// An element type, as for `cast`.
  public static func dtype(_ dtype: DType) -> OpAttribute { OpAttribute(attribute: .dtype(dtype)) }

  private init(attribute: Attribute) { self.attribute = attribute }
}
