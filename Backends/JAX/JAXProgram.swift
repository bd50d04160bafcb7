import GraftEmit
import GraftIR
import GraftSyntax
import GraftTransform
import OrderedCollections

/// The functions of a JAX file: one for each class of module, and each function of the source, whose instances compute the
/// same, and the main one last.
struct JAXProgram {
  private(set) var imports = ImportSet(aliases: JAXTarget().aliases)
  var functions: [PythonFunction] = []
  private let main: String
  private var helpers = HelperUses()
  private var taken: Set<String>
  private var signatures: [String: AntiUnifier.Signature] = [:]
  /// By instance, how it is called.
  private var calls: [Int: EmittedCall] = [:]

  /// Where each class of module and each function is defined.
  private let origins: [String: String]

  private let helperNames: Set<String>?
  private let mainClass: String?
  private var names = ModuleFunctionNames(classes: [], main: nil, variables: [])
  /// The parameters of each class's `forward`.
  private let forwardParameters: [String: [String]]
  /// Of each module, by its path, the numbers that the shapes in it come from, by attribute.
  private let moduleSizes: [String: [String: Int]]

  /// What loops may be scans over; nil if they stay loops.
  private let scanned: ScanWriter.Modules?
  /// The modules whose parameters have to be stacked.
  private(set) var stacks: OrderedSet<ParameterStack> = []
  /// The loops over parameters that could not be scans, by class.
  private(set) var unscanned: OrderedSet<UnscannedLoop> = []
  /// By height, the calls of the source's functions that would better be part of their callers.
  private var small: [Int: Set<Int>] = [:]
  /// For each function, what of the parameters it reads outside of scans.
  private var otherReads: [(path: String, reads: [String])] = []

  /// - Parameters:
  ///   - origins: where each class of module and each function is defined.
  ///   - parameters: those of each class's `forward`.
  ///   - sizes: of each module, by its path, the numbers that the shapes in it come from, by attribute.
  ///   - helperNames: the helper functions that the file will have, whose names nothing else may get; all if nil.
  ///   - mainClass: the class of the whole model; nil for a plain function.
  ///   - scanned: what loops may be scans over; nil if they stay loops.
  init(
    main: String, mainClass: String?, origins: [String: String], parameters: [String: [String]] = [:],
    sizes: [String: [String: Int]] = [:], helperNames: Set<String>? = nil, scanned: ScanWriter.Modules? = nil
  ) {
    self.main = main
    self.mainClass = mainClass
    self.scanned = scanned
    self.origins = origins
    self.helperNames = helperNames
    forwardParameters = parameters
    moduleSizes = sizes
    let library = JAXTarget().helpers
    taken = (helperNames ?? Set(library.helpers.keys)).union(JAXTarget().aliases.map(\.name)).union([
      main, "load_params",
    ])
    if scanned != nil { taken.formUnion(StackingLoader.stackingNames) }
    for helper in library.helpers.values { signatures[helper.name] = helper.signature }
  }

  /// The helper functions that the file has to carry, in the library's order. What all calls of one agree on goes from
  /// the calls into the helper, and what is short now is folded.
  mutating func takeHelpers() -> [HelperLibrary.Helper] {
    let name = { [main] in HelperLibrary.name(of: $0, beside: main) }
    let trimmed = JAXTarget().helpers.trimmed(helpers, calledIn: functions, name: name)
    functions = trimmed.functions.map { function in
      var function = function
      function.body = function.body.returningLastValue().foldingSingleUses()
      return function
    }
    return trimmed.helpers.map { $0.renaming(main, to: name(main)) }
  }

  /// Writes a function and those that it calls, the called ones first.
  mutating func write(_ root: OutlinedFunction) throws {
    let (calls, instances) = CallInstance.all(below: root)
    let variables = forwardParameters.values.reduce(into: root.variableNames) { $0.formUnion($1) }
    names = ModuleFunctionNames(classes: root.classNames, main: mainClass, variables: variables)
    for height in 0..<root.height {
      var classes: OrderedDictionary<String, [CallInstance]> = [:]
      for instance in instances where instance.function.height == height {
        classes[instance.function.name, default: []].append(instance)
      }
      for (name, members) in classes { try write(name, members) }
    }
    var main = root
    main.nameValues(inputs: nil)
    let written = try written(main, at: "", calls: calls, name: nil)
    functions.append(copyingState(written.function, of: [root.function]))
  }

  /// Writes the functions of one class of module, or of one function of the source.
  private mutating func write(_ className: String, _ instances: [CallInstance]) throws {
    let base = names.names(of: instances, [VariantNames.Variant(paths: [], parameters: [])], avoiding: taken)[0]
    let inputNames = InputNames(instances, parameters: forwardParameters[className] ?? []).all
    let list = ListInput.common(to: instances.map(\.function.function))
    var all: [JAXFunctionWriter.Written] = []
    for (instance, names) in zip(instances, inputNames) {
      var function = instance.function
      function.nameValues(inputs: names)
      let listed = list?.take(in: &function.function)
      var written = try written(function, at: instance.absolutePath, calls: instance.children, name: base)
      written.interface.listed = listed
      all.append(written)
    }
    let families = FunctionFamily.families(
      of: zip(instances, all).map { instance, written in
        FunctionFamily.Instance(
          written.function, children: Set(instance.function.function.parameterPaths.compactMap(\.firstComponent)),
          given: instance.function.givenNumbers, sizes: sizes(of: instance), tensors: written.tensors)
      }, signatures: signatures)
    let variants = families.map { family in
      let members = family.members.map { instances[$0] }
      return VariantNames.Variant(
        paths: members.map(\.absolutePath), parameters: members.flatMap { $0.function.allParameterPaths })
    }
    for (family, distinct) in zip(families, names.names(of: instances, variants, avoiding: taken)) {
      note(family, of: family.members.map { instances[$0] })
      let name = PythonIdentifier.unique(distinct, avoiding: taken)
      taken.insert(name)
      let members = family.members.map { instances[$0].function.function }
      var function = copyingState(family.function, of: members)
      function.name = name
      function.docstring = docstring(of: instances[0], function, members)
      functions.append(function)
      signatures[name] = AntiUnifier.Signature(function.parameters)
      for (position, member) in family.members.enumerated() {
        var interface = all[member].interface
        interface.name = name
        calls[instances[member].id] = EmittedCall(
          path: instances[member].path, interface: interface, constants: family.constants(of: position))
      }
    }
  }

  /// The numbers of a call's module, by attribute.
  private func sizes(of instance: CallInstance) -> [(name: String, value: Scalar)] {
    (moduleSizes[instance.absolutePath] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) }
  }

  /// Notes calls of a function that would better be part of their callers: those in one place only of one that is short.
  private mutating func note(_ family: FunctionFamily, of instances: [CallInstance]) {
    let calls = instances.compactMap(\.sourceCall)
    guard !calls.isEmpty, CallInstance.sites(of: instances) == 1,
      family.function.body.returningLastValue().foldingSingleUses().statementCount <= Self.fewStatements
    else { return }
    small[instances[0].function.height, default: []].formUnion(calls)
  }

  /// The calls of the source's functions that would better be part of their callers, where those that they make are not
  /// among them.
  var callsBetterInlined: Set<Int> { small.min { $0.key < $1.key }?.value ?? [] }

  /// How many statements of a function that is called in one place only are better read there.
  private static let fewStatements = 3

  private func docstring(
    of instance: CallInstance, _ written: PythonFunction, _ instances: [Function]
  ) -> String {
    let names = written.parameters.positional.map(\.name).filter { $0 != "params" && $0 != "state" }
    let title = instance.function.title
    return JAXDocstring(title: title, place: origins[instance.function.name] ?? "", inputs: names, of: instances).text
  }

  private mutating func written(
    _ function: OutlinedFunction, at path: String, calls children: [Int], name: String?
  ) throws -> JAXFunctionWriter.Written {
    var function = function
    if let name { function.function.name = name }
    var (written, rolled, origins) = try rolled(function, calls: children, isMain: name == nil, nestsCalls: true)
    if written.hasNestedCalls {
      let apart = try self.rolled(function, calls: children, isMain: name == nil, nestsCalls: false)
      if apart.rolled.count(where: \.isLoop) > rolled.count(where: \.isLoop) { (written, rolled, origins) = apart }
    }
    let loops = scanned.map { modules in
      scanning(rolled, origins, in: written, of: function, at: path, modules)
    }
    let inputs = Set(function.function.inputArgumentNames)
    written.function.body = (loops ?? rolled).reusingNames(inputs).returningLastValue()
    helpers.formUnion(written.helpers)
    imports.require(names: written.imports.used)
    return written
  }

  /// A function as it is written, and its body with loops for repeated statements.
  private func rolled(
    _ function: OutlinedFunction, calls children: [Int], isMain: Bool, nestsCalls: Bool
  ) throws -> (
    written: JAXFunctionWriter.Written, rolled: [PythonStatement], origins: [PythonStatement: RolledLoop]
  ) {
    let calls = children.compactMap { self.calls[$0] }
    let written = try JAXFunctionWriter(
      function, calls: calls, main: isMain ? nil : main, helpers: helperNames, nestsCalls: nestsCalls
    ).write()
    let roller = LoopRoller(avoiding: taken, signatures: signatures, size: written.treeSize)
    let (rolled, origins) = roller.rollKeepingOrigins(written.function.body)
    return (written, rolled, origins)
  }

  /// The statements with scans for loops.
  private mutating func scanning(
    _ statements: [PythonStatement], _ origins: [PythonStatement: RolledLoop], in written: JAXFunctionWriter.Written,
    of function: OutlinedFunction, at path: String, _ modules: ScanWriter.Modules
  ) -> [PythonStatement] {
    var used = imports
    var writer = ScanWriter(
      modules: modules, path: path, types: written.types, size: written.treeSize,
      reserved: taken.union(written.function.parameters.all.map(\.name)), scan: used.resolve("jax.lax.scan"))
    let statements = writer.write(statements, rolledFrom: written.function.body, origins)
    if !writer.stacks.isEmpty { imports = used }
    stacks.formUnion(writer.stacks)
    let name = function.name.lastComponent ?? main
    unscanned.formUnion(writer.notes.map { UnscannedLoop(function: name, note: $0) })
    otherReads.append((path, writer.otherReads))
    return statements
  }

  /// The stacked modules whose parameters something reads that is no scan over them.
  var conflicts: [ParameterStack] {
    stacks.filter { stack in
      let isSplit = stacks.contains { $0.path == stack.path && $0 != stack }
      return isSplit
        || otherReads.contains { path, reads in !stack.contains(path) && reads.contains(where: stack.isRead) }
    }
  }

  /// Begins the function with a copy of the state, if it stores into one: as deep as it stores.
  private mutating func copyingState(_ function: PythonFunction, of instances: [Function]) -> PythonFunction {
    var copies = StateCopies(of: ParameterTree(paths: instances.flatMap(\.statePaths)))
    var function = function
    function.body = copies.copying(in: function.body) {
      imports.resolve("jax.tree.map").call(.lambda(PythonParameters([PythonParameter("leaf")]), "leaf"), "state")
    }
    return function
  }
}

extension [PythonStatement] {
  /// How many statements there are, those in loops and branches included.
  fileprivate var statementCount: Int {
    reduce(0) { count, statement in
      switch statement {
      case .for(_, _, let body), .while(_, let body), .with(_, let body): count + 1 + body.statementCount
      case .if(let branches, let orElse):
        count + 1 + (branches.flatMap(\.body) + orElse).statementCount
      case .function(let function): count + 1 + function.body.statementCount
      default: count + 1
      }
    }
  }
}

extension PythonStatement {
  fileprivate var isLoop: Bool { if case .for = self { true } else { false } }
}

extension String {
  fileprivate var firstComponent: String? { split(separator: ".").first.map(String.init) }

  /// `Block` of `models.net.Block`.
  var lastComponent: String? { split(separator: ".").last.map(String.init) }
}

/// A loop over parameters that is not a scan.
struct UnscannedLoop: Hashable {
  /// The class of the module, or the name of the main function.
  var function: String
  var note: ScanWriter.Note

  /// `GPT2Model: the loop over params["h"] stays a loop: ...`
  var text: String {
    let rendered = PythonRenderer().render([.expression(note.iterable)], indentation: 0)
    let lines = rendered.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
    return "\(function): the loop over \(lines.joined()) stays a loop: \(note.reason)"
  }
}
