import Foundation
import GraftFiles
import GraftIR
import Testing

@testable import Graft

/// Datasets and batches.
@Suite struct DataTests {
  private func file(_ name: String, _ text: String) throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)")
    try Data(text.utf8).write(to: url)
    return url
  }

  @Test func readsTables() throws {
    let url = try file(
      "table.csv",
      "\u{FEFF}size, price,\"kind, of \"\"house\"\"\",rooms\r\n1.5,2,small,1\n\n2,-3e1,\"la\nrge\",2\r\n4,5,small,3")
    defer { try? FileManager.default.removeItem(at: url) }
    let data = try TensorDataset(contentsOf: url)
    #expect(data.count == 3)
    #expect(data.columns.map(\.name) == ["size", "price", "kind, of \"house\"", "rooms"])
    #expect(data.columns.map(\.dtype) == [.float32, .float32, .int64, .int64])
    let batch = try data.batch([2, 0])
    #expect(try batch[0].elements(of: Float.self) == [4, 1.5])
    #expect(try batch[1].elements(of: Float.self) == [5, 2])
    #expect(try batch[2].elements(of: Int64.self) == [1, 1])
    let table = try TensorDataset(table: url, target: "rooms", features: ["price", "size"])
    #expect(try table.batch([1])[0].elements(of: Float.self) == [-30, 2])
    #expect(table.columns.map(\.shape) == [[2], []])
    #expect(throws: Problem.self) { try TensorDataset(table: url, target: "floors") }
  }

  @Test(arguments: ["", "a,b\n1\n", "a,b\n\"1,2\n", "a,b\n\"1\"x,2\n", "a\n1\n\"\"\nx\n"])
  func refusesBrokenTables(_ text: String) throws {
    let url = try file("broken.csv", text)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(throws: Problem.self) { try TensorDataset(contentsOf: url) }
  }

  @Test func readsTensorFilesInPlace() throws {
    let tensors = try ["x": Tensor(random: [50, 3]), "y": Tensor((0..<50).map { Int64($0) })]
    for kind in ["npz", "safetensors"] {
      let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).\(kind)")
      defer { try? FileManager.default.removeItem(at: url) }
      try TensorFile(url).write(tensors)
      let data = try TensorDataset(contentsOf: url, columns: ["y", "x"])
      let batch = try data.batch([49, 7, 7])
      #expect(try batch[0].elements(of: Int64.self) == [49, 7, 7])
      #expect(try batch[1] == tensors["x"]?.rows([49, 7, 7]))
      #expect(throws: Problem.self) { try TensorDataset(contentsOf: url, columns: ["z"]) }
    }
  }

  @Test func refusesColumnsOfDifferentLengths() throws {
    #expect(throws: Problem.self) { try TensorDataset(["x": [1, 2, 3], "y": [1, 2]]) }
    #expect(throws: Problem.self) { try TensorDataset(["x": [1, 2], "x": [1, 2]]) }
    #expect(throws: Problem.self) { try TensorDataset(["x": 1.5]) }
    #expect(throws: Problem.self) { try TensorDataset(["x": [1, 2, 3]]).batch([3]) }
  }

  @Test func readsEachSampleOnceInAnOrderOfTheSeed() async throws {
    let data = try TensorDataset(["n": Tensor((0..<23).map { Int64($0) })])
    func read(_ batches: Batches, epoch: Int, from first: Int = 0) async throws -> [[Int64]] {
      var reader = BatchReader(batches, epoch: epoch, from: first)
      var found: [[Int64]] = []
      while let batch = try await reader.read() { found.append(try batch[0].elements()) }
      return found
    }
    let plain = try await read(data.batched(5), epoch: 3)
    #expect(plain.flatMap { $0 } == (0..<23).map { Int64($0) })
    #expect(plain.map(\.count) == [5, 5, 5, 5, 3])
    let shuffled = data.batched(5).shuffled(seed: 4)
    let first = try await read(shuffled, epoch: 0)
    #expect(first.flatMap { $0 } != plain.flatMap { $0 })
    #expect(first.flatMap { $0 }.sorted() == plain.flatMap { $0 })
    #expect(try await read(shuffled.prefetching(0), epoch: 0) == first)
    #expect(try await read(shuffled, epoch: 1) != first)
    #expect(try await read(shuffled, epoch: 0, from: 2) == Array(first.dropFirst(2)))
    #expect(data.batched(5).droppingLast().count == 4)
  }

  @Test func readsFoldersOfImages() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let reference = try TorchReference("images.py", folder.path)
    let images = try ImageFolder(folder, height: 6, width: 5)
    #expect(images.classes == ["a", "b"] && images.count == 3)
    let batch = try images.batch([0, 1, 2])
    #expect(try batch[1].elements(of: Int64.self) == [0, 0, 1])
    let own = try batch[0].converted(to: .float64).elements(of: Double.self)
    let exact = try reference.numbers("images")
    for (index, (own, exact)) in zip(own, exact).enumerated() {
      // JPEG decoders may differ by a level or two.
      #expect(abs(own - exact) <= (index / 90 == 1 ? 2.0 / 255 : 1e-6), "\(index): \(own) is not \(exact)")
    }
    #expect(try ImageFolder(folder, height: 6, width: 5, channels: 1).batch([0])[0].shape == [1, 1, 6, 5])
    let photo = try Data(contentsOf: folder.appending(path: "a/photo.jpg"))
    let picture = try Data(contentsOf: folder.appending(path: "b/colour.png"))
    for (name, bytes) in [
      ("cut.png", picture.prefix(60)), ("cut.jpg", photo.prefix(40)), ("text.png", Data("hello".utf8)),
    ] {
      let url = folder.appending(path: "a/\(name)")
      try bytes.write(to: url)
      #expect(throws: Problem.self) { try DecodedImage(contentsOf: url, channels: 3) }
    }
    #expect(throws: Problem.self) { try ImageFolder(folder.appending(path: "a"), height: 6, width: 5) }
  }

  @Test func mapsAndSplits() throws {
    let data = try TensorDataset(["n": Tensor((0..<10).map { Int64($0) })])
    let doubled = data.mapped(columns: [Column("m", dtype: .float32, shape: [])]) { batch in
      [try Tensor(batch[0].elements(of: Int64.self).map { Float($0) * 2 })]
    }
    #expect(try doubled.batch([3, 1])[0].elements(of: Float.self) == [6, 2])
    let wrong = data.mapped { [try $0[0].converted(to: .float32)] }
    #expect(throws: Problem.self) { try wrong.batch([0]) }
    let (some, others) = data.split(0.7, seed: 1)
    #expect(some.count == 7 && others.count == 3)
    let all =
      try some.batch(Array(0..<7))[0].elements(of: Int64.self) + others.batch([0, 1, 2])[0].elements(of: Int64.self)
    #expect(all.sorted() == (0..<10).map { Int64($0) })
    #expect(try data.samples(8..<20).batch([0, 1])[0].elements(of: Int64.self) == [8, 9])
  }
}
