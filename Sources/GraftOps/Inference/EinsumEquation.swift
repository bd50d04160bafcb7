package import GraftIR

/// An equation in Einstein's notation, with every axis named: letters of the equation, and numbers for the axes that an
/// ellipsis stands for, aligned at their end.
package struct EinsumEquation {
  package typealias Label = String

  package let inputs: [[Label]]
  package let output: [Label]

  /// - Throws: ``Diagnostic`` when the text is not an equation for operands of these ranks.
  package init(_ text: String, ranks: [Int]) throws {
    let text = text.filter { $0 != " " }
    func problem(_ message: String) -> Diagnostic { Diagnostic(.invalidProgram, "einsum \"\(text)\": \(message)") }
    guard text.utf8.count <= 4096 else { throw Diagnostic(.invalidProgram, "einsum: the equation is too long") }
    let arrow = text.firstRange(of: "->")
    let terms = text[..<(arrow?.lowerBound ?? text.endIndex)].split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == ranks.count else { throw problem("it is for \(terms.count) operands, not \(ranks.count)") }
    var inputs: [[Label]] = []
    for (term, rank) in zip(terms, ranks) {
      guard let labels = Self.labels(term, rank: rank) else { throw problem("`\(term)` does not fit rank \(rank)") }
      inputs.append(labels)
    }
    self.inputs = inputs
    let known = Set(inputs.joined())
    let broadcast = Self.ellipsisLabels(known.count { $0.hasPrefix(".") })
    if let arrow {
      let term = text[arrow.upperBound...]
      let count = term.contains(".") ? broadcast.count : 0
      guard let labels = Self.labels(term, rank: term.filter { $0 != "." }.count + count),
        Set(labels).count == labels.count, labels.allSatisfy(known.contains)
      else { throw problem("the result `\(term)` does not fit the operands") }
      output = labels
    } else {
      // Without an arrow: what the ellipsis stands for, then the letters that occur once, in order.
      let letters = inputs.joined().filter { !$0.hasPrefix(".") }
      output = broadcast + Set(letters).filter { letter in letters.count { $0 == letter } == 1 }.sorted()
    }
  }

  private static func ellipsisLabels(_ count: Int) -> [Label] { (0..<count).reversed().map { ".\($0)" } }

  /// One label for each axis; nil when the term does not fit the rank.
  private static func labels(_ term: Substring, rank: Int) -> [Label]? {
    let parts = String(term).split(separator: "...", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.joined().allSatisfy({ $0.isASCII && $0.isLetter }) else { return nil }
    let letters = parts.map { $0.map(String.init) }
    let hidden = rank - letters.joined().count
    guard hidden >= 0, parts.count == 2 || hidden == 0 else { return nil }
    return parts.count == 1 ? letters[0] : letters[0] + ellipsisLabels(hidden) + letters[1]
  }

  /// - Throws: ``Diagnostic`` when one label has several extents.
  package func outputShape(_ shapes: [[Dim]]) throws -> [Dim] {
    let extents = try extents(shapes)
    return output.map { extents[$0] ?? 1 }
  }

  private func extents(_ shapes: [[Dim]]) throws -> [Label: Dim] {
    var extents: [Label: Dim] = [:]
    for (labels, shape) in zip(inputs, shapes) {
      for (label, extent) in zip(labels, shape) {
        guard let known = extents[label], known != 1 else {
          extents[label] = extent
          continue
        }
        guard known == extent || extent == 1 else {
          throw Diagnostic(.invalidProgram, "einsum: the axis `\(label)` is both \(known) and \(extent) long")
        }
      }
    }
    return extents
  }
}

extension EinsumEquation {
  /// The equation as matrix products, operand by operand from the left.
  func build(_ operands: [Operand], _ b: GraphBuilder) throws -> Operand {
    let shapes = operands.map { b.shape($0) }
    let extents = try extents(shapes)
    var left = try b.diagonals(operands[0], inputs[0])
    for index in operands.indices.dropFirst() {
      let right = try b.diagonals(operands[index], inputs[index])
      let later = Set(output).union(inputs[(index + 1)...].joined())
      left = try contract(left, right, later: later, extents: extents, b)
    }
    left = try b.summed(left, keeping: Set(output))
    let permutation = output.compactMap { left.labels.firstIndex(of: $0) }
    return try b(.transpose, left.value, attributes: ["permutation": .ints(permutation)])
  }

  /// One product: shared labels that are needed later are batch axes, shared ones that are not are summed.
  private func contract(
    _ x: LabeledTensor, _ y: LabeledTensor, later: Set<Label>, extents: [Label: Dim], _ b: GraphBuilder
  ) throws -> LabeledTensor {
    let x = try b.summed(x, keeping: later.union(y.labels))
    let y = try b.summed(y, keeping: later.union(x.labels))
    let shared = x.labels.filter(y.labels.contains)
    let batch = shared.filter(later.contains)
    let inner = shared.filter { !later.contains($0) }
    let rows = x.labels.filter { !shared.contains($0) }
    let columns = y.labels.filter { !shared.contains($0) }
    func extent(_ labels: [Label]) -> Dim { labels.reduce(Dim(1)) { $0 * (extents[$1] ?? 1) } }
    func shape(_ labels: [Label]) -> [Dim] { labels.map { extents[$0] ?? 1 } }
    func matrix(_ tensor: LabeledTensor, _ first: [Label], _ second: [Label]) throws -> Operand {
      let order = batch + first + second
      let moved = try b(
        .transpose, tensor.value,
        attributes: ["permutation": .ints(order.compactMap { tensor.labels.firstIndex(of: $0) })])
      let full = shape(order)
      let stretched = try b.shape(moved) == full ? moved : b(.broadcastTo, moved, attributes: ["shape": .dims(full)])
      return try b(.reshape, stretched, attributes: ["shape": .dims([extent(batch), extent(first), extent(second)])])
    }
    let product = try b(.matmul, try matrix(x, rows, inner), try matrix(y, inner, columns))
    let labels = batch + rows + columns
    return LabeledTensor(
      value: try b(.reshape, product, attributes: ["shape": .dims(shape(labels))]), labels: labels)
  }
}

/// A tensor with a name for each axis.
private struct LabeledTensor {
  var value: Operand
  var labels: [EinsumEquation.Label]
}

extension GraphBuilder {
  /// The tensor with each label once: repeated ones select a diagonal.
  fileprivate func diagonals(_ value: Operand, _ labels: [EinsumEquation.Label]) throws -> LabeledTensor {
    var tensor = LabeledTensor(value: value, labels: labels)
    while let axis = tensor.labels.indices.first(where: { tensor.labels[..<$0].contains(tensor.labels[$0]) }) {
      guard let other = tensor.labels.firstIndex(of: tensor.labels[axis]) else { break }
      let shape = shape(tensor.value)
      var extents = Array(repeating: Dim(1), count: shape.count)
      (extents[other], extents[axis]) = (shape[other], shape[axis])
      let mask = try self(
        .reshape, try diagonalMask(shape[other], shape[axis]), attributes: ["shape": .dims(extents)])
      let masked = try self(.where_, mask, tensor.value, .int(0))
      tensor.value = try self(.sum, masked, attributes: ["axes": .ints([axis])])
      tensor.labels.remove(at: axis)
    }
    return tensor
  }

  /// The tensor summed over the labels that are not kept.
  fileprivate func summed(_ tensor: LabeledTensor, keeping kept: Set<EinsumEquation.Label>) throws -> LabeledTensor {
    let axes = tensor.labels.indices.filter { !kept.contains(tensor.labels[$0]) }
    if axes.isEmpty { return tensor }
    return LabeledTensor(
      value: try self(.sum, tensor.value, attributes: ["axes": .ints(axes)]),
      labels: tensor.labels.filter(kept.contains))
  }
}
