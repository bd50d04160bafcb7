import Foundation
import GraftFiles
import GraftIR
import Synchronization
import Testing

@Suite struct TensorDataTests {
  @Test func halfPrecisionRoundTripsEveryBitPattern() throws {
    let all = (0...UInt16.max).map(\.self)
    for dtype in [DType.float16, .bfloat16] {
      let values = try TensorData(shape: [all.count], elements: all, dtype: dtype).floats()
      for (bits, value) in zip(all, values) {
        let back = dtype == .float16 ? HalfPrecision.float16(from: value) : HalfPrecision.bfloat16(from: value)
        if value.isNaN {
          let widened =
            dtype == .float16 ? HalfPrecision.float(fromFloat16: back) : Float(bitPattern: UInt32(back) << 16)
          #expect(widened.isNaN)
        } else if bits != back {
          Issue.record("\(dtype) \(bits) became \(value) and then \(back)")
        }
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func halfPrecisionRoundsAsTheHardware() {
      var generator = CounterRandom(seed: 11)
      var differing = 0
      for _ in 0..<300_000 {
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
        // Two exponents around binary16's range as well, where ties and subnormals are.
        for candidate in [value, Float(generator.nextNormal() * 70_000), Float(generator.nextNormal() * 0x1p-20)] {
          let expected = Float16(candidate)
          let ours = Float16(bitPattern: HalfPrecision.float16(from: candidate))
          differing += expected == ours || expected.isNaN && ours.isNaN ? 0 : 1
          if HalfPrecision.float(fromFloat16: expected.bitPattern) != Float(expected), !expected.isNaN {
            differing += 1
          }
        }
      }
      for bits in 0...UInt16.max where !Float16(bitPattern: bits).isNaN {
        // Exactly between two neighbours: to even.
        let low = Float(Float16(bitPattern: bits))
        let high = Float(Float16(bitPattern: bits).nextUp)
        if low.isFinite, high.isFinite {
          let middle = (low + high) / 2
          differing += Float16(middle) == Float16(bitPattern: HalfPrecision.float16(from: middle)) ? 0 : 1
        }
      }
      #expect(differing == 0)
    }
  #endif

  @Test func convertsEveryDType() throws {
    for dtype in DType.allCases where dtype.isInteger || dtype.isFloating {
      var generator = CounterRandom(seed: 1)
      let data = try TensorData(random: .integers(0...100), dtype: dtype, shape: [50], using: &generator)
      var again = CounterRandom(seed: 1)
      let expected = (0..<50).map { _ in Double(again.nextInteger(in: 0...100)) }
      #expect(data.doubles() == expected, "\(dtype)")
      #expect(data.floats() == expected.map(Float.init), "\(dtype)")
    }
    #expect(try TensorData(shape: [4], elements: [0, 1, 2, 127] as [UInt8], dtype: .bool).doubles() == [0, 1, 1, 1])
    #expect(try TensorData(shape: [2], elements: [Int64.min, -1]).doubles() == [-0x1p63, -1])
    #expect(try TensorData(shape: [1], elements: [1.5, -2], dtype: .complex128).floats() == [1.5, -2])
    #expect(try TensorData(shape: [1], elements: [1.5, -2] as [Float], dtype: .complex64).doubles() == [1.5, -2])
    #expect(try TensorData(shape: [0], elements: [Float]()).doubles() == [])
  }

  @Test func refusesImpossibleShapes() {
    let shapes = [[-1], [Int.max, 2], [1 << 62, 4], [0, Int.max, 2], Array(repeating: 1, count: 65)]
    for shape in shapes {
      #expect(throws: TensorDataError.self) { try TensorData.byteCount(dtype: .float32, shape: shape) }
    }
    #expect(throws: TensorDataError.self) { try TensorData.byteCount(dtype: .key, shape: []) }
    #expect(throws: TensorDataError.self) { try TensorData(shape: [3], elements: [1.0, 2]) }
  }

  @Test func typedViewsCheckTheDType() throws {
    let data = try TensorData(shape: [2], elements: [1, 2] as [Float])
    #expect(try data.withElements(of: Float.self) { Array($0) } == [1, 2])
    #expect(throws: TensorDataError.self) { try data.withElements(of: Int32.self) { _ in } }
    #expect(throws: TensorDataError.self) { try TensorData(shape: [2], elements: [1, 2] as [Float], dtype: .int32) }
  }

  @Test func viewsOfUnalignedBytesAreAligned() throws {
    let file = MappedFile(contents: [9] + [0, 0, 128, 63, 0, 0, 0, 64], path: "x")
    let data = try TensorData(dtype: .float32, shape: [2], file: file, offset: 1)
    #expect(try data.withElements(of: Float.self) { Array($0) } == [1, 2])
    #expect(data.doubles() == [1, 2])
    func address(_ data: TensorData) -> Int { data.withUnsafeBytes { Int(bitPattern: $0.baseAddress) } }
    let aligned = try data.aligned()
    #expect(aligned.doubles() == [1, 2])
    #expect(address(aligned) % 4 == 0)
    #expect(try address(aligned.aligned()) == address(aligned))
    #expect(throws: FileError.self) { try TensorData(dtype: .float32, shape: [2], file: file, offset: 2) }
    #expect(throws: FileError.self) { try TensorData(dtype: .float32, shape: [2], file: file, offset: -1) }
  }

  @Test func foreignMemoryIsReleasedOnce() throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 8)
    memory.copyBytes(from: [0, 0, 128, 63, 0, 0, 0, 64])
    defer { memory.deallocate() }
    let counter = Counter()
    do {
      let data = try TensorData(dtype: .float32, shape: [2], foreign: UnsafeRawBufferPointer(memory)) {
        counter.increment()
      }
      let copy = try data.reshaped([1, 2])
      #expect(copy.floats() == [1, 2])
      #expect(counter.value == 0)
    }
    #expect(counter.value == 1)
    #expect(throws: TensorDataError.self) {
      try TensorData(dtype: .float32, shape: [3], foreign: UnsafeRawBufferPointer(memory)) { counter.increment() }
    }
    #expect(counter.value == 2)
  }

  @Test func filesThatCannotBeMapped() throws {
    try withTemporaryFolder { folder in
      let cases: [(String, FileError.Kind)] = [
        (folder, .isDirectory), (folder + "/none", .notFound), ("/dev/null", .wrongFileType),
        (folder + "/none/x", .notFound),
      ]
      for (path, kind) in cases {
        let error = #expect(throws: FileError.self) { try MappedFile(path: path) }
        #expect(error?.kind == kind)
        #expect(error?.path == path)
      }
      try AtomicWriter.write(to: folder + "/empty") { _ in }
      let empty = try MappedFile(path: folder + "/empty")
      #expect(empty.count == 0)
      #expect(throws: FileError.self) { try empty.withBytes(at: 0, count: 1) { _ in } }
      mkfifo(folder + "/pipe", 0o600)
      #expect(throws: FileError.self) { try MappedFile(path: folder + "/pipe") }
    }
  }
}

private final class Counter: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }
  func increment() { count.add(1, ordering: .relaxed) }
}
