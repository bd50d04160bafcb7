import Foundation
import Testing

/// What a user sees whose program, files or interpreter are not right.
@Suite(.serialized) struct SourceErrorTests {
  static let models = """
    import torch
    from torch import nn


    class Good(nn.Module):
        def __init__(self, width=4):
            super().__init__()
            self.first = nn.Linear(3, width)
            self.second = nn.Linear(width, 2)

        def forward(self, x):
            x = torch.relu(self.first(x))
            return self.second(x)


    class Typo(nn.Module):
        def forward(self, x):
            return x + undefined_name


    class Branch(nn.Module):
        def forward(self, x):
            if x.sum() > 0:
                return x
            return -x


    class Fixed(nn.Module):
        def forward(self, x):
            if x.shape[0] == 2:
                return x * 2
            return x.reshape(2, -1)


    class Unsupported(nn.Module):
        def forward(self, x):
            y = torch.special.spherical_bessel_j0(x)
            z = torch.special.airy_ai(x)
            w = torch.special.airy_ai(z)
            return y, w

    """

  private struct Case {
    var arguments: String
    var status: Int32
    var messages: [String]
  }

  private static let cases = [
    Case(
      arguments: "models.py:Typo --input 'f32[N,3]'", status: 1,
      messages: ["models.py:18: NameError: name 'undefined_name' is not defined"]),
    Case(
      arguments: "models.py:Good --input 'f32[N,5]'", status: 1,
      messages: ["models.py:12", "shapes cannot be multiplied", "the inputs were x [2, 5]"]),
    Case(arguments: "models.py:Good", status: 2, messages: ["missing a required argument: 'x'", "--input"]),
    Case(arguments: "models.py:Goad --input 'f32[2]'", status: 2, messages: ["has no `Goad`", "did you mean Good?"]),
    Case(arguments: "no_such_package:Net", status: 2, messages: ["no Python module no_such_package"]),
    Case(
      arguments: "models.py:Branch --input 'f32[N,3]'", status: 3,
      messages: ["decides in Python on the values of tensors", "models.py:23", "torch.where"]),
    Case(
      arguments: "models.py:Fixed --input 'f32[N,3]'", status: 3,
      messages: ["fixes the dynamic dimension N", "2 instead of N"]),
    Case(
      arguments: "models.py:Unsupported --input 'f32[3,3]'", status: 3,
      messages: [
        "2 operations are not supported", "aten.special_spherical_bessel_j0.default", "models.py:37",
        "aten.special_airy_ai.default",
        "models.py:38", "(2 times)",
      ]),
    Case(
      arguments: "models.py:Good --input 'f32[N,3]' -o models.py", status: 1,
      messages: ["models.py: cannot write into it: it is a file"]),
    Case(
      arguments: "models.py:Good --input 'f32[N,3]' --python ./no/python", status: 1,
      messages: ["no/python, which does not exist", "Point --python at"]),
  ]

  @Test func everyErrorNamesItsPlaceAndRemedy() throws {
    let workspace = try Workspace()
    try workspace.write(Self.models, to: "models.py")
    for test in Self.cases {
      let run = try workspace.graft("transpile --quiet \(test.arguments)")
      #expect(run.status == test.status, "\(test.arguments): \(run.error)")
      #expect(run.output.isEmpty)
      #expect(run.error.hasPrefix("error: "), "\(test.arguments): \(run.error)")
      #expect(!run.error.contains("TORCH_LOGS"), "\(test.arguments): \(run.error)")
      for message in test.messages { #expect(run.error.contains(message), "\(test.arguments): \(run.error)") }
      #expect(!(try workspace.names().contains("out")), "\(test.arguments) wrote something")
    }
  }

  @Test func aPackageIsInspectedEditedAndDamaged() throws {
    let workspace = try Workspace()
    try workspace.write(Self.models, to: "models.py")
    let made = try workspace.graft("transpile models.py:Good --input 'f32[N,3]' -o out --no-verify --quiet")
    #expect(made.status == 0, "\(made.error)")
    #expect(made.error.isEmpty)
    #expect(try workspace.names(in: "out") == ["good.graft", "good.py", "good.safetensors", "manifest.json"])

    let inspected = try workspace.graft("inspect out --size N=5")
    #expect(inspected.status == 0, "\(inspected.error)")
    // 5 rows: 2 * 3 * 4 + 4 for the first layer, 4 for relu, 2 * 4 * 2 + 2 for the second.
    #expect(inspected.output.contains("one inference at N=5: \(5 * (28 + 4 + 18)) FLOP"), "\(inspected.output)")
    #expect(inspected.output.contains("26 trainable, 0 frozen"), "\(inspected.output)")
    #expect(try workspace.graft("inspect out/good.graft --ir").output.contains("linear("))
    let unknown = try workspace.graft("inspect out --size M=5")
    #expect(unknown.status == 2)
    #expect(unknown.error.contains("no dynamic dimension M"))

    let traced = try workspace.graft("inspect models.py:Good --input f32[N,3] --size N=5")
    #expect(traced.status == 0, "\(traced.error)")
    let weights = try #require(inspected.output.firstRange(of: "parameters")?.lowerBound)
    #expect(traced.output.contains(inspected.output[weights...]), "\(traced.output)")

    let source = try workspace.read("out/good.py")
    #expect(source.contains("jax.nn.relu("))
    try workspace.write(source.replacing("jax.nn.relu(", with: "jnp.sin("), to: "out/good.py")
    let wrong = try workspace.graft("verify out --quiet")
    #expect(wrong.status == 4)
    #expect(wrong.output.contains("NOT VERIFIED"))
    #expect(wrong.error.contains("models.py:13: in eval mode"), "\(wrong.error)")
    try workspace.write(source + "\nraise ValueError('boom')\n", to: "out/good.py")
    let raising = try workspace.graft("verify out --quiet")
    #expect(raising.status == 4)
    #expect(
      raising.error.contains(
        "out/good.py:\(source.split(separator: "\n", omittingEmptySubsequences: false).count + 1): "))
    #expect(raising.error.contains("ValueError: boom"), "\(raising.error)")

    try FileManager.default.removeItem(at: workspace.url.appending(path: "out/good.safetensors"))
    try expectFailure("verify out", "good.safetensors is missing", in: workspace)
    try workspace.write("not a package", to: "out/good.graft")
    try expectFailure("inspect out", "good.graft", in: workspace)
    try workspace.write("{\"graft\": 1}", to: "out/manifest.json")
    try expectFailure("inspect out", "manifest.json is damaged", in: workspace)
    try workspace.write("{", to: "out/manifest.json")
    try expectFailure("verify out", "it is not valid JSON", in: workspace)
  }

  private func expectFailure(_ arguments: String, _ message: String, in workspace: Workspace) throws {
    let run = try workspace.graft(arguments)
    #expect(run.status == 1, "\(arguments): \(run.error)")
    #expect(run.output.isEmpty)
    #expect(run.error.hasPrefix("error: "), "\(run.error)")
    #expect(run.error.contains(message), "\(run.error)")
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptLeavesTheOldFilesAndNoOthers(_ signal: Int32) async throws {
    let workspace = try Workspace()
    try workspace.write(Self.models, to: "models.py")
    let folder = workspace.url.appending(path: "out")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try workspace.write("old", to: "out/good.py")
    let started = try CommandLineRun.start("transpile models.py:Good --input 'f32[N,3]' -o out", in: workspace.url)
    let deadline = ContinuousClock.now + .seconds(60)
    while try workspace.names(in: "out").count == 1, started.process.isRunning, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(try workspace.names(in: "out").contains { $0.hasSuffix(".graft-tmp") }, "it had ended before")
    kill(started.process.processIdentifier, signal)
    let sent = ContinuousClock.now
    started.process.waitUntilExit()
    #expect(ContinuousClock.now - sent < .seconds(5))
    #expect(started.process.terminationReason == .uncaughtSignal)
    #expect(started.process.terminationStatus == signal)
    #expect(try workspace.names(in: "out") == ["good.py"])
    #expect(try workspace.read("out/good.py") == "old")
  }
}
