import Foundation
import Testing

@testable import GraftPython

extension PythonTests {
  /// Interpreters that are shell scripts, and what discovery makes of them.
  @Suite struct PythonDiscoveryTests {
    /// A directory of fake interpreters, removed with this object.
    final class Place: Sendable {
      let root: String

      init() throws {
        root = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/graft-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      }

      deinit { try? FileManager.default.removeItem(atPath: root) }

      /// Writes a file below the root and returns its path.
      @discardableResult
      func file(_ name: String, _ text: String, isExecutable: Bool = true) throws -> String {
        let url = URL(fileURLWithPath: root + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        let permissions = isExecutable ? 0o755 : 0o644
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: url.path)
        return url.path
      }

      /// Writes a program that describes itself as a Python with the given fields.
      @discardableResult
      func python(_ name: String, _ fields: [String: Any] = [:], noise: String = "") throws -> String {
        var description: [String: Any] = [
          "version": [3, 11, 7], "implementation": "CPython", "executable": root + "/" + name, "prefix": root,
          "base_prefix": root, "abi_flags": "", "shared": true, "platform": "linux-x86_64", "library": NSNull(),
          "variables": [String: String](),
        ]
        description.merge(fields) { $1 }
        let json = String(decoding: try JSONSerialization.data(withJSONObject: description), as: UTF8.self)
        return try file(name, "#!/bin/sh\n\(noise)\ncat <<'END'\ngraft:\(json)\nEND\n")
      }

      func discover(
        _ explicit: String? = nil, _ environment: [String: String] = [:], timeout: Duration = .seconds(20)
      ) async throws -> PythonInterpreter {
        try await PythonInterpreter.discover(
          explicit: explicit,
          environment: environment.merging(["PATH": root + "/path:/bin:/usr/bin"]) { own, _ in own },
          directory: root, timeout: timeout)
      }

      func failure(
        _ explicit: String? = nil, _ environment: [String: String] = [:], timeout: Duration = .seconds(20),
        sourceLocation: SourceLocation = #_sourceLocation
      ) async throws -> PythonSetupError {
        let error = await #expect(throws: PythonSetupError.self, sourceLocation: sourceLocation) {
          _ = try await discover(explicit, environment, timeout: timeout)
        }
        return try #require(error, sourceLocation: sourceLocation)
      }
    }

    @Test func theOrderOfTheChoices() async throws {
      let place = try Place()
      try place.file("lib/libpython3.11.so.1.0", "")
      try place.python("path/python3")
      #expect(try await place.discover().origin == .path)
      try place.python(".venv/bin/python")
      #expect(try await place.discover().executable == place.root + "/.venv/bin/python")
      #expect(try await place.discover().origin == .localEnvironment)
      try place.python("venv/bin/python")
      let active = ["VIRTUAL_ENV": place.root + "/venv"]
      #expect(try await place.discover(nil, active).executable == place.root + "/venv/bin/python")
      #expect(try await place.discover(nil, active).origin == .virtualEnvironment)
      try place.python("path/python-chosen")
      let chosen = active.merging(["GRAFT_PYTHON": "python-chosen"]) { $1 }
      #expect(try await place.discover(nil, chosen).executable == place.root + "/path/python-chosen")
      #expect(try await place.discover(nil, chosen).origin == .graftPython)
      try place.python("given")
      #expect(try await place.discover("./given", chosen).executable == place.root + "/given")
      #expect(try await place.discover("given", chosen).origin == .option)
      #expect(try await place.discover("venv", chosen).executable == place.root + "/venv/bin/python")
      #expect(try await place.discover(nil, ["GRAFT_PYTHON": "", "VIRTUAL_ENV": ""]).origin == .localEnvironment)
      let home = ["HOME": place.root, "GRAFT_PYTHON": "~/given"]
      #expect(try await place.discover(nil, home).executable == place.root + "/given")
    }

    @Test func aChoiceThatDoesNotExistIsNotPassedOver() async throws {
      let place = try Place()
      try place.file("lib/libpython3.11.so.1.0", "")
      try place.python("path/python3")
      #expect(try await place.failure("/nowhere/python").code == .notFound)
      #expect(try await place.failure("python-nowhere").message.contains("not on PATH"))
      #expect(try await place.failure("").code == .notFound)
      #expect(try await place.failure(nil, ["GRAFT_PYTHON": "nowhere/python"]).message.contains("$GRAFT_PYTHON"))
      #expect(try await place.failure(nil, ["VIRTUAL_ENV": place.root + "/gone"]).message.contains("/gone/bin/python"))
      #expect(try await place.failure(nil, ["PATH": "/nowhere"]).message == "There is no python3 on PATH.")
      #expect(try await place.failure(nil, ["PATH": ""]).code == .notFound)
    }

    @Test func whatIsNoInterpreter() async throws {
      let place = try Place()
      let text = try place.file("text", "hello", isExecutable: false)
      #expect(try await place.failure(text).code == .notExecutable)
      let garbage = try place.file("garbage", "\u{7f}ELF nothing of the kind")
      #expect(try await place.failure(garbage).code == .notAnInterpreter)
      let failing = try place.file("failing", "#!/bin/sh\necho 'no such thing' >&2\nexit 7\n")
      let failed = try await place.failure(failing)
      #expect(failed.code == .notAnInterpreter)
      #expect(failed.message.contains("(exit status 7): no such thing"))
      let silent = try place.file("silent", "#!/bin/sh\nexit 0\n")
      #expect(try await place.failure(silent).code == .notAnInterpreter)
      let odd = try place.file("odd", "#!/bin/sh\necho 'graft:[1, 2'\n")
      #expect(try await place.failure(odd).message.contains("no usable description"))
      #expect(try await place.failure(place.python("short", ["version": [3]])).code == .notAnInterpreter)
      #expect(try await place.failure(place.python("text-version", ["version": "3.11"])).code == .notAnInterpreter)
    }

    @Test func aProgramThatHangsIsKilled() async throws {
      let place = try Place()
      let hanging = try place.file("hanging", "#!/bin/sh\nsleep 600 &\nwait\n")
      let clock = ContinuousClock()
      let start = clock.now
      let error = try await place.failure(hanging, timeout: .seconds(1))
      #expect(error.code == .notAnInterpreter)
      #expect(error.message.contains("did not answer within 1 s"))
      #expect(clock.now - start < .seconds(30))
    }

    @Test func aProgramThatPrintsALotIsRead() async throws {
      let place = try Place()
      try place.file("lib/libpython3.11.so.1.0", "")
      let noisy = try place.python(
        "noisy",
        noise: "i=0; while [ $i -lt 5000 ]; do echo 'a sitecustomize speaks'; i=$((i+1)); done; echo 'graft:no'")
      #expect(try await place.discover(noisy).executable == noisy)
    }

    @Test func versionsAndKindsThatAreTooOld() async throws {
      let place = try Place()
      for version in [[2, 7, 18], [3, 6, 15], [3, 9, 99]] {
        let error = try await place.failure(place.python("old", ["version": version]))
        #expect(error.code == .unsupported)
        let text = version.map(String.init).joined(separator: ".")
        #expect(error.message.hasSuffix("/old is Python \(text), and Graft needs 3.10 or later."))
        #expect(!error.remedy.isEmpty)
      }
      let other = try await place.failure(place.python("pypy", ["implementation": "PyPy"]))
      #expect(other.message.hasSuffix("is PyPy, and Graft needs CPython."))
    }

    @Test func theSharedLibraryIsFoundInSeveralPlaces() async throws {
      let place = try Place()
      let none = try await place.failure(place.python("bin/python"))
      #expect(none.code == .noSharedLibrary)
      #expect(none.remedy.contains("libpython3-dev") && none.remedy.contains("--enable-shared"))
      let debian = try await place.failure(place.python("debian", ["base_prefix": "/usr", "version": [3, 99, 0]]))
      #expect(debian.remedy == "Install it with `sudo apt install libpython3-dev` on Debian or Ubuntu.")
      let pyenv = try await place.failure(
        place.python("pyenv", ["base_prefix": place.root + "/.pyenv/versions/3.11.7"]))
      #expect(pyenv.remedy.contains("PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force 3.11.7"))

      func library(_ path: String, _ fields: [String: Any]) async throws -> String {
        let file = try place.file(path, "")
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try await place.discover(place.python("bin/python", fields)).library
      }
      let root = place.root
      let named = ["INSTSONAME": "libpython3.11d.so.1.0", "LIBDIR": root + "/a"]
      #expect(try await library("a/libpython3.11d.so.1.0", ["variables": named]) == root + "/a/libpython3.11d.so.1.0")
      let archive = ["LDLIBRARY": "libpython3.11.a", "LIBDIR": root + "/a", "MULTIARCH": "x86_64-linux-gnu"]
      #expect(
        try await library("a/x86_64-linux-gnu/libpython3.11.so.1", ["variables": archive])
          == root + "/a/x86_64-linux-gnu/libpython3.11.so.1")
      let framework = ["PYTHONFRAMEWORKPREFIX": root + "/f", "INSTSONAME": "Python.framework/Versions/3.11/Python"]
      #expect(
        try await library("f/Python.framework/Versions/3.11/Python", ["variables": framework])
          == root + "/f/Python.framework/Versions/3.11/Python")
      #expect(try await library("lib64/libpython3.11.dylib", [:]) == root + "/lib64/libpython3.11.dylib")
      #expect(try await library("lib/libpython3.11t.so", ["abi_flags": "t"]) == root + "/lib/libpython3.11t.so")
      #expect(try await library("m/libpython3.11.so.9", ["library": root + "/m/libpython3.11.so.9"]).hasSuffix(".so.9"))
    }

    @Test func librariesThatAreNotPythonsDoNotLoad() async throws {
      let place = try Place()
      try place.file("lib/libpython3.11.so.1.0", "not a library")
      let interpreter = try await place.discover(place.python("bin/python"))
      let error = await #expect(throws: PythonSetupError.self) { _ = try await PythonRuntime.start(interpreter) }
      #expect(error?.code == .libraryFailed || error?.code == .alreadyStarted)
    }

    @Test func theRealInterpreterIsFound() async throws {
      let interpreter = try await PythonInterpreter.discover()
      #expect(interpreter.version >= PythonInterpreter.minimumVersion)
      #expect(FileManager.default.isExecutableFile(atPath: interpreter.executable))
      #expect(FileManager.default.isReadableFile(atPath: interpreter.library))
      #expect(try JSONDecoder().decode(PythonInterpreter.self, from: JSONEncoder().encode(interpreter)) == interpreter)
    }

    @Test func theReportNamesWhatIsInstalledAndWhatIsMissing() async throws {
      let interpreter = try await PythonInterpreter.discover()
      let report = try await PythonEnvironmentReport.collect(interpreter, required: ["torch", "mlx"])
      #expect(report.packages.map(\.name) == PythonEnvironmentReport.frameworks)
      for package in report.packages {
        #expect(package.isRequired == ["torch", "mlx"].contains(package.name))
        #expect((package.installCommand != nil) == (package.isRequired && package.version == nil))
      }
    }

    @Test func theReportReadsWhatTheInterpreterSays() async throws {
      let place = try Place()
      try place.file("lib/libpython3.11.so.1.0", "")
      var interpreter = try await place.discover(place.python("bin/python"))
      try place.file(
        "bin/python",
        "#!/bin/sh\necho 'graft:{\"torch\": \"2.13.0+cpu\", \"tensorflow-cpu\": \"2.21\", \"jax\": null}'\n"
      )
      let report = try await PythonEnvironmentReport.collect(interpreter, required: ["torch", "jax", "mlx"])
      let versions = report.packages.filter { $0.version != nil }.map { "\($0.name) \($0.version ?? "")" }
      #expect(versions == ["torch 2.13.0+cpu", "tensorflow 2.21"])
      #expect(report.missing.map(\.name) == ["jax", "mlx"])
      #expect(
        report.missing.compactMap(\.installCommand)
          == ["jax", "mlx mlx-cpu"].map { "\(interpreter.executable) -m pip install \($0)" })
      let moved = try place.file("a b/it's", "#!/bin/sh\necho 'graft:{}'\n")
      interpreter.executable = moved
      let quoted = try await PythonEnvironmentReport.collect(interpreter, required: ["jax"]).missing.first?
        .installCommand
      #expect(quoted == "'\(place.root)/a b/it'\\''s' -m pip install jax")
      try place.file("a b/it's", "#!/bin/sh\necho 'graft:[]'\n")
      let broken = interpreter
      let error = await #expect(throws: PythonSetupError.self) {
        _ = try await PythonEnvironmentReport.collect(broken)
      }
      #expect(error?.code == .notAnInterpreter)
    }
  }
}
