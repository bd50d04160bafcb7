import GraftIR
import GraftSyntax
import Testing

@testable import GraftEmit

@Suite struct InputExtentsTests {
  private let x = PythonExpression.name("x")

  /// The common body of two instances that are passed images of 28 by 28 pixels with 96 channels, the last axis, and of 14
  /// by 14 with 192.
  private func common(
    heads: [Int] = [], _ bodies: [[PythonStatement]]
  ) -> (text: String, constants: [String])? {
    let tensors = [[nil, 28, 28, 96], [nil, 14, 14, 192]].map { [PassedTensor("x", $0)] }
    var unifier = AntiUnifier(
      signatures: [:], sizes: heads.map { [("num_heads", .int($0))] }, tensors: tensors, avoiding: ["x", "n", "y"])
    return unifier.unify(bodies).map { (PythonRenderer().render($0, indentation: 0), unifier.constants.map(\.name)) }
  }

  private func reshape(_ sizes: PythonExpression...) -> PythonExpression { x.attribute("reshape").call(sizes) }

  @Test func extentsAreReadFromTheInput() {
    let bodies = [(28, 4, 96), (14, 2, 192)].map { size, windows, channels -> [PythonStatement] in
      [
        .assign("n", x.attribute("shape")[0]),
        .assign("y", reshape("n", .integer(windows), 7, .integer(windows), 7, .integer(channels))),
        .return(reshape("n", .integer(size), .integer(size), .integer(channels))),
      ]
    }
    let found = common(bodies)
    #expect(
      found?.text == """
        n, h, w, c = x.shape
        y = x.reshape(n, h // 7, 7, w // 7, 7, c)
        return x.reshape(n, h, w, c)

        """)
    #expect(found?.constants == [])
  }

  @Test func boundsOfAPartAreToldFromOneAxis() {
    let bodies = [28, 14].map { size -> [PythonStatement] in
      let (low, high) = (PythonExpression.integer(size - 7), PythonExpression.integer(size - 3))
      return [.return(x[.tuple([.fullSlice, .slice(low, high), .slice(low, high)])])]
    }
    #expect(common(bodies)?.text == "_, h, w, _ = x.shape\nreturn x[:, h - 7 : h - 3, w - 7 : w - 3]\n")
  }

  @Test func anExtentThatIsReadOnceIsReadThere() {
    let bodies = [96, 192].map { [PythonStatement.return(reshape(-1, .integer($0)))] }
    #expect(common(bodies)?.text == "return x.reshape(-1, x.shape[3])\n")
  }

  @Test func numbersOfTheModuleHaveTheirNames() {
    let bodies = [(5, 96), (7, 192)].map { heads, channels in
      [PythonStatement.return(reshape(-1, .integer(heads), .integer(channels)))]
    }
    let found = common(heads: [5, 7], bodies)
    #expect(found?.text == "return x.reshape(-1, num_heads, x.shape[3])\n")
    #expect(found?.constants == ["num_heads"])
  }

  @Test func anExtentIsDividedByANumberOfTheModule() {
    let bodies = [(2, 48), (6, 32)].map { heads, share in
      [PythonStatement.return(reshape(-1, .integer(heads), .integer(share)))]
    }
    #expect(common(heads: [2, 6], bodies)?.text == "return x.reshape(-1, num_heads, x.shape[3] // num_heads)\n")
  }

  @Test func oneExtentWithoutANameIsLeftOpen() {
    let bodies = [64, 15].map { [PythonStatement.return(reshape(.integer($0), 49))] }
    #expect(common(bodies)?.text == "return x.reshape(-1, 49)\n")
    let others = [(64, 5), (15, 11)].map { [PythonStatement.return(reshape(.integer($0), .integer($1)))] }
    #expect(common(others)?.text == "return x.reshape(size, size_2)\n")
  }

  @Test func whatIsNoExtentIsNotReadFromOne() {
    let bodies = [28, 14].map { size in
      [PythonStatement.return(PythonExpression.name("f").call(["x"], keywords: [("stride", .integer(size))]))]
    }
    let found = common(bodies)
    #expect(found?.text == "return f(x, stride=stride)\n")
    #expect(found?.constants == ["stride"])
  }
}
