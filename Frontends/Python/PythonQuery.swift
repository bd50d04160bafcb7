internal import Foundation

/// Asks an interpreter a question in a process of its own.
enum PythonQuery {
  /// What precedes the answer, so that whatever else a `sitecustomize` prints does no harm.
  private static let marker = Data("graft:".utf8)

  /// Runs `script` with `arguments` and returns the JSON that follows the marker on its last marked line.
  /// - Throws: `PythonSetupError` with `.notAnInterpreter` when it cannot be run, fails, hangs, or prints no answer.
  static func run(
    _ executable: String, script: [UInt8], arguments: [String] = [], environment: [String: String], timeout: Duration
  ) async throws -> Data {
    let remedy = "Choose another Python with --python."
    let outcome: Subprocess.Outcome
    do {
      outcome = try await Subprocess.run(
        executable, arguments: ["-c", String(decoding: script, as: UTF8.self)] + arguments, environment: environment,
        timeout: timeout)
    } catch {
      throw PythonSetupError(
        .notAnInterpreter, "\(executable) cannot be run: \(error.localizedDescription).", remedy: remedy)
    }
    guard outcome.finished else {
      throw PythonSetupError(
        .notAnInterpreter, "\(executable) did not answer within \(timeout.components.seconds) s.", remedy: remedy)
    }
    let answer = outcome.output.split(separator: UInt8(ascii: "\n")).last { $0.starts(with: marker) }
    guard outcome.status == 0, let answer else {
      let said = String(decoding: outcome.error, as: UTF8.self).split(whereSeparator: \.isNewline).last
      let cause = said.map { ": \($0.prefix(200))" } ?? ""
      throw PythonSetupError(
        .notAnInterpreter,
        "\(executable) does not behave like a Python interpreter (exit status \(outcome.status))\(cause).",
        remedy: remedy)
    }
    return Data(answer.dropFirst(marker.count))
  }
}
