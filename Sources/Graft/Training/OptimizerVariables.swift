import GraftIR
import GraftOps

/// A tensor that an optimiser keeps from step to step.
struct OptimizerVariable: Sendable {
  /// What it begins with.
  enum Start: Sendable {
    case value(Double)
    /// The parameter of a path.
    case parameter(String)
  }

  /// `optimizer.SLOT.PATH`, `optimizer.SLOT` for a shared slot, `average.PATH` or `accumulated.PATH`.
  var name: String
  var type: TensorType
  var start: Start
}

extension Optimizer {
  static func slotName(_ slot: String, _ path: String) -> String { "optimizer.\(slot).\(path)" }
  static func sharedName(_ slot: String) -> String { "optimizer.\(slot)" }
  static func averageName(_ path: String) -> String { "average.\(path)" }
  static func accumulatedName(_ path: String) -> String { "accumulated.\(path)" }

  /// What is kept for parameters, in a fixed order.
  func variables(for parameters: [(path: String, type: TensorType)]) -> [OptimizerVariable] {
    var variables: [OptimizerVariable] = []
    for slot in rule.slots {
      if slot.isShared {
        variables.append(
          OptimizerVariable(
            name: Self.sharedName(slot.name), type: TensorType(.float64), start: .value(slot.initialValue)))
      } else {
        variables += parameters.map { path, type in
          OptimizerVariable(name: Self.slotName(slot.name, path), type: type, start: .value(slot.initialValue))
        }
      }
    }
    if averaging != nil {
      variables += parameters.map { path, type in
        OptimizerVariable(name: Self.averageName(path), type: type, start: .parameter(path))
      }
    }
    if accumulation > 1 {
      variables += parameters.map { path, type in
        OptimizerVariable(name: Self.accumulatedName(path), type: type, start: .value(0))
      }
    }
    return variables
  }
}

/// Writes an optimiser's step into a program.
struct OptimizerGraph {
  /// A parameter with its gradient.
  struct Entry {
    var path: String
    var parameter: GraphTensor
    var gradient: GraphTensor
  }

  let optimizer: Optimizer
  /// The number of the step, a float64 scalar.
  let step: GraphTensor
  /// What the schedule makes of all learning rates, a float64 scalar.
  let factor: GraphTensor

  /// The new parameters, in the entries' order, and the new values of the variables by name.
  ///
  /// - Parameter variables: those of the optimiser by name, with the gradients accumulated so far if it accumulates.
  func update(
    _ entries: [Entry], _ variables: [String: GraphTensor]
  ) throws -> (parameters: [GraphTensor], variables: [String: GraphTensor]) {
    var results = variables
    var entries = entries
    if optimizer.accumulation > 1 { try addAccumulated(&entries, &results) }
    try clip(&entries)
    var shared: [String: GraphTensor] = [:]
    for slot in optimizer.rule.slots where slot.isShared {
      shared[slot.name] = try value(Optimizer.sharedName(slot.name), variables)
    }
    try optimizer.rule.advance(&shared, at: step(optimizer.learningRate, optimizer.weightDecay))
    for (name, tensor) in shared { results[Optimizer.sharedName(name)] = tensor }
    let parameters = try entries.map { entry in
      let updated = try update(entry, shared, variables, &results)
      if let decay = optimizer.averaging {
        let name = Optimizer.averageName(entry.path)
        results[name] = try value(name, variables).interpolated(to: updated, GraphTensor(1 - decay))
      }
      return updated
    }
    return (parameters, results)
  }

  /// The new values of the accumulated gradients when no step is taken after a batch.
  func accumulate(_ entries: [Entry], _ variables: [String: GraphTensor]) throws -> [String: GraphTensor] {
    var results: [String: GraphTensor] = [:]
    for entry in entries {
      let name = Optimizer.accumulatedName(entry.path)
      results[name] = try value(name, variables) + entry.gradient
    }
    return results
  }

  private func addAccumulated(_ entries: inout [Entry], _ results: inout [String: GraphTensor]) throws {
    let share = GraphTensor(1 / Double(optimizer.accumulation))
    for index in entries.indices {
      let name = Optimizer.accumulatedName(entries[index].path)
      let sum = try value(name, results)
      results[name] = try sum * 0
      entries[index].gradient = try (sum + entries[index].gradient) * share
    }
  }

  private func clip(_ entries: inout [Entry]) throws {
    switch optimizer.clipping {
    case nil: return
    case .value(let limit):
      for index in entries.indices {
        entries[index].gradient = try entries[index].gradient.clipped(GraphTensor(-limit), GraphTensor(limit))
      }
    case .norm(let limit):
      guard let first = entries.first else { return }
      var sum = try first.gradient.squared().sum()
      for entry in entries.dropFirst() { sum = try sum + entry.gradient.squared().sum() }
      let scale = try (GraphTensor(limit) / (sum.sqrt() + 1e-6)).minimum(1)
      for index in entries.indices { entries[index].gradient = try entries[index].gradient * scale }
    }
  }

  private func update(
    _ entry: Entry, _ shared: [String: GraphTensor], _ variables: [String: GraphTensor],
    _ results: inout [String: GraphTensor]
  ) throws -> GraphTensor {
    let rule = optimizer.rule
    var state = shared
    for slot in rule.slots where !slot.isShared {
      state[slot.name] = try value(Optimizer.slotName(slot.name, entry.path), variables)
    }
    let settings = optimizer.settings(for: entry.path)
    let updated = try rule.update(
      entry.parameter, gradient: entry.gradient, state: &state, at: step(settings.learningRate, settings.weightDecay))
    for slot in rule.slots where !slot.isShared {
      results[Optimizer.slotName(slot.name, entry.path)] = try state.slot(slot.name).converted(
        to: entry.parameter.dtype)
    }
    return try updated.converted(to: entry.parameter.dtype)
  }

  private func step(_ learningRate: Double, _ weightDecay: Double) throws -> OptimizerStep {
    OptimizerStep(number: step, learningRate: try factor * GraphTensor(learningRate), weightDecay: weightDecay)
  }

  private func value(_ name: String, _ variables: [String: GraphTensor]) throws -> GraphTensor {
    guard let tensor = variables[name] else { throw Problem.missing("`\(name)`") }
    return tensor
  }
}
