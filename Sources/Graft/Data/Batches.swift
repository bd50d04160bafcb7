import Foundation
import GraftFiles
import GraftIR

/// A dataset in batches, in the order of the samples or shuffled anew for each epoch.
///
///     let batches = dataset.batched(64).shuffled(seed: 7)
public struct Batches: Sendable {
  public let dataset: any Dataset
  /// The samples of a batch.
  public let size: Int
  /// What the order of the samples is made of; nil for the dataset's own order.
  public private(set) var seed: UInt64?
  /// Whether a last batch of fewer samples is left out.
  public private(set) var dropsLast = false
  /// How many batches are read ahead in the background.
  public private(set) var prefetch = 2

  init(_ dataset: any Dataset, size: Int) {
    self.dataset = dataset
    self.size = size
  }

  /// The batches with the samples in random order, another one in each epoch; the same seed gives the same orders on
  /// every machine.
  public func shuffled(seed: UInt64) -> Batches {
    var batches = self
    batches.seed = seed
    return batches
  }

  /// The batches without a last one of fewer samples.
  public func droppingLast() -> Batches {
    var batches = self
    batches.dropsLast = true
    return batches
  }

  /// The batches with so many read ahead in the background; with none each is read when it is needed.
  public func prefetching(_ count: Int) -> Batches {
    var batches = self
    batches.prefetch = max(0, count)
    return batches
  }

  /// The number of batches.
  public var count: Int {
    guard size > 0 else { return 0 }
    let (whole, rest) = dataset.count.quotientAndRemainder(dividingBy: size)
    return whole + (rest > 0 && !dropsLast ? 1 : 0)
  }

  /// - Throws: ``Problem`` when there is nothing to read.
  func check() throws {
    guard size > 0, count > 0 else {
      throw Problem(
        Diagnostic(.invalidInput, "\(dataset.count) samples make no batch of \(size)"))
    }
  }

  /// The positions of the samples in an epoch, batch by batch.
  func order(epoch: Int) -> [[Int]] {
    var positions = Array(0..<dataset.count)
    if let seed {
      var random = CounterRandom(seed: seed).split(UInt64(bitPattern: Int64(epoch)))
      positions.shuffle(seed: random.next())
    }
    return (0..<count).map { Array(positions[$0 * size..<min(($0 + 1) * size, positions.count)]) }
  }
}

/// The batches of an epoch, read ahead in the background.
struct BatchReader {
  private let dataset: any Dataset
  private let order: [[Int]]
  private let depth: Int
  private var next: Int
  private var pending: [Task<[Tensor], any Error>] = []

  /// The epoch's batches from a number on.
  init(_ batches: Batches, epoch: Int, from first: Int = 0) {
    dataset = batches.dataset
    order = batches.order(epoch: epoch)
    depth = batches.prefetch
    next = first
  }

  /// The next batch; nil after the last.
  ///
  /// - Throws: what the dataset throws.
  mutating func read() async throws -> [Tensor]? {
    while next < order.count, pending.count < depth + 1 {
      let (dataset, positions) = (dataset, order[next])
      pending.append(Task.detached { try dataset.batch(positions) })
      next += 1
    }
    guard !pending.isEmpty else { return nil }
    return try await pending.removeFirst().value
  }

  /// Stops reading ahead.
  func cancel() { pending.forEach { $0.cancel() } }
}
