/// A Python exception, or a reply that does not keep to the contract, as it reached Swift.
package struct PythonError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The exception's class with its module, `ValueError` or `torch._dynamo.exc.UserError`.
  package var type: String
  /// What the exception says.
  package var message: String
  /// The traceback as Python prints it, the exception's line included; empty when there is none.
  package var traceback: String
  /// The stable code of an exception that carries a `code`, such as an embedded module's `GraftError`. Graft's own are
  /// `python.no-module`, `python.no-function`, `python.bad-reply` and `python.module-exists`.
  package var code: String?
  /// What the user can do, where the exception says so.
  package var remedy: String?
  /// The exception's `details` as JSON text.
  package var details: String?

  package init(
    type: String, message: String, traceback: String = "", code: String? = nil, remedy: String? = nil,
    details: String? = nil
  ) {
    self.type = type
    self.message = message
    self.traceback = traceback
    self.code = code
    self.remedy = remedy
    self.details = details
  }

  package var description: String { message.isEmpty ? type : "\(type): \(message)" }
}

extension PythonError: Codable {}

/// Why there is no Python to call.
package struct PythonSetupError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: String, Sendable, Hashable, Codable {
    /// No interpreter where one was asked for, or none at all.
    case notFound = "python.not-found"
    /// A file that cannot be executed.
    case notExecutable = "python.not-executable"
    /// A program that fails, hangs, or is no Python.
    case notAnInterpreter = "python.not-an-interpreter"
    /// Older than 3.10, or not CPython.
    case unsupported = "python.unsupported"
    /// Built without a shared library, or with one that is not installed.
    case noSharedLibrary = "python.no-shared-library"
    /// The shared library does not load, or is not the interpreter's.
    case libraryFailed = "python.library-failed"
    /// The process already runs another interpreter.
    case alreadyStarted = "python.already-started"
  }

  package var code: Code
  /// One sentence.
  package var message: String
  /// One sentence that says what to do.
  package var remedy: String

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  package var description: String { "\(message) \(remedy)" }
}
