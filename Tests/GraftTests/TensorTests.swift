import Foundation
import GraftFiles
import Testing

@testable import Graft

@Suite struct TensorTests {
  @Test func literalsNest() throws {
    let x: Tensor = [[1, 2, 3], [4, 5, 6]]
    #expect(x.shape == [2, 3])
    #expect(x.dtype == .int64)
    #expect(try x.elements(of: Int64.self) == [1, 2, 3, 4, 5, 6])
    let y: Tensor = [1, 2.5]
    #expect(y.dtype == .float32)
    #expect(try y.elements(of: Float.self) == [1, 2.5])
  }

  @Test func countsMustFitShapes() throws {
    #expect(throws: Problem.self) { try Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
    #expect(throws: Problem.self) { try Tensor(repeating: Float(0), shape: [-1]) }
    #expect(throws: Problem.self) { try Tensor(repeating: Float(0), shape: [.max, .max]) }
    #expect(try Tensor(repeating: Int32(7), shape: [2]).elements(of: Int32.self) == [7, 7])
  }

  @Test func slicesAndPositions() throws {
    let x = try Tensor((0..<24).map { Int32($0) }, shape: [2, 3, 4])
    #expect(try x[1].elements(of: Int32.self) == (12..<24).map { Int32($0) })
    #expect(try x[-1][0].elements(of: Int32.self) == [12, 13, 14, 15])
    #expect(try x.sliced([nil, 1..<3, 0..<2]).elements(of: Int32.self) == [4, 5, 8, 9, 16, 17, 20, 21])
    #expect(try x[0..<0].shape == [0, 3, 4])
    #expect(throws: Problem.self) { try x[2] }
    #expect(throws: Problem.self) { try x.sliced([0..<3]) }
    #expect(throws: Problem.self) { try x.sliced([nil, nil, nil, nil]) }
  }

  @Test func reshapesFindAnOpenExtent() throws {
    let x = try Tensor((0..<12).map { Float($0) })
    #expect(try x.reshaped([3, -1]).shape == [3, 4])
    #expect(throws: Problem.self) { try x.reshaped([5, -1]) }
  }

  @Test func conversionsSaturate() throws {
    let x: Tensor = [1.9, -1.9, 300.5]
    #expect(try x.converted(to: .int32).elements(of: Int32.self) == [1, -1, 300])
    #expect(try x.converted(to: .uint8).elements(of: UInt8.self) == [1, 0, 255])
    #expect(throws: Problem.self) { try x.elements(of: Double.self) }
  }

  @Test func textIsThatOfNestedLists() throws {
    let x: Tensor = [[1, 2], [3, 4]]
    #expect("\(x)" == "[[1, 2],\n [3, 4]] int64[2, 2]")
    #expect("\(try Tensor(Float(0.5)))" == "0.5000 float32[]")
    #expect("\(try Tensor([true, false]))" == "[true, false] bool[2]")
    let long = "\(try Tensor((0..<2000).map { Int32($0) }))"
    #expect(long == "[0, 1, 2, …, 1997, 1998, 1999] int32[2000]")
    let wide = "\(try Tensor((0..<40).map { Int32($0) }))"
    #expect(wide.split(separator: "\n").allSatisfy { $0.count <= 90 })
  }

  @Test(arguments: ["npy", "npz", "safetensors"]) func filesGiveBackWhatWasWritten(_ format: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "graft-tensors-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = TensorFile(folder.appending(path: "x.\(format)"))
    let x = try Tensor(random: [3, 5], dtype: .float64, seed: 3)
    try file.write(["x": x])
    #expect(try file.read() == ["x": x])
    #expect(throws: Problem.self) { try TensorFile(folder.appending(path: "x.txt")).read() }
    #expect(throws: Problem.self) { try TensorFile(folder.appending(path: "none.\(format)")).read() }
  }
}
