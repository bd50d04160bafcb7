import GraftFiles
import GraftIR

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Libraries that decode images, found when the first image is read.
enum ImageLibraries {
  /// libpng's simplified interface (libpng manual, section V).
  struct PNG: Sendable {
    let begin: @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Int32
    let finish:
      @convention(c) (
        UnsafeMutableRawPointer, UnsafeRawPointer?, UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer?
      ) -> Int32
    let free: @convention(c) (UnsafeMutableRawPointer) -> Void
  }

  /// The TurboJPEG interface of libjpeg-turbo.
  struct JPEG: Sendable {
    let open: @convention(c) () -> UnsafeMutableRawPointer?
    let header:
      @convention(c) (
        UnsafeMutableRawPointer, UnsafePointer<UInt8>, UInt, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>,
        UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>
      ) -> Int32
    let decompress:
      @convention(c) (
        UnsafeMutableRawPointer, UnsafePointer<UInt8>, UInt, UnsafeMutablePointer<UInt8>, Int32, Int32, Int32, Int32,
        Int32
      ) -> Int32
    let message: @convention(c) (UnsafeMutableRawPointer?) -> UnsafePointer<CChar>?
    let close: @convention(c) (UnsafeMutableRawPointer) -> Int32
  }

  static let png: PNG? = {
    guard let library = open(["libpng16.so.16", "libpng16.so", "libpng16.dylib", "/opt/homebrew/lib/libpng16.dylib"]),
      let begin = dlsym(library, "png_image_begin_read_from_memory"),
      let finish = dlsym(library, "png_image_finish_read"), let free = dlsym(library, "png_image_free")
    else { return nil }
    return PNG(
      begin: unsafeBitCast(begin, to: (@convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Int32).self),
      finish: unsafeBitCast(
        finish,
        to: (@convention(c) (
          UnsafeMutableRawPointer, UnsafeRawPointer?, UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer?
        ) -> Int32)
        .self), free: unsafeBitCast(free, to: (@convention(c) (UnsafeMutableRawPointer) -> Void).self))
  }()

  static let jpeg: JPEG? = {
    guard let library = open(["libturbojpeg.so.0", "libturbojpeg.so", "/opt/homebrew/lib/libturbojpeg.dylib"]),
      let open = dlsym(library, "tjInitDecompress"), let header = dlsym(library, "tjDecompressHeader3"),
      let decompress = dlsym(library, "tjDecompress2"), let message = dlsym(library, "tjGetErrorStr2"),
      let close = dlsym(library, "tjDestroy")
    else { return nil }
    return JPEG(
      open: unsafeBitCast(open, to: (@convention(c) () -> UnsafeMutableRawPointer?).self),
      header: unsafeBitCast(
        header,
        to: (@convention(c) (
          UnsafeMutableRawPointer, UnsafePointer<UInt8>, UInt, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>,
          UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>
        ) -> Int32).self),
      decompress: unsafeBitCast(
        decompress,
        to: (@convention(c) (
          UnsafeMutableRawPointer, UnsafePointer<UInt8>, UInt, UnsafeMutablePointer<UInt8>, Int32, Int32, Int32, Int32,
          Int32
        ) -> Int32).self),
      message: unsafeBitCast(message, to: (@convention(c) (UnsafeMutableRawPointer?) -> UnsafePointer<CChar>?).self),
      close: unsafeBitCast(close, to: (@convention(c) (UnsafeMutableRawPointer) -> Int32).self))
  }()

  private static func open(_ names: [String]) -> UnsafeMutableRawPointer? {
    for name in names {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) { return handle }
    }
    return nil
  }
}
