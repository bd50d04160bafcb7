import Foundation
import GraftFiles
import GraftIR

/// A conversion's files, written completely before any of them takes its place.
final class StagedOutput {
  private let transaction: DirectoryTransaction
  private let source: AtomicWriter
  private let weights: AtomicWriter
  private let directory: URL
  private let names: [String]

  /// Writes the source, the weights and the package under temporary names in the folder, which is made if need be.
  init(_ program: ConvertedProgram, directory: URL) throws {
    self.directory = directory
    transaction = try DirectoryTransaction(directory: directory.path)
    let files = program.manifest.files
    names = ["source", "weights", "package"].compactMap { files[$0] } + [Manifest.fileName]
    source = try transaction.file(named: names[0])
    try source.write(program.module.text)
    weights = try transaction.file(named: names[1])
    try SafetensorsWriter(program.weights()).write(to: weights)
    try GraftPackage.write(program, to: try transaction.file(named: names[2]))
    try source.flush()
    try weights.flush()
  }

  /// The files under test, where they are now.
  func target(_ program: ConvertedProgram) -> Verifier.Target {
    Verifier.Target(
      module: source.temporaryPath, weights: weights.temporaryPath, function: program.name)
  }

  /// Adds the manifest and moves everything into place.
  func commit(_ manifest: Manifest) throws -> [URL] {
    try transaction.file(named: Manifest.fileName).write(try manifest.text())
    try transaction.commit()
    return names.map { directory.appending(path: $0) }
  }
}
