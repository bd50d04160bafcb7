import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct LayoutTests {
  /// A random chain of views of a tensor [N, 12, 3, 8], which may go through `12 * N` and axes of extent 1.
  private func chain(seed: UInt64) throws -> Function {
    var generator = SplitMix(state: seed)
    func random(_ count: Int) -> Int { Int(generator.next() % UInt64(max(count, 1))) }
    let builder = GraphBuilder(
      try program("return %x", inputs: 1, type: "f32[N,12,3,8]"))
    var x = builder.function.body.results[0]
    for _ in 0..<(2 + random(6)) {
      let shape = builder.shape(x)
      switch random(4) {
      case 0:
        let order = shape.indices.map { ($0, generator.next()) }.sorted { $0.1 < $1.1 }.map(\.0)
        x = try builder(.transpose, x, attributes: ["permutation": .ints(order)])
      case 1 where shape.count > 1:
        let axis = random(shape.count)
        guard let extent = shape[axis].knownValue else { continue }
        x = try builder(.select, x, attributes: ["axis": .int(axis), "index": .int(random(extent))])
      case 2 where shape.count > 1:
        let axis = random(shape.count - 1)
        let merged = shape[..<axis] + [shape[axis] * shape[axis + 1]] + shape[(axis + 2)...]
        x = try builder(.reshape, x, attributes: ["shape": .dims(Array(merged))])
      default:
        guard let axis = shape.indices.first(where: { shape[$0].exactQuotient(by: 2) != nil }) ?? shape.indices.last,
          let half = shape[axis].exactQuotient(by: 2)
        else {
          x = try builder(.reshape, x, attributes: ["shape": .dims([1] + shape)])
          continue
        }
        let split = shape[..<axis] + [2, half] + shape[(axis + 1)...]
        x = try builder(.reshape, x, attributes: ["shape": .dims(Array(split))])
      }
    }
    let function = builder.finished(results: [x])
    try OpCatalogue.verify(function)
    return function
  }

  /// Whether the atoms of the axes show what the whole chain does.
  private func isOneView(_ function: Function) throws -> Bool {
    var view: AxisView? = AxisView(of: function.type(of: function.arguments[0].value).shape)
    for operation in function.body.operations {
      let definition = try #require(OpCatalogue.definition(operation.name))
      view = try view?.applying(OpCall(operation, of: definition, in: function))
    }
    return view != nil
  }

  @Test(arguments: 0..<200)
  func chainsOfViewsKeepTheirElementsAndAreShort(seed: Int) throws {
    let function = try chain(seed: UInt64(seed))
    for rule in [RewriteRule.shortestView, .normalView] {
      let pipeline = PassPipeline("views", [Rewriter("views", [rule]), EliminateDeadCode()], verifies: true)
      let short = try pipeline.run(function)
      #expect(short.body.operations.count <= function.body.operations.count, "seed \(seed)")
      if try isOneView(function) {
        let selections = short.body.operations.filter { $0.name == "select" }.count
        #expect(short.body.operations.count - selections <= 3, "seed \(seed):\n\(function)\n\(short)")
      }
      let x = ReferenceTensor([5, 12, 3, 8]) { place in place.reduce(0) { $0 * 13 + Double($1) } }
      let inputs = [function.arguments[0].value: x]
      let before = try ReferenceRun(function, sizes: ["N": 5], inputs: inputs)
      let after = try ReferenceRun(short, sizes: ["N": 5], inputs: inputs)
      #expect(before.results == after.results, "seed \(seed):\n\(function)\n\(short)")
    }
  }

  private static let splitHeads = """
    %t = transpose(%x) {permutation = [1, 0, 2]} : f32[7,N,12]
    %a = multiply(%t, 2.0) : f32[7,N,12]
    %r = reshape(%a) {shape = [7, 4 * N, 3]} : f32[7,4 * N,3]
    %s = transpose(%r) {permutation = [1, 0, 2]} : f32[4 * N,7,3]
    %h = reshape(%s) {shape = [N, 4, 7, 3]} : f32[N,4,7,3]
    %b = transpose(%h) {permutation = [0, 2, 1, 3]} : f32[N,7,4,3]
    return %b
    """

  @Test func transposesThatCancelAcrossAnOperationGo() throws {
    try expect(
      program(Self.splitHeads, inputs: 1, type: "f32[N,7,12]"), after: ArrangeLayout(preferences: []),
      becomes: """
        %a.1 = multiply(%x.0, 2.0) : f32[N,7,12]
        %b.2 = reshape(%a.1) {shape = [N, 7, 4, 3]} : f32[N,7,4,3]
        return %b.2
        """)
  }

  @Test func whatBroadcastsFollowsTheAxes() throws {
    try expect(
      program(
        """
        %t = transpose(%x) {permutation = [0, 2, 1, 3]} : f32[N,5,7,4]
        %n = layer_norm(%t, absent, absent) {rank = 1} : f32[N,5,7,4]
        %p = arange {count = 7, dtype = f32} : f32[7]
        %q = reshape(%p) {shape = [7, 1]} : f32[7,1]
        %a = multiply(%n, %q) : f32[N,5,7,4]
        %b = transpose(%a) {permutation = [0, 2, 1, 3]} : f32[N,7,5,4]
        return %b
        """, inputs: 1, type: "f32[N,7,5,4]"), after: ArrangeLayout(preferences: []),
      becomes: """
        %n.1 = layer_norm(%x.0, absent, absent) {rank = 1} : f32[N,7,5,4]
        %p.2 = arange {count = 7, dtype = f32} : f32[7]
        %q.3 = reshape(%p.2) {shape = [1, 7, 1, 1]} : f32[1,7,1,1]
        %a.4 = multiply(%n.1, %q.3) : f32[N,7,5,4]
        return %a.4
        """)
  }

  @Test func transposesThatDoNotCancelStay() throws {
    try expect(
      program(
        """
        %t = transpose(%x) {permutation = [1, 0, 2]} : f32[7,N,12]
        %a = multiply(%t, 2.0) : f32[7,N,12]
        %s = softmax(%a) {axis = 0} : f32[7,N,12]
        return %s
        """, inputs: 1, type: "f32[N,7,12]"), after: ArrangeLayout(preferences: []),
      becomes: """
        %t.1 = transpose(%x.0) {permutation = [1, 0, 2]} : f32[7,N,12]
        %a.2 = multiply(%t.1, 2.0) : f32[7,N,12]
        %s.3 = softmax(%a.2) {axis = 0} : f32[7,N,12]
        return %s.3
        """)
  }

  @Test func positionsOfAnAxisAreUnstackedWhereAllAreRead() throws {
    let text = """
      %t = tanh(%x) : f32[N,2,4]
      %a = select(%t) {axis = 1, index = 0} : f32[N,4]
      %b = select(%t) {axis = 1, index = 1} : f32[N,4]
      %s = subtract(%b, %a) : f32[N,4]
      return %s
      """
    try expect(
      program(text, inputs: 1, type: "f32[N,2,4]"), after: UnstackSelections(),
      becomes: """
        %t.1 = tanh(%x.0) : f32[N,2,4]
        %a.2, %b.3 = unstack(%t.1) {axis = 1} : f32[N,4], f32[N,4]
        %s.4 = subtract(%b.3, %a.2) : f32[N,4]
        return %s.4
        """)
  }

  @Test func partsThatAreReshapedAlikeAreOneReshape() throws {
    func text(_ second: String) -> String {
      """
      %a, %b = split(%x) {axis = 1, sizes = [6, 6]} : f32[N,6], f32[N,6]
      %q = reshape(%a) {shape = [N, 2, 3]} : f32[N,2,3]
      %k = reshape(%b) {shape = [N, \(second)]} : f32[N,\(second.replacing(" ", with: ""))]
      return %q, %k
      """
    }
    let outputs = "(#0, #1)"
    try expect(
      program(text("2, 3"), inputs: 1, type: "f32[N,12]", outputs: outputs), after: SplitIntoHeads(),
      becomes: """
        %1 = reshape(%x.0) {shape = [N, 2, 2, 3]} : f32[N,2,2,3]
        %q.2, %k.3 = unstack(%1) {axis = 1} : f32[N,2,3], f32[N,2,3]
        return %q.2, %k.3
        """)
    let other = try program(text("3, 2"), inputs: 1, type: "f32[N,12]", outputs: outputs)
    try expect(other, after: SplitIntoHeads(), becomes: body(try EliminateDeadCode().run(other)))
  }

  @Test(arguments: [
    ("f32[N,3,4]", "%t", "%b"), ("f32[N,2,4]", "%x", "%b"), ("f32[N,2,4]", "%t", "%a.9"),
  ])
  func positionsThatAreNotAllReadOfAnInputOrWithoutNamesStay(type: String, source: String, name: String) throws {
    let kept = try program(
      """
      %t = tanh(%x) : \(type)
      %a = select(\(source)) {axis = 1, index = 0} : f32[N,4]
      \(name) = select(\(source)) {axis = 1, index = 1} : f32[N,4]
      %s = subtract(\(name), %a) : f32[N,4]
      return %s
      """, inputs: 1, type: type)
    try expect(kept, after: UnstackSelections(), becomes: body(try EliminateDeadCode().run(kept)))
  }
}
