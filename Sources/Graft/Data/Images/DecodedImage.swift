import Foundation
import GraftFiles
import GraftIR

/// A picture as numbers from 0 to 255, channels innermost.
struct DecodedImage {
  let height: Int
  let width: Int
  /// 1 for grey, 3 for red, green and blue.
  let channels: Int
  let pixels: [UInt8]

  /// More pixels than this are a mistake, or a file that was made to exhaust memory.
  private static let limit = 1 << 26

  /// Reads a PNG or JPEG file, by what it begins with.
  ///
  /// - Throws: ``Problem`` when it is neither, is damaged, or the library for it is missing.
  init(contentsOf url: URL, channels: Int) throws {
    let file = try Problem.wrap { try MappedFile(path: url.path) }
    let bytes = file.withBytes { Array($0) }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      self = try Self.png(bytes, channels, url)
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      self = try Self.jpeg(bytes, channels, url)
    } else {
      throw Self.failure(url, "it is neither a PNG nor a JPEG file")
    }
  }

  private init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    (self.height, self.width, self.channels, self.pixels) = (height, width, channels, pixels)
  }

  private static func png(_ bytes: [UInt8], _ channels: Int, _ url: URL) throws -> DecodedImage {
    guard let library = ImageLibraries.png else { throw missing("libpng", "libpng16-16", url) }
    // png_image: a pointer, then version, width, height, format, flags, colours of a map and a code as 32-bit numbers, and a message.
    let image = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 16)
    image.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
    defer { image.deallocate() }
    image.storeBytes(of: 1, toByteOffset: 8, as: UInt32.self)
    func message() -> String { String(cString: (image + 36).assumingMemoryBound(to: CChar.self)) }
    guard bytes.withUnsafeBytes({ $0.baseAddress.map { library.begin(image, $0, bytes.count) } ?? 0 }) != 0 else {
      throw failure(url, message())
    }
    defer { library.free(image) }
    let width = Int(image.load(fromByteOffset: 12, as: UInt32.self))
    let height = Int(image.load(fromByteOffset: 16, as: UInt32.self))
    try check(width, height, url)
    // PNG_FORMAT_GRAY is 0, PNG_FORMAT_RGB 2; an alpha channel is laid over black.
    image.storeBytes(of: channels == 1 ? 0 : 2, toByteOffset: 20, as: UInt32.self)
    var pixels = [UInt8](repeating: 0, count: width * height * channels)
    var black: [UInt8] = [0, 0, 0]
    let isDone = pixels.withUnsafeMutableBytes { target in
      target.baseAddress.map { library.finish(image, &black, $0, 0, nil) } ?? 0
    }
    guard isDone != 0 else { throw failure(url, message()) }
    return DecodedImage(height: height, width: width, channels: channels, pixels: pixels)
  }

  private static func jpeg(_ bytes: [UInt8], _ channels: Int, _ url: URL) throws -> DecodedImage {
    guard let library = ImageLibraries.jpeg else { throw missing("TurboJPEG", "libturbojpeg0", url) }
    guard let decoder = library.open() else { throw failure(url, "there is no memory for it") }
    defer { _ = library.close(decoder) }
    func message() -> String { library.message(decoder).map { String(cString: $0) } ?? "it is damaged" }
    var (width, height, sampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let count = UInt(bytes.count)
    guard library.header(decoder, bytes, count, &width, &height, &sampling, &space) == 0 else {
      throw failure(url, message())
    }
    try check(Int(width), Int(height), url)
    var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * channels)
    // TJPF_GRAY is 6, TJPF_RGB 0.
    guard library.decompress(decoder, bytes, count, &pixels, width, 0, height, channels == 1 ? 6 : 0, 0) == 0 else {
      throw failure(url, message())
    }
    return DecodedImage(height: Int(height), width: Int(width), channels: channels, pixels: pixels)
  }

  private static func check(_ width: Int, _ height: Int, _ url: URL) throws {
    guard width > 0, height > 0, width.multipliedReportingOverflow(by: height).partialValue <= limit,
      width <= limit, height <= limit
    else { throw failure(url, "its size is \(width) x \(height)") }
  }

  private static func failure(_ url: URL, _ message: String) -> Problem {
    Problem(FileError(.malformed, path: url.path, "cannot be read as an image: \(message)"))
  }

  private static func missing(_ library: String, _ package: String, _ url: URL) -> Problem {
    Problem(
      Diagnostic(
        .missingDependency, "\(url.lastPathComponent) cannot be read: there is no \(library)",
        remedy: "Install it with `sudo apt install \(package)` on Debian or Ubuntu."))
  }

  /// The picture as numbers from 0 to 1, channels outermost, at another size if need be: linear between the centres of
  /// the nearest pixels, as `torch.nn.functional.interpolate(..., mode="bilinear")`.
  func planes(height: Int, width: Int) -> [Float] {
    let rows = Self.samples(self.height, height)
    let columns = Self.samples(self.width, width)
    var planes = [Float](repeating: 0, count: channels * height * width)
    for channel in 0..<channels {
      func pixel(_ row: Int, _ column: Int) -> Float { Float(pixels[(row * self.width + column) * channels + channel]) }
      for (y, row) in rows.enumerated() {
        for (x, column) in columns.enumerated() {
          let top = pixel(row.low, column.low) * (1 - column.share) + pixel(row.low, column.high) * column.share
          let bottom = pixel(row.high, column.low) * (1 - column.share) + pixel(row.high, column.high) * column.share
          planes[(channel * height + y) * width + x] = (top * (1 - row.share) + bottom * row.share) / 255
        }
      }
    }
    return planes
  }

  private static func samples(_ from: Int, _ to: Int) -> [(low: Int, high: Int, share: Float)] {
    (0..<to).map { index in
      let position = max((Float(index) + 0.5) * Float(from) / Float(to) - 0.5, 0)
      let low = min(Int(position), from - 1)
      return (low, min(low + 1, from - 1), position - Float(low))
    }
  }
}
