import GraftSyntax

/// A tensor that a function is passed.
package struct PassedTensor: Sendable {
  package var name: String
  /// Its extents; nil for one that is dynamic.
  package var sizes: [Int?]

  package init(_ name: String, _ sizes: [Int?]) {
    self.name = name
    self.sizes = sizes
  }
}

/// The static extents of the tensors that several instances of a function are passed, and constants in terms of them:
/// `c`, `h // 7`, `w - 3`.
struct InputExtents: Sendable {
  /// An axis of one of the inputs, which are numbered.
  struct Axis: Hashable {
    var input: Int
    var axis: Int
  }

  /// How a constant follows from an extent, the plainest first.
  enum Form: Equatable {
    case same
    case divided(by: Int)
    case less(Int)
  }

  struct Term {
    var axis: Axis
    var form: Form
  }

  private let instances: [[PassedTensor]]
  /// What the extents that are read are called.
  private var names: [Axis: String] = [:]

  /// - Parameter instances: for each, the tensors that it is passed, as many of the same names.
  init(_ instances: [[PassedTensor]]) { self.instances = instances }

  /// The plainest term that has these values in the instances of these numbers; nil if there is none.
  ///
  /// - Parameter seen: the axes that the shape has already been told from, of which others are preferred.
  func term(for values: [PythonExpression], in present: [Int], beside seen: Set<Axis>) -> Term? {
    let wanted = values.compactMap { if case .integer(let size) = $0, size > 0 { size } else { nil } }
    guard wanted.count == values.count, let first = instances.first, present.allSatisfy(instances.indices.contains)
    else { return nil }
    var best: Term?
    for (input, tensor) in first.enumerated() {
      for axis in tensor.sizes.indices {
        let term = Self.form(of: wanted, from: present.compactMap { size(input, axis, in: $0) })
          .map { Term(axis: Axis(input: input, axis: axis), form: $0) }
        guard let term else { continue }
        if best.map({ rank(term, seen) < rank($0, seen) }) ?? true { best = term }
      }
    }
    return best
  }

  private func rank(_ term: Term, _ seen: Set<Axis>) -> (Int, Int) {
    let form =
      switch term.form {
      case .same: 0
      case .divided: 1
      case .less: 2
      }
    return (form, seen.contains(term.axis) ? 1 : 0)
  }

  private func size(_ input: Int, _ axis: Int, in instance: Int) -> Int? {
    let tensors = instances[instance]
    guard tensors.indices.contains(input), tensors[input].sizes.indices.contains(axis) else { return nil }
    return tensors[input].sizes[axis]
  }

  private static func form(of wanted: [Int], from sizes: [Int]) -> Form? {
    guard wanted.count == sizes.count, let value = wanted.first, let size = sizes.first else { return nil }
    if wanted == sizes { return .same }
    let pairs = zip(wanted, sizes)
    if size % value == 0, pairs.allSatisfy({ $0 * (size / value) == $1 }) { return .divided(by: size / value) }
    if size > value, pairs.allSatisfy({ $1 - $0 == size - value }) { return .less(size - value) }
    return nil
  }

  /// A term as an expression, with a name for its extent that is none of those taken.
  mutating func expression(_ term: Term, avoiding taken: inout Set<String>) -> PythonExpression {
    let name = names[term.axis] ?? PythonIdentifier.unique(usualName(term.axis), avoiding: taken)
    names[term.axis] = name
    taken.insert(name)
    switch term.form {
    case .same: return .name(name)
    case .divided(let divisor): return PythonExpression.name(name).floorDivided(by: .integer(divisor))
    case .less(let difference): return .name(name) - .integer(difference)
    }
  }

  private func usualName(_ axis: Axis) -> String {
    let shapes = instances.filter { $0.indices.contains(axis.input) }.map { $0[axis.input].sizes }
    let letters = AxisLetters.letters(
      axis: axis.axis, rank: shapes[0].count, channelsLast: AxisLetters.areChannelsLast(shapes))
    return letters[0].lowercased()
  }

  // MARK: Statements

  /// A body with statements in front that name the extents that it reads, in one with those that it names already:
  /// `n, h, w, c = x.shape`. One that it reads once is read there.
  func naming(in body: [PythonStatement]) -> [PythonStatement] {
    var body = body
    var statements: [PythonStatement] = []
    for (input, tensor) in (instances.first ?? []).enumerated() {
      let own = names.filter { $0.key.input == input }.map { ($0.key.axis, $0.value) }
      guard !own.isEmpty else { continue }
      let shape = PythonExpression.name(tensor.name).attribute("shape")
      var known: [Int: String] = [:]
      while let index = body.prefix(while: \.readsShape).firstIndex(where: { $0.axisNames(of: shape) != nil }) {
        known.merge(body[index].axisNames(of: shape) ?? [:]) { name, _ in name }
        body.remove(at: index)
      }
      known.merge(own) { name, _ in name }
      let statement = Self.statement(known.sorted { $0.key < $1.key }, of: shape, rank: tensor.sizes.count)
      if let inlined = body.inlining(statement) { body = inlined } else { statements.append(statement) }
    }
    return statements + body
  }

  private static func statement(
    _ axes: [(key: Int, value: String)], of shape: PythonExpression, rank: Int
  ) -> PythonStatement {
    if axes.count == 1 { return .assign(.name(axes[0].value), shape[.integer(axes[0].key)]) }
    let isLeading = axes.enumerated().allSatisfy { $0.offset == $0.element.key }
    if isLeading, rank - axes.count > 1 {
      return .assign(.tuple(axes.map { .name($0.value) }), shape[.slice(nil, .integer(axes.count))])
    }
    let targets = (0..<rank).map { axis in axes.first { $0.key == axis }?.value ?? "_" }
    return .assign(.tuple(targets.map { .name($0) }), shape)
  }
}

extension PythonStatement {
  /// Whether the statement does nothing but name extents.
  fileprivate var readsShape: Bool {
    guard case .assign(_, let value) = self else { return false }
    switch value {
    case .attribute(_, "shape"), .subscript(.attribute(_, "shape"), _): return true
    default: return false
    }
  }

  /// The names that the statement gives to extents of this shape, by axis; nil if it does something else.
  fileprivate func axisNames(of shape: PythonExpression) -> [Int: String]? {
    guard case .assign(let targets, let value) = self, targets.count == 1 else { return nil }
    switch (targets[0], value) {
    case (.name(let name), .subscript(shape, .integer(let axis))): return [axis: name]
    case (.tuple(let items), shape), (.tuple(let items), .subscript(shape, .slice(nil, .some, nil))):
      let names = items.enumerated().compactMap { axis, item -> (Int, String)? in
        if case .name(let name) = item, name != "_" { (axis, name) } else { nil }
      }
      return Dictionary(names, uniquingKeysWith: { name, _ in name })
    default: return nil
    }
  }
}
