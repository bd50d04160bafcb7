import Foundation
import Testing

@testable import GraftFiles

@Suite struct AtomicWriterTests {
  @Test func replacesTheFileOnCommitOnly() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/deep/er/file"
      try AtomicWriter.write(to: path) { try $0.write("old") }
      let writer = try AtomicWriter(path: path)
      try writer.write([UInt8](repeating: 1, count: 200_000))
      #expect(try contents(path) == Array("old".utf8))
      #expect(try list(folder + "/deep/er").count == 2)
      try writer.commit()
      #expect(try contents(path).count == 200_000)
      #expect(try list(folder + "/deep/er") == ["file"])
      #expect(throws: FileError.self) { try writer.commit() }
    }
  }

  @Test func leavesNothingAfterAnError() throws {
    struct Cancelled: Error {}
    try withTemporaryFolder { folder in
      try AtomicWriter.write(to: folder + "/file") { try $0.write("old") }
      #expect(throws: Cancelled.self) {
        try AtomicWriter.write(to: folder + "/file") { writer in
          try writer.write("new")
          throw Cancelled()
        }
      }
      #expect(try contents(folder + "/file") == Array("old".utf8))
      _ = try AtomicWriter(path: folder + "/forgotten")
      #expect(try list(folder) == ["file"])
    }
  }

  @Test func namesWhatIsInTheWay() throws {
    try withTemporaryFolder { folder in
      try AtomicWriter.write(to: folder + "/file") { try $0.write("x") }
      let cases: [(String, FileError.Kind)] = [
        (folder, .isDirectory), (folder + "/", .isDirectory), (folder + "/file/x", .wrongFileType),
        (folder + "/file/x/y", .wrongFileType), ("/dev/full", .wrongFileType), ("", .invalidRequest),
        ("/proc/graft-test", .notFound), ("/proc/graft/test", .notFound), (folder + "/a\0b", .invalidRequest),
      ]
      for (path, kind) in cases {
        let error = #expect(throws: FileError.self) { try AtomicWriter.write(to: path) { try $0.write("x") } }
        #expect(error?.kind == kind, "\(path): \(String(describing: error))")
      }
      #expect(try list(folder) == ["file"])
    }
  }

  @Test func namesReadOnlyFolders() throws {
    try withTemporaryFolder { folder in
      // Root may write anywhere but to a file system that is read-only.
      let readOnly = getuid() == 0 ? "/sys/kernel" : folder
      chmod(folder, 0o555)
      defer { chmod(folder, 0o755) }
      let error = #expect(throws: FileError.self) { try AtomicWriter.write(to: readOnly + "/file") { _ in } }
      #expect(error?.kind == .permissionDenied, "\(String(describing: error))")
      #expect(error?.remedy != nil)
    }
  }

  @Test func aFullDiskLeavesTheOldFile() async throws {
    // A file size limit fails a write in the middle as a full disk does; the limit holds for a whole process.
    let folder = NSTemporaryDirectory() + "/graft-full-\(UUID().uuidString)"
    try AtomicWriter.write(to: folder + "/file") { try $0.write("old") }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      setrlimit(.init(RLIMIT_FSIZE.rawValue), &limit)
      let error = #expect(throws: FileError.self) {
        try AtomicWriter.write(to: folder + "/file") { try $0.write([UInt8](repeating: 1, count: 300_000)) }
      }
      #expect(error?.kind == .noSpace)
    }
    #expect(try list(folder) == ["file"])
    #expect(try contents(folder + "/file") == Array("old".utf8))
  }

  @Test func theNextWriterRemovesWhatAKilledOneLeft() async throws {
    let folder = NSTemporaryDirectory() + "/graft-kill-\(UUID().uuidString)"
    try AtomicWriter.write(to: folder + "/file") { try $0.write("old") }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
      let transaction = try DirectoryTransaction(directory: folder)
      for name in ["file", "second"] {
        try transaction.file(named: name).write([UInt8](repeating: 1, count: 1_000_000))
      }
      kill(getpid(), SIGKILL)
    }
    #expect(try contents(folder + "/file") == Array("old".utf8))
    #expect(try list(folder).count == 3)
    // Names that are only similar stay, and so does what a live writer is writing.
    let similar = [".file.0123456789abcde.graft-tmp", "file.0123456789abcdef.graft-tmp", ".0123456789abcdef.graft-tmp"]
    for name in similar { #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil)) }
    let live = try AtomicWriter(path: folder + "/live")
    try AtomicWriter.write(to: folder + "/other") { try $0.write("x") }
    try live.commit()
    #expect(try list(folder) == (similar + ["file", "live", "other"]).sorted())
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func aFullDeviceIsNamed() {
    let output = OutputDescriptor(descriptor: open("/dev/full", O_WRONLY), path: "out/model")
    let error = #expect(throws: FileError.self) {
      try [UInt8](repeating: 1, count: 300_000).withUnsafeBytes { try output.write($0) }
    }
    #expect(error?.kind == .noSpace)
    #expect(error?.path == "out/model")
  }

  @Test func keepsPermissions() throws {
    try withTemporaryFolder { folder in
      try AtomicWriter.write(to: folder + "/file") { try $0.write("x") }
      chmod(folder + "/file", 0o640)
      try AtomicWriter.write(to: folder + "/file") { try $0.write("y") }
      let mode = try FileManager.default.attributesOfItem(atPath: folder + "/file")[.posixPermissions] as? NSNumber
      #expect(mode?.intValue == 0o640)
    }
  }
}

@Suite struct DirectoryTransactionTests {
  @Test func movesEverythingAtTheEnd() throws {
    try withTemporaryFolder { folder in
      try AtomicWriter.write(to: folder + "/out/a") { try $0.write("old") }
      let transaction = try DirectoryTransaction(directory: folder + "/out")
      try transaction.file(named: "a").write("new a")
      try transaction.file(named: "b").write("new b")
      #expect(try contents(folder + "/out/a") == Array("old".utf8))
      try transaction.commit()
      #expect(try contents(folder + "/out/a") == Array("new a".utf8))
      #expect(try list(folder + "/out") == ["a", "b"])
      #expect(throws: FileError.self) { try transaction.commit() }
      #expect(throws: FileError.self) { try transaction.file(named: "c") }
    }
  }

  @Test func putsBackWhatItMovedWhenAMoveFails() throws {
    try withTemporaryFolder { folder in
      try AtomicWriter.write(to: folder + "/a") { try $0.write("old") }
      let transaction = try DirectoryTransaction(directory: folder)
      for name in ["a", "b", "c"] { try transaction.file(named: name).write("new") }
      // Without its temporary file, the last move fails.
      for name in try list(folder) where name.hasPrefix(".c.") {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
      #expect(throws: FileError.self) { try transaction.commit() }
      #expect(try list(folder) == ["a"])
      #expect(try contents(folder + "/a") == Array("old".utf8))
    }
  }

  @Test func leavesNothingWithoutCommit() throws {
    try withTemporaryFolder { folder in
      do {
        let transaction = try DirectoryTransaction(directory: folder)
        try transaction.file(named: "a").write("new")
        #expect(throws: FileError.self) { try transaction.file(named: "a") }
        #expect(throws: FileError.self) { try transaction.file(named: "x/y") }
      }
      #expect(try list(folder) == [])
    }
  }
}
