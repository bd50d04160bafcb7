/// Elementwise work over a whole view.
struct ChainStep: Step {
  let program: ChainProgram
  let kernels: VectorKernels
  private let code: ChainCode
  private let memory = ChainMemory()

  init(program: ChainProgram, kernels: VectorKernels) {
    self.program = program
    self.kernels = kernels
    code = ChainCode(program, kernels, in: memory)
  }

  var name: String { program.length <= 1 ? "elementwise" : "elementwise x\(program.length)" }
  var reads: [View] { program.sources.map(\.view) }
  var writes: [View] { [program.target.view] }
  var flops: Int { program.count * program.length }
  var scratchBytes: Int { code.scratchBytes }

  /// Elements of a task: enough work to be worth a hand-over, as little as balances.
  private var grain: Int {
    let blocks = max(4, 64 / max(code.length, 1))
    return blocks * ChainProgram.blockLength
  }

  var taskCount: Int { max(1, (code.count + grain - 1) / grain) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let start = task * grain
    code.run(start..<min(start + grain, code.count), in: frame)
  }
}
