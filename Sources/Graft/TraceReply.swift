import Foundation
import GraftFiles
import GraftIR
import GraftPython
import GraftTrace

/// What a tracer returned: the document, and the tensors it speaks of.
struct TraceReply: Sendable {
  let conversion: Conversion
  private let buffers: [String: PythonBuffer]
  private let described: [String: (dtype: String, shape: [Int])]

  init(_ reply: PythonReply) throws {
    conversion = try Conversion(json: reply.json)
    buffers = reply.tensors
    let document = conversion.document
    var described: [String: (dtype: String, shape: [Int])] = [:]
    for parameter in document.parameters { described[parameter.path] = (parameter.dtype, parameter.shape) }
    for buffer in document.buffers { described[buffer.path] = (buffer.dtype, buffer.shape) }
    for constant in document.constants { described[constant.name] = (constant.dtype, constant.shape) }
    self.described = described
  }

  var document: TraceDocument { conversion.document }

  /// A parameter, buffer or constant by path or name.
  func tensor(_ path: String) throws -> TensorData {
    guard let (dtype, shape) = described[path] else {
      throw Diagnostic(.internalError, "the trace does not describe the tensor `\(path)`")
    }
    return try tensor(path, dtype: dtype, shape: shape)
  }

  /// The k-th input that the program was traced with.
  func example(_ index: Int, shape: [Int]) throws -> TensorData? {
    guard buffers["input.\(index)"] != nil, document.inputLeaves.indices.contains(index) else { return nil }
    return try tensor("input.\(index)", dtype: document.inputLeaves[index].dtype, shape: shape)
  }

  private func tensor(_ name: String, dtype: String, shape: [Int]) throws -> TensorData {
    guard let buffer = buffers[name], let dtype = DType(name: dtype) else {
      throw Diagnostic(.internalError, "the tracer did not return the tensor `\(name)`")
    }
    return try TensorData(buffer, dtype: dtype, shape: shape)
  }
}
