"""Reductions, statistics, norms and running reductions."""

import torch
from harness import case, main

torch.manual_seed(0)
x = torch.randn(3, 4)
y = torch.randn(2, 3, 4)
i = torch.randint(-5, 5, (3, 4))
b = torch.rand(3, 4) > 0.5
n = torch.tensor([[1.0, float("nan"), 3.0], [0.0, -1.0, 2.0]])

for name in ("sum", "mean", "prod", "amax", "amin"):
    f = getattr(torch, name)
    case(f"{name} all", lambda a, f=f: f(a), x)
    case(f"{name} axis keepdim", lambda a, f=f: f(a, dim=-1, keepdim=True), y)
for name in ("sum", "mean", "amax", "std", "var", "logsumexp"):
    f = getattr(torch, name)
    case(f"{name} two axes", lambda a, f=f: f(a, dim=(0, -1)), y)
    case(f"{name} trailing axes", lambda a, f=f: f(a, dim=(-2, -1), keepdim=True), y)
case("sum ints", lambda a: a.int().sum(1), i)
case("sum bool", lambda a: a.sum(), b)
case("sum bool axis", lambda a: a.sum(-1), b)
case("sum dtype", lambda a: a.sum(dtype=torch.float32), i)
case("sum scalar", lambda a: a.sum(), torch.tensor(2.0))
case("mean of bools", lambda a: a.float().mean(), b)
case("mean dtype", lambda a: a.mean(1, dtype=torch.float32), i)
case("prod ints", lambda a: a.prod(1), i)
case(
    "prod with zero",
    lambda a: a.prod(-1),
    torch.tensor([[1.0, 0.0, 2.0], [3.0, 4.0, 5.0]]),
)
case("nansum", lambda a: torch.nansum(a, 1), n)
case("nanmean", lambda a: torch.nanmean(a, 1), n)
case("any", lambda a: a.any(), b)
case("any axis", lambda a: a.any(-1, keepdim=True), b)
case("any of floats", lambda a: torch.any(a, 1), torch.tensor([[0.0, 0.0], [0.0, 2.0]]))
case("all", lambda a: a.all(), b)
case("all axes", lambda a: torch.all(a, dim=(0, 1)), b)
case("all uint8", lambda a: torch.all(a, 0), torch.ones(3, 2, dtype=torch.uint8))
case("max all", lambda a: a.max(), x)
case("min all ints", lambda a: a.min(), i)
case("max bool", lambda a: a.amax(0), b)
case("max dim", lambda a: a.max(1), x)
case("max dim values", lambda a: a.max(-1, keepdim=True).values, y)
case("max dim indices", lambda a: a.max(0)[1], x)
case("min dim", lambda a: torch.min(a, 0, keepdim=True), x)
case("max nan", lambda a: a.amax(1), n, gradients=False)
case("aminmax", lambda a: torch.aminmax(a, dim=0), x)
case("aminmax all", lambda a: torch.aminmax(a), x)
case("argmax", lambda a: a.argmax(), x)
case("argmax axis", lambda a: a.argmax(-1), y)
case("argmax keepdim", lambda a: a.argmax(0, keepdim=True), y)
case("argmax ties", lambda a: a.argmax(1), torch.tensor([[1, 3, 3], [2, 2, 2]]))
case("argmin", lambda a: a.argmin(1), x)
case("var", lambda a: a.var(), x)
case("var biased", lambda a: a.var(1, unbiased=False), x)
case("var correction", lambda a: torch.var(a, 1, correction=2, keepdim=True), x)
case("std", lambda a: a.std(), x)
case("std unbiased axis", lambda a: a.std(-1), y)
case("var_mean", lambda a: torch.var_mean(a, 1), x)
case("var_mean biased", lambda a: torch.var_mean(a, (0, 1), unbiased=False), x)
case("std_mean", lambda a: torch.std_mean(a, -1, keepdim=True), x)
case(
    "logsumexp infinite",
    lambda a: torch.logsumexp(a, 1),
    torch.tensor([[0.0, float("-inf")]]),
)
case("count_nonzero", lambda a: torch.count_nonzero(a), i)
case("count_nonzero axis", lambda a: torch.count_nonzero(a, 0), i)
for order in (2, 1, 3, 0.5, float("inf"), float("-inf"), 0):
    case(
        f"vector_norm {order}",
        lambda a, o=order: torch.linalg.vector_norm(a, o, dim=-1),
        x,
        gradients=order != 0,
    )
case("vector_norm all", lambda a: torch.linalg.vector_norm(a), y)
case("norm keepdim", lambda a: a.norm(dim=(0, 1), keepdim=True), x)
case("norm p", lambda a: a.norm(p=1), x)
case(
    "norm at zero",
    lambda a: torch.linalg.vector_norm(a, dim=1),
    torch.tensor([[0.0, 0.0], [3.0, 4.0]]),
)
case(
    "norm bfloat16", lambda a: a.norm(), x.bfloat16(), gradients=False, tolerance=1e-2
)  # rounds to 8 bits
case("normalize", lambda a: torch.nn.functional.normalize(a, dim=-1), x)
case("dist", lambda a, c: torch.dist(a, c), x, x + torch.randn(3, 4))
case("linalg.norm", lambda a: torch.linalg.norm(a), y)
case("linalg.norm matrix", lambda a: torch.linalg.norm(a, 1), x)
for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")):
    case(
        f"matrix_norm {order}",
        lambda a, o=order: torch.linalg.matrix_norm(a, o, keepdim=True),
        y,
    )
case("matrix_norm axes", lambda a: torch.linalg.matrix_norm(a, "nuc", dim=(0, 2)), y)
case("median", lambda a: a.median(), x)
case("median even ints", lambda a: a.median(), i)
case("median dim", lambda a: a.median(1), x)
case("median dim keepdim", lambda a: a.median(0, keepdim=True).values, x)
case("median nan", lambda a: a.median(), n, gradients=False)
case("nanmedian", lambda a: a.nanmedian(), n, gradients=False)
case("quantile", lambda a: a.quantile(0.3), x)
case("quantile axis", lambda a: a.quantile(0.25, dim=1, keepdim=True), x)
case(
    "quantile several",
    lambda a, q: a.quantile(q, dim=-1),
    x,
    torch.tensor([0.1, 0.5]),
    gradients=False,
)
case("quantile lower", lambda a: a.quantile(0.4, dim=0, interpolation="lower"), x)
case("nanquantile", lambda a: a.nanquantile(0.5, dim=1), n, gradients=False)

for name in ("cumsum", "cumprod", "logcumsumexp"):
    f = getattr(torch, name)
    case(name, lambda a, f=f: f(a, 1), x)
    case(f"{name} negative", lambda a, f=f: f(a, -2), y)
case("cumsum ints", lambda a: a.int().cumsum(0), i)
case("cumsum bool", lambda a: a.cumsum(-1), b)
case("cumsum dtype", lambda a: a.cumsum(0, dtype=torch.float32), i)
case("cummax", lambda a: a.cummax(1), x)
case("cummin", lambda a: a.cummin(0), y)
case("cummax ties", lambda a: a.cummax(0), torch.tensor([1, 3, 3, 2, 5]))
case("cummax values", lambda a: a.cummax(-1).values, x)
case("diff", lambda a: torch.diff(a), x)
case("diff twice", lambda a: torch.diff(a, 2, 0), x)
case("diff prepend", lambda a: torch.diff(a, prepend=a[:, :1]), x)
case("trapezoid", lambda a: torch.trapezoid(a, dx=0.5), x)
case("cumulative_trapezoid", lambda a: torch.cumulative_trapezoid(a, dx=0.5), x)

main()
