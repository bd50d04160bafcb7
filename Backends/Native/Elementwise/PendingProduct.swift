package import GraftIR

/// A product, or a convolution, that waits for the elementwise work on its result, to do both in one go.
package protocol PendingProduct: AnyObject, Sendable {
  var shape: [Int] { get }
  var dtype: DType { get }
  /// The axes from the outermost to the innermost, as it writes them.
  var order: [Int] { get }
  /// What it reads.
  var reads: [View] { get }
  /// The same with its elements, in row-major order, under another shape; nil where it cannot write that.
  func reshaped(_ shape: [Int]) -> (any PendingProduct)?
  /// The kernel call that writes to `target`, laid out in ``order``, and then does the work of `epilogue` there.
  func step(writing target: View, then epilogue: Epilogue?, _ kernels: NativeKernelSet) throws -> any Step
}

extension PendingProduct {
  package func reshaped(_ shape: [Int]) -> (any PendingProduct)? { nil }
}

/// Elementwise work on what a product has written: an expression that reads the product's target.
package struct Epilogue: Sendable {
  let expression: Expression
  let program: ChainProgram
}
