import Foundation
import GraftIR
import GraftOps

/// A measure of how good a model is, averaged over what it was measured on.
public struct Metric: Sendable {
  /// The name in logs.
  public let name: String
  /// A sum over a batch, and what all batches' sums are divided by.
  let build: @Sendable (LossArguments) throws -> (sum: GraphTensor, count: GraphTensor)
  /// What the quotient becomes in the end.
  let finish: @Sendable (Double) -> Double

  /// - Parameters:
  ///   - formula: the measure of each sample, position or element of a batch; the metric is their mean over all
  ///     batches.
  public init(
    _ name: String, _ formula: @escaping @Sendable (LossArguments) throws -> GraphTensor
  ) {
    self.init(name, summing: { try Self.total($0, formula($0)) })
  }

  init(
    _ name: String, summing build: @escaping @Sendable (LossArguments) throws -> (sum: GraphTensor, count: GraphTensor),
    finish: @escaping @Sendable (Double) -> Double = { $0 }
  ) {
    self.name = name
    self.build = build
    self.finish = finish
  }

  /// Terms added up, and their number: those of the terms that count.
  private static func total(
    _ arguments: LossArguments, _ terms: GraphTensor, where counts: GraphTensor? = nil
  ) throws -> (sum: GraphTensor, count: GraphTensor) {
    let terms = try terms.converted(to: terms.dtype.isFloating ? terms.dtype : .float32)
    if let counts {
      return (try counts.select(terms, else: 0).sum(), try counts.converted(to: .float32).sum())
    }
    guard let builder = terms.builder else { throw Problem.missing("the program of a metric") }
    let count = try Problem.wrap {
      try builder(.dimension, attributes: ["value": .dim(terms.type.count), "dtype": .dtype(.float32)])
    }
    return (try terms.sum(), GraphTensor(builder, count))
  }
}

extension Metric {
  /// The share of targets whose class has the largest output.
  public static var accuracy: Metric { accuracy() }

  /// The share of targets [N, ...] whose class has the largest output.
  ///
  /// - Parameters:
  ///   - classAxis: where the output has its classes: [N, C, ...] by default.
  ///   - ignoring: targets that do not count.
  public static func accuracy(classAxis: Int = 1, ignoring ignored: Int = -100) -> Metric {
    Metric(
      "accuracy",
      summing: { arguments in
        let (output, target) = (try arguments.output, try arguments.target.converted(to: .int64))
        let isRight = try output.argmax(output.rank == 1 ? 0 : classAxis).converted(to: .int64) .== target
        return try total(arguments, isRight, where: target .!= GraphTensor(integerLiteral: ignored))
      })
  }

  /// The share of targets [N] whose class is among the `count` largest outputs [N, C].
  public static func topK(_ count: Int) -> Metric {
    Metric(
      "top-\(count) accuracy",
      summing: { arguments in
        let (output, target) = (try arguments.output, try arguments.target)
        guard let classes = output.shape.last ?? nil else { throw Problem.missing("the number of classes") }
        let chosen = try Loss.oneHot(target, classes, output).select(output, else: 0).sum([-1], keepdims: true)
        let larger = try (output .> chosen).converted(to: .float32).sum([-1])
        return try total(arguments, larger .< GraphTensor(Double(count)))
      })
  }

  /// The share of targets 0 or 1 that lie on the same side of the threshold as the output.
  public static func binaryAccuracy(threshold: Double = 0) -> Metric {
    Metric(
      "accuracy",
      summing: { arguments in
        let (output, target) = (try arguments.output, try arguments.target)
        return try total(arguments, (output .> GraphTensor(threshold)) .== (target .> 0.5))
      })
  }

  /// The mean absolute error.
  public static var meanAbsoluteError: Metric {
    Metric("mae") { try ($0.output - $0.target).abs() }
  }

  /// The mean squared error.
  public static var meanSquaredError: Metric {
    Metric("mse") { try ($0.output - $0.target).squared() }
  }

  /// The root of the mean squared error.
  public static var rootMeanSquaredError: Metric {
    Metric("rmse", summing: { try total($0, ($0.output - $0.target).squared()) }, finish: { $0.squareRoot() })
  }

  /// The exponential of the mean cross entropy of logits with the target classes.
  ///
  /// - Parameter classAxis: where the output has its classes; -1 is usual for language models [N, T, C].
  public static func perplexity(classAxis: Int = -1) -> Metric {
    Metric(
      "perplexity",
      summing: { try total($0, Loss.crossEntropy(classAxis: classAxis, reduction: .none).build($0)) },
      finish: { exp($0) })
  }
}
