import Foundation
import GraftFiles
import GraftIR
import Testing

/// A folder of its own for a test, removed at the end of the closure.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = NSTemporaryDirectory() + "/graft-files-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

func contents(_ path: String) throws -> [UInt8] { try MappedFile(path: path).withBytes { Array($0) } }

func bytes(_ data: TensorData) -> [UInt8] { data.withUnsafeBytes { Array($0) } }

func list(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

/// The Python with NumPy and safetensors: `$GRAFT_PYTHON`, or the package's `.venv`.
enum Python {
  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["GRAFT_PYTHON"], root.appendingPathComponent(".venv/bin/python").path,
    ]
    return candidates.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Runs a program in a folder and returns what it prints; fails the test when it fails.
  @discardableResult
  static func run(_ program: String, in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(path))
    process.arguments = ["-c", program]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(text)")
    return text
  }
}

/// Shapes with no axis, an empty axis, one and several.
let sampleShapes: [[Int]] = [[], [0], [5], [2, 0, 3], [3, 4], [2, 3, 4, 5]]

/// The dtypes that NumPy and safetensors both have.
let commonDTypes: [DType] = [
  .bool, .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64, .float16, .float32, .float64, .complex64,
]

/// A tensor of random bits (0 and 1 for bool), the same for the same arguments.
func randomBits(_ dtype: DType, _ shape: [Int], seed: UInt64) throws -> TensorData {
  var generator = CounterRandom(seed: seed)
  return try TensorData(dtype: dtype, shape: shape) { buffer in
    for index in 0..<buffer.count {
      let byte = UInt8(truncatingIfNeeded: generator.next())
      buffer[index] = dtype == .bool ? byte & 1 : byte
    }
  }
}

/// Every dtype in every sample shape, named `dtype_index`.
func sampleTensors(_ dtypes: [DType]) throws -> [(name: String, data: TensorData)] {
  var samples: [(name: String, data: TensorData)] = []
  for dtype in dtypes {
    for (index, shape) in sampleShapes.enumerated() {
      samples.append(
        ("\(dtype.rawValue)_\(index)", try randomBits(dtype, shape, seed: UInt64(samples.count))))
    }
  }
  return samples
}
