import NativeKernels

/// The float32 matrix kernels of a path.
struct MatmulKernels: @unchecked Sendable {
  let table: UnsafePointer<GraftMatmulKernels>

  init(_ path: KernelPath) { table = graft_matmul_kernels(path.kernels) }

  var panelWidth: Int { table.pointee.panel_width }
  /// Output pixels of a tile of minimal filtering.
  var winogradTile: (height: Int, width: Int) { (table.pointee.winograd_height, table.pointee.winograd_width) }
  var tileRows: Int { table.pointee.tile_rows }
  var scratchBytes: Int { table.pointee.matmul_scratch_bytes() }

  /// The number of floats of a packed matrix [k, n].
  func packedCount(_ k: Int, _ n: Int) -> Int { table.pointee.packed_count(k, n) }

  func panelCount(_ n: Int) -> Int { (n + panelWidth - 1) / panelWidth }

  /// Packs some panels of b [k, n].
  func pack(
    _ b: UnsafePointer<Float>, strides: (row: Int, column: Int), k: Int, n: Int, panels: Range<Int>,
    into packed: UnsafeMutablePointer<Float>
  ) {
    table.pointee.pack_b(b, strides.row, strides.column, k, n, panels.lowerBound, panels.upperBound, packed)
  }

  /// c = a x packed b, for some rows and panels.
  func multiply(
    _ shape: GraftMatmul, _ a: UnsafePointer<Float>, packed: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    _ part: OutputPart, _ epilogue: GraftEpilogue, scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) { shape in
      withUnsafePointer(to: epilogue) { epilogue in
        table.pointee.matmul(shape, a, packed, c, part.kernel, epilogue, scratch)
      }
    }
  }

  /// c = a x b, for some rows and panels, b being packed on the way.
  func multiply(
    _ shape: GraftMatmul, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, strides: (row: Int, column: Int),
    into c: UnsafeMutablePointer<Float>, _ part: OutputPart, _ epilogue: GraftEpilogue,
    scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) { shape in
      withUnsafePointer(to: epilogue) { epilogue in
        table.pointee.matmul_unpacked(shape, a, b, strides.row, strides.column, c, part.kernel, epilogue, scratch)
      }
    }
  }
}

/// The rows and panels of columns that one task computes.
struct OutputPart: Sendable {
  var rows: Range<Int>
  var panels: Range<Int>

  var kernel: GraftOutputBlock {
    GraftOutputBlock(
      row_begin: rows.lowerBound, row_end: rows.upperBound, panel_begin: panels.lowerBound, panel_end: panels.upperBound
    )
  }
}

/// How an output of rows and panels is cut into tasks of about the same size: by sizes alone, for neither too few nor too
/// small ones.
struct OutputCut: Sendable {
  let rows: Int
  let panels: Int
  /// Rows that stay together.
  private let unit: Int
  private let rowTasks: Int
  private let panelTasks: Int

  /// Multiplications that one task does at least. A hand-over between threads costs about a microsecond, in which a core
  /// does some 100,000.
  private static let leastWork = 1_000_000
  /// From so many tasks on, one more or less is no matter.
  private static let many = 16

  /// - Parameters:
  ///   - tileRows: how many rows are computed at a time.
  ///   - workPerTile: multiplications of one tile of rows with one panel.
  ///   - wholeRows: whether a task has all panels of its rows.
  init(rows: Int, panels: Int, tileRows: Int, workPerTile: Int, wholeRows: Bool = false) {
    let tiles = max(1, (rows + tileRows - 1) / tileRows)
    let tilesPerTask = max(1, Self.leastWork / max(workPerTile, 1))
    // Few rows are cut finely enough for some threads, and cost little to read again. Where there are tasks enough, each
    // has as many panels as stay in the second-level cache.
    let leastPanels = tiles <= 8 ? 2 : tiles * panels < 512 ? 4 : 8
    let mostPanels = tiles <= 8 ? max(panels / 8, leastPanels) : panels
    let panelsPerTask =
      if wholeRows {
        max(panels, 1)
      } else if rows == 1 {
        // The kernel reads four panels at a time where there is one row.
        panels <= 64 ? 4 : 8
      } else {
        max(1, min(panels, mostPanels, max(tilesPerTask, leastPanels)))
      }
    let tilesOfTask = min(tiles, max(tilesPerTask / panelsPerTask, 8))
    self.init(rows: rows, panels: panels, unit: 1, rowsPerTask: tilesOfTask * tileRows, panelsPerTask: panelsPerTask)
  }

  /// Whole lines of rows, with all panels. A multiplication takes some four times as long as in a product, for each element
  /// is read for a few of them only.
  init(rows: Int, panels: Int, line: Int, workPerLine: Int) {
    let linesPerTask = max(4, Self.leastWork / 4 / max(workPerLine * max(panels, 1), 1))
    self.init(
      rows: rows, panels: panels, unit: max(line, 1), rowsPerTask: linesPerTask * max(line, 1),
      panelsPerTask: max(panels, 1))
  }

  /// Lines of tiles of a Winograd convolution. A task transforms its tiles' input by itself, and reads the weights of its
  /// panels: few tiles are cut by panels, many by lines.
  init(tileLines: Int, tilesAcross: Int, panels: Int) {
    let tilesPerTask = 48
    let isSmall = tileLines * tilesAcross <= 2 * tilesPerTask
    self.init(
      rows: tileLines, panels: panels, unit: 1,
      rowsPerTask: isSmall ? tileLines : tilesPerTask / max(1, tilesAcross),
      panelsPerTask: isSmall ? (panels + 7) / 8 : panels)
  }

  private init(rows: Int, panels: Int, unit: Int, rowsPerTask: Int, panelsPerTask: Int) {
    self.rows = rows
    self.panels = panels
    self.unit = unit
    /// The number of parts that are as close to a size as may be.
    func parts(_ whole: Int, _ size: Int) -> Int { max(1, (whole + size / 2) / max(size, 1)) }
    var rowTasks = min(parts(rows, max(rowsPerTask, 1)), max(1, rows / unit))
    var panelTasks = min(parts(panels, max(panelsPerTask, 1)), max(1, panels))
    // An odd number of few tasks leaves one of two threads without work for the time of one.
    if 3..<Self.many ~= rowTasks * panelTasks, rowTasks * panelTasks % 2 != 0 {
      if rowTasks > 1, rowTasks < rows / unit {
        rowTasks += 1
      } else if panelTasks > 1, panelTasks < panels {
        panelTasks += 1
      }
    }
    (self.rowTasks, self.panelTasks) = (rowTasks, panelTasks)
  }

  var taskCount: Int { rowTasks * panelTasks }

  func part(_ task: Int) -> OutputPart {
    let (row, panel) = (task / panelTasks, task % panelTasks)
    let units = (rows + unit - 1) / unit
    return OutputPart(
      rows: min(units * row / rowTasks * unit, rows)..<min(units * (row + 1) / rowTasks * unit, rows),
      panels: panels * panel / panelTasks..<panels * (panel + 1) / panelTasks)
  }
}
