import GraftIR
import Testing

@testable import GraftTransform

@Suite struct RaiseStackTests {
  private func raised(_ text: String) throws -> String {
    let result = try PassPipeline("test", [RaisePatterns(), EliminateDeadCode()], verifies: true).run(program(text))
    return body(result)
  }

  @Test func partsOfOnePosition() throws {
    let text = """
      %a = reshape(%x) {shape = [N, 1, 4]} : f32[N,1,4] %b = reshape(%y) {shape = [N, 1, 4]} : f32[N,1,4]
      %r = concat([%a, %b, %a]) {axis = 1} : f32[N,3,4] return %r
      """
    #expect(try raised(text).hasPrefix("%r.2 = stack([%x.0, %y.1, %x.0]) {axis = 1} : f32[N,3,4]"))
  }

  @Test(arguments: [
    // Another axis than the one that they are joined along.
    """
    %a = reshape(%x) {shape = [N, 1, 4]} : f32[N,1,4] %b = reshape(%y) {shape = [N, 1, 4]} : f32[N,1,4]
    %r = concat([%a, %b]) {axis = 2} : f32[N,1,8] return %r
    """,
    // One part that was there before.
    """
    %a = reshape(%x) {shape = [N, 1, 4]} : f32[N,1,4] %b = exp(%a) : f32[N,1,4]
    %r = concat([%a, %b]) {axis = 1} : f32[N,2,4] return %r
    """,
  ])
  func otherPartsStay(text: String) throws { #expect(try raised(text).contains("stack") == false) }
}
