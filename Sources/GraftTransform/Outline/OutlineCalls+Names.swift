import GraftIR

/// What variables are called, and where the calling statements are.
extension OutlineCalls {
  /// Names a call's results after the variables of the calling statement. If that assigns none, a module's single result
  /// gets the name of the input that it replaces, once the inputs have theirs; a function's keeps its own.
  func name(
    _ results: [Value], from call: Origin, in caller: Callee, of callee: Callee, _ function: inout Function
  ) {
    let targets = call.frames.count > caller.outerFrames ? call.frames.last?.assignmentTargets ?? [] : []
    for (index, result) in results.enumerated() {
      if targets.count == results.count {
        function.setHint(targets[index], of: result)
      } else if results.count == 1, callee.kind == .module {
        function.setHint(nil, of: result)
      }
    }
  }

  /// Names what a module that stays part of its caller returns after the variable of the calling statement.
  func nameResults(
    of operation: Operation, in caller: Callee, _ readers: [Value: [Origin]], of function: inout Function
  ) {
    let origin = operation.origin
    let depth = origin.modules.lastIndex { $0.path == caller.path }.map { $0 + 1 } ?? 0
    guard let module = origin.modules.dropFirst(depth).first(where: { !$0.isContainer }), !module.isFrameworkLayer,
      let attribute = module.path.split(separator: ".").last,
      let call = origin.frames.dropFirst(caller.outerFrames).first(where: { $0.text.contains(".\(attribute)(") }),
      call.assignmentTargets.count == 1
    else { return }
    for result in operation.results where readers[result, default: []].allSatisfy({ !$0.modules.contains(module) }) {
      function.setHint(call.assignmentTargets[0], of: result)
    }
  }

  /// How many frames of a called module's operations are those of its callers: those before its `forward`.
  func outerFrames(of module: ModuleCall, _ members: [CallPartition.Item], in caller: Callee) -> Int {
    let outer = caller.outerFrames
    guard let origin = members.last?.operation.origin, let index = origin.modules.firstIndex(of: module) else {
      return outer
    }
    let calling = origin.modules[..<index].lastIndex { $0.path == caller.path } ?? -1
    var skipped = origin.modules[(calling + 1)..<index].count { !$0.isContainer }
    for (position, frame) in origin.frames.enumerated().dropFirst(outer + 1)
    where frame.function == "forward" && !frame.file.hasSuffix("/container.py") {
      if skipped == 0 { return position }
      skipped -= 1
    }
    return outer
  }

  /// The origin of the calling statement.
  func callOrigin(_ call: Call, _ members: [CallPartition.Item]) -> Origin {
    guard var origin = members.last?.operation.origin else { return .unknown }
    switch call {
    case .module(let module):
      let depth = origin.modules.firstIndex(of: module) ?? 0
      origin.modules = Array(origin.modules.prefix(depth))
      origin.frames = callFrames(module, members, last: origin.frames)
      origin.call = source.chain(to: origin.call).last { source.calls[$0].modules <= depth }
    case .function(let number):
      let call = source.calls[number]
      origin.modules = Array(origin.modules.prefix(call.modules))
      origin.frames = Array(origin.frames.prefix(call.frames))
      origin.call = call.parent
    }
    return origin
  }

  /// The frames of the innermost statement that all operations of a module are part of. Those of a small layer may all be
  /// part of a statement of its own, which its `forward` begins.
  private func callFrames(
    _ module: ModuleCall, _ members: [CallPartition.Item], last: [SourceLocation]
  ) -> [SourceLocation] {
    var common = last
    if isOneOfManyLayers(module), let own = common.lastIndex(where: { $0.function == "forward" }), own > 0 {
      common = Array(common[..<own])
    }
    for member in members {
      let frames = member.operation.origin.frames
      let shared = zip(common, frames).prefix { $0.file == $1.file && $0.line == $1.line }.count
      common = Array(common.prefix(shared))
    }
    while let last = common.last, last.text.hasPrefix("return"), common.count > 1 { common.removeLast() }
    return common
  }
}

extension Origin {
  /// Whether the frames from a certain one on only return what the operation computes, so that it is their caller who
  /// names it.
  func isReturned(below outer: Int) -> Bool {
    outer > 0 && frames.count > outer
      && frames[outer...].allSatisfy { $0.assignmentTargets.isEmpty && $0.text.hasPrefix("return") }
  }
}
