internal import CPython
internal import Foundation

/// An owned reference to a Python object. To be made, used and dropped with Python's lock held.
struct PythonObject: ~Copyable {
  let pointer: OpaquePointer

  /// Takes over a new reference; nil stands for an exception, which is thrown.
  init(_ pointer: OpaquePointer?) throws(PythonError) {
    guard let pointer else { throw PythonError.pending() }
    self.pointer = pointer
  }

  deinit { cpython().pointee.Py_DecRef(pointer) }

  /// Gives the reference away.
  consuming func take() -> OpaquePointer {
    let pointer = pointer
    discard self
    return pointer
  }

  init(text: String) throws(PythonError) {
    var text = text
    try self.init(
      text.withUTF8 { utf8 in
        utf8.withMemoryRebound(to: CChar.self) {
          cpython().pointee.PyUnicode_FromStringAndSize($0.baseAddress, $0.count)
        }
      })
  }

  /// A memoryview of `bytes` that keeps their owner alive.
  init(_ bytes: PythonBytes) throws(PythonError) {
    let context = Unmanaged.passRetained(bytes.owner as AnyObject).toOpaque()
    let start = bytes.memory.baseAddress ?? UnsafeRawPointer(emptyMemory)
    try self.init(
      cpython_export(
        start, bytes.memory.count, bytes.isWritable ? 0 : 1,
        { context in
          if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
        }, context))
  }

  /// A tuple of `count` places, each to be filled once with `setItem`.
  static func tuple(_ count: Int) throws(PythonError) -> PythonObject {
    try PythonObject(cpython().pointee.PyTuple_New(count))
  }

  borrowing func setItem(_ index: Int, _ item: consuming PythonObject) {
    _ = cpython().pointee.PyTuple_SetItem(pointer, index, item.take())
  }

  /// An item of a tuple, borrowed from it.
  borrowing func item(_ index: Int) throws(PythonError) -> OpaquePointer {
    guard let item = cpython().pointee.PyTuple_GetItem(pointer, index) else { throw PythonError.pending() }
    return item
  }

  borrowing func attribute(_ name: String) throws(PythonError) -> PythonObject {
    try PythonObject(cpython().pointee.PyObject_GetAttrString(pointer, name))
  }

  borrowing func call(_ arguments: borrowing PythonObject) throws(PythonError) -> PythonObject {
    try PythonObject(cpython().pointee.PyObject_CallObject(pointer, arguments.pointer))
  }
}

/// Where empty memory is said to start; some of Python's users mistake a null start for a failure.
private nonisolated(unsafe) let emptyMemory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

/// The text of a `str` that is borrowed, nil when it has none in UTF-8.
func pythonText(_ pointer: OpaquePointer) -> String? {
  var size = 0
  guard let start = cpython().pointee.PyUnicode_AsUTF8AndSize(pointer, &size) else {
    cpython().pointee.PyErr_Clear()
    return nil
  }
  return String(decoding: UnsafeRawBufferPointer(start: start, count: size), as: UTF8.self)
}

extension PythonError {
  /// Takes the exception that is set; with Python's lock held.
  static func pending() -> PythonError {
    var type: OpaquePointer?
    var value: OpaquePointer?
    var traceback: OpaquePointer?
    cpython().pointee.PyErr_Fetch(&type, &value, &traceback)
    cpython().pointee.PyErr_NormalizeException(&type, &value, &traceback)
    defer {
      for pointer in [type, value, traceback] { cpython().pointee.Py_DecRef(pointer) }
    }
    let name = type.flatMap { cpython().pointee.PyObject_GetAttrString($0, "__qualname__") }
    let message = value.flatMap { cpython().pointee.PyObject_Str($0) }
    cpython().pointee.PyErr_Clear()
    defer {
      for pointer in [name, message] { cpython().pointee.Py_DecRef(pointer) }
    }
    return PythonError(
      type: name.flatMap(pythonText) ?? "unknown exception", message: message.flatMap(pythonText) ?? "")
  }
}
