import Foundation
import Testing

@Suite struct UsageTests {
  @Test(arguments: ["", "transpile", "verify", "run", "train", "bench", "inspect", "ops", "doctor"])
  func helpIsAsRecorded(_ command: String) throws {
    let run = try Workspace().graft("\(command) --help")
    #expect(run.status == 0)
    #expect(run.error.isEmpty)
    #expect(run.output.contains("EXAMPLE"))
    #expect(run.output.contains("Exit codes:"))
    try Golden.expect(run.output, is: "help\(command.isEmpty ? "" : "-\(command)").txt")
  }

  @Test(arguments: [
    ("transform", "Unexpected argument 'transform'"),
    ("transpile", "Missing expected argument '<entry>'"),
    ("transpile a.py:b --nope", "Unknown option '--nope'"),
    ("transpile a.py:b --to tensorflaw", "'tensorflaw' is invalid"),
    ("verify", "Missing expected argument"),
    ("inspect x --ir --json", "--ir and --json exclude each other"),
    ("inspect x --size N=many", "'N=many' is invalid"),
    ("inspect x --ir --plan", "--ir and --plan exclude each other"),
    ("run x --threads 0", "--threads must be at least 1"),
    ("run x --input =random[2]", "'=random[2]' is invalid"),
    ("train x.graft -o y.graft", "Missing expected argument '--data"),
    ("train x.graft --data d.npz -o y", "y must end in .graft"),
    ("train x.graft --data d.npz -o y.graft --resume", "--resume and --checkpoint-every need --checkpoint"),
    ("train x.graft --data d.npz -o y.graft --loss hope", "'hope' is invalid"),
    ("train x.graft --data d.npz -o y.graft --batch-size 0", "--batch-size must be at least 1"),
    ("bench x --seconds 0", "--seconds must be a positive number"),
    ("ops --json --markdown", "--json and --markdown exclude each other"),
    ("verify nowhere", "does not exist"),
    ("verify .", "holds no manifest.json"),
  ])
  func wrongUsageEndsWithTwo(_ arguments: String, _ message: String) throws {
    let run = try Workspace().graft(arguments)
    #expect(run.status == 2, "\(run.error)")
    #expect(run.output.isEmpty)
    #expect(run.error.hasPrefix("error: "), "\(run.error)")
    #expect(run.error.contains(message), "\(run.error)")
  }

  @Test func versionAndCompletions() throws {
    let workspace = try Workspace()
    #expect(try workspace.graft("--version").output == "0.1.0\n")
    let script = try workspace.graft("--generate-completion-script bash")
    #expect(script.status == 0)
    #expect(script.output.contains("transpile"))
  }

  @Test func opsFiltersAndIsDeterministic() throws {
    let workspace = try Workspace()
    let first = try workspace.graft("ops --json")
    #expect(first.status == 0)
    #expect(try workspace.graft("ops --json").output == first.output)
    let filtered = try workspace.graft("ops aten.conv2d")
    #expect(filtered.status == 0)
    #expect(filtered.output.contains("aten.conv2d.default"))
    #expect(!filtered.output.contains("aten.relu.default"))
    let nothing = try workspace.graft("ops no-such-operation")
    #expect(nothing.status == 1)
    #expect(nothing.output.isEmpty)
  }

  @Test func doctorSaysWhatIsMissing() throws {
    let run = try Workspace().graft("doctor --json -q --python ./no/python")
    #expect(run.status == 1)
    let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    #expect(report["python"] == nil)
    #expect((report["problems"] as? [[String: Any]])?.count == 1)
    #expect(run.error.contains("no/python, which does not exist"))
  }

  @Test func doctorFindsTheInterpreterOfTheTests() throws {
    let workspace = try Workspace()
    let run = try workspace.graft("doctor -q")
    #expect(run.status == 0, "\(run.error)")
    let titles = run.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(
      titles == [
        "graft", "python", "library", "torch", "torchvision", "jax", "jaxlib", "flax", "transformers", "tensorflow",
        "keras", "numpy", "safetensors", "onnx", "mlx", "processor", "features", "kernels", "blas", "All",
      ])
    #expect(run.output.contains("imported in"))
  }
}

/// Texts that were looked at once and must stay.
enum Golden {
  /// Compares with a file in `Golden`; `GRAFT_RECORD=1` writes it instead, and a missing one is written and fails.
  static func expect(_ text: String, is name: String) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
    let environment = ProcessInfo.processInfo.environment
    let isRecording = environment["GRAFT_RECORD"] == "1" && environment["CI"] == nil
    let known = try? String(contentsOf: file, encoding: .utf8)
    if isRecording || known == nil { try text.write(to: file, atomically: true, encoding: .utf8) }
    if isRecording { return }
    #expect(known == text, "\(name) differs; look at it, and record it with GRAFT_RECORD=1")
  }
}
