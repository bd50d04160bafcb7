import Foundation
import Synchronization
import Testing

@testable import GraftPython

/// The interpreter of these tests: `$GRAFT_PYTHON` or what discovery finds. None is a failure.
private let discovered = Task { try await PythonInterpreter.discover() }

func startPython() async throws -> PythonRuntime {
  try await PythonRuntime.start(try await discovered.value)
}

/// Every test here starts programs or Python itself, one after another: a program being written while another is started
/// is busy, and the process has one Python.
@Suite(.serialized, .timeLimit(.minutes(2))) enum PythonTests {}

extension PythonTests {
  @Suite struct PythonRuntimeTests {
    /// Loads `source` and calls its function `f`.
    @discardableResult
    func run(
      _ source: String, request: String = "{}", tensors: [String: PythonBytes] = [:], function: String = "f",
      progress: PythonRuntime.ProgressHandler? = nil, line: Int = #line
    ) async throws -> PythonReply {
      let python = try await startPython()
      let module = "graft_test_\(line)"
      try await python.load(module: module, source: source, filename: "<test \(line)>")
      return try await python.call(module, function, request: request, tensors: tensors, progress: progress)
    }

    /// Runs `source` and returns the exception that it must end in.
    func failure(
      of source: String, request: String = "{}", tensors: [String: PythonBytes] = [:], function: String = "f",
      line: Int = #line, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> PythonError {
      try #require(
        await #expect(throws: PythonError.self, sourceLocation: sourceLocation) {
          try await run(source, request: request, tensors: tensors, function: function, line: line)
        })
    }

    @Test func bytesGoBothWaysWithoutACopy() async throws {
      let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let lent = LentMemory(bytes)
      let reply = try await run(
        "def f(request, tensors): return request, {'out': tensors['in'], 'made': bytes(tensors['in'][::-1])}",
        request: #"{"a": [1, "ü"]}"#, tensors: ["in": lent.bytes()])
      #expect(String(decoding: reply.json, as: UTF8.self) == #"{"a": [1, "ü"]}"#)
      #expect(reply.tensors.keys.sorted() == ["made", "out"])
      let out = try #require(reply.tensors["out"])
      #expect(out.withUnsafeBytes { $0.baseAddress } == UnsafeRawPointer(lent.memory.baseAddress))
      #expect(out.withUnsafeBytes { Array($0) } == bytes)
      let made = try #require(reply.tensors["made"])
      #expect(made.count == bytes.count)
      #expect(made.withUnsafeBytes { Array($0) } == bytes.reversed())
    }

    @Test func aReplyGoesIntoTheNextCallWithoutACopy() async throws {
      let first = try await run("def f(request, tensors): return '{}', {'x': bytearray(range(256))}")
      let x = try #require(first.tensors["x"])
      let second = try await run(
        "def f(request, tensors): return '{}', {'y': tensors['x']}", tensors: ["x": PythonBytes(x)])
      let y = try #require(second.tensors["y"])
      #expect(y.withUnsafeBytes { $0.baseAddress } == x.withUnsafeBytes { $0.baseAddress })
      #expect(y.withUnsafeBytes { Array($0) } == Array(0...255))
    }

    @Test func writableMemoryIsWrittenInPlaceAndOtherMemoryIsNot() async throws {
      let lent = LentMemory([1, 2, 3, 4])
      let source = "def f(request, tensors):\n  tensors['x'][2] = 77\n  return '{}', {}"
      try await run(source, tensors: ["x": lent.bytes(isWritable: true)])
      #expect(Array(lent.memory) == [1, 2, 77, 4])
      let error = try await failure(of: source, tensors: ["x": lent.bytes()])
      #expect(error.type == "TypeError")
      #expect(Array(lent.memory) == [1, 2, 77, 4])
    }

    @Test func emptyBuffersAndNamesOfAllKinds() async throws {
      let names = ["", "layer1.0.weight", "größe", "名前", "a\u{0}b", "🧪"]
      let tensors = Dictionary(uniqueKeysWithValues: names.map { ($0, PythonBytes(copying: Array($0.utf8))) })
      let reply = try await run("def f(request, tensors): return '{}', tensors", tensors: tensors)
      #expect(Set(reply.tensors.keys) == Set(names))
      for name in names {
        #expect(reply.tensors[name]?.withUnsafeBytes { Array($0) } == Array(name.utf8))
      }
    }

    @Test func memoryIsKeptAsLongAsPythonHoldsIt() async throws {
      let source = """
        kept = []
        def f(request, tensors):
            kept.append(memoryview(tensors['x'])[1:])
            return '{}', {}
        def g(request, tensors):
            return '{}', {'x': bytes(kept.pop())}
        """
      var lent: LentMemory? = LentMemory([9, 8, 7])
      weak let owner = lent
      try await run(source, tensors: ["x": try #require(lent).bytes()], line: 1)
      lent = nil
      #expect(owner != nil)
      let reply = try await run(source, function: "g", line: 1)
      #expect(reply.tensors["x"]?.withUnsafeBytes { Array($0) } == [8, 7])
      #expect(owner == nil)
    }

    @Test func nothingIsLeftBehindByAHundredCalls() async throws {
      let source = """
        import gc, json, sys
        shared = bytearray(1000)
        def f(request, tensors):
            return json.dumps({'n': len(tensors['x'])}), {'x': tensors['x'], 'shared': shared}
        def g(request, tensors):
            gc.collect()
            return str(sys.getrefcount(shared)), {}
        def h(request, tensors):
            raise ValueError(tensors)
        def count(request, tensors):
            gc.collect()
            return str(len(gc.get_objects())), {}
        """
      func number(_ function: String) async throws -> Int {
        let reply = try await run(source, function: function, line: 2)
        return try #require(Int(String(decoding: reply.json, as: UTF8.self)))
      }
      let counter = ReleaseCounter()
      _ = try await failure(of: source, function: "h", line: 2)
      let references = try await number("g")
      let objects = try await number("count")
      for _ in 0..<100 {
        let lent = LentMemory([1, 2, 3], counter: counter)
        let reply = try await run(source, tensors: ["x": lent.bytes()], line: 2)
        #expect(reply.tensors.count == 2)
        _ = try await failure(of: source, tensors: ["x": lent.bytes()], function: "h", line: 2)
      }
      #expect(try await number("g") == references)
      #expect(try await number("count") <= objects + 20)
      #expect(counter.count == 100)
    }

    @Test func anExceptionCarriesItsTraceback() async throws {
      let source = """
        def inner(x):
            return {}[x]

        def f(request, tensors):
            return inner('kéy')
        """
      let error = try await failure(of: source, line: 3)
      let lines = error.traceback.split(separator: "\n").filter { !$0.allSatisfy { " ^~".contains($0) } }
      #expect(
        lines == [
          "Traceback (most recent call last):", #"  File "<test 3>", line 5, in f"#, "    return inner('kéy')",
          #"  File "<test 3>", line 2, in inner"#, "    return {}[x]", "KeyError: 'kéy'",
        ])
      #expect(error.type == "KeyError")
      #expect(error.message == "'kéy'")
      #expect(error.code == nil && error.remedy == nil && error.details == nil)
    }

    @Test func graftErrorsKeepTheirFields() async throws {
      let source = """
        class GraftError(Exception):
            def __init__(self, code, message, remedy=None, details=None):
                super().__init__(message)
                self.code, self.message, self.remedy, self.details = code, message, remedy, details

        def f(request, tensors):
            raise GraftError('trace.failed', 'It is 5 µm', remedy='Do “this”', details={'ops': ['aten.x'], 'n': 2})
        """
      let error = try await failure(of: source, line: 4)
      #expect(error.type == "graft_test_4.GraftError")
      #expect(error.code == "trace.failed")
      #expect(error.message == "It is 5 µm")
      #expect(error.remedy == "Do “this”")
      #expect(error.details == #"{"ops": ["aten.x"], "n": 2}"#)
    }

    @Test(arguments: [
      ("import sys; sys.exit(3)", "SystemExit", "3"),
      ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
      ("raise GeneratorExit('x')", "GeneratorExit", "x"),
      ("raise type('Odd', (BaseException,), {'__str__': lambda self: 1 / 0})()", "graft_test_5.Odd", nil),
      ("raise type('Odd', (Exception,), {'code': property(lambda self: 1 / 0)})('y')", "graft_test_5.Odd", "y"),
      ("raise ValueError('\\ud800')", "ValueError", #"\ud800"#),
      ("raise ExceptionGroup('g', [ValueError('a')]) if 'ExceptionGroup' in dir(__builtins__) else KeyError", nil, nil),
      ("import json; json.loads('[' * 100000)", "RecursionError", nil),
    ])
    func userCodeMayRaiseAnything(statement: String, type: String?, message: String?) async throws {
      let error = try await failure(of: "def f(request, tensors):\n  \(statement)\n", line: 5)
      if let type { #expect(error.type == type) }
      if let message { #expect(error.message == message) }
      #expect(!error.traceback.isEmpty)
      #expect(try await run("def f(request, tensors): return '1', {}").json == Data("1".utf8))
    }

    @Test func endlessRecursionIsAnException() async throws {
      let error = try await failure(of: "def f(request, tensors): return f(request, tensors)")
      #expect(error.type == "RecursionError")
      #expect(error.traceback.count < 100_000)
    }

    @Test func theStackIsLarge() async throws {
      let source = """
        import ctypes, sys
        def f(request, tensors):
            c = ctypes.CDLL(None)
            c.pthread_self.restype = ctypes.c_void_p
            thread = ctypes.c_void_p(c.pthread_self())
            if sys.platform == 'darwin':
                c.pthread_get_stacksize_np.restype = ctypes.c_size_t
                return str(c.pthread_get_stacksize_np(thread)), {}
            attributes, size = ctypes.create_string_buffer(256), ctypes.c_size_t()
            assert c.pthread_getattr_np(thread, attributes) == 0
            assert c.pthread_attr_getstacksize(attributes, ctypes.byref(size)) == 0
            return str(size.value), {}
        """
      let size = try #require(Int(String(decoding: try await run(source).json, as: UTF8.self)))
      #expect(size >= 64 << 20)
    }

    @Test(arguments: [
      ("None", "a NoneType, not a pair"),
      ("('{}', {}, 3)", "a tuple of 3, not a pair"),
      ("('{}',)", "a tuple of 1"),
      ("['{}', {}]", "a list, not a pair"),
      ("(b'{}', {})", "a bytes in place of the JSON text"),
      ("('\\ud800', {})", "lone surrogate"),
      ("('{}', None)", "a NoneType in place of the dict"),
      ("('{}', {1: b''})", "a buffer named by a int"),
      ("('{}', {'\\udc80': b''})", "which UTF-8 cannot hold"),
      ("('{}', {'x': 'text'})", "the buffer 'x' as a str, which gives no bytes"),
      ("('{}', {'x': [1, 2]})", "the buffer 'x' as a list, which gives no bytes"),
      ("('{}', {'x': memoryview(bytes(8))[::2]})", "bytes that are not contiguous"),
      ("('{}', {'x': memoryview(bytes(8)).cast('I')})", "elements of format 'I' in 1 dimensions"),
      ("('{}', {'x': memoryview(bytes(8)).cast('B', (2, 4))})", "elements of format 'B' in 2 dimensions"),
    ])
    func aReplyOfTheWrongKindIsAnError(expression: String, complaint: String) async throws {
      let error = try await failure(of: "def f(request, tensors): return \(expression)", line: 6)
      #expect(error.code == "python.bad-reply")
      #expect(error.message.contains(complaint), "\(error.message)")
      #expect(error.message.hasPrefix("graft_test_6.f returned "))
    }

    @Test func missingFunctionsAndModulesAreNamed() async throws {
      let error = try await failure(of: "f = 3", line: 7)
      #expect(error.code == "python.no-function")
      #expect(error.message == "the module graft_test_7 has no function f")
      let python = try await startPython()
      let missing = await #expect(throws: PythonError.self) { try await python.call("os", "getcwd", request: "{}") }
      #expect(missing?.code == "python.no-module")
    }

    @Test func loadingFailsCleanlyAndMayBeRepeated() async throws {
      let python = try await startPython()
      let broken = await #expect(throws: PythonError.self) {
        try await python.load(module: "graft_test_load", source: "x = (", filename: "<broken>")
      }
      #expect(broken?.type == "SyntaxError")
      let raising = await #expect(throws: PythonError.self) {
        try await python.load(module: "graft_test_load", source: "x = 1\nraise OSError(x)", filename: "<raising>")
      }
      #expect(raising?.traceback.contains("raise OSError(x)") == true)
      let source = "n = []\ndef f(request, tensors):\n  n.append(1)\n  return str(len(n)), {}"
      for expected in ["1", "2"] {
        try await python.load(module: "graft_test_load", source: source, filename: "<good>")
        let reply = try await python.call("graft_test_load", "f", request: "{}")
        #expect(reply.json == Data(expected.utf8))
      }
      let taken = await #expect(throws: PythonError.self) {
        try await python.load(module: "json", source: "", filename: "<json>")
      }
      #expect(taken?.code == "python.module-exists")
      let zero = await #expect(throws: PythonError.self) {
        try await python.load(module: "graft_test_zero", source: "x = '\u{0}'", filename: "<zero>")
      }
      #expect(zero?.type == "SyntaxError" || zero?.type == "ValueError")
    }

    @Test func fiftyTasksAtOnce() async throws {
      let python = try await startPython()
      let source = """
        import time
        inside = 0
        def f(request, tensors):
            global inside
            inside += 1
            time.sleep(0.001)
            assert inside == 1
            inside -= 1
            return request, {'x': bytes(b ^ 255 for b in tensors['x'])}
        """
      try await python.load(module: "graft_test_tasks", source: source, filename: "<tasks>")
      let results = try await withThrowingTaskGroup(of: (Int, PythonReply).self) { group in
        for index in 0..<50 {
          group.addTask {
            let tensors = ["x": PythonBytes(copying: [UInt8(index), 7])]
            return (index, try await python.call("graft_test_tasks", "f", request: "\(index)", tensors: tensors))
          }
        }
        return try await group.reduce(into: [Int: PythonReply]()) { $0[$1.0] = $1.1 }
      }
      #expect(results.count == 50)
      for index in 0..<50 {
        let reply = try #require(results[index])
        #expect(reply.json == Data("\(index)".utf8))
        #expect(reply.tensors["x"]?.withUnsafeBytes { Array($0) } == [UInt8(index) ^ 255, 248])
      }
    }

    @Test func pythonThreadsRunWhileNothingIsCalled() async throws {
      let source = """
        import threading, time
        done = threading.Event()
        def f(request, tensors):
            threading.Thread(target=lambda: (time.sleep(0.05), done.set()), daemon=True).start()
            return '{}', {}
        def g(request, tensors):
            return str(done.is_set()), {}
        """
      try await run(source, line: 8)
      var isDone = false
      for _ in 0..<100 where !isDone {
        try await Task.sleep(for: .milliseconds(20))
        isDone = try await run(source, function: "g", line: 8).json == Data("True".utf8)
      }
      #expect(isDone)
    }

    @Test func progressReachesTheCallThatAskedForIt() async throws {
      let source = """
        def f(request, tensors):
            graft_progress('tracing ✓', 0.25)
            graft_progress('verifying')
            graft_progress('\\ud800', 7)
            return '{}', {}
        """
      let heard = Mutex<[String]>([])
      try await run(
        source, progress: { message, fraction in heard.withLock { $0.append("\(message) \(fraction ?? -1)") } }, line: 9
      )
      try await run(source, line: 9)
      #expect(heard.withLock { $0 } == ["tracing ✓ 0.25", "verifying -1.0", #"\ud800 1.0"#])
    }

    @Test func standardOutputIsNotPythons() async throws {
      let source = """
        import sys
        def f(request, tensors):
            sys.stdout = None
            return '{}', {}
        def g(request, tensors):
            return str(sys.stdout is sys.stderr and sys.__stdout__ is sys.stderr), {}
        """
      try await run(source, line: 10)
      #expect(try await run(source, function: "g", line: 10).json == Data("True".utf8))
    }

    @Test func interruptsEndTheProcessAsTheyDoWithoutPython() async throws {
      let source = """
        import signal
        def f(request, tensors):
            return str(signal.getsignal(signal.SIGINT) in (signal.SIG_DFL, signal.SIG_IGN)), {}
        """
      #expect(try await run(source).json == Data("True".utf8))
    }

    @Test func theEnvironmentIsTheInterpreters() async throws {
      let interpreter = try await discovered.value
      let source = """
        import json, sys
        def f(request, tensors):
            return json.dumps([sys.executable, sys.prefix, sys.base_prefix, list(sys.version_info[:3])]), {}
        """
      let fields = try JSONSerialization.jsonObject(with: try await run(source).json) as? [Any]
      #expect(fields?[0] as? String == interpreter.executable)
      #expect(fields?[1] as? String == interpreter.prefix)
      #expect(fields?[2] as? String == interpreter.basePrefix)
      #expect(
        fields?[3] as? [Int]
          == [interpreter.version.major, interpreter.version.minor, interpreter.version.micro])
    }

    @Test func oneInterpreterPerProcess() async throws {
      let interpreter = try await discovered.value
      _ = try await PythonRuntime.start(interpreter)
      var changed = interpreter
      changed.executable = "/elsewhere/python"
      let other = changed
      let error = await #expect(throws: PythonSetupError.self) { _ = try await PythonRuntime.start(other) }
      #expect(error?.code == .alreadyStarted)
    }

    @Test func aCancelledTaskDoesNotCall() async throws {
      let python = try await startPython()
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await python.call("graft_test_cancelled", "f", request: "{}")
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }
}

/// Counts how many memories are gone.
final class ReleaseCounter: Sendable {
  private let value = Mutex(0)
  var count: Int { value.withLock { $0 } }
  func add() { value.withLock { $0 += 1 } }
}

/// Memory to lend to Python.
final class LentMemory: @unchecked Sendable {
  let memory: UnsafeMutableRawBufferPointer
  private let counter: ReleaseCounter?

  init(_ bytes: [UInt8], counter: ReleaseCounter? = nil) {
    memory = .allocate(byteCount: bytes.count, alignment: 64)
    memory.copyBytes(from: bytes)
    self.counter = counter
  }

  deinit {
    memory.deallocate()
    counter?.add()
  }

  func bytes(isWritable: Bool = false) -> PythonBytes {
    PythonBytes(UnsafeRawBufferPointer(memory), owner: self, isWritable: isWritable)
  }
}
