import GraftEmit
import GraftIR
import GraftJAX
import GraftNative
import GraftOps
import GraftTorch
import GraftTrace
import GraftTransform

/// The frameworks that Graft reads.
public enum SourceFramework: String, Sendable, CaseIterable, Codable {
  case torch
}

/// Every op of the catalogue: how a source framework spells it, and what becomes of it in a target.
public struct OpTable: Codable, Sendable, Equatable {
  public var from: SourceFramework
  public var to: TargetFramework
  public var rows: [Row]
  /// Calls of the source that become something else than one op of the same name.
  public var convertedCalls: [String]

  public struct Row: Codable, Sendable, Equatable {
    public var name: String
    public var family: String
    /// `core` for a primitive, `composite` for an op that has a decomposition.
    public var tier: String
    public var summary: String
    /// The source's calls that become this op.
    public var sources: [String]
    public var target: Form
    /// Why the target has no form; nil where it has one.
    public var reason: String?
    /// What becomes of it in native execution.
    public var native: Form
  }

  /// What becomes of an op in the target.
  public enum Form: String, Codable, Sendable, CaseIterable {
    /// It has a form of its own.
    case direct
    /// It is written with other ops.
    case decomposed
    case unsupported
  }

  /// The table for a pair of frameworks.
  public init(from source: SourceFramework = .torch, to framework: TargetFramework = .jax) {
    from = source
    to = framework
    let vocabulary = TorchVocabulary.shared
    let target = JAXTarget()
    let coverage = TargetCoverage { target.canWrite($0) || $0.name == OpDefinition.mode.name }
    // Both disappear when a function is put in inference mode.
    let native = TargetCoverage {
      NativeProgram.hasKernel(for: $0) || [OpDefinition.mode.name, OpDefinition.dropout.name].contains($0.name)
    }
    let byRule = Dictionary(grouping: vocabulary.rules.keys.sorted(), by: Self.opName)
    rows = OpCatalogue.all.map { definition in
      let spelled = definition.spellings(in: .aten).compactMap { spelling -> String? in
        guard case .function(let name)? = (try? CallTemplate(parsing: spelling.template))?.callee else { return nil }
        return name.hasPrefix("graft.") ? nil : vocabulary.prefix + name
      }
      let ruled = byRule[definition.name] ?? []
      let (form, reason) = coverage.form(of: definition)
      return Row(
        name: definition.name, family: definition.family.rawValue, tier: definition.tier.rawValue,
        summary: definition.summary, sources: Set(spelled + ruled).sorted(), target: form, reason: reason,
        native: native.form(of: definition).0)
    }
    let listed = Set(rows.flatMap(\.sources))
    convertedCalls = vocabulary.names.filter { $0.hasPrefix(vocabulary.prefix) && !listed.contains($0) }
  }

  /// The rows and calls whose name, family, summary or source call contains a text, in any case of letters.
  public func filtered(by text: String) -> OpTable {
    let text = text.lowercased()
    func matches(_ candidate: String) -> Bool { candidate.lowercased().contains(text) }
    var table = self
    table.rows = rows.filter { row in
      matches(row.name) || matches(row.family) || matches(row.summary) || row.sources.contains(where: matches)
    }
    table.convertedCalls = convertedCalls.filter(matches)
    return table
  }

  /// How many ops have a form.
  public func count(_ form: Form) -> Int { rows.count { $0.target == form } }

  /// How many ops native execution treats in this way.
  public func nativeCount(_ form: Form) -> Int { rows.count { $0.native == form } }

  /// The source's calls that can be read.
  public var callCount: Int { Set(rows.flatMap(\.sources)).union(convertedCalls).count }

  /// The op that a rule's call is named after: `aten.conv2d.default` is `conv`.
  private static func opName(_ call: String) -> String {
    let parts = call.split(separator: ".")
    guard parts.count > 1 else { return call }
    var name = parts[1]
    if name.last == "d", let digit = name.dropLast().last, "123".contains(digit) { name = name.dropLast(2) }
    return shortNames[name] ?? String(name)
  }

  private static let shortNames: [Substring: String] = [
    "while_loop": "while",
    "sub": "subtract", "mul": "multiply", "gather": "take_along_axis", "scatter": "put_along_axis", "isin": "is_in",
    "topk": "top_k", "searchsorted": "search_sorted", "mode": "most_frequent", "histc": "histogram",
  ]
}

/// What becomes of ops in a target.
private struct TargetCoverage {
  /// Whether the target has a form for an op itself.
  let writes: (OpDefinition) -> Bool

  func form(of definition: OpDefinition) -> (OpTable.Form, reason: String?) {
    if writes(definition) { return (.direct, nil) }
    guard definition.decomposition != nil else { return (.unsupported, "no form for it has been written") }
    let missing = missingAfterDecomposition(definition)
    if missing.isEmpty { return (.decomposed, nil) }
    let names = missing.map { "`\($0)`" }.joined(separator: ", ")
    return (.unsupported, "decomposes into \(names), for which no form has been written")
  }

  /// The ops without a form that the decompositions of the op's samples end in.
  private func missingAfterDecomposition(_ definition: OpDefinition) -> [String] {
    var missing: Set<String> = []
    for sample in definition.samples {
      guard let function = try? sample.function(of: definition), let decomposed = try? decomposed(function) else {
        continue
      }
      collect(decomposed.body, into: &missing)
    }
    return missing.sorted()
  }

  private func decomposed(_ function: GraftIR.Function) throws -> GraftIR.Function {
    let kept = Set(OpCatalogue.all.filter(writes).map(\.name))
    return try DecomposeComposites { kept.contains($0.name) }.run(function)
  }

  private func collect(_ block: Block, into missing: inout Set<String>) {
    for operation in block.operations {
      if let definition = OpCatalogue.definition(operation.name), !writes(definition) { missing.insert(operation.name) }
      for region in operation.regions { collect(region, into: &missing) }
    }
  }
}

extension Sample {
  /// A function that applies the op to arguments of the sample's types.
  fileprivate func function(of definition: OpDefinition) throws -> GraftIR.Function {
    let builder = GraphBuilder(GraftIR.Function(name: definition.name))
    func operand(_ argument: Argument) -> Operand {
      switch argument {
      case .scalar(let scalar): return .scalar(scalar)
      case .absent: return .absent
      case .list(let items): return .list(items.compactMap { operand($0).asValue })
      case .tensor(let type, _):
        let value = builder.function.makeValue(TensorType(type.dtype, type.shape.map { Dim($0) }))
        let leaf = builder.function.arguments.count
        builder.function.arguments.append(GraftIR.Argument(.input(leaf: leaf), value))
        return .value(value)
      }
    }
    let results = try builder.apply(definition, operands.map(operand), attributes: attributes)
    return builder.finished(results: results)
  }
}
