import GraftIR
import GraftTrace

/// Where in the user's source the modules and outputs of a program are computed, as `file:line`.
struct SourceLocations: Sendable {
  /// By module path: the line of the module's last operation, the root under "".
  private(set) var modules: [String: String] = [:]
  /// By output leaf.
  private(set) var outputs: [String?] = []

  init(_ function: GraftIR.Function) {
    var definitions: [Value: String] = [:]
    for operation in function.body.operations {
      guard let place = operation.origin.userLocation?.description else { continue }
      modules[""] = place
      for module in operation.origin.modules { modules[module.path] = place }
      for result in operation.results { definitions[result] = place }
    }
    outputs = function.body.results.map { $0.asValue.flatMap { definitions[$0] } }
  }
}

extension Origin {
  /// The innermost frame in the user's own source, or else the innermost of all.
  var userLocation: SourceLocation? { frames.last { !$0.isLibrary } ?? frames.last }
}

extension VerificationReport.Row {
  /// The row with a place in the source.
  func at(_ location: String?) -> VerificationReport.Row {
    var row = self
    row.location = location
    return row
  }
}
