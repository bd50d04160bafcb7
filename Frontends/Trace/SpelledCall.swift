import GraftIR
import GraftOps
import OrderedCollections

/// An op read through its spelling in the source framework: which argument is which operand or attribute.
struct SpelledCall: Sendable {
  let definition: OpDefinition
  let template: CallTemplate

  /// Every spelling of the catalogue in a framework, by the name its tracer uses.
  static func table(for framework: Framework) -> [String: SpelledCall] {
    var table: [String: SpelledCall] = [:]
    for definition in OpCatalogue.all {
      for spelling in definition.spellings(in: framework) {
        guard let template = try? CallTemplate(parsing: spelling.template), case .function(let name) = template.callee
        else { continue }
        table[name] = SpelledCall(definition: definition, template: template)
      }
    }
    return table
  }

  /// Arguments that change nothing about the value.
  private static let ignored: Set<String> = [
    "layout", "device", "pin_memory", "memory_format", "non_blocking", "copy", "implicit", "generator", "requires_grad",
  ]

  func apply(_ context: ImportContext) throws -> [Operand] {
    var operands = definition.operands.map { _ in Operand.absent }
    var attributes: OrderedDictionary<String, Attribute> = [:]
    var used: Set<String> = []
    for parameter in template.parameters {
      used.insert(parameter.name)
      guard let source = parameter.source else { continue }
      if let index = definition.operandIndex(source) {
        operands[index] = try context.operand(parameter.name)
      }
    }
    if let target = context.argument("dtype").asDType, !used.contains("dtype") {
      operands = try operands.map { try context.cast($0, to: target) }
      used.insert("dtype")
    }
    operands = try promoted(operands, context)
    let rank = operands.first.map { context.type($0).rank } ?? 0
    for parameter in template.parameters {
      guard let source = parameter.source, let spec = definition.attribute(source) else { continue }
      if let value = try attribute(parameter.name, spec, rank: rank, context) { attributes[source] = value }
    }
    try rejectUnread(used, context)
    return try context.builder.apply(definition, operands, attributes: attributes)
  }

  private func attribute(
    _ name: String, _ spec: AttributeSpec, rank: Int, _ context: ImportContext
  ) throws -> Attribute? {
    switch spec.kind {
    case .axis: return .int(try context.axis(name, rank: rank))
    case .axes: return .ints(try context.axes(name, rank: rank))
    case .dims: return .dims(try context.dims(name))
    default:
      let value = context.argument(name)
      if value.isNull {
        guard spec.defaultValue != nil else { throw context.unsupported("`\(name)` is missing") }
        return nil
      }
      if spec.kind == .float, let number = value.asDouble { return .float(number) }
      if spec.kind == .scalar, let scalar = value.asScalar { return .scalar(scalar) }
      return value.asAttribute
    }
  }

  private func promoted(_ operands: [Operand], _ context: ImportContext) throws -> [Operand] {
    guard definition.promotion != .none else { return operands }
    let types = operands.compactMap(\.asValue).map { context.builder.function.type(of: $0) }
    var dtype = TypePromotion.common(types, scalars: operands.compactMap(\.asScalar))
    let result = try context.resultType().dtype
    if result != .bool || definition.promotion == .floating { dtype = result }
    if definition.promotion == .floating, !dtype.isDifferentiable { dtype = .float32 }
    return try operands.map { operand in
      if types.isEmpty, operand.asScalar != nil { return try context.tensor(operand, dtype: dtype) }
      return try context.cast(operand, to: dtype)
    }
  }

  /// What the spelling does not mention must be at a value that means nothing.
  private func rejectUnread(_ used: Set<String>, _ context: ImportContext) throws {
    for (name, value) in context.node.args.sorted(by: { $0.key < $1.key }) where !used.contains(name) {
      if Self.ignored.contains(name) || value.isNull { continue }
      if name == "alpha", value.asDouble == 1 { continue }
      if value.asBool == false { continue }
      throw context.unsupported("the argument `\(name)` is not supported here")
    }
  }
}
