import GraftIR

/// A function of the matrices in the last two axes, at each position of the leading ones. It is computed in double
/// precision and rounded to the results' type.
struct MatrixStep<Number: MatrixNumber>: Step {
  let function: MatrixFunction
  /// The leading axes of all views.
  let batch: [Int]
  let inputs: [View]
  let outputs: [View]

  var name: String { "matrix \(function.name)" }
  var reads: [View] { inputs }
  var writes: [View] { outputs }
  private var size: Int { inputs.map { $0.shape.suffix(2).reduce(1, *) }.max() ?? 1 }
  private var matricesPerTask: Int { max(1, 1024 / max(size, 1)) }
  var taskCount: Int { max(1, (batch.reduce(1, *) + matricesPerTask - 1) / matricesPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    let first = task * matricesPerTask
    for position in first..<min(first + matricesPerTask, batch.reduce(1, *)) {
      var matrices: [Matrix<Number>] = []
      for view in inputs { matrices.append(load(view, position, frame)) }
      let results = try function(matrices)
      for (view, matrix) in zip(outputs, results) { store(matrix, view, position, frame) }
    }
  }

  private func load(_ view: View, _ position: Int, _ frame: borrowing TaskFrame) -> Matrix<Number> {
    switch view.dtype {
    case .float32: load(view, position, frame) { (x: Float) in Number(Double(x)) }
    case .complex64: load(view, position, frame) { (x: ComplexNumber<Float>) in ComplexNumber<Double>(x) as? Number }
    default: load(view, position, frame) { (x: Number) in x }
    }
  }

  private func load<Element: BitwiseCopyable>(
    _ view: View, _ position: Int, _ frame: borrowing TaskFrame, _ widen: (Element) -> Number?
  ) -> Matrix<Number> {
    let elements = frame.pointer(view, as: Element.self) + view.offset(ofLeading: position, batch)
    let (rows, columns) = (view.shape[view.rank - 2], view.shape[view.rank - 1])
    var matrix = Matrix<Number>(rows, columns)
    for column in 0..<columns {
      for row in 0..<rows {
        let place = row * view.strides[view.rank - 2] + column * view.strides[view.rank - 1]
        matrix[row, column] = widen(elements[place]) ?? .zero
      }
    }
    return matrix
  }

  private func store(_ matrix: Matrix<Number>, _ view: View, _ position: Int, _ frame: borrowing TaskFrame) {
    switch view.dtype {
    case .float32: store(matrix, view, position, frame) { Float($0.real) }
    case .float64: store(matrix, view, position, frame) { $0.real }
    case .complex64:
      store(matrix, view, position, frame) { ComplexNumber<Float>($0 as? ComplexNumber<Double> ?? .zero) }
    default: store(matrix, view, position, frame) { $0 }
    }
  }

  private func store<Element: BitwiseCopyable>(
    _ matrix: Matrix<Number>, _ view: View, _ position: Int, _ frame: borrowing TaskFrame, _ narrow: (Number) -> Element
  ) {
    let results = frame.pointer(view, as: Element.self) + view.offset(ofLeading: position, batch)
    for column in 0..<matrix.columns {
      for row in 0..<matrix.rows {
        results[row * view.strides[view.rank - 2] + column * view.strides[view.rank - 1]] = narrow(matrix[row, column])
      }
    }
  }
}
