"""Losses: every loss of torch.nn with its options and reductions; distances."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(4, 5), torch.randn(4, 5)
probs, share = torch.rand(4, 5) * 0.9 + 0.05, torch.rand(4, 5)
signs = torch.tensor([1.0, -1.0, 1.0, -1.0])
classes = torch.tensor([0, 4, 2, 1])
ignored = torch.tensor([0, -100, 2, 1])
pixels, labels = torch.randn(2, 5, 3, 2), torch.randint(0, 5, (2, 3, 2))
weight = torch.rand(5) + 0.5

for reduction in ("none", "mean", "sum"):
    r = {"reduction": reduction}
    case(f"mse {reduction}", nn.MSELoss(**r), x, y)
    case(f"l1 {reduction}", nn.L1Loss(**r), x, y)
    case(f"smooth l1 {reduction}", nn.SmoothL1Loss(**r), x, y)
    case(f"huber {reduction}", nn.HuberLoss(**r), x, y)
    case(f"bce {reduction}", nn.BCELoss(**r), probs, share)
    case(f"bce with logits {reduction}", nn.BCEWithLogitsLoss(**r), x, share)
    case(f"kl div {reduction}", nn.KLDivLoss(**r), x, probs)
    case(f"poisson nll {reduction}", nn.PoissonNLLLoss(**r), x, share * 5)
    case(
        f"soft margin {reduction}",
        lambda a, reduction: F.soft_margin_loss(a, y.sign().to(a), reduction=reduction),
        x,
        **r,
    )
    case(f"hinge embedding {reduction}", nn.HingeEmbeddingLoss(**r), x, y.sign())
    case(
        f"margin ranking {reduction}",
        nn.MarginRankingLoss(0.5, **r),
        x[0],
        y[0],
        y[1].sign(),
    )
    case(f"cosine embedding {reduction}", nn.CosineEmbeddingLoss(0.1, **r), x, y, signs)
    case(f"triplet {reduction}", nn.TripletMarginLoss(**r), x, y, x + y)
    case(
        f"multilabel soft margin {reduction}",
        nn.MultiLabelSoftMarginLoss(**r),
        x,
        share.round(),
    )
    case(f"nll {reduction}", nn.NLLLoss(**r), x, classes)
    case(
        f"nll weighted {reduction}", nn.NLLLoss(weight, ignore_index=2, **r), x, classes
    )
    case(f"cross entropy {reduction}", nn.CrossEntropyLoss(**r), x, classes)
    case(f"cross entropy ignored {reduction}", nn.CrossEntropyLoss(**r), x, ignored)
    case(
        f"cross entropy weighted {reduction}",
        nn.CrossEntropyLoss(weight, ignore_index=2, label_smoothing=0.1, **r),
        x,
        classes,
    )
    case(
        f"cross entropy pixels {reduction}",
        nn.CrossEntropyLoss(weight, **r),
        pixels,
        labels,
    )
    case(f"cross entropy probabilities {reduction}", nn.CrossEntropyLoss(**r), x, share)
    case(
        f"cross entropy probabilities weighted {reduction}",
        nn.CrossEntropyLoss(weight, label_smoothing=0.1, **r),
        x,
        share,
    )
    case(
        f"multilabel margin {reduction}",
        nn.MultiLabelMarginLoss(**r),
        x,
        torch.tensor(
            [[1, 2, -1, 0, 1], [4, -1, 1, 1, 1], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]]
        ),
    )
    case(f"multi margin {reduction}", nn.MultiMarginLoss(margin=0.5, **r), x, classes)
    case(
        f"gaussian nll {reduction}",
        nn.GaussianNLLLoss(full=True, **r),
        x,
        y,
        share + 0.1,
    )
    case(
        f"triplet with distance {reduction}",
        nn.TripletMarginWithDistanceLoss(swap=True, **r),
        x,
        y,
        x + y,
    )

case("mse broadcast", lambda a, b: F.mse_loss(a, b), x, torch.randn(1, 5))
# JAX takes the derivative of |x| at 0 to be 1, PyTorch 0.
case("l1 of equal numbers", nn.L1Loss(), x, x + torch.eye(4, 5), gradients=False)
case("smooth l1 beta", nn.SmoothL1Loss(beta=0.3), x, y)
case("smooth l1 beta 0", lambda a, b: F.smooth_l1_loss(a, b, beta=0.0), x, y)
case("huber delta", nn.HuberLoss(delta=0.3), x, y)
case("bce weight", nn.BCELoss(weight), probs, share)
case(
    "bce with logits weight",
    nn.BCEWithLogitsLoss(weight, pos_weight=weight * 2),
    x,
    share,
)
case("bce with logits far", nn.BCEWithLogitsLoss(), x * 100, share)
case("kl div batchmean log", nn.KLDivLoss(reduction="batchmean", log_target=True), x, y)
case(
    "kl div at zero", nn.KLDivLoss(reduction="sum"), x, torch.eye(4, 5), gradients=False
)
case("poisson nll full", nn.PoissonNLLLoss(full=True), x, share * 5)
case("poisson nll plain", nn.PoissonNLLLoss(log_input=False), probs, share * 5)
case("triplet options", nn.TripletMarginLoss(0.5, p=1, swap=True), x, y, x + y)
case(
    "cosine embedding single",
    lambda a, b: F.cosine_embedding_loss(a, b, torch.tensor(-1.0)),
    x[0],
    y[0],
)
case("cross entropy single", nn.CrossEntropyLoss(), x[0], classes[1])
case("cross entropy smoothing", nn.CrossEntropyLoss(label_smoothing=0.2), x, ignored)
case("nll pixels", nn.NLLLoss(), pixels, labels)
case(
    "gaussian nll broadcast",
    lambda a, b, v: F.gaussian_nll_loss(a, b, v),
    x,
    y,
    torch.rand(4, 1) + 0.1,
)

log_probs = torch.randn(8, 3, 5).log_softmax(-1)
targets = torch.tensor([[1, 2, 2, 3], [4, 4, 1, 1], [1, 3, 2, 4]])
lengths, target_lengths = torch.tensor([8, 6, 7]), torch.tensor([4, 2, 3])
for reduction in ("none", "mean", "sum"):
    case(
        f"ctc {reduction}",
        nn.CTCLoss(reduction=reduction),
        log_probs,
        targets,
        lengths,
        target_lengths,
    )
case("ctc blank", nn.CTCLoss(blank=4), log_probs, targets % 4, lengths, target_lengths)
case(
    "ctc no target", nn.CTCLoss(), log_probs, targets, lengths, torch.tensor([4, 0, 3])
)
case(
    "ctc infinite",
    nn.CTCLoss(zero_infinity=True),
    log_probs,
    targets,
    torch.tensor([8, 2, 7]),
    torch.tensor([4, 2, 3]),
)

case("cosine similarity", nn.CosineSimilarity(), x, y)
case(
    "cosine similarity broadcast",
    lambda a, b: F.cosine_similarity(a[:, None], b[None], dim=-1),
    x,
    y,
)
case(
    "cosine similarity first axis", lambda a, b: F.cosine_similarity(a, b, dim=0), x, y
)
case(
    "cosine similarity of zero",
    lambda a, b: F.cosine_similarity(a, b),
    torch.zeros(2, 3),
    torch.ones(2, 3),
    gradients=False,
)
case("pairwise distance", nn.PairwiseDistance(), x, y)
case("pairwise distance options", nn.PairwiseDistance(1.0, keepdim=True), x, y)
case("pairwise distance 3", nn.PairwiseDistance(3.0), x, y)
case("cdist", torch.cdist, x, torch.randn(6, 5))
case("cdist with itself", lambda a: torch.cdist(a, a), x)
case("cdist batched", torch.cdist, torch.randn(2, 3, 4), torch.randn(2, 5, 4))
for p in (0.0, 1.0, 3.0, float("inf")):
    case(
        f"cdist {p}",
        lambda a, b, p: torch.cdist(a, b, p),
        x,
        torch.randn(6, 5),
        p=p,
        gradients=p != 0,
    )
case("pdist", F.pdist, x)

main()
