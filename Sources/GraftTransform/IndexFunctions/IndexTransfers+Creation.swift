import GraftIR
import GraftOps

extension IndexTransfers {
  static let creation: Table = [
    "full": { site in site.constant(try site.op.scalar("value"), site.type.dtype) },
    "arange": { site in
      guard case .int(let start) = try site.op.scalar("start"), case .int(let step) = try site.op.scalar("step") else {
        return nil
      }
      return .whole(Dim(start) + Dim(step) * site.domain.axis(0))
    },
    "dimension": { site in
      guard site.type.dtype.isInteger else { return nil }
      return .whole(try site.op.dim("value"))
    },
    "constant": { site in
      guard case .literal(let literal) = try site.op.attribute("value"), let first = literal.elements.first,
        literal.elements.allSatisfy({ $0 == first })
      else { return nil }
      return site.constant(first, literal.dtype)
    },
  ]
}
