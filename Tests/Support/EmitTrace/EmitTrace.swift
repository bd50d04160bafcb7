import Foundation
import Graft

/// Emits JAX for trace documents: reads one JSON document a line from standard input, and writes one JSON object a line,
/// `{"source": ...}` or `{"error": ...}`. Tests of operations use it to check hundreds of small programs in one process.
@main struct EmitTrace {
  struct Reply: Encodable {
    var source: String?
    var error: String?
  }

  static func main() throws {
    let encoder = JSONEncoder()
    while let line = readLine() {
      var reply = Reply()
      do {
        let conversion = try Conversion(json: Data(line.utf8))
        reply.source = try conversion.jax(conversion.prepared(conversion.function()).0).text
      } catch {
        reply.error = "\(error)"
      }
      FileHandle.standardOutput.write(try encoder.encode(reply) + Data("\n".utf8))
    }
  }
}
