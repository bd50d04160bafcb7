public import Foundation
import GraftFiles
import GraftIR
import GraftNative

extension Trainer {
  /// A framework whose files of optimiser states are read and written.
  public enum OptimizerStateFormat: String, Sendable, CaseIterable {
    /// What `torch.save(optimizer.state_dict(), path)` writes.
    case torch
    /// A safetensors file of the leaves of `optax.ScaleByAdamState`: `count`, `mu.PATH` and `nu.PATH`, with the paths
    /// of the emitted module's parameters.
    case optax
  }

  /// Takes over the state of an optimiser that has trained the same parameters elsewhere: its moments and the number of
  /// its steps.
  ///
  /// Learning rates and other numbers are this trainer's own. A PyTorch file may also be a dictionary that has the
  /// state under `optimizer` or `optimizer_state_dict`. Its parameters are told by their names if the optimiser was
  /// made with `named_parameters()`, and else by their order, which must be the model's; nothing in the file is
  /// executed.
  ///
  /// - Throws: ``Problem`` for a file that is damaged or lacks what the optimiser remembers, and parameters that do not
  ///   fit; nothing has changed then.
  public func importOptimizerState(from url: URL, format: OptimizerStateFormat) throws {
    try Problem.wrap {
      let (step, tensors) =
        switch format {
        case .torch: try torchState(url)
        case .optax: try optaxState(url)
        }
      guard step >= 0, step < 1 << 53 else {
        throw Diagnostic(.invalidInput, "\(url.path) is of an optimiser after \(step) steps")
      }
      for (name, tensor) in tensors {
        guard let type = programs.store.type(name), type == TensorType(tensor.dtype, tensor.shape.map { Dim($0) })
        else {
          throw Diagnostic(
            .invalidInput, "`\(name)` in \(url.path) is \(tensor.dtype.rawValue)\(tensor.shape)",
            remedy: "It must be \(programs.store.type(name).map(\.description) ?? "absent").")
        }
      }
      try state.withLock { run in
        for (name, tensor) in tensors { try programs.store.replace(name, by: tensor) }
        run.progress.step = step
      }
    }
  }

  /// Writes the state of the optimiser for another framework to go on with.
  ///
  /// PyTorch's `optimizer.load_state_dict(torch.load(path))` reads it, for an optimiser of the same kind whose
  /// parameters are in the model's order, all in one group.
  ///
  /// - Throws: ``Problem`` when it cannot be written, or the framework has no such optimiser.
  public func exportOptimizerState(to url: URL, format: OptimizerStateFormat) throws {
    try Problem.wrap {
      try state.withLock { run in
        switch format {
        case .torch: try TorchFile.write(torchDocument(step: run.progress.step), to: url.path)
        case .optax: try writeOptax(to: url, step: run.progress.step)
        }
      }
    }
  }

  private var trainedPaths: [String] { TrainingGraph.trained(programs.graph.model).compactMap(\.path) }

  /// The variables of the rule for a parameter: the slot's name and the variable's.
  private func slots(_ path: String) -> [(slot: OptimizerSlot, variable: String)] {
    optimizer.rule.slots.map { slot in
      (slot, slot.isShared ? Optimizer.sharedName(slot.name) : Optimizer.slotName(slot.name, path))
    }
  }
}

// MARK: - PyTorch

extension Trainer {
  private func torchState(_ url: URL) throws -> (step: Int, tensors: [String: TensorData]) {
    var document = try TorchFile.read(path: url.path)
    for key in ["optimizer", "optimizer_state_dict"] where document["state"] == nil {
      if let inner = document[key] { document = inner }
    }
    func invalid(_ message: String) -> Diagnostic { Diagnostic(.invalidInput, "\(url.path) \(message)") }
    guard let states = document["state"]?.byNumber, let groups = document["param_groups"]?.asList else {
      throw invalid("is not the state of an optimiser of PyTorch")
    }
    let numbers = groups.flatMap { $0["params"]?.asList ?? [] }.compactMap(\.asInt)
    let names = groups.flatMap { $0["param_names"]?.asList ?? [] }.compactMap(\.asString)
    let numberOfPath = try numbersByPath(numbers, names, url)
    var (step, tensors): (Int?, [String: TensorData]) = (nil, [:])
    for path in trainedPaths {
      guard let number = numberOfPath[path], let state = states[number] else {
        throw invalid("has no state for the parameter `\(path)`")
      }
      let own = state["step"]?.asTensor?.doubles().first ?? state["step"]?.asInt.map(Double.init)
      if let own { step = step ?? Int(exactly: own) }
      for (slot, variable) in slots(path) {
        guard let tensor = state[slot.name]?.asTensor else { throw invalid("lacks `\(slot.name)` of `\(path)`") }
        tensors[variable] = try tensor.converted(to: programs.store.type(variable)?.dtype ?? tensor.dtype)
      }
    }
    return (step ?? 0, tensors)
  }

  /// The numbers that a file gives the parameters.
  private func numbersByPath(_ numbers: [Int], _ names: [String], _ url: URL) throws -> [String: Int] {
    if names.count == numbers.count, !names.isEmpty {
      return Dictionary(zip(names, numbers), uniquingKeysWith: { first, _ in first })
    }
    let all = programs.graph.model.parameters.map(\.path)
    let trained = trainedPaths
    guard let paths = [trained, all].first(where: { $0.count == numbers.count }) else {
      throw Diagnostic(
        .invalidInput, "\(url.path) is of \(numbers.count) parameters, and \(trained.count) are trained here",
        remedy: "Freeze the same parameters, or make PyTorch's optimiser with `model.named_parameters()`.")
    }
    return Dictionary(uniqueKeysWithValues: zip(paths, numbers.sorted()))
  }

  private func torchDocument(step: Int) throws -> TorchValue {
    let paths = trainedPaths
    let states = try paths.enumerated().map { index, path -> (key: TorchValue, value: TorchValue) in
      var entries: [(key: TorchValue, value: TorchValue)] = []
      if optimizer.rule.name != "sgd" {
        entries.append((.string("step"), .tensor(try TensorData(shape: [], elements: [Float(step)]))))
      }
      for (slot, variable) in slots(path) {
        guard let tensor = try programs.store.tensor(variable) else { throw Problem.missing("`\(variable)`") }
        entries.append((.string(slot.name), .tensor(tensor)))
      }
      return (.int(index), .dictionary(entries))
    }
    var group: [(key: TorchValue, value: TorchValue)] = [
      (.string("lr"), .float(optimizer.learningRate)), (.string("weight_decay"), .float(optimizer.weightDecay)),
    ]
    let numbers = optimizer.rule.hyperparameters
    let flags: Set = ["amsgrad", "nesterov", "centered"]
    for (name, value) in numbers.sorted(by: { $0.key < $1.key }) where !name.hasPrefix("beta") {
      group.append((.string(name), flags.contains(name) ? .bool(value != 0) : .float(value)))
    }
    if let beta1 = numbers["beta1"], let beta2 = numbers["beta2"] {
      group.append((.string("betas"), .list([.float(beta1), .float(beta2)])))
    }
    for name in ["maximize", "capturable", "differentiable"] { group.append((.string(name), .bool(false))) }
    for name in ["foreach", "fused"] { group.append((.string(name), .none)) }
    if ["adam", "adamw", "nadam", "radam"].contains(optimizer.rule.name) {
      group.append((.string("decoupled_weight_decay"), .bool(optimizer.rule.name == "adamw")))
    }
    group.append((.string("params"), .list(paths.indices.map { .int($0) })))
    return .dictionary([
      (.string("state"), .dictionary(states)), (.string("param_groups"), .list([.dictionary(group)])),
    ])
  }
}

// MARK: - optax

extension Trainer {
  /// The names of Adam's moments in optax.
  private static let moments = [(slot: "exp_avg", name: "mu"), (slot: "exp_avg_sq", name: "nu")]

  private func checkMoments() throws {
    guard Set(optimizer.rule.slots.map(\.name)) == Set(Self.moments.map(\.slot)) else {
      throw Diagnostic(
        .unsupported, "the state of \(optimizer.rule.name) has no layout of optax that is known here",
        remedy: "Adam's and AdamW's, without amsgrad, have.")
    }
  }

  private func optaxState(_ url: URL) throws -> (step: Int, tensors: [String: TensorData]) {
    try checkMoments()
    let file = try SafetensorsFile(path: url.path)
    let count = try file.tensor(named: "count").doubles()
    guard count.count == 1, let step = Int(exactly: count[0]) else {
      throw Diagnostic(.invalidInput, "`count` in \(url.path) is no whole number")
    }
    var tensors: [String: TensorData] = [:]
    for path in trainedPaths {
      for moment in Self.moments {
        tensors[Optimizer.slotName(moment.slot, path)] = try file.tensor(named: "\(moment.name).\(path)")
      }
    }
    return (step, tensors)
  }

  private func writeOptax(to url: URL, step: Int) throws {
    try checkMoments()
    var entries = [
      SafetensorsWriter.Entry(name: "count", try TensorData(shape: [], elements: [Int32(clamping: step)]))
    ]
    for path in trainedPaths {
      for moment in Self.moments {
        guard let tensor = try programs.store.tensor(Optimizer.slotName(moment.slot, path)) else { continue }
        entries.append(SafetensorsWriter.Entry(name: "\(moment.name).\(path)", tensor))
      }
    }
    try SafetensorsWriter(entries).write(to: url.path)
  }
}
