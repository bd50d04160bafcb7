import Graft

/// A plan as text.
struct PlanText {
  private let plan: Model.PlanSummary

  init(_ plan: Model.PlanSummary) { self.plan = plan }

  /// A line for each kernel call in order, and the totals.
  var calls: [String] {
    var table = TextTable(rightAligned: [0, 2, 3, 4])
    for (index, kernel) in plan.kernels.enumerated() {
      table.add(
        "\(index)", kernel.name, Quantity.flops(kernel.flops), Quantity.bytes(kernel.bytes),
        "\(kernel.tasks) \(kernel.tasks == 1 ? "task" : "tasks")",
        "\(kernel.writes.joined(separator: ", ")) <- \(kernel.reads.joined(separator: ", "))", kernel.module)
    }
    return table.lines + [
      "", "\(plan.kernels.count) kernel calls, \(Quantity.flops(plan.flops))",
      "\(Quantity.bytes(plan.arenaBytes)) between kernels, \(Quantity.bytes(plan.preparedBytes)) of prepared weights",
    ]
  }

  /// A line for each kind of kernel, the one that takes the most time first.
  var kinds: [String] {
    var table = TextTable(rightAligned: [1, 2, 3, 4], indent: 2)
    let total = plan.kernels.reduce(0) { $0 + ($1.seconds ?? 0) }
    let groups = Dictionary(grouping: plan.kernels, by: \.name).map { name, kernels in
      (
        name: name, count: kernels.count, seconds: kernels.reduce(0) { $0 + ($1.seconds ?? 0) },
        flops: kernels.reduce(0) { $0 + $1.flops }
      )
    }
    for group in groups.sorted(by: { ($1.seconds, $0.name) < ($0.seconds, $1.name) }) {
      let share = total > 0 ? Int((group.seconds / total * 100).rounded()) : 0
      let rate = group.seconds > 0 ? "\(Quantity.flops(Int(Double(group.flops) / group.seconds)))/s" : ""
      table.add(group.name, "\(group.count)", Quantity.seconds(group.seconds), "\(share)%", rate)
    }
    return table.lines
  }
}

extension Quantity {
  /// `12.3 ms`.
  static func seconds(_ value: Double) -> String {
    for (unit, size) in [("s", 1.0), ("ms", 1e-3)] where value >= size { return "\(rounded(value / size)) \(unit)" }
    return "\(rounded(value / 1e-6)) µs"
  }

  /// Three digits, without a locale.
  private static func rounded(_ value: Double) -> String {
    if value >= 100 { return "\(Int(value.rounded()))" }
    let scale = value >= 10 ? 10.0 : 100.0
    return "\((value * scale).rounded() / scale)"
  }
}
