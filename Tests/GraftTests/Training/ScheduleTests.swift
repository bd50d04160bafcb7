import Testing

@testable import Graft

/// The factors of schedules against `torch.optim.lr_scheduler`.
@Suite struct ScheduleTests {
  @Test func agreeWithTorch() throws {
    let reference = try TorchReference("schedules.py")
    let cases: [(String, Schedule)] = [
      ("constant", .constant), ("step", .step(every: 7, factor: 0.5)), ("exponential", .exponential(factor: 0.93)),
      ("linear", .linear(from: 0.2, to: 0.8, over: 23)), ("cosine", .cosine(warmup: 10, total: 60, minimum: 0.05)),
      ("one_cycle", .oneCycle(total: 61)),
    ]
    for (name, schedule) in cases {
      let own = (0..<60).map { ScheduleState().factor(schedule, step: $0, epoch: 0) }
      for (index, (factor, exact)) in zip(own, try reference.numbers(name)).enumerated() {
        #expect(abs(factor - exact) <= 1e-12 * abs(exact), "\(name) at step \(index): \(factor) is not \(exact)")
      }
    }
    let plateau = Schedule.plateau(factor: 0.3, patience: 2, cooldown: 3, minimum: 0.01)
    var (state, own) = (ScheduleState(), [Double]())
    for loss in try reference.numbers("losses") {
      own.append(state.factor(plateau, step: 0, epoch: 0))
      state.observe(loss, plateau)
    }
    #expect(relativeError(own, try reference.numbers("plateau")) < 1e-12)
    #expect(Set(own).count > 2)
  }

  @Test func countsEpochsWhereAsked() {
    let schedule = Schedule.step(every: 1, factor: 0.5).byEpoch
    #expect(ScheduleState().factor(schedule, step: 99, epoch: 2) == 0.25)
  }
}
