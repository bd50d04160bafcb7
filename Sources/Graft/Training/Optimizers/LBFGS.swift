import GraftIR

/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal, 1980; Liu and Nocedal, 1989) with
/// steps of a fixed length, as `torch.optim.LBFGS` without a line search.
///
/// It evaluates a function several times a step, on the same data, and needs its gradients as exact as can be: it is
/// for small problems in whole batches.
///
///     var optimizer = LBFGS(learningRate: 0.5)
///     for _ in 0..<20 { loss = try optimizer.step(&parameters) { try lossAndGradients($0) } }
public struct LBFGS: Sendable {
  public var learningRate: Double
  /// The most iterations of a step.
  public var iterations: Int
  /// The most evaluations of a step; by default 5 to 4 iterations.
  public var evaluations: Int?
  /// A largest gradient that is small enough to stop at.
  public var gradientTolerance: Double
  /// A change of parameters or loss that is small enough to stop at.
  public var changeTolerance: Double
  /// The number of past updates that curvature is told from.
  public var history: Int

  private var steps: [[Double]] = []
  private var differences: [[Double]] = []
  private var direction: [Double] = []
  private var lastGradient: [Double] = []
  private var scale = 1.0
  private var stepLength = 0.0
  private var iteration = 0

  public init(
    learningRate: Double = 1, iterations: Int = 20, evaluations: Int? = nil, gradientTolerance: Double = 1e-7,
    changeTolerance: Double = 1e-9, history: Int = 100
  ) {
    self.learningRate = learningRate
    self.iterations = iterations
    self.evaluations = evaluations
    self.gradientTolerance = gradientTolerance
    self.changeTolerance = changeTolerance
    self.history = history
  }

  /// Takes one step of several iterations.
  ///
  /// - Parameters:
  ///   - parameters: float64 or float32 tensors by path, replaced by their new values.
  ///   - evaluate: the loss of parameters, and its gradients by path.
  /// - Returns: the loss before the step.
  /// - Throws: ``Problem`` for a gradient that is missing or of another shape, and what `evaluate` throws.
  @discardableResult
  public mutating func step(
    _ parameters: inout [String: Tensor],
    evaluate: ([String: Tensor]) throws -> (loss: Double, gradients: [String: Tensor])
  ) throws -> Double {
    let paths = parameters.keys.sorted()
    var point = try flat(parameters, paths)
    func measure(_ point: [Double]) throws -> (loss: Double, gradient: [Double]) {
      let (loss, gradients) = try evaluate(unflat(point, parameters, paths))
      let gradient = try flat(gradients, paths)
      guard gradient.count == point.count else {
        throw Problem(Diagnostic(.invalidInput, "the gradients have other shapes than the parameters"))
      }
      return (loss, gradient)
    }
    var (loss, gradient) = try measure(point)
    let before = loss
    var (count, last) = (1, 0.0)
    let limit = evaluations ?? iterations * 5 / 4
    if largest(gradient) <= gradientTolerance { return before }
    for local in 1...max(iterations, 1) {
      iteration += 1
      updateDirection(gradient)
      last = loss
      lastGradient = gradient
      let sum = gradient.reduce(0) { $0 + abs($1) }
      stepLength = iteration == 1 ? min(1, 1 / sum) * learningRate : learningRate
      let slope = dot(gradient, direction)
      if slope > -changeTolerance { break }
      for index in point.indices { point[index] += stepLength * direction[index] }
      if local == iterations { break }
      (loss, gradient) = try measure(point)
      count += 1
      let isSmall = largest(gradient) <= gradientTolerance
      let isStill = largest(direction) * stepLength <= changeTolerance || abs(loss - last) < changeTolerance
      if count >= limit || isSmall || isStill { break }
    }
    parameters = try unflat(point, parameters, paths)
    return before
  }

  /// The direction of the next iteration, by two loops over the past updates.
  private mutating func updateDirection(_ gradient: [Double]) {
    guard iteration > 1 else {
      direction = gradient.map { -$0 }
      (steps, differences, scale) = ([], [], 1)
      return
    }
    let difference = zip(gradient, lastGradient).map { $0 - $1 }
    let step = direction.map { $0 * stepLength }
    let curvature = dot(difference, step)
    if curvature > 1e-10 {
      if steps.count == history {
        steps.removeFirst()
        differences.removeFirst()
      }
      steps.append(step)
      differences.append(difference)
      scale = curvature / dot(difference, difference)
    }
    var result = gradient.map { -$0 }
    var shares = Array(repeating: 0.0, count: steps.count)
    for index in steps.indices.reversed() {
      shares[index] = dot(steps[index], result) / dot(differences[index], steps[index])
      for place in result.indices { result[place] -= shares[index] * differences[index][place] }
    }
    for place in result.indices { result[place] *= scale }
    for index in steps.indices {
      let share = shares[index] - dot(differences[index], result) / dot(differences[index], steps[index])
      for place in result.indices { result[place] += share * steps[index][place] }
    }
    direction = result
  }

  private func largest(_ vector: [Double]) -> Double { vector.reduce(0) { max($0, abs($1)) } }

  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  private func flat(_ tensors: [String: Tensor], _ paths: [String]) throws -> [Double] {
    try paths.flatMap { path -> [Double] in
      guard let tensor = tensors[path], tensor.dtype.isFloating else {
        throw Problem(Diagnostic(.invalidInput, "the tensor of `\(path)` is missing or of no floating type"))
      }
      return try tensor.converted(to: .float64).elements()
    }
  }

  private func unflat(_ point: [Double], _ like: [String: Tensor], _ paths: [String]) throws -> [String: Tensor] {
    var (result, start) = (like, 0)
    for path in paths {
      guard let tensor = like[path] else { continue }
      let part = Array(point[start..<start + tensor.count])
      result[path] = try Tensor(part, shape: tensor.shape).converted(to: tensor.dtype)
      start += tensor.count
    }
    return result
  }
}
