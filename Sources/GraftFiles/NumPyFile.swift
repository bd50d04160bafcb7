import GraftIR

/// NumPy's `.npy` format: one array per file.
package enum NumPyFile {
  /// Reads the array at `path`; little-endian arrays in C order are views of the mapped file, others are copied.
  ///
  /// Throws `FileError` when the file cannot be read, breaks the format, or holds Python objects, structures or text.
  package static func read(path: String) throws -> TensorData { try read(MappedFile(path: path)) }

  /// Reads the array in a file that is mapped already.
  package static func read(_ file: MappedFile) throws -> TensorData { try read(file, at: 0, count: file.count) }

  /// Writes an array in C order, moved into place when complete. Throws `FileError`; bfloat16 has no NumPy form.
  package static func write(_ tensor: TensorData, to path: String) throws {
    let header = try NumPyHeader.bytes(dtype: tensor.dtype, shape: tensor.shape, path: path)
    try AtomicWriter.write(to: path) { writer in
      try writer.write(header)
      try tensor.withUnsafeBytes { try writer.write($0) }
    }
  }

  /// Reads an array that occupies exactly these bytes of a file; `path` names it in errors.
  static func read(_ file: MappedFile, at offset: Int, count: Int, path: String? = nil) throws -> TensorData {
    let path = path ?? file.path
    let header = try file.withBytes(at: offset, count: count) { try NumPyHeader.parse($0, path: path) }
    let expected: Int
    do {
      expected = try TensorData.byteCount(dtype: header.dtype, shape: header.shape)
    } catch {
      throw FileError(.malformed, path: path, "not a valid .npy file: \(error)")
    }
    let available = count - header.dataOffset
    guard available == expected else {
      throw FileError(
        .malformed, path: path,
        "not a valid .npy file: \(available) bytes of elements where dtype and shape need \(expected)",
        remedy: available < expected ? "get the file again" : "save one array per file")
    }
    let stored = try TensorData(
      dtype: header.dtype, shape: header.isFortranOrder ? header.shape.reversed() : header.shape, file: file,
      offset: offset + header.dataOffset)
    if !header.isBigEndian, !header.isFortranOrder || header.shape.count < 2 { return stored }
    return try stored.rearranged(
      reversingAxes: header.isFortranOrder, swappingBytesOf: header.isBigEndian ? header.dtype.realType.byteWidth : 1)
  }
}

extension TensorData {
  /// A copy with the axes in reverse order, and with the bytes of each component reversed.
  ///
  /// - Parameter width: the bytes of a component; 1 for no reversal.
  fileprivate func rearranged(reversingAxes: Bool, swappingBytesOf width: Int) throws -> TensorData {
    let result = try TensorData(dtype: dtype, shape: reversingAxes ? shape.reversed() : shape) { target in
      withUnsafeBytes { source in
        if reversingAxes {
          switch dtype.byteWidth {
          case 1: copyReversingAxes(source, to: target, shape, as: UInt8.self)
          case 2: copyReversingAxes(source, to: target, shape, as: UInt16.self)
          case 4: copyReversingAxes(source, to: target, shape, as: UInt32.self)
          case 8: copyReversingAxes(source, to: target, shape, as: UInt64.self)
          default: copyReversingAxes(source, to: target, shape, as: SIMD2<UInt64>.self)
          }
        } else {
          target.copyMemory(from: source)
        }
      }
      switch width {
      case 2: swapBytes(target, as: UInt16.self)
      case 4: swapBytes(target, as: UInt32.self)
      case 8: swapBytes(target, as: UInt64.self)
      default: break
      }
    }
    return result
  }
}

private func swapBytes<Element: FixedWidthInteger & BitwiseCopyable>(
  _ buffer: UnsafeMutableRawBufferPointer, as type: Element.Type
) {
  let elements = buffer.bindMemory(to: Element.self)
  for index in 0..<elements.count { elements[index] = elements[index].byteSwapped }
}

/// Copies a row-major array of `shape` to a row-major array whose axes are reversed.
private func copyReversingAxes<Element: BitwiseCopyable>(
  _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, _ shape: [Int], as type: Element.Type
) {
  let elements = target.bindMemory(to: Element.self)
  guard elements.count > 0 else { return }
  let width = MemoryLayout<Element>.stride
  // The target's strides of the source's axes: the source's first axis is the target's last.
  var strides: [Int] = []
  var stride = 1
  for dimension in shape {
    strides.append(stride)
    stride *= dimension
  }
  var position = [Int](repeating: 0, count: shape.count)
  var targetIndex = 0
  for sourceIndex in 0..<elements.count {
    elements[targetIndex] = source.loadUnaligned(fromByteOffset: sourceIndex * width, as: Element.self)
    var axis = shape.count - 1
    while axis >= 0 {
      position[axis] += 1
      targetIndex += strides[axis]
      if position[axis] < shape[axis] { break }
      targetIndex -= strides[axis] * shape[axis]
      position[axis] = 0
      axis -= 1
    }
  }
}
