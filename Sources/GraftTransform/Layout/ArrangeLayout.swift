package import GraftIR
import GraftOps

/// Brings operations into the layouts that a target has them in, and removes the reshapes and transposes that then
/// cancel.
///
/// Transposes move past the operations that follow them, class of modules by class, where that leaves fewer of them.
package struct ArrangeLayout: Pass {
  package let name = "arrange layout"
  private let preferences: [RewriteRule]

  /// - Parameter preferences: rules that write an operation in the target's layout, between transposes.
  package init(preferences: [RewriteRule]) { self.preferences = preferences }

  package func run(_ function: Function) throws -> Function {
    var best = try cleaned(Rewriter(name, preferences).run(function), RewriteRule.shortestView)
    for className in best.classesThatTranspose {
      let normal = try Rewriter(name, [.normalView]).run(best)
      let sunk = try Rewriter(name, [.sinkingTransposes(of: className)]).run(normal)
      let candidate = try cleaned(sunk, RewriteRule.normalView)
      if candidate.viewCount < best.viewCount { best = candidate }
    }
    return best
  }

  private func cleaned(_ function: Function, _ rule: RewriteRule) throws -> Function {
    let shortened = try Rewriter(name, RewriteRule.shapeChains + [rule]).run(function)
    return try EliminateDeadCode().run(EliminateCommonSubexpressions().run(shortened))
  }
}

extension Function {
  /// The classes of the modules that transpose, in order.
  fileprivate var classesThatTranspose: [String] {
    var classes: [String] = []
    body.forEachOperation { operation in
      let name = operation.origin.modules.last?.className ?? ""
      if operation.name == "transpose", !classes.contains(name) { classes.append(name) }
    }
    return classes
  }

  fileprivate var viewCount: Int {
    var count = 0
    body.forEachOperation { if ["reshape", "transpose"].contains($0.name) { count += 1 } }
    return count
  }
}

extension Block {
  /// Visits every operation, those in regions after the one that holds them.
  fileprivate func forEachOperation(_ visit: (Operation) -> Void) {
    for operation in operations {
      visit(operation)
      for region in operation.regions { region.forEachOperation(visit) }
    }
  }
}
