/// One kernel call of a plan.
///
/// A step is cut into tasks that write disjoint memory and may run in any order and at the same time. How it is cut
/// depends on sizes only, so that results are the same bits with any number of threads.
package protocol Step: Sendable {
  /// The kernel's name, for people.
  var name: String { get }
  var reads: [View] { get }
  var writes: [View] { get }
  /// Floating-point operations; an estimate for other kernels than products.
  var flops: Int { get }
  var taskCount: Int { get }
  /// Bytes that a task needs for itself while it runs.
  var scratchBytes: Int { get }
  /// Whether it runs other steps, by its runner.
  var isControl: Bool { get }
  /// Runs one task.
  /// - Throws: ``NativeError`` for data that the kernel cannot take, such as an index out of range.
  func run(task: Int, in frame: borrowing TaskFrame) throws
}

extension Step {
  package var flops: Int { 0 }
  package var taskCount: Int { 1 }
  package var scratchBytes: Int { 0 }
  package var isControl: Bool { false }
}

/// The memory that a task sees.
package struct TaskFrame: ~Copyable {
  /// The start of each buffer of the plan.
  let buffers: UnsafePointer<UnsafeMutableRawPointer>
  /// As much as the step asked for, aligned to 64 bytes.
  let scratch: UnsafeMutableRawPointer

  /// The first element of a view.
  func pointer<Element>(_ view: View, as type: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    buffers[view.buffer].assumingMemoryBound(to: Element.self) + view.offset
  }

  func raw(_ view: View) -> UnsafeMutableRawPointer { buffers[view.buffer] + view.offset * view.dtype.byteWidth }
}

/// Data that a kernel cannot take.
package struct NativeError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
