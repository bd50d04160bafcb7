"""Products of matrices and tensors, and matrix decompositions."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
a, b, v, w = torch.randn(3, 4), torch.randn(4, 5), torch.randn(4), torch.randn(3)
stack, other = torch.randn(2, 3, 4), torch.randn(2, 4, 5)

case("matmul", torch.matmul, a, b)
case(
    "matmul ints",
    torch.matmul,
    torch.randint(0, 9, (3, 4)),
    torch.randint(0, 9, (4, 2)),
)
case("matmul batch", torch.matmul, stack, b)
case("matmul broadcast", torch.matmul, torch.randn(2, 1, 3, 4), torch.randn(5, 4, 2))
case("matmul vector left", torch.matmul, v, other)
case("matmul vector right", torch.matmul, stack, v)
case("matmul vectors", torch.matmul, v, -v)
case("mm", torch.mm, a, b)
case("bmm", torch.bmm, stack, other)
case("mv", torch.mv, a, v)
case("dot", torch.dot, v, -v)
case("vdot", torch.vdot, v, -v)
case(
    "vdot complex",
    torch.vdot,
    torch.randn(4, dtype=torch.complex64),
    torch.randn(4, dtype=torch.complex64),
)
case("inner", torch.inner, a, torch.randn(2, 4))
case("inner vectors", torch.inner, v, -v)
case("inner tensors", torch.inner, stack, torch.randn(5, 3, 4))
case("outer", torch.outer, w, v)
case("addmm", torch.addmm, torch.randn(5), a, b)
case("addmm scaled", torch.addmm, torch.randn(3, 5), a, b, beta=0.5, alpha=2)
case(
    "addmm zero",
    torch.addmm,
    torch.full((3, 5), float("nan")),
    a,
    b,
    beta=0,
    gradients=False,
)
case("baddbmm", torch.baddbmm, torch.randn(2, 3, 5), stack, other, alpha=0.3)
case("addbmm", torch.addbmm, torch.randn(3, 5), stack, other)
case("addmv", torch.addmv, w, a, v)
case("addr", torch.addr, a, w, v, beta=2)
case("linear no bias", nn.Linear(4, 5, bias=False), a)
case("linear function", F.linear, stack, torch.randn(5, 4), torch.randn(5))
case("linear vector", nn.Linear(4, 5), v)
case("bilinear", nn.Bilinear(4, 3, 5), torch.randn(2, 4), torch.randn(2, 3))
case(
    "bilinear no bias",
    nn.Bilinear(4, 3, 5, bias=False),
    torch.randn(6, 2, 4),
    torch.randn(6, 2, 3),
)
for equation, *operands in (
    ("bij,bjk->bik", stack, other),
    ("ij,jk", a, b),
    ("ij->ji", a),
    ("ij->", a),
    ("i,i->", v, -v),
    ("i,j->ij", w, v),
    ("ii->i", torch.randn(3, 3)),
    ("ii", torch.randn(3, 3)),
    ("...ij,jk->...ik", torch.randn(2, 5, 3, 4), b),
    ("bhtd,bhsd->bhts", torch.randn(2, 2, 3, 4), torch.randn(2, 2, 5, 4)),
    ("ij,jk,kl->il", a, b, torch.randn(5, 2)),
    ("b i d, b j d -> b i j", stack, torch.randn(2, 5, 4)),
):
    case(
        f"einsum {equation}",
        lambda *x, equation: torch.einsum(equation, *x),
        *operands,
        equation=equation,
    )
case("tensordot", torch.tensordot, stack, torch.randn(3, 4, 5), dims=2)
case("tensordot one", torch.tensordot, stack, torch.randn(4, 5), dims=1)
case("tensordot none", torch.tensordot, w, v, dims=0)
case(
    "tensordot axes",
    torch.tensordot,
    stack,
    torch.randn(4, 5, 3),
    dims=([1, -1], [2, 0]),
)
case("chain", torch.chain_matmul, a, b, torch.randn(5, 2))
case("multi dot", lambda *m: torch.linalg.multi_dot(m), v, b, torch.randn(5, 2))
case("kron", torch.kron, a, torch.randn(2, 3))
case("kron ranks", torch.kron, v, torch.randn(2, 3))
case("trace", torch.trace, a)
case("vecdot", torch.linalg.vecdot, a, -a)
case("vander", torch.linalg.vander, v, N=3)
case("cross", torch.linalg.cross, torch.randn(4, 3), torch.randn(4, 3))
case("cross axis", torch.linalg.cross, torch.randn(3, 4), torch.randn(3, 1), dim=0)


def svd_product(x):
    """A function of the decomposition that does not depend on the signs of its vectors."""
    u, s, vh = torch.linalg.svd(x, full_matrices=False)
    return (u * s.exp().unsqueeze(-2)) @ vh


def eigh_product(x):
    values, vectors = torch.linalg.eigh((x + x.mT) / 2)
    return (vectors * values.sqrt().unsqueeze(-2)) @ vectors.mT


square = torch.randn(2, 4, 4) + 4 * torch.eye(4)
definite = square @ square.mT + torch.eye(4)
right = torch.randn(2, 4, 3)
case("cholesky", torch.linalg.cholesky, definite)
case("cholesky upper", torch.linalg.cholesky, definite, upper=True)
case("cholesky ex", lambda x: torch.linalg.cholesky_ex(x), definite)
case(
    "cholesky solve",
    lambda b, x: torch.cholesky_solve(b, torch.linalg.cholesky(x)),
    right,
    definite,
)
case(
    "cholesky solve upper",
    lambda b, x: torch.cholesky_solve(
        b, torch.linalg.cholesky(x, upper=True), upper=True
    ),
    right,
    definite,
)
case(
    "cholesky inverse",
    lambda x: torch.cholesky_inverse(torch.linalg.cholesky(x)),
    definite,
)
case("inv", torch.linalg.inv, square)
case("inverse", torch.inverse, square[0])
case("inv ex", torch.linalg.inv_ex, square)
case("solve", torch.linalg.solve, square, right)
case("solve vector", torch.linalg.solve, square[0], v)
case("solve vectors", torch.linalg.solve, square, torch.randn(2, 4))
case("solve right", torch.linalg.solve, square, torch.randn(2, 3, 4), left=False)
case("solve broadcast", torch.linalg.solve, square, right[0])
case("solve ex", torch.linalg.solve_ex, square, right)
case("solve triangular", torch.linalg.solve_triangular, square, right, upper=True)
case(
    "solve triangular lower",
    torch.linalg.solve_triangular,
    square,
    right,
    upper=False,
    unitriangular=True,
)
case(
    "solve triangular right",
    torch.linalg.solve_triangular,
    square,
    right.mT,
    upper=True,
    left=False,
)
case("triangular solve", torch.triangular_solve, right, square, transpose=True)
case("qr", torch.linalg.qr, torch.randn(5, 3))
case("qr batch", torch.linalg.qr, torch.randn(2, 4, 4))
case(
    "qr complete", torch.linalg.qr, torch.randn(5, 3), mode="complete", gradients=False
)
case("qr wide", torch.linalg.qr, a, gradients=False)
case("svd", torch.linalg.svd, torch.randn(5, 3), full_matrices=False, gradients=False)
case("svd full", torch.linalg.svd, a, gradients=False)
case("svd values", lambda x: torch.linalg.svd(x).S, a)
case("svd product", svd_product, torch.randn(2, 4, 4))
case("svdvals", torch.linalg.svdvals, a)
case("eigh values", lambda x: torch.linalg.eigh(x).eigenvalues, definite)
case("eigh product", eigh_product, definite)
case("eigvalsh", torch.linalg.eigvalsh, definite)
case("eigvalsh upper", torch.linalg.eigvalsh, definite, UPLO="U")
case("det", torch.linalg.det, square)
case("torch.det", torch.det, square[0])
case("slogdet", torch.linalg.slogdet, square)
case("logdet", torch.logdet, definite)
case(
    "logdet negative",
    torch.logdet,
    torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
    gradients=False,
)
case("pinv", torch.linalg.pinv, torch.randn(5, 3))
case("pinverse", torch.pinverse, torch.randn(3, 5))
case("matrix exp", torch.linalg.matrix_exp, torch.randn(2, 3, 3))
case("matrix power", torch.linalg.matrix_power, torch.randn(2, 3, 3), n=3)
case("matrix power negative", torch.linalg.matrix_power, square, n=-2)
case("matrix power zero", torch.linalg.matrix_power, square, n=0)
case(
    "householder",
    lambda x, t: torch.linalg.householder_product(x.tril(-1), t),
    torch.randn(5, 3),
    torch.rand(3),
)
case(
    "orthogonal",
    nn.utils.parametrizations.orthogonal(nn.Linear(4, 3)),
    torch.randn(2, 4),
)

main()
