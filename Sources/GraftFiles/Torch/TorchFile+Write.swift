import GraftIR

extension TorchFile {
  /// Writes a file that `torch.load(..., weights_only=True)` reads; an existing one is replaced when the new one is
  /// complete.
  ///
  /// Throws `FileError`, also for an element type without a storage of PyTorch.
  package static func write(_ value: TorchValue, to path: String) throws {
    var writer = PickleWriter(path: path)
    try writer.write(value)
    try AtomicWriter.write(to: path) { file in
      var archive = ZipWriter(file)
      func add(_ name: String, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try archive.add("archive/\(name)", [$0]) }
      }
      try add("data.pkl", [0x80, 2] + writer.bytes + [UInt8(ascii: ".")])
      try add("byteorder", Array("little".utf8))
      for (index, tensor) in writer.tensors.enumerated() {
        try tensor.withUnsafeBytes { try archive.add("archive/data/\(index)", [$0]) }
      }
      try add("version", Array("3\n".utf8))
      try archive.finish()
    }
  }
}

/// Writes values as a pickle of protocol 2.
private struct PickleWriter {
  let path: String
  private(set) var bytes: [UInt8] = []
  private(set) var tensors: [TensorData] = []

  init(path: String) { self.path = path }

  mutating func write(_ value: TorchValue) throws {
    switch value {
    case .none: append("N")
    case .bool(let value): bytes.append(value ? 0x88 : 0x89)
    case .int(let value):
      bytes += [0x8A, 8]
      withUnsafeBytes(of: UInt64(bitPattern: Int64(value)).littleEndian) { bytes += $0 }
    case .float(let value):
      append("G")
      withUnsafeBytes(of: value.bitPattern.bigEndian) { bytes += $0 }
    case .string(let value): text(value)
    case .list(let values):
      append("](")
      for value in values { try write(value) }
      append("e")
    case .dictionary(let entries):
      append("}(")
      for entry in entries {
        try write(entry.key)
        try write(entry.value)
      }
      append("u")
    case .tensor(let tensor): try write(tensor)
    }
  }

  /// `torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
  private mutating func write(_ tensor: TensorData) throws {
    guard let storage = TorchFile.storages.first(where: { $0.dtype == tensor.dtype })?.name else {
      throw FileError(.invalidRequest, path: path, "cannot write: PyTorch has no storage of \(tensor.dtype.rawValue)")
    }
    global("torch._utils _rebuild_tensor_v2")
    append("((")
    text("storage")
    global(storage)
    text("\(tensors.count)")
    text("cpu")
    try write(.int(tensor.count))
    append("tQ")
    try write(.int(0))
    try tuple(tensor.shape)
    var strides = Array(repeating: 1, count: tensor.shape.count)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(tensor.shape[axis + 1], 1)
    }
    try tuple(strides)
    bytes.append(0x89)
    global("collections OrderedDict")
    append(")RtR")
    tensors.append(tensor)
  }

  private mutating func tuple(_ numbers: [Int]) throws {
    append("(")
    for number in numbers { try write(.int(number)) }
    append("t")
  }

  private mutating func append(_ codes: String) { bytes += codes.utf8 }

  private mutating func global(_ name: String) {
    append("c" + name.replacing(" ", with: "\n") + "\n")
  }

  private mutating func text(_ text: String) {
    append("X")
    withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes += $0 }
    append(text)
  }
}
