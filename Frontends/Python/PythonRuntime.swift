internal import CPython
internal import Foundation
internal import Synchronization

/// The Python interpreter inside this process.
///
/// There is one at most, on a thread of its own that it never leaves; calls from anywhere wait their turn. It is never
/// shut down: extension modules do not survive that. Python leaves SIGINT alone, so that Ctrl-C ends the process.
package actor PythonRuntime {
  /// Receives what Python reports by `graft_progress(message, fraction=None)`: a message, and the fraction done from 0
  /// to 1 where it is known. Called on a thread of Python's; it must not wait for Python.
  package typealias ProgressHandler = @Sendable (_ message: String, _ fraction: Double?) -> Void

  private enum State {
    case idle
    case running(PythonInterpreter, load: OpaquePointer, call: OpaquePointer)
    case failed(any Error)
  }

  private static let shared = PythonRuntime()

  private nonisolated let thread = PythonThread()
  private var state = State.idle

  private init() {}

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Starts `interpreter` in this process, or returns the runtime that already runs it.
  /// - Throws: `PythonSetupError` when the library does not load, or when another interpreter is already running;
  ///   `PythonError` when Python starts but cannot run Graft's own module.
  package static func start(_ interpreter: PythonInterpreter) async throws -> PythonRuntime {
    try await shared.begin(interpreter)
    return shared
  }

  /// Executes `source` as the module `name`, once: the same source again does nothing, another replaces it.
  ///
  /// Tracebacks show its lines under `filename`, which need not exist.
  /// - Throws: `PythonError`; `CancellationError` when the task was cancelled before its turn came.
  package func load(module name: String, source: String, filename: String) throws {
    try Task.checkCancellation()
    let load = try entries().load
    _ = try thread.withLock {
      let arguments = try PythonObject.tuple(3)
      arguments.setItem(0, try PythonObject(text: name))
      arguments.setItem(1, try PythonObject(text: source))
      arguments.setItem(2, try PythonObject(text: filename))
      return try invoke(load, arguments)
    }
  }

  /// Calls `function(request, tensors)` of a loaded module.
  ///
  /// - Parameters:
  ///   - request: JSON text.
  ///   - tensors: what Python sees as `memoryview`s by name, without a copy.
  ///   - progress: receives the reports of this call.
  /// - Throws: `PythonError` for whatever Python raises and for a reply of the wrong kind; `CancellationError` when the
  ///   task was cancelled before its turn came. A call under way is not interrupted.
  package func call(
    _ module: String, _ function: String, request: String, tensors: [String: PythonBytes] = [:],
    progress: ProgressHandler? = nil
  ) throws -> PythonReply {
    try Task.checkCancellation()
    let call = try entries().call
    progressHandler.withLock { $0 = progress }
    defer { progressHandler.withLock { $0 = nil } }
    return try thread.withLock {
      let buffers = try PythonObject(cpython().pointee.PyDict_New())
      for (name, bytes) in tensors.sorted(by: { $0.key < $1.key }) {
        let key = try PythonObject(text: name)
        let value = try PythonObject(bytes)
        if cpython().pointee.PyDict_SetItem(buffers.pointer, key.pointer, value.pointer) != 0 {
          throw PythonError.pending()
        }
      }
      let arguments = try PythonObject.tuple(4)
      arguments.setItem(0, try PythonObject(text: module))
      arguments.setItem(1, try PythonObject(text: function))
      arguments.setItem(2, try PythonObject(text: request))
      arguments.setItem(3, buffers)
      return try invoke(call, arguments)
    }
  }

  private func entries() throws -> (load: OpaquePointer, call: OpaquePointer) {
    guard case .running(_, let load, let call) = state else {
      throw PythonSetupError(.libraryFailed, "Python is not running.", remedy: "Start it first.")
    }
    return (load, call)
  }

  /// Calls an entry point of `bridge.py`, with Python's lock held.
  private func invoke(_ entry: OpaquePointer, _ arguments: borrowing PythonObject) throws -> PythonReply {
    let result = try PythonObject(cpython().pointee.PyObject_CallObject(entry, arguments.pointer))
    let succeeded = cpython().pointee.PyObject_IsTrue(try result.item(0)) == 1
    let json = try bytes(of: result.item(1))
    guard succeeded else { throw try JSONDecoder().decode(PythonError.self, from: json) }
    return PythonReply(json: json, tensors: try buffers(of: result.item(2)))
  }

  private func bytes(of object: OpaquePointer) throws -> Data {
    var start: UnsafeMutablePointer<CChar>?
    var size = 0
    guard cpython().pointee.PyBytes_AsStringAndSize(object, &start, &size) == 0, let start else {
      throw PythonError.pending()
    }
    return Data(bytes: start, count: size)
  }

  private func buffers(of dictionary: OpaquePointer) throws -> [String: PythonBuffer] {
    var buffers: [String: PythonBuffer] = [:]
    var position = 0
    var key: OpaquePointer?
    var value: OpaquePointer?
    while cpython().pointee.PyDict_Next(dictionary, &position, &key, &value) != 0 {
      guard let key, let value, let name = pythonText(key) else { continue }
      let view = UnsafeMutablePointer<Py_buffer>.allocate(capacity: 1)
      view.initialize(to: Py_buffer())
      guard cpython().pointee.PyObject_GetBuffer(value, view, CInt(CPYTHON_BUFFER_SIMPLE)) == 0 else {
        view.deallocate()
        throw PythonError.pending()
      }
      buffers[name] = PythonBuffer(view, thread: thread)
    }
    return buffers
  }
}

extension PythonRuntime {
  private func begin(_ interpreter: PythonInterpreter) throws {
    switch state {
    case .failed(let error): throw error
    case .running(let running, _, _):
      guard running.executable == interpreter.executable, running.library == interpreter.library else {
        throw PythonSetupError(
          .alreadyStarted,
          "This process already runs the Python at \(running.executable) and cannot run \(interpreter.executable) too.",
          remedy: "Use one interpreter per process.")
      }
    case .idle:
      try loadLibrary(of: interpreter)
      initialize(executable: interpreter.executable)
      defer { thread.didStart() }
      do {
        let (load, call) = try startBridge()
        state = .running(interpreter, load: load, call: call)
      } catch {
        state = .failed(error)
        throw error
      }
    }
  }

  private func loadLibrary(of interpreter: PythonInterpreter) throws {
    let failed = { (message: String) in
      PythonSetupError(.libraryFailed, message, remedy: "Choose another Python with --python or $GRAFT_PYTHON.")
    }
    var reason = [CChar](repeating: 0, count: 512)
    if cpython_load(interpreter.library, &reason, reason.count) != 0 {
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw failed("Python's shared library does not load: \(text).")
    }
    let version = String(cString: cpython().pointee.Py_GetVersion())
    guard version.hasPrefix("\(interpreter.version.major).\(interpreter.version.minor).") else {
      throw failed(
        "\(interpreter.library) is Python \(version.prefix { $0 != " " }), but \(interpreter.executable) is "
          + "\(interpreter.version).")
    }
    guard cpython().pointee.Py_IsInitialized() == 0 else {
      throw failed("This process already runs a Python that Graft did not start.")
    }
  }

  /// Starts Python as if `executable` ran, from whose place it finds its virtual environment and standard library.
  private func initialize(executable: String) {
    let scalars = executable.unicodeScalars.map { wchar_t(bitPattern: $0.value) } + [0]
    let name = UnsafeMutableBufferPointer<wchar_t>.allocate(capacity: scalars.count)
    _ = name.initialize(from: scalars)
    guard let start = name.baseAddress else { return }
    cpython().pointee.Py_SetProgramName(start)
    cpython().pointee.Py_InitializeEx(0)
  }

  private func startBridge() throws -> (load: OpaquePointer, call: OpaquePointer) {
    let source = String(decoding: PackageResources.bridge_py, as: UTF8.self)
    let code = try PythonObject(
      cpython().pointee.Py_CompileString(source, "<graft bridge.py>", CInt(CPYTHON_FILE_INPUT)))
    let bridge = try PythonObject(cpython().pointee.PyImport_ExecCodeModule("graft_bridge", code.pointer))
    let arguments = try PythonObject.tuple(1)
    arguments.setItem(
      0,
      try PythonObject(
        cpython_progress_function { message, size, fraction in
          let text = String(decoding: UnsafeRawBufferPointer(start: message, count: size), as: UTF8.self)
          progressHandler.withLock { $0 }?(text, fraction < 0 ? nil : fraction)
        }))
    _ = try bridge.attribute("start").call(arguments)
    let load = try bridge.attribute("load")
    let call = try bridge.attribute("call")
    return (load.take(), call.take())
  }
}

/// Who hears of the progress of the call under way.
private let progressHandler = Mutex<PythonRuntime.ProgressHandler?>(nil)
