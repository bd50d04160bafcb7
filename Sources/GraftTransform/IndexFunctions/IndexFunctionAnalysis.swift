package import GraftIR
import GraftOps

/// Finds the values of a function whose every element is a known function of its indices.
package struct IndexFunctionAnalysis {
  package let function: Function
  private let known = KnownFunctions()
  private let symbols: IndexDomain

  package init(_ function: Function) {
    self.function = function
    symbols = IndexDomain([], symbols: function.symbols)
    visit(function.body)
  }

  /// What is known of a value that an operation yields.
  package subscript(_ value: Value) -> IndexFunction? { known.functions[value] }

  /// The indices of a tensor of this shape.
  package func domain(_ shape: [Dim]) -> IndexDomain { symbols.with(shape: shape) }

  private func visit(_ block: Block) {
    for operation in block.operations {
      visit(operation)
      for region in operation.regions { visit(region) }
    }
  }

  private func visit(_ operation: Operation) {
    guard operation.regions.isEmpty, let definition = OpCatalogue.definition(operation.name),
      !definition.drawsRandomNumbers
    else { return }
    let call = OpCall(operation, of: definition, in: function)
    let results = Self.functions(of: call, in: function, symbols: symbols) { [known] in known.functions[$0] }
    for (value, found) in zip(operation.results, results) {
      if let found { known.functions[value] = found }
    }
  }

  /// What is known of the results of a call, from what is known of values.
  private static func functions(
    of call: OpCall, in function: Function, symbols: IndexDomain, known: @escaping (Value) -> IndexFunction?
  ) -> [IndexFunction?] {
    if let transfer = IndexTransfers.byOp[call.definition.name], let result = call.results.first {
      let type = function.type(of: result)
      let site = IndexSite(
        op: call, type: type, domain: symbols.with(shape: type.shape), typeOf: { function.type(of: $0) },
        known: known)
      // What a transfer cannot read is not known; the verifier reports it.
      let found = try? transfer(site)
      return [found.flatMap { site.checked($0) }]
    }
    return functions(ofDecomposed: call, in: function, symbols: symbols, known: known)
  }

  /// The same for a composite op whose operands are all known.
  private static func functions(
    ofDecomposed call: OpCall, in function: Function, symbols: IndexDomain,
    known: @escaping (Value) -> IndexFunction?
  ) -> [IndexFunction?] {
    let unknown = Array<IndexFunction?>(repeating: nil, count: call.results.count)
    let moves = [OpDefinition.tril.name, OpDefinition.triu.name].contains(call.definition.name)
    let isExact = moves || call.results.allSatisfy { !function.type(of: $0).dtype.isDifferentiable }
    guard isExact, let decomposition = call.definition.decomposition,
      call.operands.flatMap(\.values).allSatisfy({ known($0) != nil })
    else { return unknown }
    let builder = GraphBuilder(function)
    guard let block = try? builder.region({ _ in try decomposition(builder, call) }),
      block.results.count == unknown.count
    else { return unknown }
    var inner: [Value: IndexFunction] = [:]
    for operation in block.operations {
      guard operation.regions.isEmpty, let definition = OpCatalogue.definition(operation.name),
        !definition.drawsRandomNumbers
      else { return unknown }
      let found = functions(
        of: OpCall(operation, of: definition, in: builder.function), in: builder.function, symbols: symbols
      ) { [inner] in inner[$0] ?? known($0) }
      for (value, found) in zip(operation.results, found) { inner[value] = found }
    }
    return block.results.map { $0.asValue.flatMap { inner[$0] ?? known($0) } }
  }
}

/// What is found so far, in one place for all that look it up.
private final class KnownFunctions {
  var functions: [Value: IndexFunction] = [:]
}

/// Finds what an op's result is from what its operands are; nil where that is not a function of the indices.
typealias IndexTransfer = @Sendable (IndexSite) throws -> IndexFunction?

/// The transfers of all ops, family by family; composite ops without one are looked at through their decomposition.
enum IndexTransfers {
  typealias Table = [String: IndexTransfer]

  static let byOp: Table = [creation, elementwise, comparisons, shapes, indexing, scans].reduce(into: [:]) {
    all, table in
    all.merge(table) { first, _ in first }
  }
}

/// An operation whose operands are looked at as functions of indices.
struct IndexSite {
  let op: OpCall
  /// The type of the only result.
  let type: TensorType
  /// The indices of the result.
  let domain: IndexDomain
  let typeOf: (Value) -> TensorType
  let known: (Value) -> IndexFunction?

  /// What is known of an operand; a number in place counts as one of the tensors' element type.
  func function(_ position: Int) -> IndexFunction? {
    switch op[position] {
    case .value(let value): known(value)
    case .scalar(let scalar): constant(scalar, operandType)
    case .absent, .list: nil
    }
  }

  /// What is known of an operand, or its elements as they are.
  func lifted(_ position: Int) -> IndexFunction? {
    guard let value = op[position].asValue else { return function(position) }
    return lifted(value)
  }

  func lifted(_ value: Value) -> IndexFunction {
    if let known = known(value) { return known }
    let shape = typeOf(value).shape
    let own = domain.with(shape: shape)
    let element = IndexedElement(value, shape.indices.map { own.axis(shape.count - 1 - $0) })
    return typeOf(value).dtype == .bool ? .boolean(.element(element, is: true)) : .element(element)
  }

  /// The condition that an operand is, or that its elements are.
  func condition(_ position: Int) -> IndexCondition? {
    guard case .boolean(let condition) = lifted(position) else { return nil }
    return condition
  }

  /// The element type of the tensors among the operands that may be numbers; the condition of `where` is not among them.
  var operandType: DType {
    let first = op.definition.name == "where" ? 1 : 0
    return op.operands.dropFirst(first).lazy.compactMap(\.asValue).first.map { typeOf($0).dtype } ?? type.dtype
  }

  /// A number as an element of the given type.
  func constant(_ scalar: Scalar, _ dtype: DType) -> IndexFunction? {
    switch (dtype.category, scalar) {
    case (.bool, .bool(let value)): .boolean(.constant(value))
    case (.bool, .int(let value)): .boolean(.constant(value != 0))
    case (.integer, .int(let value)): .whole(Dim(value))
    case (.integer, .bool(let value)): .whole(value ? 1 : 0)
    case (.floating, _): scalar.asDouble.flatMap { dtype.rounded($0) }.map { .number($0) }
    default: nil
    }
  }

  /// The function if an element of the result's type can hold it exactly.
  func checked(_ function: IndexFunction) -> IndexFunction? {
    function.size <= IndexDomain.sizeLimit && isExact(function) ? function : nil
  }

  private func isExact(_ function: IndexFunction) -> Bool {
    switch function {
    case .boolean: return type.dtype == .bool
    case .element(let element): return typeOf(element.value).dtype == type.dtype
    case .number: return type.dtype.isFloating
    case .choice(_, let a, let b): return isExact(a) && isExact(b)
    case .whole(let value):
      guard value.isModest else { return false }
      if type.dtype.isInteger, value.knownValue == nil, type.dtype.isSigned, type.dtype.byteWidth >= 4 { return true }
      guard let range = type.dtype.exactIntegers else { return false }
      return domain.isNonNegative(value - Dim(range.lowerBound)) && domain.isNonNegative(Dim(range.upperBound) - value)
    }
  }
}

extension DType {
  /// Integers that the type holds exactly, as far as index functions need them.
  var exactIntegers: ClosedRange<Int>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .uint32: 0...4_294_967_295
    case .int32: -2_147_483_648...2_147_483_647
    case .int64: -(1 << 52)...(1 << 52)
    case .uint64: 0...(1 << 52)
    case .bfloat16: -256...256
    case .float16: -2048...2048
    case .float32: -(1 << 24)...(1 << 24)
    case .float64: -(1 << 52)...(1 << 52)
    case .bool, .complex64, .complex128, .key: nil
    }
  }

  /// The number as an element of this floating type; nil for types in which that is not certain.
  func rounded(_ value: Double) -> Double? {
    switch self {
    case .float32: return Double(Float(value))
    case .float64: return value
    case .float16, .bfloat16:
      let isSmallWhole = value.rounded() == value && value.magnitude <= 256
      return isSmallWhole || value.isInfinite ? value : nil
    default: return nil
    }
  }
}
