import GraftFiles
import GraftIR
import Testing

/// A safetensors file from its header text and data.
func safetensors(_ header: String, _ data: [UInt8] = [], declaredLength: UInt64? = nil) -> MappedFile {
  let text = Array(header.utf8)
  let length = declaredLength ?? UInt64(text.count)
  return MappedFile(
    contents: (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text + data, path: "test.safetensors")
}

@Suite struct SafetensorsTests {
  @Test(.enabled(if: Python.path != nil)) func readsWhatTheReferenceWrites() throws {
    try withTemporaryFolder { folder in
      try Python.run(
        """
        import ml_dtypes, numpy as np
        from safetensors.numpy import save_file
        generator = np.random.default_rng(0)
        tensors = {}
        for dtype in "\(commonDTypes.map(\.rawValue).joined(separator: " ")) bfloat16".split():
            kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
            for index, shape in enumerate(\(sampleShapes)):
                count = int(np.prod(shape))
                raw = generator.integers(0, 2 if dtype == "bool" else 256, count * kind.itemsize, dtype=np.uint8)
                tensors[f"{dtype}_{index}"] = raw.view(kind).reshape(shape)
        save_file(tensors, "all.safetensors", metadata={"format": "np", "text": "a\\"\\\\\\n\\u00e9\\u2028"})
        for name, tensor in tensors.items():
            open(name, "wb").write(tensor.tobytes())
        """, in: folder)
      let file = try SafetensorsFile(path: folder + "/all.safetensors")
      #expect(file.names.count == (commonDTypes.count + 1) * sampleShapes.count)
      #expect(file.metadata("format") == "np")
      #expect(file.metadata("text") == "a\"\\\n\u{e9}\u{2028}")
      for dtype in commonDTypes + [.bfloat16] {
        for (index, shape) in sampleShapes.enumerated() {
          let tensor = try file.tensor(named: "\(dtype.rawValue)_\(index)")
          #expect(tensor.dtype == dtype)
          #expect(tensor.shape == shape)
          #expect(try bytes(tensor) == contents("\(folder)/\(dtype.rawValue)_\(index)"))
        }
      }
    }
  }

  @Test(.enabled(if: Python.path != nil)) func writesWhatTheReferenceWritesByteForByte() throws {
    try withTemporaryFolder { folder in
      let samples = try sampleTensors(commonDTypes + [.bfloat16])
      // One key: the reference does not promise an order of metadata.
      let metadata = [(key: "text \"\\\n\u{1}\u{e9}", value: "\u{7f}\u{1F600}")]
      let writer = try SafetensorsWriter(
        samples.reversed().map { .init(name: $0.name, $0.data) }, metadata: metadata)
      try writer.write(to: folder + "/ours.safetensors")
      try Python.run(
        """
        import ml_dtypes
        from safetensors import safe_open
        from safetensors.numpy import save_file
        with safe_open("ours.safetensors", "np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            save_file(tensors, "theirs.safetensors", metadata=file.metadata())
        """, in: folder)
      #expect(try contents(folder + "/ours.safetensors") == contents(folder + "/theirs.safetensors"))
      let file = try SafetensorsFile(path: folder + "/ours.safetensors")
      for (name, data) in samples {
        let read = try file.tensor(named: name)
        #expect(read.dtype == data.dtype && read.shape == data.shape && bytes(read) == bytes(data))
      }
      try #require(file.metadata.count == 1)
      #expect(file.metadata[0].key == metadata[0].key && file.metadata[0].value == metadata[0].value)
      #expect(file.entries.first.map { $0.offset % 8 } == 0)
    }
  }

  @Test func writesTensorsThatArriveInPieces() throws {
    try withTemporaryFolder { folder in
      let data = try randomBits(.float32, [1000, 300], seed: 4)
      let whole = try SafetensorsWriter([.init(name: "x", data)])
      let pieces = try SafetensorsWriter([
        .init(name: "x", dtype: .float32, shape: [1000, 300]) { sink in
          try data.withUnsafeBytes { all in
            for start in stride(from: 0, to: all.count, by: 70_001) {
              try sink(UnsafeRawBufferPointer(rebasing: all[start..<min(start + 70_001, all.count)]))
            }
          }
        }
      ])
      try whole.write(to: folder + "/whole")
      try pieces.write(to: folder + "/pieces")
      #expect(try contents(folder + "/whole") == contents(folder + "/pieces"))
    }
  }

  @Test(arguments: [0, 3, 5]) func refusesProducersOfTheWrongLength(length: Int) throws {
    try withTemporaryFolder { folder in
      let writer = try SafetensorsWriter([
        .init(name: "x", dtype: .uint8, shape: [4]) { sink in
          try [UInt8](repeating: 0, count: length).withUnsafeBytes { try sink($0) }
        }
      ])
      #expect(throws: FileError.self) { try writer.write(to: folder + "/x") }
      #expect(try list(folder) == [])
    }
  }

  @Test func refusesEntriesThatTheFormatLacks() throws {
    let data = try TensorData(shape: [1], elements: [1.0, 2], dtype: .complex128)
    let error = #expect(throws: FileError.self) { try SafetensorsWriter([.init(name: "x", data)]) }
    #expect(error?.message.contains("complex128") == true)
    let one = try TensorData(shape: [], elements: [Float(1)])
    for entries in [["x", "x"], ["__metadata__"]] {
      #expect(throws: FileError.self) { try SafetensorsWriter(entries.map { .init(name: $0, one) }) }
    }
    #expect(throws: FileError.self) { try SafetensorsWriter([], metadata: [("a", "1"), ("a", "2")]) }
  }

  @Test func acceptsHeadersThatTheFormatAllows() throws {
    #expect(try SafetensorsFile(safetensors("{}")).names == [])
    #expect(try SafetensorsFile(safetensors("{}    ")).names == [])
    let spaced = """
      { "b" : { "shape" : [ 2 ] , "data_offsets" : [ 4 , 8 ] , "dtype" : "F16", "extra": [{"x": [1.5e-3, null]}] } ,
        "a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}, "__metadata__": {} }
      """
    let file = try SafetensorsFile(safetensors(spaced, [0, 0, 128, 63, 1, 2, 3, 4]))
    #expect(file.names == ["a", "b"])
    #expect(try file.tensor(named: "a").floats() == [1])
  }

  @Test(arguments: [
    ("{", "damaged"), ("[]", "begin with '{'"), (" {}", "begin with '{'"), ("{}x", "damaged"),
    (#"{"a":1}"#, "damaged"), (#"{"a":{}}"#, "lacks"), (#"{"a":{"dtype":"F32"},"a":{}}"#, "lacks"),
    (#"{"__metadata__":{"a":1}}"#, "damaged"), (#"{"__metadata__":{"a":"","a":""}}"#, "two metadata"),
    (#"{"__metadata__":{},"__metadata__":{}}"#, "two metadata"),
    (#"{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, "F8_E4M3"),
    (#"{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,4]}}"#, "need 5"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, "spans"),
    (#"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#, "truncated"),
    (#"{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}"#, "non-negative"),
    (#"{"a":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}"#, "non-negative"),
    (#"{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}"#, "non-negative"),
    (#"{"a":{"dtype":"U8","shape":[4,],"data_offsets":[0,4]}}"#, "non-negative"),
    (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, "larger than memory"),
    (#"{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}"#, "larger than memory"),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, "too large"),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, "after the last"),
    (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, "gap"),
    (
      #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      "overlaps"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
      "two tensors"
    ),
    (#"{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, "two 'dtype'"),
    (#"{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, "surrogate"),
  ])
  func refusesHeadersThatBreakTheFormat(header: String, cause: String) {
    let error = #expect(throws: FileError.self) { try SafetensorsFile(safetensors(header, [0, 0, 0, 0])) }
    #expect(error?.message.contains(cause) == true, "\(error?.message ?? "")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test func refusesDamagedFrames() {
    for count in 0..<8 {
      #expect(throws: FileError.self) {
        try SafetensorsFile(MappedFile(contents: Array(repeating: 0, count: count), path: "x"))
      }
    }
    for length in [3, 100_000_000, 100_000_001, UInt64(Int.max), UInt64.max, 1 << 63] {
      #expect(throws: FileError.self) { try SafetensorsFile(safetensors("{}", declaredLength: length)) }
    }
    let deep = #"{"a":{"x":"# + String(repeating: "[", count: 1_000_000)
    let error = #expect(throws: FileError.self) { try SafetensorsFile(safetensors(deep)) }
    #expect(error?.message.contains("nested too deeply") == true)
  }
}
