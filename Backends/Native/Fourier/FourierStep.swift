import GraftIR

/// What a transform reads and writes. Half of a line determines the other where the line, or its transform, is real.
enum FourierForm: String, Sendable { case complex, fromReal, toReal }

/// Fourier transforms of lines along the last axis, cut or padded with zeros to the plan's length first.
struct FourierStep<Part: RealPart>: Step {
  let form: FourierForm
  let plan: FourierPlan
  /// A factor for all results.
  let scale: Double
  /// [..., extent]
  let source: View
  /// [..., results]
  let target: View

  private typealias Number = ComplexNumber<Double>
  private typealias Element = ComplexNumber<Part>

  var name: String { "fourier \(form.rawValue)" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  var flops: Int { lines.reduce(1, *) * 5 * plan.count * (Int.bitWidth - plan.count.leadingZeroBitCount) }
  var scratchBytes: Int { (plan.count + plan.scratchCount) * MemoryLayout<ComplexNumber<Double>>.stride }
  private var lines: [Int] { Array(target.shape.dropLast()) }
  private var linesPerTask: Int { max(1, 8192 / max(plan.count, 1)) }
  var taskCount: Int { max(1, (lines.reduce(1, *) + linesPerTask - 1) / linesPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let line = frame.scratch.assumingMemoryBound(to: Number.self)
    let first = task * linesPerTask
    for index in first..<min(first + linesPerTask, lines.reduce(1, *)) {
      load(line, index, frame)
      plan.transform(line, scratch: line + plan.count)
      store(line, index, frame)
    }
  }

  private func load(_ line: UnsafeMutablePointer<ComplexNumber<Double>>, _ index: Int, _ frame: borrowing TaskFrame) {
    let (extent, stride) = (source.shape[source.rank - 1], source.strides[source.rank - 1])
    let offset = source.offset(ofLeading: index, lines)
    let count = plan.count
    for k in 0..<count { line[k] = .zero }
    if form == .fromReal {
      let elements = frame.pointer(source, as: Part.self) + offset
      for k in 0..<min(extent, count) { line[k] = Number(Double(elements[k * stride]), 0) }
      return
    }
    let elements = frame.pointer(source, as: Element.self) + offset
    let given = form == .toReal ? min(extent, count / 2 + 1) : min(extent, count)
    for k in 0..<given { line[k] = Number(elements[k * stride]) }
    guard form == .toReal else { return }
    // What stands for itself is real; the others stand for their mirrors too.
    line[0].imaginary = 0
    if count % 2 == 0 { line[count / 2].imaginary = 0 }
    for k in 1..<max((count + 1) / 2, 1) { line[count - k] = line[k].conjugate }
  }

  private func store(_ line: UnsafePointer<ComplexNumber<Double>>, _ index: Int, _ frame: borrowing TaskFrame) {
    let (extent, stride) = (target.shape[target.rank - 1], target.strides[target.rank - 1])
    let offset = target.offset(ofLeading: index, lines)
    if form == .toReal {
      let results = frame.pointer(target, as: Part.self) + offset
      for k in 0..<extent { results[k * stride] = Part(line[k].real * scale) }
    } else {
      let results = frame.pointer(target, as: Element.self) + offset
      for k in 0..<extent { results[k * stride] = Element(line[k] * scale) }
    }
  }
}
