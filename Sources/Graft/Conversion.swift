package import Foundation
import GraftEmit
package import GraftFiles
package import GraftIR
import GraftJAX
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

  /// The traced program in the IR, both modes in one.
  ///
  /// - Throws: ``Diagnostic`` that lists every operation that is not supported.
  package func function() throws -> Function {
    let importer = TraceImporter(document, vocabulary: TorchVocabulary.shared)
    let graphs = document.graphs
    let imported: Function
    if let both = graphs.both {
      imported = try importer.function(both)
    } else if let train = graphs.train, let eval = graphs.eval {
      imported = try MergeModes.merge(training: importer.function(train), inference: importer.function(eval))
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
    _ function: Function, tensor: @escaping @Sendable (Argument) throws -> TensorData? = { _ in nil }
  ) throws -> (Function, unobserved: [String]) {
    let (observed, dropped) = try DropUnobservedState().split(FoldKnownTensors(tensor: tensor).run(function))
    let target = JAXTarget()
    let decomposed = try DecomposeComposites(unless: target.canWrite).run(observed)
    let arranged = try ArrangeLayout(preferences: target.layoutPreferences).run(decomposed)
    return (try UnstackSelections().run(Self.simplification(verifies: false).run(arranged)), dropped)
  }

  private static func simplification(verifies: Bool) -> PassPipeline {
    PassPipeline(
      "simplify",
      [
        Canonicalise(), FoldConstants(), RaiseIndexFunctions(), FoldConstants(), EliminateCommonSubexpressions(),
        EliminateDeadCode(),
      ], verifies: verifies)
  }

  /// The program as a JAX module.
  package func jax(_ function: Function) throws -> String {
    try JAXModuleWriter(function, provenance: provenance).write()
  }

  private var provenance: JAXModuleWriter.Provenance {
    let framework = document.framework
    let entry = document.entry
    let version = framework.version.split(separator: "+").first ?? ""
    let name = framework.name == "torch" ? "PyTorch" : framework.name
    return JAXModuleWriter.Provenance(
      source: "\(name) \(version) (\(entry.className ?? entry.entry))",
      origin: Self.place(entry.className ?? "", entry.file, entry.line),
      weightsFile: "\(PythonIdentifier.snakeCase(entry.name)).safetensors",
      classes: Dictionary(
        document.modules.map { ($0.className, Self.place($0.className, $0.file, $0.line)) },
        uniquingKeysWith: { a, _ in a }))
  }

  /// `torchvision/models/resnet.py:59 BasicBlock`
  private static func place(_ className: String, _ file: String?, _ line: Int?) -> String {
    let name = className.split(separator: ".").last.map(String.init)
    guard let file else { return name ?? "" }
    let short = file.split(separator: "/").suffix(3).joined(separator: "/")
    return "\(short):\(line ?? 0)\(name.map { " \($0)" } ?? "")"
  }
}
