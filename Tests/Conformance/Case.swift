import Foundation
import Graft
import TestSupport

/// The files of cases beside this one, by the name that their cases are known under.
enum Group: String, CaseIterable, Codable {
  case functions
  case nn
  case transformers
  case torchvision
  case goldens

  var file: String {
    switch self {
    case .functions: "functions.py"
    case .nn: "torch_nn.py"
    case .transformers: "transformers_models.py"
    case .torchvision: "torchvision_models.py"
    case .goldens: "goldens.py"
    }
  }
}

extension Group {
  /// What is set while the group's cases run, unless it is set already.
  var environment: [String: String] {
    switch self {
    case .torchvision, .transformers, .nn: XLAEnvironment.unoptimised
    case .functions, .goldens: [:]
    }
  }
}

/// What of a conversion is verified.
enum Subject: String {
  /// The emitted source, in its framework.
  case emitted
  /// The package, natively.
  case native
  /// The emitted source and that of its gradient.
  case gradient

  /// How a worker is told.
  var arguments: [String] { self == .emitted ? [] : ["--\(rawValue)"] }
}

/// A case as `Cases/cases.py` describes it.
struct Case: Decodable {
  var name: String
  var inputs: [String]
  var factory: String?
  var dynamic: [String]
  var `repeat`: Bool
  var vmap: Bool
  var scan: Bool
  var skip: String?
  var verify: Bool
  /// Whether XLA's optimiser stays on where a group does without.
  var optimised: Bool
  /// An entry elsewhere.
  var entry: String?

  /// How the case is converted into a folder of its own.
  func options(file: URL, output: URL) -> TranspileOptions {
    var options = TranspileOptions(
      entry: entry ?? "\(file.path):\(name)", to: .jax,
      output: output.appending(path: name, directoryHint: .isDirectory))
    options.inputs = inputs
    options.inputFactory = factory.map { "\(file.path):\($0)" }
    options.dynamic = dynamic
    options.verifiesVectorisation = vmap
    options.scan = scan
    options.verify = verify
    return options
  }
}

/// Chooses cases: all when there are no words, else those whose `group/name` contains one of them.
struct CaseFilter {
  var words: [String]

  func accepts(_ group: Group, _ name: String) -> Bool {
    words.isEmpty || words.contains { "\(group.rawValue)/\(name)".contains($0) }
  }

  /// Whether a case of the group can be accepted, before its cases are known.
  func mayAccept(_ group: Group) -> Bool {
    words.isEmpty
      || words.contains { word in
        guard let slash = word.firstIndex(of: "/") else { return true }
        return group.rawValue.hasSuffix(word[..<slash])
      }
  }
}
