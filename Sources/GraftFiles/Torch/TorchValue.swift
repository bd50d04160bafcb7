/// What a file of `torch.save` holds, as far as `torch.load(..., weights_only=True)` reads it: tensors, numbers and
/// words in lists and dictionaries. Tuples are lists here.
package indirect enum TorchValue: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case list([TorchValue])
  case dictionary([(key: TorchValue, value: TorchValue)])
  case tensor(TensorData)

  /// The value of a word in a dictionary.
  package subscript(_ key: String) -> TorchValue? {
    guard case .dictionary(let entries) = self else { return nil }
    return entries.first { if case .string(key) = $0.key { true } else { false } }?.value
  }

  package var asList: [TorchValue]? { if case .list(let values) = self { values } else { nil } }
  package var asTensor: TensorData? { if case .tensor(let tensor) = self { tensor } else { nil } }
  package var asInt: Int? { if case .int(let value) = self { value } else { nil } }
  package var asString: String? { if case .string(let value) = self { value } else { nil } }

  /// The entries of a dictionary whose keys are whole numbers.
  package var byNumber: [Int: TorchValue]? {
    guard case .dictionary(let entries) = self else { return nil }
    var found: [Int: TorchValue] = [:]
    for entry in entries {
      guard case .int(let key) = entry.key else { return nil }
      found[key] = entry.value
    }
    return found
  }
}
