import Synchronization
import Testing

@testable import GraftNative

@Suite struct ThreadPoolTests {
  private final class Sum: Sendable {
    let total = Mutex(0)
  }

  @Test(arguments: [1, 2, 3, 7], [0, 1, 5, 64]) func eachTaskIsTakenOnce(threads: Int, count: Int) {
    let shares = TaskShares(threads: threads)
    for fromLast in [false, true] {
      shares.fill(count)
      var taken: [Int] = []
      for turn in 0... {
        guard let task = shares.take(for: turn % threads, fromLast: fromLast) else { break }
        taken.append(task)
      }
      #expect(taken.sorted() == Array(0..<count))
    }
  }

  @Test func threadsAtTheSameTimeTakeEachTaskOnce() async {
    let shares = TaskShares(threads: 4)
    for turn in 0..<20 {
      shares.fill(1000)
      let taken = await withTaskGroup(of: [Int].self) { group in
        for thread in 0..<4 {
          group.addTask {
            var mine: [Int] = []
            while let task = shares.take(for: thread, fromLast: turn % 2 != 0) { mine.append(task) }
            return mine
          }
        }
        return await group.reduce(into: []) { $0 += $1 }
      }
      #expect(taken.sorted() == Array(0..<1000))
    }
  }

  @Test func threadsBeginWithTheirOwnTasks() {
    let shares = TaskShares(threads: 2)
    shares.fill(6)
    #expect((0..<6).map { _ in shares.take(for: 1, fromLast: false) } == [3, 4, 5, 2, 1, 0])
    shares.fill(6)
    #expect((0..<6).map { _ in shares.take(for: 0, fromLast: true) } == [2, 1, 0, 3, 4, 5])
  }

  @Test(arguments: [1, 2, 5], [false, true]) func everyTaskRunsOnce(_ width: Int, fromLast: Bool) {
    let pool = ThreadPool(width: width)
    for count in [0, 1, 2, 3, 64, 1000] {
      let runs = Mutex(Array(repeating: 0, count: count))
      pool.run(count, fromLast: fromLast) { task, thread in
        runs.withLock { $0[task] += thread < width ? 1 : 1000 }
      }
      #expect(runs.withLock { $0 } == Array(repeating: 1, count: count))
    }
  }

  @Test func callersAtTheSameTimeDoNotWaitForEachOther() async {
    let pool = ThreadPool(width: 2)
    let sum = Sum()
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<200 { pool.run(7) { task, _ in sum.total.withLock { $0 += task } } }
        }
      }
    }
    #expect(sum.total.withLock { $0 } == 8 * 200 * 21)
  }
}
