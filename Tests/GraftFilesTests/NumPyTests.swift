import GraftIR
import Testing

@testable import GraftFiles

@Suite struct NumPyTests {
  @Test(.enabled(if: Python.path != nil)) func readsWhatNumPyWrites() throws {
    try withTemporaryFolder { folder in
      try Python.run(
        """
        import numpy as np
        generator = np.random.default_rng(0)
        arrays = {}
        for dtype in "\(commonDTypes.map(\.rawValue).joined(separator: " ")) complex128".split():
            for index, shape in enumerate(\(sampleShapes)):
                kind = np.dtype(dtype)
                raw = generator.integers(0, 2 if dtype == "bool" else 256, int(np.prod(shape)) * kind.itemsize, dtype=np.uint8)
                array = raw.view(kind).reshape(shape)
                name = f"{dtype}_{index}"
                open(name, "wb").write(array.tobytes())
                arrays[name] = array
                big = np.frombuffer(array.byteswap().tobytes(), kind.newbyteorder(">")).reshape(shape)
                for suffix, value, version in [("le", array, (1, 0)), ("be", big, (2, 0)),
                        ("fle", np.array(array, order="F"), (3, 0)), ("fbe", np.array(big, order="F"), None)]:
                    with open(f"{name}.{suffix}.npy", "wb") as file:
                        np.lib.format.write_array(file, value, version=version)
        np.savez("stored.npz", **arrays)
        np.savez_compressed("deflated.npz", **arrays)
        """, in: folder)
      let stored = try NumPyArchive(path: folder + "/stored.npz")
      let deflated = try NumPyArchive(path: folder + "/deflated.npz")
      #expect(stored.names == deflated.names)
      #expect(stored.names.count == (commonDTypes.count + 1) * sampleShapes.count)
      for dtype in commonDTypes + [.complex128] {
        for (index, shape) in sampleShapes.enumerated() {
          let name = "\(dtype.rawValue)_\(index)"
          let expected = try contents("\(folder)/\(name)")
          var arrays = try ["le", "be", "fle", "fbe"].map { try NumPyFile.read(path: "\(folder)/\(name).\($0).npy") }
          arrays += try [stored, deflated].map { try $0.array(named: name) }
          for array in arrays {
            #expect(array.dtype == dtype)
            #expect(array.shape == shape)
            #expect(bytes(array) == expected, "\(name)")
          }
        }
      }
    }
  }

  @Test(.enabled(if: Python.path != nil)) func writesWhatNumPyReads() throws {
    try withTemporaryFolder { folder in
      let samples = try sampleTensors(commonDTypes + [.complex128])
      for (name, data) in samples {
        try NumPyFile.write(data, to: "\(folder)/\(name).npy")
        try AtomicWriter.write(to: "\(folder)/\(name)") { writer in try data.withUnsafeBytes { try writer.write($0) } }
      }
      try NumPyArchive.write(samples, to: folder + "/all.npz")
      let report = try Python.run(
        """
        import glob, io, numpy as np, zipfile
        shapes = \(sampleShapes)
        count = 0
        assert zipfile.ZipFile("all.npz").testzip() is None
        with np.load("all.npz") as archive:
            assert len(archive.files) == len(glob.glob("*.npy"))
            for name in archive.files:
                dtype, index = name.split("_")
                raw = open(name, "rb").read()
                for array in (np.load(name + ".npy"), archive[name]):
                    assert array.dtype == dtype and list(array.shape) == shapes[int(index)], name
                    assert array.tobytes() == raw, name
                stream = io.BytesIO()
                np.save(stream, archive[name])
                assert stream.getvalue() == open(name + ".npy", "rb").read(), name
                count += 1
        print(count)
        """, in: folder)
      #expect(report == "\(samples.count)\n")
      let archive = try NumPyArchive(path: folder + "/all.npz")
      #expect(archive.names == samples.map(\.name))
      for (name, data) in samples {
        let read = try archive.array(named: name)
        #expect(read.dtype == data.dtype && read.shape == data.shape && bytes(read) == bytes(data))
        // Stored contents are aligned, so that the mapped archive serves vector loads.
        #expect(read.withUnsafeBytes { Int(bitPattern: $0.baseAddress ?? UnsafeRawPointer(bitPattern: 64)) % 64 } == 0)
      }
    }
  }

  @Test(.enabled(if: Python.path != nil)) func inflatesEveryKindOfBlock() throws {
    try withTemporaryFolder { folder in
      try Python.run(
        """
        import io, numpy as np, zipfile, zlib
        generator = np.random.default_rng(1)
        arrays = {
            "zeros": np.zeros(3_000_000, np.float32),
            "noise": generator.integers(0, 256, 300_000, dtype=np.uint8),
            "text": np.frombuffer(b"the quick brown fox " * 20_000, np.uint8),
            "walk": np.cumsum(generator.integers(-1, 2, 200_000)),
        }
        for level in (0, 1, 6, 9):
            with zipfile.ZipFile(f"{level}.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
                for name, array in arrays.items():
                    with archive.open(name + ".npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, array)
        np.savez("plain.npz", **arrays)
        """, in: folder)
      let plain = try NumPyArchive(path: folder + "/plain.npz")
      for level in [0, 1, 6, 9] {
        let archive = try NumPyArchive(path: "\(folder)/\(level).npz")
        for name in ["zeros", "noise", "text", "walk"] {
          #expect(try bytes(archive.array(named: name)) == bytes(plain.array(named: name)), "\(level) \(name)")
        }
      }
    }
  }

  @Test(.enabled(if: Python.path != nil)) func refusesWhatIsNotAnArrayOfNumbers() throws {
    try withTemporaryFolder { folder in
      try Python.run(
        """
        import numpy as np
        np.save("objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
        np.save("text.npy", np.array(["a", "b"]))
        np.save("fields.npy", np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
        np.save("dates.npy", np.zeros(2, dtype="M8[s]"))
        """, in: folder)
      for (name, cause) in [("objects", "pickle"), ("text", "<U1"), ("fields", "structured"), ("dates", "<M8[s]")] {
        let error = #expect(throws: FileError.self) { try NumPyFile.read(path: "\(folder)/\(name).npy") }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains(cause) == true)
      }
    }
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'shape': ()}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': ()} + 1",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904)}",
    "{'descr': '<f\\x34', 'fortran_order': False, 'shape': ()}", "{'descr': '<f4", "{", "", "__import__('os')",
  ])
  func refusesHeadersThatAreNotTheLiteral(header: String) {
    let error = #expect(throws: FileError.self) { try NumPyFile.read(npy(header, [0, 0, 128, 63])) }
    #expect(error?.kind == .malformed, "\(String(describing: error))")
  }

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "{'shape':(1,),'fortran_order':True,'descr':\"<f4\"}\n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 1L)}",
  ])
  func acceptsEveryFormOfTheLiteral(header: String) throws {
    #expect(try NumPyFile.read(npy(header, [0, 0, 128, 63])).floats() == [1])
  }

  @Test func noticesDamagedMembers() throws {
    try withTemporaryFolder { folder in
      let data = try randomBits(.float32, [100], seed: 5)
      try NumPyArchive.write([("x", data)], to: folder + "/x.npz")
      var archive = try contents(folder + "/x.npz")
      archive[300] ^= 1
      let damaged = try NumPyArchive(MappedFile(contents: archive, path: "x.npz"))
      let error = #expect(throws: FileError.self) { try damaged.array(named: "x") }
      #expect(error?.message.contains("checksum") == true)
      #expect(error?.path == "x.npz/x.npy")
    }
  }

  /// With a low limit, small archives take the form that sizes and positions over 4 GiB need.
  @Test(.enabled(if: Python.path != nil), arguments: [1, 200, 700]) func writesZip64(limit: Int) throws {
    try withTemporaryFolder { folder in
      let samples = try sampleTensors([.float32, .uint8])
      let path = folder + "/wide.npz"
      try AtomicWriter.write(to: path) {
        try NumPyArchive.write(samples, ZipWriter($0, zip64Limit: limit), path: path)
      }
      try NumPyArchive.write(samples, to: folder + "/narrow.npz")
      let archive = try NumPyArchive(path: path)
      #expect(archive.names == samples.map(\.name))
      for (name, data) in samples { #expect(try bytes(archive.array(named: name)) == bytes(data)) }
      #expect(try contents(path) != contents(folder + "/narrow.npz"))
      try Python.run(
        """
        import numpy as np, zipfile
        assert zipfile.ZipFile("wide.npz").testzip() is None
        wide, narrow = np.load("wide.npz"), np.load("narrow.npz")
        assert wide.files == narrow.files and len(wide.files) == \(samples.count)
        for name in wide.files:
            assert wide[name].tobytes() == narrow[name].tobytes() and wide[name].shape == narrow[name].shape, name
        """, in: folder)
    }
  }

  @Test func refusesBfloat16() throws {
    try withTemporaryFolder { folder in
      let data = try randomBits(.bfloat16, [2], seed: 6)
      #expect(throws: FileError.self) { try NumPyFile.write(data, to: folder + "/x.npy") }
      #expect(throws: FileError.self) { try NumPyArchive.write([("x", data)], to: folder + "/x.npz") }
      #expect(try list(folder) == [])
    }
  }
}

/// A `.npy` file of version 1.0 from its header text and data.
func npy(_ header: String, _ data: [UInt8]) -> MappedFile {
  let text = Array(header.utf8)
  let prefix: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)]
  return MappedFile(contents: prefix + text + data, path: "test.npy")
}
