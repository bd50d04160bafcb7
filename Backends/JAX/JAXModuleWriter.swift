import GraftEmit
package import GraftIR
import GraftSyntax
import GraftTransform
import OrderedCollections

/// Writes a function as a JAX source file: a function for each class of module and for functions of the source, the main
/// one, and a loader.
package struct JAXModuleWriter {
  private let function: Function
  private let provenance: Provenance
  private let scansLayers: Bool

  /// A written file.
  package struct Module: Sendable {
    package var text: String
    /// The modules whose parameters its loader stacks.
    package var stacks: [ParameterStack]
    /// What is to be said of loops that could not be scans.
    package var notes: [String]
  }

  /// What the docstrings say of where the program came from.
  package struct Provenance: Sendable {
    /// `PyTorch 2.13.0 (torchvision.models.resnet18)`.
    package var source: String
    /// What the program is called in the docstrings; its class or name if nil.
    package var title: String?
    /// What an example of a call names its results; told from the function's outputs if nil.
    package var results: [String]?
    /// The class of the whole program; nil for a plain function.
    package var className: String?
    /// `torchvision/models/resnet.py:166`.
    package var origin: String
    package var weightsFile: String
    /// `torchvision/models/resnet.py:59`, by the full name of a class or function.
    package var places: [String: String]
    /// The parameters of `forward`, by a class's full name.
    package var parameters: [String: [String]]
    /// Of each module, by its path, the numbers that the shapes in it come from, by attribute.
    package var sizes: [String: [String: Int]]

    package init(
      source: String, className: String? = nil, origin: String, weightsFile: String, places: [String: String] = [:],
      parameters: [String: [String]] = [:], sizes: [String: [String: Int]] = [:]
    ) {
      self.parameters = parameters
      self.sizes = sizes
      self.source = source
      self.className = className
      self.origin = origin
      self.weightsFile = weightsFile
      self.places = places
    }
  }

  /// - Parameter scansLayers: whether loops over equal modules are `lax.scan` over their stacked parameters.
  package init(_ function: Function, provenance: Provenance, scansLayers: Bool = false) {
    self.function = function
    self.provenance = provenance
    self.scansLayers = scansLayers
  }

  /// - Throws: ``Diagnostic`` for an op that JAX cannot express.
  package func write() throws -> Module {
    let outlined = try outlined()
    var scanned = scansLayers ? ScanWriter.Modules(types: function.parameterTypes) : nil
    // Which helpers the file has is known once it is written; only their names are taken then.
    var draft = try program(outlined, helperNames: nil, scanned)
    while !draft.conflicts.isEmpty {
      scanned?.excluded.formUnion(draft.conflicts)
      draft = try program(outlined, helperNames: nil, scanned)
    }
    let names = Set(draft.takeHelpers().map(\.name))
    var program = try program(outlined, helperNames: names, scanned)
    let helpers = program.takeHelpers()
    guard var main = program.functions.popLast() else { return Module(text: "", stacks: [], notes: []) }
    main.docstring = docstring
    return Module(
      text: module(main, of: program, with: helpers).rendered(), stacks: Array(program.stacks),
      notes: program.unscanned.map(\.text))
  }

  /// The program cut into functions, those of the source that are better part of their callers left out: how long they
  /// are is known once they are written.
  private func outlined() throws -> OutlinedFunction {
    var inlined: Set<Int> = []
    while true {
      let cut = try OutlineCalls(function, inlining: inlined).run()
      // The turns of a scan have to be handed the same.
      let outlined = scansLayers ? cut : HandOnValues().run(cut)
      if function.calls.isEmpty { return outlined }
      let small = try program(outlined, helperNames: nil, nil).callsBetterInlined
      if small.isEmpty { return outlined }
      inlined.formUnion(small)
    }
  }

  private func program(
    _ outlined: OutlinedFunction, helperNames: Set<String>?, _ scanned: ScanWriter.Modules?
  ) throws -> JAXProgram {
    var program = JAXProgram(
      main: function.name, mainClass: provenance.className, origins: provenance.places,
      parameters: provenance.parameters, sizes: provenance.sizes, helperNames: helperNames, scanned: scanned)
    try program.write(outlined)
    return program
  }

  private var hasState: Bool { !function.statePaths.isEmpty }

  private var title: String { provenance.title ?? provenance.className ?? function.name }

  private var docstring: String {
    let leaves = function.inputLeaves.keys.sorted()
    let names = leaves.map { function.inputNames.indices.contains($0) ? function.inputNames[$0] : "input" }
    return JAXDocstring(title: title, place: provenance.origin, inputs: names, of: [function]).text
  }

  private func module(
    _ main: PythonFunction, of program: JAXProgram, with helpers: [HelperLibrary.Helper]
  ) -> PythonModule {
    let loader = StackingLoader(function, stacks: Array(program.stacks))
    var imports = program.imports
    for helper in helpers + loader.helpers { imports.require(names: helper.references) }
    let annotated = (program.functions + [main]).flatMap(\.parameters.all)
    imports.require(
      names: ["Array"].filter { _ in annotated.contains { $0.annotation != "dict" } || !hasState })
    return PythonModule(
      docstring: moduleDocstring(main), imports: imports.statements,
      statements: helpers.map { .source($0.source) } + (program.functions + [main]).map { .function($0) }
        + loader.statements)
  }

  private func moduleDocstring(_ main: PythonFunction) -> String {
    JAXModuleDocstring(
      title: title, source: provenance.source, weightsFile: provenance.weightsFile, function: main,
      outputs: provenance.results ?? function.outputNames
    ).text
  }
}
