"""Indexing by tensors, scattering, and what in-place updates of views leave behind."""

import torch
import torch.nn.functional as F
from harness import case, main

torch.manual_seed(0)
x = torch.randn(5, 4)
y = torch.randn(3, 4, 5)
rows = torch.tensor([0, 3, -1])
columns = torch.tensor([1, 0, 2])
grid = torch.tensor([[0, 2], [1, 1]])
mask = x > 0

case("index", lambda a, i: a[i], x, rows)
case("index 2d", lambda a, i: a[i], x, grid)
case("index second", lambda a, i: a[:, i], x, columns)
case("index pairs", lambda a, i, j: a[i, j], x, rows, columns)
case("index broadcast", lambda a, i, j: a[i[:, None], j], x, rows, columns)
case("index apart", lambda a, i: a[i, :, i], y, grid)
case("index last", lambda a, i: a[..., i], y, grid)
case("index then slice", lambda a, i: a[i, 1:], x, rows)
case("index with int", lambda a, i: a[0, i], y, columns)
case("index int first and last", lambda a, i: a[0, :, i], y, columns)
case("index with new axis", lambda a, i: a[:, None, i], x, columns)
two, last = torch.tensor(2), torch.tensor(-1)
case("index scalar tensor", lambda a, i: a[i], x, two)
case("index scalar tensor, negative", lambda a, i: a[i], x, last)
case("index scalar tensor second", lambda a, i: a[:, i], x, last)
case("index scalar tensor last", lambda a, i: a[..., i], y, last)
case("index scalar tensors", lambda a, i, j: a[i, j], x, two, last)
case("index scalar tensors apart", lambda a, i, j: a[i, :, j], y, two, last)
case("index scalar and int", lambda a, i: a[i, 1], y, two)
case("index scalar and new axis", lambda a, i: a[None, i, 1:, None], y, two)
case("index scalar and tensor", lambda a, i, j: a[i, :, j], y, two, columns)
case("index scalar int32", lambda a, i: a[i.int()], x, two)
case("index scalar, computed", lambda a: a[a.sum(1).argmax()], x)
case("index repeated", lambda a, i: a[i], x, torch.tensor([1, 1, 1]))
case("index int32", lambda a, i: a[i], x, rows.int())
case("index of ints", lambda a, i: a[i], torch.arange(5), rows)
case("index_select", lambda a, i: a.index_select(1, i), x, columns)
case("index_select scalar", lambda a, i: a.index_select(0, i), x, torch.tensor(2))
case("take", lambda a, i: torch.take(a, i), x, grid)
case(
    "gather",
    lambda a, i: a.gather(1, i),
    x,
    torch.tensor([[0, 1], [2, 3], [1, 1], [0, 0], [3, 2]]),
)
case(
    "gather smaller",
    lambda a, i: a.gather(-1, i),
    y,
    torch.tensor([[[0, 1]], [[4, 4]]]),
)
case("gather first axis", lambda a, i: a.gather(0, i), x, torch.tensor([[0, 4, 2, 1]]))
case("gather vector", lambda a, i: a.gather(0, i), x[:, 0].contiguous(), rows.abs())
case("take_along_dim", lambda a: torch.take_along_dim(a, a.argsort(1), 1), x)
case(
    "take_along_dim broadcast",
    lambda a, i: torch.take_along_dim(a, i, 1),
    x,
    torch.tensor([[2]]),
)
case("take_along_dim flat", lambda a, i: torch.take_along_dim(a, i), x, rows.abs())

case("masked assignment", lambda a: torch.where(a > 0, a, 0.0), x)


def put(a, i, value):
    a = a.clone()
    a[i] = value
    return a


def put_mask(a, value):
    a = a.clone()
    a[a > 0] = value
    return a


case("put scalar", lambda a, i: put(a, i, 1.5), x, rows)
case("put rows", lambda a, i, u: put(a, i, u), x, rows, torch.randn(3, 4))
case("put one row", lambda a, i, u: put(a, i, u), x, rows, torch.randn(4))
case("put mask", lambda a: put_mask(a, 0.5), x)
case("put mask tensor", lambda a, u: put_mask(a, u), x, torch.tensor(0.25))
case(
    "put mask rows",
    lambda a, m: put(a, m, 0.0),
    x,
    torch.tensor([True, False, True, False, False]),
)
case(
    "index_put accumulate",
    lambda a, i, u: a.index_put((i,), u, accumulate=True),
    x,
    torch.tensor([1, 1, 0]),
    torch.randn(3, 4),
)
case(
    "index_put pairs",
    lambda a, i, j, u: a.index_put((i, j), u),
    x,
    rows,
    columns,
    torch.randn(3),
)
case(
    "index_put accumulate pairs",
    lambda a, i, u: a.index_put((i, i), u, accumulate=True),
    x,
    torch.tensor([1, 1, 0]),
    torch.randn(3),
)
case(
    "index_add",
    lambda a, i, u: a.index_add(0, i, u),
    x,
    torch.tensor([1, 1, 0]),
    torch.randn(3, 4),
)
case(
    "index_add alpha",
    lambda a, i, u: a.index_add(1, i, u, alpha=2),
    x,
    columns,
    torch.randn(5, 3),
)
case(
    "index_copy",
    lambda a, i, u: a.index_copy(0, i, u),
    x,
    rows.abs(),
    torch.randn(3, 4)[[0, 1, 2]],
)
case("index_fill", lambda a, i: a.index_fill(1, i, 2.0), x, columns)
case(
    "index_fill tensor",
    lambda a, i, u: a.index_fill(0, i, u),
    x,
    columns,
    torch.tensor(3.0),
)
case(
    "put_", lambda a, i, u: torch.put(a, i, u), x, torch.tensor([7, 3]), torch.randn(2)
)
case(
    "put_ accumulate",
    lambda a, i, u: torch.put(a, i, u, accumulate=True),
    x,
    torch.tensor([7, 7]),
    torch.randn(2),
)

index = torch.tensor([[0, 1, 2, 0], [2, 0, 0, 1]])
source = torch.randn(2, 4)
case("scatter", lambda a, i, u: a.scatter(0, i, u), x, index, source)
case("scatter value", lambda a, i: a.scatter(0, i, 2.0), x, index)
case(
    "scatter vector",
    lambda a, i, u: a.scatter(0, i, u),
    x[:, 0].contiguous(),
    rows.abs() * 0 + torch.tensor([0, 1, 3]),
    torch.randn(3),
)
case(
    "scatter last axis",
    lambda a, i, u: a.scatter(-1, i, u),
    x,
    torch.tensor([[0, 2], [1, 3]]),
    source[:, :2].clone(),
)
case("scatter_add", lambda a, i, u: a.scatter_add(0, i, u), x, index, source)
case(
    "scatter_add second",
    lambda a, i, u: a.scatter_add(1, i, u),
    x,
    torch.tensor([[0, 0, 0], [1, 2, 1]]),
    source[:, :3].clone(),
)
case(
    "scatter_add ints",
    lambda i: torch.zeros(3, 4, dtype=torch.int64).scatter_add(
        0, i, torch.ones_like(i)
    ),
    index,
)
for reduce in ("sum", "prod", "mean", "amax", "amin"):
    grads = reduce in ("sum", "mean")
    case(
        f"scatter_reduce {reduce}",
        lambda a, i, u, r=reduce: a.scatter_reduce(0, i, u, r),
        x,
        index,
        source,
        gradients=grads,
    )
    case(
        f"scatter_reduce {reduce} without self",
        lambda a, i, u, r=reduce: a.scatter_reduce(0, i, u, r, include_self=False),
        x,
        index,
        source,
        gradients=grads,
    )
case(
    "scatter add reduce",
    lambda a, i, u: a.scatter(0, i, u, reduce="add"),
    x,
    index,
    source,
    gradients=False,
)
case(
    "masked_scatter", lambda a, m, u: a.masked_scatter(m, u), x, mask, torch.randn(5, 4)
)

case("one_hot", lambda i: F.one_hot(i, 5), rows.abs())
case("one_hot float", lambda i: F.one_hot(i, 5).float(), grid)
case("embedding", torch.nn.Embedding(6, 3), grid)
case("embedding padding", torch.nn.Embedding(6, 3, padding_idx=1), grid)
case("embedding functional", lambda w, i: F.embedding(i, w), x, grid)
case("isin", lambda a, c: torch.isin(a, c), torch.arange(6), torch.tensor([1, 4]))
case("isin invert", lambda a: torch.isin(a, 3, invert=True), torch.arange(6))
case(
    "searchsorted",
    lambda a, c: torch.searchsorted(a, c),
    torch.arange(5.0),
    torch.tensor([-1.0, 2.0, 9.0]),
)
case(
    "searchsorted right",
    lambda a, c: torch.searchsorted(a, c, right=True),
    torch.arange(5.0),
    torch.tensor([[0.0, 2.0], [1.5, 9.0]]),
)
case(
    "searchsorted rows",
    lambda a, c: torch.searchsorted(a, c, side="right"),
    x.sort(1).values,
    torch.randn(5, 3),
)
case(
    "searchsorted sorter",
    lambda a, c: torch.searchsorted(a, c, sorter=a.argsort(dim=-1)),
    torch.randn(3, 6),
    torch.randn(3, 4),
)
case(
    "searchsorted sorter, one row",
    lambda a, c, s: torch.searchsorted(a, c, sorter=s, right=True),
    torch.tensor([2.0, 0.0, 1.0]),
    torch.tensor([[0.5, 2.0], [1.0, 9.0]]),
    torch.tensor([1, 2, 0]),
)
case("bucketize", lambda a, c: torch.bucketize(a, c), x, torch.tensor([-1.0, 0.0, 1.0]))
case(
    "bucketize ints",
    lambda a, c: torch.bucketize(a, c, right=True, out_int32=True),
    rows,
    torch.tensor([0, 2, 3]),
)


def scalar_updates(a, i, v):
    a = a.clone()
    a[i] = 0.5
    a[..., i] = v
    a[1:, None, i] += 1
    a[1, i] = a[1, i].clone() * a[i, i].clone()
    return a


case("scalar tensor updates", scalar_updates, torch.randn(4, 4), two, torch.randn(4))
case("scalar tensor updates, negative", scalar_updates, x[:4], last, x[:4, 0])


def updates(a):
    a = a.clone()
    a[:, 1:3] = 0.5
    a[0] += 1
    a[1:3, 2] = a[0, 0]
    a[-1] = a[0] * 2
    return a


def nested(a):
    out = torch.zeros(6, 6)
    count = 0
    for rows in (slice(0, -4), slice(-4, -2), slice(-2, None)):
        for columns in (slice(0, -4), slice(-4, -2), slice(-2, None)):
            out[rows, columns] = count
            count += 1
    return out * a


def added(a):
    a = a.clone()
    a[1:3] += 2
    a[:, ::2] *= 3
    return a


def filled(a):
    a = a.clone()
    a[:, 0].fill_(2)
    a[3].zero_()
    return a


def copied(a, u):
    out = torch.empty_like(a)
    out.copy_(u)
    out[:, :2].copy_(a[:, 2:])
    return out


case("in-place updates", updates, x)
case("in-place nested ranges", nested, torch.tensor(2.0))
case("in-place add", added, x)
case("in-place fills", filled, x)
case("in-place copies", copied, x, torch.randn(4))
case("slice_scatter", lambda a, u: a.slice_scatter(u, 1, 0, 4, 2), x, torch.randn(5, 2))
case("select_scatter", lambda a, u: a.select_scatter(u, 1, -1), x, torch.randn(5))
case("diagonal_scatter", lambda a, u: a.diagonal_scatter(u, 1), x, torch.randn(3))
case(
    "diagonal_scatter below", lambda a, u: a.diagonal_scatter(u, -2), x, torch.randn(3)
)

main()
