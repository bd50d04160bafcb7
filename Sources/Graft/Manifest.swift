import Foundation
import GraftIR
import GraftTrace

/// What `manifest.json` says of a converted program: where it came from, what its files are, how it is called, and how
/// it was verified.
public struct Manifest: Codable, Sendable, Equatable {
  /// The version of Graft that wrote it.
  public var graft: String
  public var name: String
  public var source: Source
  public var target: Target
  /// The function to call in the target's file.
  public var entry: String
  /// File names by role: `source`, `weights`, `package`, and `gradient` where that was asked for.
  public var files: [String: String]
  public var signature: Signature
  /// Nil when the conversion was not verified.
  public var verification: VerificationReport?

  /// The program that was converted, and how to make it again.
  public struct Source: Codable, Sendable, Equatable {
    public var framework: String
    public var version: String
    public var libraries: [String: String]
    public var entry: String
    public var initArguments: String?
    public var inputs: [String]
    public var inputFactory: String?
    public var dynamic: [String]
    /// What was converted; both modes if absent.
    public var mode: ConversionMode?
    public var file: String?
    public var line: Int?
    public var className: String?
  }

  public struct Target: Codable, Sendable, Equatable {
    public var framework: String
    /// Whether loops over equal layers are scans over their stacked parameters; nil if not.
    public var scan: Bool?
  }

  /// How the emitted function is called.
  public struct Signature: Codable, Sendable, Equatable {
    public var inputs: [Tensor]
    public var outputs: [Tensor]
    /// The paths of what the function takes beside parameters and inputs: statistics, tables.
    public var state: [String]
    /// Those that training changes; where there are any, the function returns its outputs and the new state.
    public var newState: [String]
    /// Whether it takes a random key.
    public var rng: Bool
    /// Whether training and inference differ.
    public var mode: Bool
    public var symbols: [Symbol]
  }

  public struct Tensor: Codable, Sendable, Equatable {
    public var name: String
    public var dtype: String
    public var shape: [String]
  }

  public struct Symbol: Codable, Sendable, Equatable {
    public var name: String
    public var minimum: Int
    public var maximum: Int?
  }
}

extension Manifest {
  static let fileName = "manifest.json"

  /// The file's text: keys sorted, so that equal manifests are equal bytes.
  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// Reads the manifest of a folder that `graft transpile` wrote.
  ///
  /// - Throws: ``Diagnostic`` when there is none or it cannot be read.
  static func read(from directory: String) throws -> Manifest {
    let path = (directory as NSString).appendingPathComponent(fileName)
    guard FileManager.default.fileExists(atPath: directory) else {
      throw Diagnostic(.invalidInput, "\(directory) does not exist", remedy: "Check the spelling of the path.")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Diagnostic(
        .invalidInput, "\(directory) holds no \(fileName)",
        remedy: "Give the folder that `graft transpile -o` wrote.")
    }
    do {
      return try JSONDecoder().decode(Manifest.self, from: data)
    } catch let error as DecodingError {
      throw Diagnostic(
        .invalidPackage, "\(path) is damaged: \(error.cause)", remedy: "Convert the model again with `graft transpile`."
      )
    }
  }
}

extension DecodingError {
  /// What is wrong with the JSON, in a few words.
  fileprivate var cause: String {
    func place(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
    switch self {
    case .keyNotFound(let key, let context): return "it lacks `\(place(context.codingPath + [key]))`"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "`\(place(context.codingPath))` is of the wrong type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "`\(place(context.codingPath))` has no valid value"
    default: return "it is not valid JSON"
    }
  }
}
