package import GraftIR
import GraftOps

/// Makes one function of a program's training and inference traces, which behaves like either depending on the mode.
///
/// Operations that both traces have appear once. Ops whose difference between the modes is part of their meaning
/// (`dropout`, the statistics of `batch_norm`) carry it; any other stretches that differ become `mode` operations,
/// placed where the stretch ends, with the values that are used later as results.
package enum MergeModes {
  /// - Parameters:
  ///   - training: the function in training; the result's values and origins are taken from here where both have them.
  ///   - inference: the function in inference, with arguments of the same roles.
  /// - Throws: ``Diagnostic`` with the code `unsupported` when inputs or outputs differ between the modes.
  package static func merge(training: Function, inference: Function) throws -> Function {
    guard training.inputs == inference.inputs, training.outputs == inference.outputs else {
      throw Diagnostic(
        .unsupported, "`\(training.name)` takes or returns another structure in training than in inference",
        remedy: "Convert the two modes as two functions.")
    }
    // A trace leaves out what it does not use.
    let (training, inference) = (
      training.accepting(inference.arguments, of: inference),
      inference.withoutCalls().accepting(training.arguments, of: training)
    )
    var correspondence = ModeCorrespondence(training: training, inference: inference)
    let results = try zip(training.body.results, inference.body.results).map { a, b in
      try correspondence.unifyOutput(a, b)
    }
    let updates = try correspondence.unifyStateUpdates()
    var assembler = ModeAssembler(correspondence)
    return try assembler.assemble(results: results, updates: updates)
  }
}

extension Function {
  /// The function with another's state, parameters and constants as further arguments where it lacks them.
  fileprivate func accepting(_ others: [Argument], of other: Function) -> Function {
    let known = Set(arguments.map(\.role))
    var function = self
    for argument in others where argument.role != .key && !known.contains(argument.role) {
      let info = other.info(argument.value)
      let value = function.makeValue(info.type, hint: info.hint)
      function.arguments.append(Argument(argument.role, value))
    }
    return function
  }
}

/// What one op may differ in between the modes without becoming two operations.
struct ModeDifference {
  /// Attributes that are compared by ``agree`` only.
  var attributes: Set<String> = []
  /// Operands that only the training trace needs to have.
  var trainingOperands: Set<String> = []
  /// Whether the training operation, which the merged function has, stands for the one in inference.
  var agree: @Sendable (_ training: OpCall, _ inference: OpCall) -> Bool = { _, _ in true }
  /// Operands that the results equal in inference, by result.
  var resultsInInference: [Int: Int] = [:]
  /// Whether inference's trace leaves the op out because there it is its first operand.
  var isIdentityInInference = false

  static let table: [String: ModeDifference] = [
    "dropout": ModeDifference(resultsInInference: [0: 0], isIdentityInInference: true),
    "attention": ModeDifference(
      attributes: ["dropout_rate"], trainingOperands: ["key"],
      agree: { training, inference in
        let rate = { (call: OpCall) in (try? call.double("dropout_rate")) ?? 0 }
        return rate(inference) == 0 || rate(inference) == rate(training)
      }),
    "batch_norm": ModeDifference(
      attributes: ["statistics"],
      agree: { training, inference in
        let statistics = { (call: OpCall) in (try? call.string("statistics")) ?? "" }
        let pair = (statistics(training), statistics(inference))
        return pair.0 == pair.1 || pair == ("mode", "running")
      }, resultsInInference: [1: 3, 2: 4]),
  ]
}
