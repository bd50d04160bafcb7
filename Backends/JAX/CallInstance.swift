import GraftTransform

/// A call in an outlined program.
struct CallInstance {
  let id: Int
  /// The path within the calling module, `layer1.0`.
  let path: String
  /// In the model.
  let absolutePath: String
  let function: OutlinedFunction
  let children: [Int]
  let caller: Caller

  /// The function that makes a call: its number, none for the main one, its name in the source, and the names of its
  /// variables.
  struct Caller {
    let id: Int?
    let name: String
    let variables: Set<String>
  }

  /// The call's number in the source, of a call of one of its functions.
  var sourceCall: Int? { if case .function(let number) = function.kind { number } else { nil } }

  /// The numbers of a function's own calls, and every call below it; numbered in the order of a walk.
  static func all(below root: OutlinedFunction) -> (calls: [Int], instances: [CallInstance]) {
    var instances: [CallInstance] = []
    var next = 0
    func visit(_ function: OutlinedFunction, at path: String, id: Int?) -> [Int] {
      let caller = Caller(id: id, name: function.name, variables: function.ownVariableNames)
      return function.calls.map { site in
        let id = next
        next += 1
        let absolutePath = path.appendingPath(site.path)
        let children = visit(site.callee, at: absolutePath, id: id)
        instances.append(
          CallInstance(
            id: id, path: site.path, absolutePath: absolutePath, function: site.callee, children: children,
            caller: caller))
        return id
      }
    }
    let calls = visit(root, at: "", id: nil)
    return (calls, instances.sorted { $0.id < $1.id })
  }

  /// In how many places the source makes these calls: in a function that is called often, as often as in one of its calls.
  static func sites(of instances: [CallInstance]) -> Int {
    let callers = Dictionary(grouping: instances) { $0.caller.id }
    var most: [String: Int] = [:]
    for calls in callers.values {
      let name = calls[0].caller.name
      most[name] = max(most[name, default: 0], calls.count)
    }
    return most.values.reduce(0, +)
  }
}
