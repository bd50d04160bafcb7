import GraftEmit
import GraftSyntax
import OrderedCollections

/// Writes `load_params`: it nests tensors by their dotted paths and makes lists of the children that are numbered.
///
/// A few lists at plain paths are made one by one; where lists are nested or there are many, a helper finds them.
struct JAXLoader {
  private let hasState: Bool
  private let lists: [String]
  private let isNested: Bool

  /// How many lines the helper takes that finds lists.
  private static let linesOfHelper = 8

  /// - Parameters:
  ///   - parameters: the paths of the parameters.
  ///   - state: the paths of the state; the file names tensors with the prefixes `params` and `state` if there is any.
  init(parameters: [String], state: [String]) {
    hasState = !state.isEmpty
    let paths = hasState ? parameters.map { "params.\($0)" } + state.map { "state.\($0)" } : parameters
    let tree = ParameterTree(paths: paths)
    lists = tree.lists
    isNested =
      !lists.allSatisfy(tree.isWithinDicts)
      || Self.statements(lists, of: hasState).lineCount >= Self.linesOfHelper
  }

  /// The functions to carry.
  func functions() -> [HelperLibrary.Helper] {
    let library = hasState ? JAXHelpers.stateLoader : JAXHelpers.loader
    return library.specialised(
      "load_params", ["lists": lists.isEmpty ? .never : .always, "nested": isNested ? .always : .never],
      beforeReturn: isNested ? [] : Self.statements(lists, of: hasState))
  }

  /// `layers = params["h"]` and `params["h"] = [layers[str(i)] for i in range(len(layers))]`, or a loop over the names of
  /// several lists of one module.
  private static func statements(_ lists: [String], of hasState: Bool) -> [PythonStatement] {
    let root: PythonExpression = hasState ? "tree" : "params"
    var byModule: OrderedDictionary<[String], [String]> = [:]
    for list in lists {
      let parts = list.split(separator: ".").map(String.init)
      byModule[Array(parts.dropLast()), default: []] += parts.suffix(1)
    }
    return byModule.flatMap { parent, names -> [PythonStatement] in
      let module = parent.reduce(root) { $0[.string($1)] }
      let node = names.count == 1 ? module[.string(names[0])] : module["name"]
      let statements: [PythonStatement] = [.assign("layers", node), .assign(node, ordered("layers"))]
      return names.count == 1 ? statements : [.for("name", in: .tuple(names.map { .string($0) }), body: statements)]
    }
  }

  /// `[layers[str(i)] for i in range(len(layers))]`
  private static func ordered(_ layers: PythonExpression) -> PythonExpression {
    let count = PythonExpression.name("range").call(PythonExpression.name("len").call(layers))
    return .listComprehension(layers[PythonExpression.name("str").call("i")], for: "i", in: count)
  }
}
