import GraftIR
import GraftOps
import Testing

@Suite struct CatalogueTests {
  @Test func namesAreUnique() {
    var seen: Set<String> = []
    for definition in OpCatalogue.all { #expect(seen.insert(definition.name).inserted, "`\(definition.name)`") }
  }

  @Test func definitionsAreFoundByName() {
    for definition in OpCatalogue.all { #expect(OpCatalogue.definition(definition.name)?.name == definition.name) }
    #expect(OpCatalogue.definition("no such op") == nil)
  }

  @Test func operandAndAttributeNamesAreUniqueInEachOp() {
    for definition in OpCatalogue.all {
      let names = definition.operands.map(\.name) + definition.attributes.map(\.name)
      #expect(Set(names).count == names.count, "\(definition.name): \(names)")
    }
  }

  @Test func defaultsFitTheirAttributes() {
    for definition in OpCatalogue.all {
      for attribute in definition.attributes {
        guard let value = attribute.defaultValue else { continue }
        #expect(attribute.accepts(value), "\(definition.name): `\(attribute.name)` is \(value)")
      }
    }
  }

  @Test func summariesAreSentences() {
    for definition in OpCatalogue.all {
      #expect(definition.summary.last == "." && definition.summary.count < 120, "\(definition.name)")
    }
  }

  @Test func spellingsAreCallsOfTheOpsOperandsAndAttributes() throws {
    for definition in OpCatalogue.all {
      let names = Set(definition.operands.map(\.name) + definition.attributes.map(\.name))
      for spelling in definition.spellings {
        let template = try CallTemplate(parsing: spelling.template)
        for source in template.parameters.compactMap(\.source) {
          #expect(names.contains(source), "\(definition.name): `\(source)` in `\(spelling.template)`")
        }
        if case .method(let receiver, _) = template.callee {
          #expect(names.contains(receiver), "\(definition.name): `\(receiver)` in `\(spelling.template)`")
        }
      }
    }
  }

  @Test func noATenOverloadIsClaimedTwice() throws {
    var owners: [String: String] = [:]
    for definition in OpCatalogue.all {
      for spelling in definition.spellings(in: .aten) {
        guard case .function(let overload) = try CallTemplate(parsing: spelling.template).callee else {
          Issue.record("\(definition.name): `\(spelling.template)` is not an overload")
          continue
        }
        if let owner = owners.updateValue(definition.name, forKey: overload) {
          Issue.record("`\(overload)` is claimed by \(owner) and \(definition.name)")
        }
      }
    }
  }

  @Test func floatingOpsHaveAGradientOrAReason() throws {
    for definition in OpCatalogue.all {
      switch definition.differentiability {
      case .vjp: break
      case .region: #expect(definition.decomposition == nil && definition.family == .control, "\(definition.name)")
      case .decomposed, .recomputed:
        #expect(definition.decomposition != nil, "\(definition.name) has nothing to differentiate")
      case .none(let reason), .zero(let reason):
        #expect(!reason.isEmpty && reason != OpDefinition.noGradient, "\(definition.name) says no reason")
        #expect(!reason.contains("yet"), "\(definition.name) is not done")
      }
    }
  }

  // MARK: Samples

  @Test(arguments: OpCatalogue.all.flatMap { definition in definition.samples.indices.map { (definition.name, $0) } })
  func samplesVerify(name: String, index: Int) throws {
    let applied = try AppliedSample(name, index)
    try OpCatalogue.verify(applied.function)
  }

  @Test(
    arguments: OpCatalogue.all.filter { $0.decomposition != nil }.flatMap { definition in
      definition.samples.indices.map { (definition.name, $0) }
    })
  func decompositionsInferTheTypesOfTheOp(name: String, index: Int) throws {
    let applied = try AppliedSample(name, index)
    let operation = try #require(applied.function.body.operations.last)
    let decomposition = try #require(applied.definition.decomposition)
    let builder = GraphBuilder(applied.function)
    let results = try decomposition(builder, OpCall(operation, of: applied.definition, in: applied.function))
    #expect(results.map(builder.type) == operation.results.map(applied.function.type))
    try OpCatalogue.verify(builder.finished(results: results))
  }
}

/// A function that applies an op to one of its samples and returns its results.
struct AppliedSample {
  let definition: OpDefinition
  private(set) var function = Function(name: "sample")

  init(_ name: String, _ index: Int) throws {
    definition = try #require(OpCatalogue.definition(name))
    let sample = definition.samples[index]
    let operands = sample.operands.map { operand($0) }
    let leaves = function.arguments.indices
    function.inputs = .dict(leaves.map { Tree.Field("x\($0)", .leaf($0)) })
    function.inputNames = leaves.map { "x\($0)" }
    let builder = GraphBuilder(function)
    let results = try builder.apply(definition, operands, attributes: sample.attributes)
    function = builder.finished(results: results)
    function.outputs = .tuple(results.indices.map { .leaf($0) })
  }

  private mutating func operand(_ argument: Sample.Argument) -> Operand {
    switch argument {
    case .scalar(let scalar): return .scalar(scalar)
    case .absent: return .absent
    case .list(let arguments): return .list(arguments.compactMap { operand($0).asValue })
    case .tensor(let type, _):
      let value = function.makeValue(TensorType(type.dtype, type.shape.map { Dim($0) }))
      function.arguments.append(Argument(.input(leaf: function.arguments.count), value))
      return .value(value)
    }
  }
}
