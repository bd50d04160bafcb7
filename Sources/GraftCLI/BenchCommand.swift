import ArgumentParser
import Foundation
import Graft

/// `graft bench`.
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure a converted model's native execution: latency, throughput, memory, time by kernel.",
    discussion: """
      Calls the model until the time is up and reports how long calls took. The first call, which plans the computation
      for these sizes, is reported by itself.

      EXAMPLES
        graft bench out/resnet18.graft --input 'x=random[8,3,224,224]'
        graft bench out/minilm.graft --input ids.npz --threads 1 --seconds 5
        graft bench out/resnet18.graft --input 'x=random[1,3,224,224]' --json

      Exit codes: 0 done; 1 the package or an input cannot be read; 2 an input does not fit; 3 the model has an op
      without a native kernel.
      """)

  @OptionGroup var call: ModelCallOptions

  @Option(help: "How long to measure.")
  var seconds = 2.0

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func validate() throws {
    guard seconds > 0, seconds.isFinite else { throw ValidationError("--seconds must be a positive number") }
  }

  func run() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let model = try call.model()
    let tensors = try call.tensors(for: model)
    _ = try model(tensors, seed: call.seed)
    let first = (clock.now - start) / .seconds(1)
    var times: [Double] = []
    let end = clock.now + .seconds(seconds)
    repeat {
      let before = clock.now
      _ = try model(tensors, seed: call.seed)
      times.append((clock.now - before) / .seconds(1))
    } while clock.now < end
    let report = BenchReport(
      model: model.name, firstCall: first, times: times.sorted(), peakBytes: ProcessMemory.peak,
      plan: try model.profile(tensors))
    if json {
      Console.output(try JSONText.encode(report))
    } else {
      for line in report.lines { Console.output(line) }
    }
  }
}

/// What a benchmark found; times in seconds.
struct BenchReport: Encodable {
  var model: String
  /// Opening the package, planning, and the first call.
  var firstCallSeconds: Double
  var calls: Int
  var medianSeconds: Double
  var percentile90Seconds: Double
  var percentile99Seconds: Double
  var minimumSeconds: Double
  var callsPerSecond: Double
  /// The largest size of the process in memory.
  var peakBytes: Int
  var plan: Model.PlanSummary

  /// - Parameter times: those of the calls, sorted.
  init(model: String, firstCall: Double, times: [Double], peakBytes: Int, plan: Model.PlanSummary) {
    func percentile(_ share: Double) -> Double { times[min(times.count - 1, Int(share * Double(times.count)))] }
    self.model = model
    firstCallSeconds = firstCall
    calls = times.count
    medianSeconds = percentile(0.5)
    percentile90Seconds = percentile(0.9)
    percentile99Seconds = percentile(0.99)
    minimumSeconds = times[0]
    callsPerSecond = Double(times.count) / times.reduce(0, +)
    self.peakBytes = peakBytes
    self.plan = plan
  }

  var lines: [String] {
    var table = TextTable()
    table.add("first call", Quantity.seconds(firstCallSeconds) + ", with opening and planning")
    table.add(
      "latency",
      "\(Quantity.seconds(medianSeconds)) median, \(Quantity.seconds(percentile90Seconds)) 90%, "
        + "\(Quantity.seconds(percentile99Seconds)) 99%, \(Quantity.seconds(minimumSeconds)) least")
    table.add("throughput", String(format: "%.1f calls/s (%d calls)", callsPerSecond, calls))
    let rate = Double(plan.flops) / medianSeconds
    table.add("arithmetic", "\(Quantity.flops(plan.flops)) a call, \(Quantity.flops(Int(rate)))/s")
    table.add(
      "memory", "\(Quantity.bytes(peakBytes)) at most, \(Quantity.bytes(plan.arenaBytes)) of it between kernels")
    return ["\(model)"] + table.lines + ["", "time by kernel"] + PlanText(plan).kinds
  }
}

/// What the operating system says of this process.
enum ProcessMemory {
  /// The largest resident size so far, in bytes.
  static var peak: Int {
    // Linux's `getrusage` also counts what the process was before it became this program.
    if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let match = status.firstMatch(of: /VmHWM:\s*([0-9]+) kB/), let kibibytes = Int(match.1)
    {
      return kibibytes * 1024
    }
    var usage = rusage()
    #if canImport(Darwin)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      getrusage(RUSAGE_SELF.rawValue, &usage)
      return usage.ru_maxrss * 1024
    #endif
  }
}
