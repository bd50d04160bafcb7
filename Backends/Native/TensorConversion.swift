package import GraftFiles
package import GraftIR

extension TensorData {
  /// The tensor with another element type: towards zero and within the range from floating to integer, to the nearest
  /// from wide to narrow.
  ///
  /// - Throws: ``NativeError`` for complex numbers and types without kernels.
  package func converted(to dtype: DType) throws -> TensorData {
    if dtype == self.dtype { return self }
    guard let convert = VectorKernels(.baseline).cast(self.dtype, dtype) else {
      throw NativeError("\(self.dtype.rawValue) cannot be converted to \(dtype.rawValue)")
    }
    let source = try aligned()
    return try TensorData(dtype: dtype, shape: shape) { target in
      source.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
        convert(to, from, nil, nil, count)
      }
    }
  }
}
