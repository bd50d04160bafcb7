import GraftEmit
package import GraftIR
import GraftSyntax
import GraftTransform
import OrderedCollections

/// Writes a function as a JAX source file: a function for each class of module, the main one, and a loader.
package struct JAXModuleWriter {
  private let function: Function
  private let provenance: Provenance

  /// What the module's docstring says of where it came from.
  package struct Provenance: Sendable {
    /// `PyTorch 2.13 (torchvision.models.resnet18)`.
    package var source: String
    /// `torchvision/models/resnet.py:166 ResNet`.
    package var origin: String
    package var weightsFile: String
    /// `torchvision/models/resnet.py:59 BasicBlock`, by the class's full name.
    package var classes: [String: String]

    package init(source: String, origin: String, weightsFile: String, classes: [String: String] = [:]) {
      self.classes = classes
      self.source = source
      self.origin = origin
      self.weightsFile = weightsFile
    }
  }

  package init(_ function: Function, provenance: Provenance) {
    self.function = function
    self.provenance = provenance
  }

  /// - Throws: ``Diagnostic`` for an op that JAX cannot express.
  package func write() throws -> String {
    var program = JAXProgram(main: function.name, origins: provenance.classes)
    try program.write(OutlineModules(function).run())
    guard var main = program.functions.popLast() else { return "" }
    main.docstring = docstring
    return module(main, of: program).rendered()
  }

  private var hasState: Bool { !function.statePaths.isEmpty }
  private var hasParameters: Bool { !function.parameterPaths.isEmpty }

  private var docstring: String {
    let inputs = function.arguments.compactMap { argument -> String? in
      guard case .input(let leaf) = argument.role else { return nil }
      let name = function.inputNames.indices.contains(leaf) ? function.inputNames[leaf] : "input"
      let extents = function.type(of: argument.value).shape.map(\.description).joined(separator: ", ")
      return "\(name) [\(extents)]"
    }
    let of = inputs.isEmpty ? "" : " of \(inputs.joined(separator: ", "))"
    return "\(function.name)\(of) (\(provenance.origin))."
  }

  private func module(_ main: PythonFunction, of program: JAXProgram) -> PythonModule {
    let helpers = program.usedHelpers
    let loader = hasState ? JAXHelpers.stateLoader : JAXHelpers.loader
    let loading = hasState || hasParameters ? loader.closure(of: ["load_params"]) : []
    var imports = program.imports
    for helper in helpers + loading { imports.require(names: helper.references) }
    let annotated = (program.functions + [main]).flatMap(\.parameters.all)
    imports.require(
      names: ["Array"].filter { _ in annotated.contains { $0.annotation != "dict" } || !hasState })
    return PythonModule(
      docstring: moduleDocstring, imports: imports.statements,
      statements: helpers.map { .source($0.source) } + (program.functions + [main]).map { .function($0) }
        + loading.map { .source($0.source) })
  }

  private var moduleDocstring: String {
    let names = function.inputArgumentNames
    let arguments = (hasParameters ? ["params"] : []) + (hasState ? ["state"] : []) + names
    let call = "\(function.name)(\(arguments.joined(separator: ", ")))"
    var lines = ["\(function.name) in JAX, converted from \(provenance.source).", ""]
    if hasState {
      lines.append("params, state = load_params(\"\(provenance.weightsFile)\")")
    } else if hasParameters {
      lines.append("params = load_params(\"\(provenance.weightsFile)\")")
    }
    lines.append("outputs\(hasState ? ", state" : "") = \(call)")
    return lines.joined(separator: "\n") + "\n"
  }
}
