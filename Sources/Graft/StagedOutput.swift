import Foundation
import GraftFiles
import GraftIR

/// A conversion's files, written completely before any of them takes its place.
final class StagedOutput {
  private let transaction: DirectoryTransaction
  /// The source files by their roles in the manifest.
  private let sources: [String: AtomicWriter]
  private let weights: AtomicWriter
  private let directory: URL
  private let names: [String]

  /// Writes the source, the weights and the package under temporary names in the folder, which is made if need be.
  init(_ program: ConvertedProgram, directory: URL) throws {
    self.directory = directory
    transaction = try DirectoryTransaction(directory: directory.path)
    let files = program.manifest.files
    let texts = program.sourceTexts
    names = (texts.map(\.role) + ["weights", "package"]).compactMap { files[$0] } + [Manifest.fileName]
    var sources: [String: AtomicWriter] = [:]
    for (role, text) in texts {
      let writer = try transaction.file(named: files[role] ?? role)
      try writer.write(text)
      try writer.flush()
      sources[role] = writer
    }
    self.sources = sources
    weights = try transaction.file(named: files["weights"] ?? "weights")
    try SafetensorsWriter(program.weights()).write(to: weights)
    try GraftPackage.write(program, to: try transaction.file(named: files["package"] ?? "package"))
    try weights.flush()
  }

  /// The files under test, where they are now.
  func targets(_ program: ConvertedProgram) -> [Verifier.Target] {
    program.targets(weights: weights.temporaryPath) { sources[$0]?.temporaryPath ?? "" }
  }

  /// Adds the manifest and moves everything into place.
  func commit(_ manifest: Manifest) throws -> [URL] {
    try transaction.file(named: Manifest.fileName).write(try manifest.text())
    try transaction.commit()
    return names.map { directory.appending(path: $0) }
  }
}
