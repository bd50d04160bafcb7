import NativeKernels

/// The float32 matrix kernels of a path.
struct MatmulKernels: @unchecked Sendable {
  let table: UnsafePointer<GraftMatmulKernels>

  init(_ path: KernelPath) { table = graft_matmul_kernels(path.kernels) }

  var panelWidth: Int { table.pointee.panel_width }
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

/// How an output of rows and panels is cut into tasks: by sizes alone, for neither too few nor too small ones.
struct OutputCut: Sendable {
  let rows: Int
  let panels: Int
  private let rowsPerTask: Int
  private let panelsPerTask: Int

  /// - Parameters:
  ///   - tileRows: a task's rows are a multiple of it.
  ///   - workPerTile: multiplications of one tile of rows with one panel.
  ///   - wholeRows: whether a task has all panels of its rows.
  init(rows: Int, panels: Int, tileRows: Int, workPerTile: Int, wholeRows: Bool) {
    self.rows = rows
    self.panels = panels
    let tiles = max(1, (rows + tileRows - 1) / tileRows)
    // A hand-over between threads costs about a microsecond, in which a core does some 100,000 multiplications.
    let tilesPerTask = max(1, 1_000_000 / max(workPerTile, 1))
    panelsPerTask = wholeRows ? max(panels, 1) : max(1, min(panels, max(tilesPerTask, 4)))
    let rowTiles = max(1, tilesPerTask / panelsPerTask)
    rowsPerTask = min(tiles, max(rowTiles, min(8, tiles))) * tileRows
  }

  /// Lines of tiles of a Winograd convolution. A task transforms its tiles' input by itself, and reads the weights of its
  /// panels: few tiles are cut by panels, many by lines.
  init(tileLines: Int, tilesAcross: Int, panels: Int) {
    rows = tileLines
    self.panels = panels
    let tilesPerTask = 48
    if tileLines * tilesAcross <= 2 * tilesPerTask {
      rowsPerTask = max(1, tileLines)
      panelsPerTask = max(1, min(panels, (panels + 7) / 8))
    } else {
      rowsPerTask = max(1, tilesPerTask / max(1, tilesAcross))
      panelsPerTask = max(1, panels)
    }
  }

  private var columnsOfTasks: Int { max(1, (panels + panelsPerTask - 1) / panelsPerTask) }
  var taskCount: Int { max(1, (rows + rowsPerTask - 1) / rowsPerTask) * columnsOfTasks }

  func part(_ task: Int) -> OutputPart {
    let (row, column) = (task / columnsOfTasks * rowsPerTask, task % columnsOfTasks * panelsPerTask)
    return OutputPart(
      rows: min(row, rows)..<min(row + rowsPerTask, rows),
      panels: min(column, panels)..<min(column + panelsPerTask, panels))
  }
}
