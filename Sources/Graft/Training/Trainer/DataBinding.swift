import GraftIR

/// Which columns of a dataset are a model's inputs, and which are targets.
struct DataBinding: Sendable, Equatable {
  /// The column of each input, in the model's order.
  let inputs: [Int]
  let targets: [Int]
  private let columns: [Column]
  private let types: [DType]

  /// - Throws: ``Problem`` for an input without a column, or one whose type does not convert.
  init(_ columns: [Column], to model: Model) throws {
    var found = model.inputs.map { port in columns.firstIndex { $0.name == port.name } }
    if found == [nil], columns.count > 1 { found = [0] }
    inputs = try zip(model.inputs, found).map { port, column in
      guard let column else {
        throw Problem(
          Diagnostic(
            .invalidInput, "the data has no column for the input `\(port.name)` of \(model.name)",
            remedy: "It has \(columns.map { "`\($0.name)`" }.joined(separator: ", "))."))
      }
      guard Self.converts(columns[column].dtype, to: port.dtype) else {
        throw Problem(
          Diagnostic(
            .invalidInput,
            "the column `\(columns[column].name)` is of \(columns[column].dtype.rawValue), and the input `\(port.name)` of \(port.dtype.rawValue)"
          ))
      }
      return column
    }
    let used = Set(inputs)
    targets = columns.indices.filter { !used.contains($0) }
    self.columns = columns
    types = model.inputs.map(\.dtype)
  }

  /// The columns of one batch.
  init(_ batch: [(key: String, value: Tensor)], to model: Model) throws {
    let columns = batch.map { Column($0.key, dtype: $0.value.dtype, shape: Array($0.value.shape.dropFirst())) }
    try self.init(columns, to: model)
  }

  private static func converts(_ from: DType, to: DType) -> Bool {
    from == to || (from.category <= to.category && from.category < .complex && to.category < .complex)
  }

  var targetColumns: [Column] { targets.map { columns[$0] } }

  /// The inputs of the model, as their types, and then the targets.
  ///
  /// - Throws: ``Problem`` when the batch is not of the dataset's columns.
  func arguments(_ batch: [Tensor]) throws -> [Tensor] {
    guard batch.count == columns.count else {
      throw Problem(Diagnostic(.invalidInput, "a batch has \(batch.count) tensors for \(columns.count) columns"))
    }
    for (tensor, column) in zip(batch, columns)
    where tensor.dtype != column.dtype || tensor.shape.dropFirst() != column.shape[...] {
      throw Problem(
        Diagnostic(
          .invalidInput,
          "a batch of `\(column.name)` is \(tensor.dtype.rawValue)\(tensor.shape), and the column \(column.dtype.rawValue)\(column.shape)"
        ))
    }
    return try zip(inputs, types).map { try batch[$0].converted(to: $1) } + targets.map { batch[$0] }
  }

  /// The shapes of a batch's arguments.
  func shapes(samples: Int) -> [[Int]] { (inputs + targets).map { [samples] + columns[$0].shape } }

  var dtypes: [DType] { types + targets.map { columns[$0].dtype } }
}
