internal import CPython
package import Foundation

/// Bytes that go into a call: memory owned in Swift, which Python sees as a `memoryview` without a copy.
///
/// Python keeps the owner alive as long as it holds the view, or an array made from it.
package struct PythonBytes: @unchecked Sendable {
  let memory: UnsafeRawBufferPointer
  let owner: any AnyObject & Sendable
  let isWritable: Bool

  /// Lends `memory`, valid and unmoved as long as `owner` lives. With `isWritable`, Python may write to it, at any time
  /// until it lets go.
  package init(_ memory: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, isWritable: Bool = false) {
    self.memory = memory
    self.owner = owner
    self.isWritable = isWritable
  }

  /// Passes on what another call returned.
  package init(_ buffer: PythonBuffer) {
    self.init(buffer.memory, owner: buffer)
  }

  /// Makes a copy of `bytes` that is Python's to write to.
  package init(copying bytes: some Collection<UInt8>) {
    let storage = Storage(bytes)
    self.init(UnsafeRawBufferPointer(storage.memory), owner: storage, isWritable: true)
  }

  private final class Storage: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(_ bytes: some Collection<UInt8>) {
      memory = .allocate(byteCount: bytes.count, alignment: 64)
      memory.copyBytes(from: bytes)
    }

    deinit { memory.deallocate() }
  }
}

/// Bytes that came out of a call: Python's memory, seen without a copy, and released on Python's thread some time
/// after the last reference to this object is gone.
package final class PythonBuffer: @unchecked Sendable {
  private let view: UnsafeMutablePointer<Py_buffer>
  private let thread: PythonThread

  /// Takes over `view`, which PyObject_GetBuffer filled as plain bytes.
  init(_ view: UnsafeMutablePointer<Py_buffer>, thread: PythonThread) {
    self.view = view
    self.thread = thread
  }

  deinit { thread.release(view) }

  /// The number of bytes.
  package var count: Int { view.pointee.len }

  /// Lends the bytes for the duration of `body`.
  package func withUnsafeBytes<Result: ~Copyable, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(memory)
  }

  var memory: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: view.pointee.buf, count: view.pointee.buf == nil ? 0 : view.pointee.len)
  }
}

/// What an embedded module's function returned.
package struct PythonReply: Sendable {
  /// UTF-8 JSON text.
  package var json: Data
  /// The byte buffers by name.
  package var tensors: [String: PythonBuffer]
}
