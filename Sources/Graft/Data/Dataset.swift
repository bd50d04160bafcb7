import GraftFiles
public import GraftIR

/// A column of a dataset: a tensor for each sample.
public struct Column: Sendable, Hashable {
  public var name: String
  public var dtype: DType
  /// The shape of one sample's tensor.
  public var shape: [Int]

  public init(_ name: String, dtype: DType, shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }
}

/// Samples, each of the same columns.
///
/// A model takes those of its inputs' names, or the first one if it has one input of another name; the others are
/// targets.
public protocol Dataset: EvaluationData {
  /// The number of samples.
  var count: Int { get }
  var columns: [Column] { get }
  /// The samples at some positions, stacked along a new first axis: one tensor for each column.
  ///
  /// May be called from any thread, while it is being called from another.
  ///
  /// - Throws: ``Problem`` for data that cannot be read.
  func batch(_ positions: [Int]) throws -> [Tensor]
}

extension Dataset {
  /// The dataset with each batch changed by a closure as it is read, in the background.
  ///
  /// - Parameters:
  ///   - columns: what the closure makes of them, where names, types or shapes differ.
  ///   - transform: from tensors of these columns, with the samples along the first axis, to the new columns'.
  public func mapped(
    columns: [Column]? = nil, _ transform: @escaping @Sendable ([Tensor]) throws -> [Tensor]
  ) -> some Dataset {
    MappedDataset(base: self, columns: columns ?? self.columns, transform: transform)
  }

  /// The samples in a range of positions.
  public func samples(_ range: Range<Int>) -> some Dataset {
    DatasetPart(base: self, positions: Array(range.clamped(to: 0..<count)))
  }

  /// The dataset in two parts at random, the same for the same seed; the first has a `share` of the samples.
  public func split(_ share: Double, seed: UInt64 = 0) -> (some Dataset, some Dataset) {
    var order = Array(0..<count)
    order.shuffle(seed: seed)
    let size = Int((Double(count) * min(max(share, 0), 1)).rounded())
    return (
      DatasetPart(base: self, positions: Array(order.prefix(size))),
      DatasetPart(base: self, positions: Array(order.dropFirst(size)))
    )
  }

  /// The samples in batches, the last of which may be smaller.
  public func batched(_ size: Int) -> Batches { Batches(self, size: size) }
}

private struct MappedDataset<Base: Dataset>: Dataset {
  let base: Base
  let columns: [Column]
  let transform: @Sendable ([Tensor]) throws -> [Tensor]

  var count: Int { base.count }

  func batch(_ positions: [Int]) throws -> [Tensor] {
    let tensors = try transform(base.batch(positions))
    guard tensors.count == columns.count else {
      throw Problem(
        Diagnostic(.invalidInput, "a mapping of data made \(tensors.count) tensors for \(columns.count) columns"))
    }
    for (tensor, column) in zip(tensors, columns)
    where tensor.dtype != column.dtype || tensor.shape != [positions.count] + column.shape {
      throw Problem(
        Diagnostic(
          .invalidInput,
          "a mapping of data made \(tensor.dtype.rawValue)\(tensor.shape) of `\(column.name)`",
          remedy: "It said that it makes \(column.dtype.rawValue)\([positions.count] + column.shape)."))
    }
    return tensors
  }
}

private struct DatasetPart<Base: Dataset>: Dataset {
  let base: Base
  let positions: [Int]

  var count: Int { positions.count }
  var columns: [Column] { base.columns }

  func batch(_ positions: [Int]) throws -> [Tensor] { try base.batch(positions.map { self.positions[$0] }) }
}

extension [Int] {
  /// Puts the elements in a random order that the seed determines (Durstenfeld, 1964).
  mutating func shuffle(seed: UInt64) {
    var random = CounterRandom(seed: seed)
    for index in indices.dropFirst().reversed() {
      swapAt(index, Int(random.nextInteger(in: 0...Int64(index))))
    }
  }
}
