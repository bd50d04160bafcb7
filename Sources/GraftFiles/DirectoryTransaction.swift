#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes several files into a directory and moves them all into place at the end.
///
/// Until `commit`, the directory's files are as they were; an error, `discard`, a signal or a crash before it leaves
/// them so. When a move fails in the middle of `commit`, the files already moved are put back. Files that are not
/// part of the transaction are never touched.
package final class DirectoryTransaction {
  /// The directory, as it was given.
  package let directory: String

  private var writers: [AtomicWriter] = []
  private var isFinished = false

  /// Begins a transaction; creates the directory when it is missing. Throws `FileError`.
  package init(directory: String) throws {
    self.directory = directory
    try makeDirectories(directory)
  }

  deinit { discard() }

  /// A writer for the file `name` (no slashes); the transaction commits it, the caller only writes.
  ///
  /// Files are moved into place in the order of these calls: put the one that describes the others last.
  package func file(named name: String) throws -> AtomicWriter {
    let path = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    guard !isFinished, !name.isEmpty, !name.contains("/"), !writers.contains(where: { $0.path == path }) else {
      throw FileError(.invalidRequest, path: path, "cannot write: not a new file name in this transaction")
    }
    let writer = try AtomicWriter(path: path)
    writers.append(writer)
    return writer
  }

  /// Waits until the disk has every file, then moves all of them into place.
  package func commit() throws {
    guard !isFinished else {
      throw FileError(.invalidRequest, path: directory, "cannot write: the transaction is finished already")
    }
    do {
      for writer in writers { try writer.prepare() }
      for writer in writers { _ = try Place(writer.path) }
      try LiveTemporaryFiles.whileMoving { try moveAll() }
    } catch {
      discard()
      throw error
    }
    isFinished = true
    if let last = writers.last { synchronizeDirectory(of: last.path) }
  }

  /// Drops everything that was written; does nothing after `commit`.
  package func discard() {
    guard !isFinished else { return }
    isFinished = true
    for writer in writers { writer.discard() }
  }

  /// What a place held before its file was moved there.
  private enum Previous {
    case nothing
    /// The previous contents have this name until every move has succeeded.
    case kept(String)
    /// The file system has no hard links, so they cannot be put back.
    case lost
  }

  private func moveAll() throws {
    var moved: [(path: String, previous: Previous)] = []
    do {
      for writer in writers {
        let backup = try TemporaryFiles.freshPath(beside: writer.path)
        let previous: Previous =
          link(writer.path, backup) == 0 ? .kept(backup) : errno == ENOENT ? .nothing : .lost
        do {
          try writer.moveIntoPlace()
        } catch {
          if case .kept(let backup) = previous { unlink(backup) }
          throw error
        }
        moved.append((writer.path, previous))
      }
    } catch {
      for (path, previous) in moved.reversed() {
        switch previous {
        case .nothing: unlink(path)
        case .kept(let backup): rename(backup, path)
        case .lost: break
        }
      }
      throw error
    }
    for case (_, .kept(let backup)) in moved { unlink(backup) }
  }
}
