import Foundation

/// How the learning rates change while a model is trained: a factor for each step, which all of them are multiplied
/// with.
///
/// Steps are those of the optimiser, counted from 0. With ``byEpoch`` the numbers given to a schedule count epochs.
public struct Schedule: Sendable {
  enum Kind: Sendable {
    case function(@Sendable (Int) -> Double)
    case plateau(Plateau)
  }

  let kind: Kind
  /// Whether the schedule goes on at the end of an epoch rather than of a step.
  public private(set) var isByEpoch = false

  /// The schedule going on once an epoch.
  public var byEpoch: Schedule {
    var schedule = self
    schedule.isByEpoch = true
    return schedule
  }

  /// Any factor of the step's number.
  public static func custom(_ factor: @escaping @Sendable (_ step: Int) -> Double) -> Schedule {
    Schedule(kind: .function(factor))
  }

  /// The learning rates as they are.
  public static let constant = custom { _ in 1 }

  /// Multiplied by `factor` at every so many steps, as `torch.optim.lr_scheduler.StepLR`.
  public static func step(every interval: Int, factor: Double = 0.1) -> Schedule {
    custom { pow(factor, Double($0 / max(interval, 1))) }
  }

  /// Multiplied by `factor` at each step, as `torch.optim.lr_scheduler.ExponentialLR`.
  public static func exponential(factor: Double) -> Schedule { custom { pow(factor, Double($0)) } }

  /// From one factor to another in even steps, then constant, as `torch.optim.lr_scheduler.LinearLR`.
  public static func linear(from start: Double, to end: Double = 1, over steps: Int) -> Schedule {
    custom { start + (end - start) * min(Double($0) / Double(max(steps, 1)), 1) }
  }

  /// A linear rise over `warmup` steps, of which the first has the factor `1 / warmup`, then half a cosine down to
  /// `minimum` at step `total` (Loshchilov and Hutter, 2017), then constant; `LinearLR` and `CosineAnnealingLR` in
  /// sequence.
  public static func cosine(warmup: Int = 0, total: Int, minimum: Double = 0) -> Schedule {
    custom { step in
      if step < warmup { return Double(step + 1) / Double(warmup) }
      let progress = min(Double(step - warmup) / Double(max(total - warmup, 1)), 1)
      return minimum + (1 - minimum) * (1 + cos(.pi * progress)) / 2
    }
  }

  /// Up to the whole learning rate and down again within `total` steps, along cosines (Smith and Topin, 2018), as
  /// `torch.optim.lr_scheduler.OneCycleLR` with the optimiser's learning rate as its largest.
  ///
  /// - Parameters:
  ///   - rise: the share of the steps that go up.
  ///   - initialDivisor: the first factor is its reciprocal.
  ///   - finalDivisor: what the last factor is smaller by than the first.
  public static func oneCycle(
    total: Int, rise: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4
  ) -> Schedule {
    custom { step in
      let peak = rise * Double(total) - 1
      let last = Double(total - 1)
      let (first, end) = (1 / initialDivisor, 1 / initialDivisor / finalDivisor)
      func between(_ from: Double, _ to: Double, _ share: Double) -> Double {
        to + (from - to) / 2 * (1 + cos(.pi * min(max(share, 0), 1)))
      }
      let position = Double(step)
      if position <= peak { return peak > 0 ? between(first, 1, position / peak) : 1 }
      return between(1, end, last > peak ? (position - peak) / (last - peak) : 1)
    }
  }

  /// Multiplied by `factor` when the loss has not become smaller for more than `patience` epochs, as
  /// `torch.optim.lr_scheduler.ReduceLROnPlateau`. The loss is that of validation, or of training where there is none.
  ///
  /// - Parameters:
  ///   - threshold: the share that the loss has to fall by.
  ///   - cooldown: epochs to wait after a reduction.
  ///   - minimum: the smallest factor.
  public static func plateau(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, cooldown: Int = 0, minimum: Double = 0
  ) -> Schedule {
    Schedule(
      kind: .plateau(
        Plateau(factor: factor, patience: patience, threshold: threshold, cooldown: cooldown, minimum: minimum)))
  }

  struct Plateau: Sendable {
    var factor: Double
    var patience: Int
    var threshold: Double
    var cooldown: Int
    var minimum: Double
  }
}

/// How far a schedule has come; what a checkpoint keeps of it.
struct ScheduleState: Sendable, Codable, Equatable {
  private var best = Double.greatestFiniteMagnitude
  private var badEpochs = 0
  private var cooldown = 0
  private var scale = 1.0

  init() {}

  /// Whether the numbers, which may come from a file, are ones that counting leads to.
  var isPossible: Bool { [badEpochs, cooldown].allSatisfy { $0 >= 0 && $0 < 1 << 53 } }

  /// The factor at a step of an epoch, both counted from 0.
  func factor(_ schedule: Schedule, step: Int, epoch: Int) -> Double {
    switch schedule.kind {
    case .function(let factor): factor(schedule.isByEpoch ? epoch : step)
    case .plateau: scale
    }
  }

  /// Takes note of an epoch's loss.
  mutating func observe(_ loss: Double, _ schedule: Schedule) {
    guard case .plateau(let plateau) = schedule.kind else { return }
    if loss < best * (1 - plateau.threshold) {
      best = loss
      badEpochs = 0
    } else {
      badEpochs += 1
    }
    if cooldown > 0 {
      cooldown -= 1
      badEpochs = 0
    }
    if badEpochs > plateau.patience {
      scale = max(scale * plateau.factor, plateau.minimum)
      cooldown = plateau.cooldown
      badEpochs = 0
    }
  }
}
