import GraftIR
import GraftNative
import GraftTransform

extension Model {
  /// A loss and its gradients with respect to the parameters that are not frozen, in the mode that the model is in
  /// (``train(_:)``).
  ///
  /// The program is written and planned for each call: a loop over batches is what ``Trainer`` is for.
  ///
  /// - Parameters:
  ///   - tensors: the inputs by name, and the targets, with the samples along the first axis.
  ///   - seed: what the model's random numbers are made of, if it draws any.
  /// - Returns: the loss, and the gradients by the paths of the parameters.
  /// - Throws: ``Problem`` for tensors that do not fit the model or the loss, and ops without a gradient.
  public func valueAndGradient(
    _ tensors: KeyValuePairs<String, Tensor>, loss: Loss, seed: UInt64 = 0
  ) throws -> (value: Tensor, gradients: [String: Tensor]) {
    let binding = try DataBinding(Array(tensors), to: self)
    return try Problem.wrap {
      let arguments = try binding.arguments(tensors.map(\.value))
      let graph = TrainingGraph(model: self, loss: loss, metrics: [], optimizer: .sgd(), rematerialization: .none)
      let forward = try graph.evaluation(arguments.map(\.shape), binding.targetColumns)
      let paths = TrainingGraph.trained(self).compactMap(\.path)
      let values = paths.compactMap { path in forward.arguments.first { $0.path == path }?.value }
      let function = try Differentiation.gradient(of: forward, withRespectTo: values, isTraining: training)
      let program = try NativeProgram(function, kernels: .ofThisProcess(), pool: pool, isTraining: training) {
        try weight($0.role)
      }
      let results = try program.run(arguments.map(\.data), seed: seed).map(Tensor.init)
      guard let value = results.first else { throw Problem.missing("the loss") }
      return (value, Dictionary(uniqueKeysWithValues: zip(paths, results.suffix(paths.count))))
    }
  }
}
