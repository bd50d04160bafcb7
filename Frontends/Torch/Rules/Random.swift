import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let random: Rules = [
    "aten.native_dropout.default": { context in
      let x = try context.tensor("input")
      guard context.argument("train").asBool ?? true else { return [x, .absent] }
      return [
        try context.op(.dropout, x, context.drawKey(), attributes: ["rate": .float(try context.double("p"))]), .absent,
      ]
    },
    "aten.dropout.default": { context in
      let x = try context.tensor("input")
      guard try context.bool("train") else { return [x] }
      return [try context.op(.dropout, x, context.drawKey(), attributes: ["rate": .float(try context.double("p"))])]
    },
  ]
}
