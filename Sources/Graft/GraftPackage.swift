import GraftFiles
import GraftIR

/// A `.graft` file: a framework-neutral program with its weights.
///
/// It is a safetensors file, which any reader of that format opens; its metadata carries the program as IR text.
/// Tensors are named `parameter.PATH`, `state.PATH` and `constant.NAME`.
struct GraftPackage: Sendable {
  /// The value of the metadata key `format`.
  static let format = "graft.package"
  static let version = "1"

  let function: GraftIR.Function
  private let file: SafetensorsFile

  /// Opens a package: maps the file, reads and verifies the program.
  ///
  /// - Throws: ``Diagnostic`` for anything that is not a whole, consistent package.
  init(contentsOf path: String) throws {
    do {
      file = try SafetensorsFile(path: path)
    } catch let error as FileError {
      throw Diagnostic(.invalidPackage, "\(error)")
    }
    guard file.metadata("format") == Self.format else {
      throw Diagnostic(.invalidPackage, "\(path) is not a .graft package", remedy: "Make one with `graft transpile`.")
    }
    guard file.metadata("version") == Self.version, let text = file.metadata("program") else {
      throw Diagnostic(
        .invalidPackage, "\(path) was written by another version of Graft", remedy: "Convert the model again.")
    }
    function = try IRParser.parse(text)
    try function.verify()
    try checkTensors(path)
  }

  private func checkTensors(_ path: String) throws {
    for argument in function.arguments {
      guard let name = Self.tensorName(argument.role) else { continue }
      let type = function.type(of: argument.value)
      guard let entry = file.entry(named: name), entry.dtype == type.dtype, entry.shape.map({ Dim($0) }) == type.shape
      else { throw Diagnostic(.invalidPackage, "\(path) lacks the tensor `\(name)` of type \(type)") }
    }
  }

  /// The bytes of a tensor argument.
  func tensor(_ role: Argument.Role) throws -> TensorData? {
    guard let name = Self.tensorName(role) else { return nil }
    return try file.tensor(named: name)
  }

  /// Parameters and state by path.
  var tensors: [String: TensorData] {
    get throws {
      var tensors: [String: TensorData] = [:]
      for argument in function.arguments {
        switch argument.role {
        case .parameter(let path, _, _), .state(let path, _): tensors[path] = try tensor(argument.role)
        default: break
        }
      }
      return tensors
    }
  }

  private static func tensorName(_ role: Argument.Role) -> String? {
    switch role {
    case .parameter(let path, _, _): "parameter.\(path)"
    case .state(let path, _): "state.\(path)"
    case .constant(let name): "constant.\(name)"
    case .input, .key: nil
    }
  }

  /// Writes a converted program as a package.
  static func write(_ program: ConvertedProgram, to writer: AtomicWriter) throws {
    try write(program.function, to: writer) { argument in try argument.path.map { try program.trace.tensor($0) } }
  }

  /// Writes a program as a package, with the tensor of each parameter, buffer and constant.
  static func write(
    _ function: GraftIR.Function, to writer: AtomicWriter, tensor: (Argument) throws -> TensorData?
  ) throws {
    let entries = try function.arguments.compactMap { argument -> SafetensorsWriter.Entry? in
      guard let name = tensorName(argument.role), let data = try tensor(argument) else { return nil }
      return SafetensorsWriter.Entry(name: name, data)
    }
    let metadata = [
      (key: "format", value: format), (key: "version", value: version),
      (key: "program", value: IRPrinter().print(function)),
    ]
    try SafetensorsWriter(entries, metadata: metadata).write(to: writer)
  }
}
