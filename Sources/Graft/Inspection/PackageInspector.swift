public import Foundation
import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

/// A program for people to look at, from a `.graft` package or as it was traced.
public struct PackageInspector: Sendable {
  private let path: String
  private let function: GraftIR.Function
  /// The versions of the source's framework and libraries.
  private let versions: [String: String]
  private let outputNames: [String]
  private let verified: Bool?

  /// Opens a package, or the one of a folder that `graft transpile` wrote.
  ///
  /// - Throws: ``Problem`` when there is none, or it is damaged.
  public init(_ url: URL) throws {
    let manifest: Manifest?
    do {
      let location = try PackageLocation(url)
      (manifest, path) = (location.manifest, location.package)
      function = try GraftPackage(contentsOf: path).function
      try OpCatalogue.verify(function)
    } catch {
      throw Problem(error)
    }
    var versions = manifest?.source.libraries ?? [:]
    if let source = manifest?.source { versions[source.framework] = source.version }
    self.versions = versions
    outputNames = manifest?.signature.outputs.map(\.name) ?? []
    verified = manifest?.verification?.passed
  }

  /// A program that was traced.
  init(_ function: GraftIR.Function, of entry: String, in document: TraceDocument) {
    (self.function, path, verified) = (function, entry, nil)
    outputNames = document.outputLeaves.map { $0.name ?? "output" }
    let framework = document.framework
    versions = framework.libraries.merging([framework.name: framework.version]) { $1 }
  }

  /// The program's text form.
  ///
  /// - Parameter origins: whether to say where in the source each operation comes from.
  public func program(origins: Bool) -> String { IRPrinter(includesOrigins: origins).print(function) }

  /// - Parameter sizes: values of dynamic dimensions for the cost; the traced ones where none is given.
  /// - Throws: ``Problem`` for a dimension that does not exist, or a size out of its range.
  public func inspection(sizes: [String: Int] = [:]) throws -> Inspection {
    let dimensions = try dimensions(sizes)
    let bindings = Dictionary(dimensions.map { ($0.name, $0.size) }, uniquingKeysWith: { a, _ in a })
    do {
      return Inspection(
        name: function.name, package: path, origin: function.summary, versions: versions, inputs: inputs,
        outputs: outputs, dimensions: dimensions, parameters: parameters,
        state: tensors { if case .state = $0.role { true } else { false } },
        constants: tensors { if case .constant = $0.role { true } else { false } },
        mode: function.dependsOnMode, rng: function.arguments.contains { $0.role == .key },
        operations: try operations(at: bindings), verified: verified)
    } catch {
      throw Problem(error)
    }
  }

  /// The shapes of the inputs, in their order.
  ///
  /// - Parameter sizes: values of dynamic dimensions; the traced ones where none is given.
  /// - Throws: ``Problem`` for a dimension that does not exist, or a size out of its range.
  public func inputShapes(sizes: [String: Int] = [:]) throws -> [[Int]] {
    let bindings = Dictionary(
      try dimensions(sizes).map { ($0.name, $0.size) }, uniquingKeysWith: { first, _ in first })
    return function.inputValues.map { value in function.type(of: value).shape.map { $0.evaluate(bindings) ?? 1 } }
  }

  private func dimensions(_ sizes: [String: Int]) throws -> [Inspection.Dimension] {
    let names = function.symbols.map(\.name)
    if let unknown = sizes.keys.sorted().first(where: { !names.contains($0) }) {
      throw Problem(
        kind: .wrongUsage, code: "unknown-dimension", message: "`\(function.name)` has no dynamic dimension \(unknown)",
        details: [],
        remedy: names.isEmpty ? "All its sizes are fixed." : "It has \(names.joined(separator: ", ")).")
    }
    return try function.symbols.map { symbol in
      let size = sizes[symbol.name] ?? symbol.sizes.first ?? max(symbol.minimum, 1)
      guard size >= max(symbol.minimum, 0), size <= symbol.maximum ?? Int.max else {
        let bound = symbol.maximum.map { "from \(symbol.minimum) to \($0)" } ?? "at least \(symbol.minimum)"
        throw Problem(
          kind: .wrongUsage, code: "size-out-of-range", message: "\(symbol.name) cannot be \(size): it is \(bound)",
          details: [])
      }
      return Inspection.Dimension(
        name: symbol.name, minimum: symbol.minimum, maximum: symbol.maximum, size: size)
    }
  }

  // MARK: Tensors

  private func tensor(_ name: String, _ value: Value) -> Manifest.Tensor {
    let type = function.type(of: value)
    return Manifest.Tensor(name: name, dtype: type.dtype.rawValue, shape: type.shape.map(\.description))
  }

  private func tensors(where predicate: (Argument) -> Bool) -> [Manifest.Tensor] {
    function.arguments.filter(predicate).map { tensor($0.path ?? "", $0.value) }
  }

  private var inputs: [Manifest.Tensor] {
    function.arguments.compactMap { argument in
      guard case .input(let leaf) = argument.role else { return nil }
      return tensor(function.inputNames[safe: leaf] ?? "input_\(leaf)", argument.value)
    }
  }

  private var outputs: [Manifest.Tensor] {
    function.body.results.enumerated().compactMap { index, result in
      guard let value = result.asValue else { return nil }
      let name = outputNames[safe: index] ?? (function.body.results.count == 1 ? "output" : "output_\(index)")
      return tensor(name, value)
    }
  }

  private var parameters: Inspection.Parameters {
    var totals = Inspection.Parameters(
      tensors: 0, elements: 0, bytes: 0, trainable: 0, frozen: 0, modules: [], tied: [])
    var modules: OrderedDictionary<String, Inspection.Parameters.Module> = [:]
    for argument in function.arguments {
      guard case .parameter(let path, let isTrainable, let aliases) = argument.role else { continue }
      let type = function.type(of: argument.value)
      let elements = type.count.knownValue ?? 0
      let bytes = elements * type.dtype.byteWidth
      let parts = path.split(separator: ".")
      let top = parts.count > 1 ? String(parts[0]) : ""
      modules[top, default: .init(path: top, tensors: 0, elements: 0, bytes: 0)].tensors += 1
      modules[top]?.elements += elements
      modules[top]?.bytes += bytes
      totals.tensors += 1
      totals.elements += elements
      totals.bytes += bytes
      if isTrainable { totals.trainable += elements } else { totals.frozen += elements }
      if !aliases.isEmpty { totals.tied.append(.init(path: path, aliases: aliases)) }
    }
    totals.modules = Array(modules.values)
    return totals
  }

  // MARK: Operations

  private struct Tally {
    var count = 0
    var flops: Dim = 0
  }

  private func operations(at sizes: [String: Int]) throws -> Inspection.Operations {
    var tallies: OrderedDictionary<String, Tally> = [:]
    try count(function.body, runs: true, into: &tallies)
    func evaluate(_ flops: Dim) -> Int { flops.evaluate(sizes) ?? 0 }
    let kinds = tallies.map { Inspection.Operations.Kind(name: $0, count: $1.count, flops: evaluate($1.flops)) }
    let total = tallies.values.reduce(Dim(0)) { $0 + $1.flops }
    return Inspection.Operations(
      count: kinds.reduce(0) { $0 + $1.count }, kinds: kinds.sorted { ($1.count, $0.name) < ($0.count, $1.name) },
      flops: evaluate(total), flopsExpression: total.description)
  }

  /// - Parameter runs: whether the block runs in inference, so that its operations cost something.
  private func count(_ block: Block, runs: Bool, into tallies: inout OrderedDictionary<String, Tally>) throws {
    for operation in block.operations {
      let definition = try OpCatalogue.definition(of: operation)
      tallies[operation.name, default: Tally()].count += 1
      if runs {
        let flops = try OpCall(operation, of: definition, in: function).flops
        tallies[operation.name, default: Tally()].flops = (tallies[operation.name]?.flops ?? 0) + flops
      }
      for (index, region) in operation.regions.enumerated() {
        // The first region of `mode` runs in training only.
        try count(region, runs: runs && !(operation.name == OpDefinition.mode.name && index == 0), into: &tallies)
      }
    }
  }
}
