import ArgumentParser
import Foundation
import Graft

/// `graft inspect`.
struct InspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a program holds: signature, weights, operations, cost.",
    discussion: """
      Reads a .graft package, for which no Python is needed, or traces an ENTRY as `graft transpile` does, and writes
      nothing. A multiply-add counts as two floating-point operations, and moving data as none.

      EXAMPLES
        graft inspect out/
        graft inspect out/resnet18.graft --size N=8
        graft inspect out/ --ir
        graft inspect out/ --plan --size N=8
        graft inspect out/ --json
        graft inspect torchvision.models:resnet18 --input 'x=f32[N,3,224,224]'

      Exit codes: 0 done; 1 the package cannot be read, or the entry not be traced; 2 wrong usage; 3 the source uses
      something unsupported.
      """)

  @Argument(
    help: "A .graft file, a folder that `graft transpile` wrote, or an entry as `graft transpile` takes it.",
    completion: .file(extensions: ["graft"]))
  var program: String

  @Option(
    name: .customLong("size"),
    help: "The size of a dynamic dimension for the cost, as in N=8; the traced one by default. Repeatable.")
  var sizes: [SizeOption] = []

  @Flag(help: "Print the program as text instead.")
  var ir = false

  @Flag(help: "With --ir: say where in the source each operation comes from.")
  var origins = false

  @Flag(help: "Print the kernels of a native call instead, with the memory that it needs.")
  var plan = false

  @Flag(help: "Print the summary, or with --plan the plan, as JSON.")
  var json = false

  @OptionGroup(title: "Options for an entry")
  var entry: EntryOptions

  func validate() throws {
    if origins, !ir { throw ValidationError("--origins needs --ir") }
    if ir, plan { throw ValidationError("--ir and --plan exclude each other") }
    if json, ir { throw ValidationError("--ir and --json exclude each other") }
  }

  func run() async throws {
    if plan { return try printPlan() }
    let inspector = try await inspector
    if ir {
      Console.write(inspector.program(origins: origins))
      return
    }
    let inspection = try inspector.inspection(sizes: chosenSizes)
    if json {
      Console.output(try JSONText.encode(inspection))
    } else {
      for line in InspectionText(inspection).lines { Console.output(line) }
    }
  }
}

extension InspectCommand {
  /// The plan of a package for the sizes that are given, or the traced ones.
  private func printPlan() throws {
    let url = URL(filePath: program)
    let summary = try Model(contentsOf: url).plan(for: PackageInspector(url).inputShapes(sizes: chosenSizes))
    if json {
      Console.output(try JSONText.encode(summary))
    } else {
      for line in PlanText(summary).calls { Console.output(line) }
    }
  }

  private var chosenSizes: [String: Int] {
    Dictionary(sizes.map { ($0.name, $0.size) }, uniquingKeysWith: { _, last in last })
  }

  /// The package, or what tracing the entry gives. Something with a colon that is no file is an entry.
  private var inspector: PackageInspector {
    get async throws {
      guard program.contains(":"), !FileManager.default.fileExists(atPath: program) else {
        return try PackageInspector(URL(filePath: program))
      }
      let options = entry.options(entry: program, to: .jax, output: URL(filePath: "."))
      do {
        let inspector = try await Transpiler().inspect(options, progress: Progress.shared.handler)
        Progress.shared.clear()
        return inspector
      } catch {
        throw Problem(error)
      }
    }
  }
}

/// `N=8`.
struct SizeOption: ExpressibleByArgument {
  var name: String
  var size: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let size = Int(parts[1]), size >= 0 else { return nil }
    name = String(parts[0])
    self.size = size
  }
}

/// An inspection as text.
struct InspectionText {
  let inspection: Inspection

  init(_ inspection: Inspection) { self.inspection = inspection }

  var lines: [String] { head + tensors + weights + operations }

  private var head: [String] {
    var table = TextTable()
    table.add("name", inspection.name)
    table.add("package", inspection.package)
    table.add("from", inspection.origin)
    if !inspection.versions.isEmpty {
      let versions = inspection.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      table.add("versions", versions.joined(separator: ", "))
    }
    let verified = inspection.verified.map { $0 ? "yes" : "NO, it failed" } ?? "not known"
    table.add("verified", verified)
    table.add("mode", inspection.mode ? "training and inference differ" : "training and inference are the same")
    table.add("random", inspection.rng ? "takes a key" : "draws no numbers")
    return table.lines
  }

  private var tensors: [String] {
    section("inputs", inspection.inputs) + section("outputs", inspection.outputs) + dimensions
      + section("state", inspection.state) + section("constants", inspection.constants)
  }

  private func section(_ title: String, _ tensors: [Manifest.Tensor]) -> [String] {
    if tensors.isEmpty { return [] }
    var table = TextTable(indent: 2)
    for tensor in tensors { table.add(tensor.name, "\(tensor.dtype)[\(tensor.shape.joined(separator: ", "))]") }
    return ["", "\(title) (\(tensors.count))"] + table.lines
  }

  private var dimensions: [String] {
    if inspection.dimensions.isEmpty { return [] }
    var table = TextTable(indent: 2)
    for dimension in inspection.dimensions {
      let range = dimension.maximum.map { "from \(dimension.minimum) to \($0)" } ?? "\(dimension.minimum) or more"
      table.add(dimension.name, range)
    }
    return ["", "dynamic dimensions (\(inspection.dimensions.count))"] + table.lines
  }

  private var weights: [String] {
    let parameters = inspection.parameters
    if parameters.tensors == 0 { return ["", "parameters: none"] }
    var table = TextTable(rightAligned: [1, 2, 3], indent: 2)
    for module in parameters.modules {
      let name = module.path.isEmpty ? "(top level)" : module.path
      table.add(name, "\(module.tensors)", Quantity.grouped(module.elements), Quantity.bytes(module.bytes))
    }
    table.add(
      "total", "\(parameters.tensors)", Quantity.grouped(parameters.elements), Quantity.bytes(parameters.bytes))
    var lines = ["", "parameters (module, tensors, elements, size)"] + table.lines
    lines.append(
      "  \(Quantity.grouped(parameters.trainable)) trainable, \(Quantity.grouped(parameters.frozen)) frozen")
    for tied in parameters.tied { lines.append("  tied: \(([tied.path] + tied.aliases).joined(separator: " = "))") }
    return lines
  }

  private var operations: [String] {
    let operations = inspection.operations
    var table = TextTable(rightAligned: [1, 2], indent: 2)
    for kind in operations.kinds {
      table.add(kind.name, "\(kind.count)", kind.flops == 0 ? "" : Quantity.flops(kind.flops))
    }
    let sizes = inspection.dimensions.map { "\($0.name)=\($0.size)" }.joined(separator: ", ")
    let place = sizes.isEmpty ? "" : " at \(sizes)"
    var lines = ["", "operations (\(operations.count))"] + table.lines
    lines += ["", "one inference\(place): \(Quantity.flops(operations.flops))"]
    if !sizes.isEmpty { lines.append("  = \(operations.flopsExpression)") }
    return lines
  }
}
