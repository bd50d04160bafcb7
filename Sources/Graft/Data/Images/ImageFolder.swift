public import Foundation
import GraftIR

/// PNG and JPEG files in a folder for each class, as `torchvision.datasets.ImageFolder`: `FOLDER/cat/1.png`,
/// `FOLDER/dog/2.jpeg`.
///
/// Two columns: `image` [channels, height, width] of float32 from 0 to 1, and `label`, the number of the class among
/// the folders' names in the alphabet's order. libpng and libjpeg-turbo decode; they are found when the first image is
/// read.
public struct ImageFolder: Dataset {
  /// The names of the classes, by number.
  public let classes: [String]
  /// The files with their classes, class by class, by name.
  public let files: [(url: URL, label: Int)]
  public let columns: [Column]
  private let height: Int
  private let width: Int
  private let channels: Int

  /// - Parameters:
  ///   - height: images of another size are stretched to it.
  ///   - channels: 3 for colours, 1 for grey.
  /// - Throws: ``Problem`` when there is no folder, or no image in it.
  public init(_ folder: URL, height: Int, width: Int, channels: Int = 3) throws {
    guard height > 0, width > 0, channels == 1 || channels == 3 else {
      throw Problem(Diagnostic(.invalidInput, "images cannot be \(channels) x \(height) x \(width)"))
    }
    func contents(_ url: URL) throws -> [URL] {
      try Problem.wrap {
        try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: [.isDirectoryKey])
          .filter { !$0.lastPathComponent.hasPrefix(".") }.sorted { $0.lastPathComponent < $1.lastPathComponent }
      }
    }
    let folders = try contents(folder).filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
    let kinds: Set = ["png", "jpg", "jpeg"]
    files = try folders.enumerated().flatMap { label, folder in
      try contents(folder).filter { kinds.contains($0.pathExtension.lowercased()) }.map { ($0, label) }
    }
    guard !files.isEmpty else {
      throw Problem(
        Diagnostic(
          .invalidInput, "\(folder.path) has no images",
          remedy: "It needs a folder for each class, with .png or .jpeg files."))
    }
    classes = folders.map(\.lastPathComponent)
    (self.height, self.width, self.channels) = (height, width, channels)
    columns = [
      Column("image", dtype: .float32, shape: [channels, height, width]), Column("label", dtype: .int64, shape: []),
    ]
  }

  public var count: Int { files.count }

  public func batch(_ positions: [Int]) throws -> [Tensor] {
    var pixels: [Float] = []
    pixels.reserveCapacity(positions.count * channels * height * width)
    for position in positions {
      pixels += try DecodedImage(contentsOf: files[position].url, channels: channels).planes(
        height: height, width: width)
    }
    return [
      try Tensor(pixels, shape: [positions.count, channels, height, width]),
      try Tensor(positions.map { Int64(files[$0].label) }),
    ]
  }
}
