import GraftEmit
import GraftIR
import GraftSyntax
import GraftTransform
import OrderedCollections

/// The functions of a JAX file: one for each class of module whose instances compute the same, and the main one last.
struct JAXProgram {
  private(set) var imports = ImportSet(aliases: JAXTarget().aliases)
  var functions: [PythonFunction] = []
  private let main: String
  private var helpers = HelperUses()
  private var taken: Set<String>
  private var signatures: [String: AntiUnifier.Signature] = [:]
  /// By instance, how it is called.
  private var calls: [Int: EmittedCall] = [:]

  /// Where each class of module is defined.
  private let origins: [String: String]

  private let helperNames: Set<String>?
  private let mainClass: String?
  private var names = ModuleFunctionNames(classes: [], main: nil, variables: [])
  /// The parameters of each class's `forward`.
  private let forwardParameters: [String: [String]]

  /// What loops may be scans over; nil if they stay loops.
  private let scanned: ScanWriter.Modules?
  /// The modules whose parameters have to be stacked.
  private(set) var stacks: OrderedSet<ParameterStack> = []
  /// The loops over parameters that could not be scans, by class.
  private(set) var unscanned: OrderedSet<UnscannedLoop> = []
  /// For each function, what of the parameters it reads outside of scans.
  private var otherReads: [(path: String, reads: [String])] = []

  /// - Parameters:
  ///   - origins: where each class of module is defined.
  ///   - parameters: those of each class's `forward`.
  ///   - helperNames: the helper functions that the file will have, whose names nothing else may get; all if nil.
  ///   - mainClass: the class of the whole model; nil for a plain function.
  ///   - scanned: what loops may be scans over; nil if they stay loops.
  init(
    main: String, mainClass: String?, origins: [String: String], parameters: [String: [String]] = [:],
    helperNames: Set<String>? = nil, scanned: ScanWriter.Modules? = nil
  ) {
    self.main = main
    self.mainClass = mainClass
    self.scanned = scanned
    self.origins = origins
    self.helperNames = helperNames
    forwardParameters = parameters
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
    let (calls, instances) = ModuleInstance.all(below: root)
    let variables = forwardParameters.values.reduce(into: root.variableNames) { $0.formUnion($1) }
    names = ModuleFunctionNames(classes: root.classNames, main: mainClass, variables: variables)
    for height in 0..<root.height {
      var classes: OrderedDictionary<String, [ModuleInstance]> = [:]
      for instance in instances where instance.function.height == height {
        classes[instance.function.className, default: []].append(instance)
      }
      for (name, members) in classes { try write(name, members) }
    }
    var main = root
    main.nameValues(inputs: nil)
    let written = try written(main, at: "", calls: calls, name: nil)
    functions.append(copyingState(written.function, of: [root.function]))
  }

  /// Writes the functions of one class of module.
  private mutating func write(_ className: String, _ instances: [ModuleInstance]) throws {
    let base = names.name(of: className, avoiding: taken)
    let inputNames = inputNames(of: className, instances)
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
    let children = instances.map { Set($0.function.function.parameterPaths.compactMap(\.firstComponent)) }
    let families = FunctionFamily.families(of: all.map(\.function), children: children, signatures: signatures)
    let variants = families.map { family in
      let members = family.members.map { instances[$0] }
      return VariantNames.Variant(
        paths: members.map(\.absolutePath), parameters: members.flatMap { $0.function.allParameterPaths })
    }
    for (family, distinct) in zip(families, names.names(of: className, variants, avoiding: taken)) {
      let name = PythonIdentifier.unique(distinct, avoiding: taken)
      taken.insert(name)
      let members = family.members.map { instances[$0].function.function }
      var function = copyingState(family.function, of: members)
      function.name = name
      function.docstring = docstring(of: className, function, members)
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

  /// The inputs of each instance by the names that `forward` gives them, in its own call or else in that of another
  /// instance that computes the same, or by those that the caller's variables have; the first one by that of `forward`'s
  /// first parameter, if its own is none of the parameters'.
  private func inputNames(of className: String, _ instances: [ModuleInstance]) -> [[String]] {
    let passed = instances.map(\.passedNames)
    let steps = instances.map { $0.function.function.body.operations.map(\.name) }
    return instances.indices.map { index in
      let alike = passed.indices.filter { steps[$0] == steps[index] && passed[$0].agrees(with: passed[index]) }
      let known = passed[index].indices.map { input in
        passed[index][input] ?? alike.lazy.compactMap { passed[$0][input] }.first
      }
      let first = instances[0].function.function.inputNames
      var names = known.count == first.count ? first : instances[index].function.function.inputNames
      let taken = Set(known.compactMap(\.self))
      for (input, name) in known.enumerated() {
        names[input] = name ?? PythonIdentifier.unique(names[input], avoiding: taken)
      }
      guard let parameter = forwardParameters[className]?.first, let own = names.first, known[0] == nil,
        forwardParameters[className]?.contains(own) == false, !names.contains(parameter)
      else { return names }
      names[0] = parameter
      return names
    }
  }

  private func docstring(of className: String, _ written: PythonFunction, _ instances: [Function]) -> String {
    let names = written.parameters.positional.map(\.name).filter { $0 != "params" && $0 != "state" }
    let title = className.lastComponent ?? written.name
    return JAXDocstring(title: title, place: origins[className] ?? "", inputs: names, of: instances).text
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
    let name = function.className.lastComponent ?? main
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

/// A call of a module in an outlined program.
private struct ModuleInstance {
  let id: Int
  /// Within the calling module, `layer1.0`.
  let path: String
  /// In the model.
  let absolutePath: String
  let function: OutlinedFunction
  let children: [Int]

  /// What the module's `forward` calls each of the function's inputs, where it is known.
  var passedNames: [String?] {
    function.function.inputValues.map { function.function.passedNames.name(of: $0, in: absolutePath) }
  }

  /// The numbers of a function's own calls, and every call below it; numbered in the order of a walk.
  static func all(below root: OutlinedFunction) -> (calls: [Int], instances: [ModuleInstance]) {
    var instances: [ModuleInstance] = []
    var next = 0
    func visit(_ function: OutlinedFunction, at path: String) -> [Int] {
      function.calls.map { site in
        let id = next
        next += 1
        let absolutePath = path.appendingPath(site.path)
        let children = visit(site.callee, at: absolutePath)
        instances.append(
          ModuleInstance(
            id: id, path: site.path, absolutePath: absolutePath, function: site.callee, children: children))
        return id
      }
    }
    let calls = visit(root, at: "")
    return (calls, instances.sorted { $0.id < $1.id })
  }
}

extension [String?] {
  /// Whether both have as many names, and the same where both have one.
  fileprivate func agrees(with other: [String?]) -> Bool {
    count == other.count && zip(self, other).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
  }
}
