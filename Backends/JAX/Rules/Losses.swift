import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let losses: Rules = [
    "mse_loss": { context in
      let difference = context.operand("x") - context.operand("y")
      return [try context.reduced(difference.power(2))]
    },
    "l1_loss": { context in
      let difference = context.operand("x") - context.operand("y")
      return [try context.reduced(context.reference("jax.numpy.abs").call(difference))]
    },
    "smooth_l1_loss": { try $0.elementwiseLoss("smooth_l1_loss", ["beta": 1]) },
    "huber_loss": { try $0.elementwiseLoss("huber_loss", ["delta": 1]) },
    "binary_cross_entropy": { context in
      try context.elementwiseLoss("binary_cross_entropy", [:], optional: ["weight"])
    },
    "binary_cross_entropy_with_logits": { context in
      try context.elementwiseLoss("binary_cross_entropy_with_logits", [:], optional: ["weight", "pos_weight"])
    },
    "kl_div": { context in
      let (x, y) = (context.operand("x"), context.named("y"))
      if try context.call.bool("log_target") {
        return [try context.reduced(context.reference("jax.numpy.exp").call(y) * (y - x))]
      }
      return [try context.reduced(context.reference("jax.scipy.special.xlogy").call(y, y) - y * x)]
    },
    "poisson_nll_loss": { context in
      let flags = try ["log_input": true, "full": false].filter { try context.call.bool($0.key) != $0.value }
      let names = ["log_input", "full"].filter { flags[$0] != nil }
      var keywords = try names.map { ($0, try context.attribute($0)) }
      if flags["log_input"] != nil, try context.call.double("eps") != 1e-8 {
        keywords.append(("eps", try context.attribute("eps")))
      }
      let terms = context.helper("poisson_nll_loss").call(
        [context.operand("x"), context.operand("y")], keywords: keywords)
      return [try context.reduced(terms)]
    },
    "hinge_embedding_loss": { try $0.elementwiseLoss("hinge_embedding_loss", ["margin": 1]) },
    "margin_ranking_loss": { context in
      let difference = context.operand("x") - context.operand("y")
      let margin = try context.call.double("margin")
      let scaled = context.operand("target") * difference
      let gap = margin == 0 ? -scaled : context.scalar(.float(margin)) - scaled
      return [try context.reduced(context.helper("clamp").call(gap, 0))]
    },
    "soft_margin_loss": { context in
      let product = context.operand("y") * context.operand("x")
      return [try context.reduced(context.reference("jax.nn.softplus").call(-product))]
    },
    "cosine_embedding_loss": { context in
      try context.elementwiseLoss("cosine_embedding_loss", ["margin": 0], operands: ["x", "y", "target"])
    },
    "triplet_margin_loss": { context in
      try context.elementwiseLoss(
        "triplet_margin_loss", ["margin": 1, "p": 2, "eps": 1e-6], operands: ["anchor", "positive", "negative"],
        flags: ["swap"])
    },
    "multilabel_margin_loss": { context in
      try context.elementwiseLoss("multilabel_margin_loss", [:], operands: ["x", "target"])
    },
    "nll_loss": { try $0.classLoss("nll_loss") },
    "cross_entropy": { try $0.classLoss("cross_entropy") },
    "soft_cross_entropy": { context in
      try context.elementwiseLoss(
        "soft_cross_entropy", ["label_smoothing": 0], operands: ["x", "target"], optional: ["weight"])
    },
    "ctc_loss": { context in
      var keywords: [(String, PythonExpression)] = []
      if try context.call.int("blank") != 0 { keywords.append(("blank", try context.attribute("blank"))) }
      if try context.call.bool("zero_infinity") { keywords.append(("zero_infinity", true)) }
      let isMean = try context.call.string("reduction") == "mean"
      // The mean reads the lengths once more.
      let length = isMean ? context.named("target_lengths") : context.operand("target_lengths")
      let operands = ["x", "targets", "input_lengths"].map { context.operand($0) } + [length]
      let losses = context.helper("ctc_loss").call(operands, keywords: keywords)
      guard isMean else { return [try context.reduced(losses)] }
      let lengths = context.reference("jax.numpy.maximum").call(length, 1)
      return [(losses / lengths).method("mean")]
    },
    "cosine_similarity": { context in
      let (x, y) = (try context.call.type("x"), try context.call.type("y"))
      let rank = max(x.rank, y.rank)
      let axis = try context.call.int("axis") - rank
      var keywords: [(String, PythonExpression)] = axis == -1 ? [] : [("axis", .integer(axis))]
      if try context.call.double("eps") != 1e-8 { keywords.append(("eps", try context.attribute("eps"))) }
      return [
        context.helper("cosine_similarity").call([context.operand("x"), context.operand("y")], keywords: keywords)
      ]
    },
    "pairwise_distance": { context in
      var difference = context.operand("x") - context.operand("y")
      if try context.call.double("eps") != 0 { difference = difference + (try context.attribute("eps")) }
      var keywords: [(String, PythonExpression)] = []
      let p = try context.call.double("p")
      if p != 2 {
        keywords.append(("ord", p.isInfinite ? context.reference("jax.numpy.inf") : context.scalar(.float(p))))
      }
      keywords.append(("axis", -1))
      if try context.call.bool("keepdims") { keywords.append(("keepdims", true)) }
      return [context.reference("jax.numpy.linalg.norm").call([difference], keywords: keywords)]
    },
    "cdist": { context in
      let p = try context.call.double("p")
      let order = p.isInfinite ? context.reference("jax.numpy.inf") : context.scalar(.float(p))
      return [
        context.helper("cdist").call(
          [context.operand("x"), context.operand("y")], keywords: p == 2 ? [] : [("p", order)])
      ]
    },
    "pdist": { context in
      let p = try context.call.double("p")
      let order = p.isInfinite ? context.reference("jax.numpy.inf") : context.scalar(.float(p))
      return [context.helper("pdist").call([context.operand("x")], keywords: p == 2 ? [] : [("p", order)])]
    },
  ]
}

extension EmitContext {
  /// The elements of a loss, reduced as the op says.
  fileprivate func reduced(_ terms: PythonExpression) throws -> PythonExpression {
    let reduction = try call.string("reduction")
    return reduction == "none" ? terms : terms.method(reduction)
  }

  /// A helper that computes a loss's elements; attributes at the given defaults are left out.
  fileprivate func elementwiseLoss(
    _ name: String, _ defaults: KeyValuePairs<String, Double>, operands: [String] = ["x", "y"],
    optional: [String] = [], flags: [String] = []
  ) throws -> [PythonExpression] {
    var keywords: [(String, PythonExpression)] = []
    for operand in optional where !call[operand].isAbsent { keywords.append((operand, self.operand(operand))) }
    for (attribute, value) in defaults where try call.double(attribute) != value {
      keywords.append((attribute, try self.attribute(attribute)))
    }
    for flag in flags where try call.bool(flag) { keywords.append((flag, true)) }
    return [try reduced(helper(name).call(operands.map { operand($0) }, keywords: keywords))]
  }

  /// A helper that reduces by itself, because its mean is weighted.
  fileprivate func classLoss(_ name: String) throws -> [PythonExpression] {
    var keywords: [(String, PythonExpression)] = []
    if !call["weight"].isAbsent { keywords.append(("weight", operand("weight"))) }
    if try call.int("ignore_index") != -100 { keywords.append(("ignore_index", try attribute("ignore_index"))) }
    if call.definition.attribute("label_smoothing") != nil, try call.double("label_smoothing") != 0 {
      keywords.append(("label_smoothing", try attribute("label_smoothing")))
    }
    let reduction = try call.string("reduction")
    if reduction != "mean" { keywords.append(("reduction", .string(reduction))) }
    return [helper(name).call([operand("x"), operand("target")], keywords: keywords)]
  }
}
