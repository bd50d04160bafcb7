import GraftIR

/// What the reader and the writer of safetensors files share.
///
/// A file is the length of the header in 8 little-endian bytes, the header (a JSON object), and the tensors' bytes
/// without gaps. See <https://github.com/huggingface/safetensors#format>.
enum SafetensorsFormat {
  /// The longest header that the format allows, in bytes.
  static let maximumHeaderLength = 100_000_000
  /// The key under which the header keeps a file's own metadata.
  static let metadataKey = "__metadata__"

  /// The format's dtypes that Graft has, in the order in which the reference implementation writes tensors.
  static let dtypes: [(name: String, dtype: DType)] = [
    ("U64", .uint64), ("I64", .int64), ("F64", .float64), ("C64", .complex64), ("F32", .float32), ("U32", .uint32),
    ("I32", .int32), ("BF16", .bfloat16), ("F16", .float16), ("U16", .uint16), ("I16", .int16), ("I8", .int8),
    ("U8", .uint8), ("BOOL", .bool),
  ]
}
