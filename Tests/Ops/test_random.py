"""Random operations, with both sides drawing from one stream; dropout in both modes."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
x = torch.randn(4, 6)
share = torch.rand(4, 6)
image = torch.randn(2, 6, 3, 3)

case("dropout", nn.Dropout(0.3), x)
case("dropout twice", nn.Sequential(nn.Dropout(0.3), nn.Tanh(), nn.Dropout(0.5)), x)
case("dropout nothing", nn.Dropout(0.0), x)
case("dropout all", nn.Dropout(1.0), x)
case("dropout in a function", lambda a: F.dropout(a, 0.4, training=True), x)
case("dropout1d", nn.Dropout1d(0.3), torch.randn(2, 6, 4))
case("dropout2d", nn.Dropout2d(0.3), image)
case("dropout3d", nn.Dropout3d(0.3), torch.randn(2, 6, 3, 3, 2))
case("alpha dropout", nn.AlphaDropout(0.3), x)
case("feature alpha dropout", nn.FeatureAlphaDropout(0.3), image)
case("rrelu", nn.RReLU(), x)
case("rrelu limits", nn.RReLU(0.2, 0.4), x)
case("bernoulli", torch.bernoulli, share, gradients=False)
case("bernoulli p", lambda a: torch.bernoulli(a.detach(), 0.3) * a, x)
case("bernoulli_", lambda a, p: a.clone().bernoulli_(p), x, share, gradients=False)
case("rand", lambda a: torch.rand(4, 6) * a, x)
case("rand_like", lambda a: torch.rand_like(a) * a, x)
case("randn", lambda a: torch.randn(4, 6) * a, x)
case("randn_like", lambda a: torch.randn_like(a) * a, x)
case("uniform", lambda a: torch.empty_like(a).uniform_(-1, 2) * a, x)
case("normal_", lambda a: torch.empty_like(a).normal_(1, 2) * a, x)
case("normal sized", lambda a: torch.normal(1.0, 2.0, (4, 6)) * a, x)
case("normal tensors", torch.normal, x, share)
case("normal tensor and number", lambda a: torch.normal(a, 0.5), x)
case("normal number and tensor", lambda a: torch.normal(0.0, a), share)
case("exponential", lambda a: torch.empty_like(a).exponential_(2.0) * a, x)
case("randint", lambda a: a + torch.randint(7, (4, 6)), x)
case("randint low", lambda a: a + torch.randint(-3, 5, (4, 6)), x)
case("randint_like", lambda a: torch.randint_like(a, 5) * a, x)
case("random_", lambda a: a + torch.empty(4, 6, dtype=torch.int64).random_(3), x)
case("randperm", lambda a: a * torch.randperm(6), x)
case("multinomial", lambda a: torch.multinomial(a, 3), share)
case(
    "multinomial replacement",
    lambda a: torch.multinomial(a, 9, replacement=True),
    share,
)
case("multinomial vector", lambda a: torch.multinomial(a, 2), share[0])
case("two draws", lambda a: torch.rand_like(a) + torch.randn_like(a) * a, x)
case("gumbel softmax", lambda a: F.gumbel_softmax(a, tau=0.5), x)

main()
