package import Foundation
import GraftEmit
package import GraftFiles
package import GraftIR
package import GraftJAX
import GraftSyntax
import GraftTorch
package import GraftTrace
import GraftTransform

/// From a trace to a program in the IR, and from there to source.
package struct Conversion: Sendable {
  package let document: TraceDocument

  package init(_ document: TraceDocument) { self.document = document }

  /// - Throws: ``Diagnostic`` when the text is not a trace document.
  package init(json: Data) throws {
    do {
      document = try JSONDecoder().decode(TraceDocument.self, from: json)
    } catch let error as DecodingError {
      throw Diagnostic(.internalError, "the trace cannot be read: \(error)")
    }
  }

  /// The traced program in the IR, its modes in one.
  ///
  /// - Throws: ``Diagnostic`` that lists every operation that is not supported.
  package func function() throws -> GraftIR.Function {
    let importer = TraceImporter(document, vocabulary: TorchVocabulary.shared)
    let graphs = document.graphs
    let imported: GraftIR.Function
    if let both = graphs.both {
      imported = try importer.function(both)
    } else if let train = graphs.train, let eval = graphs.eval {
      imported = try MergeModes.merge(training: importer.function(train), inference: importer.function(eval))
    } else if let eval = graphs.eval {
      imported = try importer.function(eval)
    } else {
      throw Diagnostic(.internalError, "the trace holds no graph")
    }
    var function = try Self.simplification(verifies: true).run(imported)
    function.name = PythonIdentifier.snakeCase(document.entry.name)
    return function
  }

  /// The program as JAX source is written from it, and the state that no output depends on.
  ///
  /// - Parameter tensor: the values of buffers and constants, where they are known.
  package func prepared(
    _ function: GraftIR.Function, tensor: @escaping @Sendable (Argument) throws -> TensorData? = { _ in nil }
  ) throws -> (GraftIR.Function, unobserved: [String]) {
    try Self.prepared(function, tensor: tensor)
  }

  /// The same, of a program that was converted before.
  static func prepared(
    _ function: GraftIR.Function, tensor: @escaping @Sendable (Argument) throws -> TensorData?
  ) throws -> (GraftIR.Function, unobserved: [String]) {
    let (observed, dropped) = try observed(function, tensor: tensor)
    return (try arranged(observed), dropped)
  }

  /// The program without the state that no output depends on, which is listed, and with known tensors written out.
  static func observed(
    _ function: GraftIR.Function, tensor: @escaping @Sendable (Argument) throws -> TensorData?
  ) throws -> (GraftIR.Function, unobserved: [String]) {
    let (observed, dropped) = try DropUnobservedState().split(FoldKnownTensors(tensor: tensor).run(function))
    return (observed, dropped)
  }

  /// The program in the ops and the layout that JAX is written in.
  static func arranged(_ function: GraftIR.Function) throws -> GraftIR.Function {
    let target = JAXTarget()
    let decomposed = try DecomposeComposites(unless: target.canWrite).run(function)
    let raised = try RaisePatterns().run(decomposed)
    let arranged = try ArrangeLayout(preferences: target.layoutPreferences).run(raised)
    return try simplification(verifies: false).run(arranged)
  }

  private static func simplification(verifies: Bool) -> PassPipeline {
    PassPipeline(
      "simplify",
      [
        Canonicalise(), FoldConstants(), RaisePatterns(), RaiseIndexFunctions(), FoldConstants(),
        EliminateCommonSubexpressions(), EliminateDeadCode(),
      ], verifies: verifies)
  }

  /// The program as a JAX module.
  ///
  /// - Parameter scansLayers: whether loops over equal modules are scans.
  package func jax(_ function: GraftIR.Function, scansLayers: Bool = false) throws -> JAXModuleWriter.Module {
    try JAXModuleWriter(function, provenance: provenance, scansLayers: scansLayers).write()
  }

  /// The gradient of the program as a JAX module.
  func jax(gradient function: GraftIR.Function) throws -> JAXModuleWriter.Module {
    var provenance = provenance
    provenance.title = "\(provenance.className ?? document.entry.name) and its gradient"
    provenance.results = ["outputs", "gradients"]
    provenance.className = nil
    return try JAXModuleWriter(function, provenance: provenance).write()
  }

  private var provenance: JAXModuleWriter.Provenance {
    let entry = document.entry
    let isModule = !document.modules.isEmpty
    return JAXModuleWriter.Provenance(
      source: "\(frameworkAndVersion) (\(Self.shortEntry(entry.entry)))",
      className: isModule ? entry.className?.split(separator: ".").last.map(String.init) : nil,
      origin: Self.place(entry.className ?? entry.entry, entry.file, entry.line),
      weightsFile: "\(PythonIdentifier.snakeCase(entry.name)).safetensors",
      places: Dictionary(
        document.modules.map { ($0.className, Self.place($0.className, $0.file, $0.line)) }
          + document.functions.map { ($0.name, Self.place($0.name, $0.file, $0.line)) },
        uniquingKeysWith: { a, _ in a }),
      parameters: Dictionary(
        document.modules.map { ($0.className, $0.forward ?? []) }, uniquingKeysWith: { a, _ in a }),
      sizes: Dictionary(document.modules.map { ($0.path, $0.sizes ?? [:]) }, uniquingKeysWith: { a, _ in a }))
  }

  /// `PyTorch 2.13, torchvision 0.28`: with the version of the library that the model is from.
  private var frameworkAndVersion: String {
    func number(_ version: String) -> String { version.split(separator: ".").prefix(2).joined(separator: ".") }
    let framework = document.framework
    let name = framework.name == "torch" ? "PyTorch" : framework.name
    var text = "\(name) \(number(framework.version))"
    if let library = document.entry.className?.split(separator: ".").first.map(String.init),
      let version = framework.libraries[library]
    {
      text += ", \(library) \(number(version))"
    }
    return text
  }

  /// `torchvision.models.resnet18`, or `unet.py:UNet` for an entry in a file.
  private static func shortEntry(_ entry: String) -> String {
    let parts = entry.split(separator: ":").map(String.init)
    guard parts.count == 2 else { return entry }
    guard parts[0].hasSuffix(".py") else { return parts.joined(separator: ".") }
    return "\(parts[0].split(separator: "/").last ?? ""):\(parts[1])"
  }

  /// `torchvision/models/resnet.py:59`: the file as a module of its package is named, never where the package is.
  private static func place(_ name: String, _ file: String?, _ line: Int?) -> String {
    guard let file else { return "" }
    let components = file.split(separator: "/").map(String.init)
    let packages = name.split(separator: ".").map(String.init).dropLast()
    var short = components.suffix(1)
    if let top = packages.first, packages.count > 1,
      let start = components.lastIndex(of: top),
      components[start...].dropLast().elementsEqual(packages.prefix(components.count - start - 1))
    {
      short = components[start...]
    }
    return "\(short.joined(separator: "/")):\(line ?? 0)"
  }
}
