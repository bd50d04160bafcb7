"""Elementwise arithmetic, special functions, comparisons, selection, casts and complex numbers."""

import math

import torch
from harness import case, main
from torch import special

torch.manual_seed(0)
x, y = torch.randn(3, 4), torch.randn(4)
positive = torch.rand(3, 4) * 3 + 0.2
unit = torch.rand(3, 4) * 1.8 - 0.9
share = torch.rand(3, 4) * 0.9 + 0.05
whole = torch.arange(-6, 6).reshape(3, 4)
small = torch.tensor([3, -2, 5, 1], dtype=torch.int32)
odd = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.5, -2.5])
kinks = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])
mask, other_mask = x > 0, x < 0.5

for name in [
    "abs",
    "absolute",
    "neg",
    "negative",
    "square",
    "exp",
    "exp2",
    "expm1",
    "sin",
    "cos",
    "tan",
    "atan",
    "arctan",
    "sinh",
    "cosh",
    "asinh",
    "tanh",
    "sigmoid",
    "erf",
    "erfc",
    "sign",
    "sgn",
    "floor",
    "ceil",
    "round",
    "trunc",
    "fix",
    "frac",
    "positive",
    "sinc",
    "deg2rad",
    "rad2deg",
    "nan_to_num",
]:
    case(name, getattr(torch, name), x)
for name in [
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "lgamma",
    "digamma",
]:
    case(name, getattr(torch, name), positive)
for name in ["asin", "arcsin", "acos", "atanh", "erfinv"]:
    case(name, getattr(torch, name), unit)
case("acosh", torch.acosh, positive + 1)
case("logit", torch.logit, share)
case("logit eps", torch.logit, torch.rand(3, 4), eps=0.2)
case("abs of ints", torch.abs, whole)
case("exp of bool", torch.exp, mask)
case("square of ints", torch.square, whole)
case("floor of ints", torch.floor, whole)
case("sqrt of bfloat16", torch.sqrt, positive.bfloat16(), gradients=False)
case("halves", torch.round, torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5]))
case("round decimals", torch.round, x, decimals=2)
case("round negative decimals", torch.round, x * 100, decimals=-1)

for name in [
    "expit",
    "ndtr",
    "log_ndtr",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "erfcx",
    "exp2",
    "expm1",
    "sinc",
]:
    case(f"special {name}", getattr(special, name), x)
for name in ["entr", "log1p", "gammaln", "digamma", "psi"]:
    case(f"special {name}", getattr(special, name), positive)
case("entr at zero", special.entr, torch.tensor([0.0, -1.0, 1.0]), gradients=False)
case("log_ndtr far", special.log_ndtr, torch.tensor([-20.0, -9.0, 3.0]))
case("ndtri", special.ndtri, share)
case("polygamma", lambda a: torch.polygamma(2, a), positive + 0.5)
case("multigammaln", lambda a: special.multigammaln(a, 3), positive + 2)
case("gammainc", special.gammainc, torch.rand(3, 4) + 1, positive, gradients=False)
case("gammaincc", lambda b: special.gammaincc(torch.tensor(1.5), b), positive)
case("zeta", special.zeta, positive + 2, positive, gradients=False)
case("xlogy", torch.xlogy, x, positive)
case("xlogy scalar", lambda a: torch.xlogy(2.0, a), positive)
case(
    "xlogy at zero",
    torch.xlogy,
    torch.zeros(2),
    torch.tensor([0.0, 2.0]),
    gradients=False,
)
case("xlog1py", special.xlog1py, x, positive)

case("subtract alpha", lambda a, b: torch.subtract(a, b, alpha=2), x, y)
case("rsub alpha", lambda a, b: torch.rsub(a, b, alpha=2), x, y)
case("add int and float", lambda a, b: a + b, whole, x)
case("add bools", lambda a, b: a + b, mask, other_mask)
case("int plus float scalar", lambda a: a * 2.5 + 1, whole)
case("true divide ints", lambda a, b: a / b, whole, small)
case("floor divide", lambda a, b: a // b, x, y, gradients=False)
case("floor divide ints", lambda a, b: a // b, whole, small)
case("floor divide scalar", lambda a: a // 2, whole)
case("divide floor", lambda a, b: torch.div(a, b, rounding_mode="floor"), x, y)
case("divide trunc", lambda a, b: torch.div(a, b, rounding_mode="trunc"), x, y)
case(
    "divide trunc ints",
    lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    whole,
    small,
)
case("remainder", torch.remainder, x, y)
case("remainder ints", torch.remainder, whole, small)
case("remainder scalar", lambda a: a % 3, whole)
case("scalar remainder", lambda a: torch.remainder(2, a), x, gradients=False)
case("fmod", torch.fmod, x, y)
case("fmod ints", torch.fmod, whole, small)
case("pow tensor", torch.pow, positive, y)
case("pow square", lambda a: a**2, x)
case("pow half", lambda a: a**0.5, positive)
case("pow negative", lambda a: a**-1.5, positive)
case("pow of scalar", lambda a: 2**a, x)
case("pow ints", lambda a: a**3, whole)
case("pow at zero", lambda a: a**2, torch.zeros(3))
case("float_power", lambda a: torch.float_power(a, 2), whole)
case("maximum", torch.maximum, x, y)
case("maximum ties", torch.maximum, torch.ones(3), torch.ones(3))
case("minimum", torch.minimum, x, y)
case("max other", lambda a, b: torch.max(a, b), whole, small)
case("min other mixed", lambda a, b: torch.min(a, b), x, y)
case("fmax", torch.fmax, odd, torch.ones(7), gradients=False)
case("fmin", torch.fmin, x, y)
case("maximum nan", torch.maximum, odd, torch.ones(7), gradients=False)
case("atan2", torch.atan2, x, y)
case("hypot", torch.hypot, x, y)
case("logaddexp", torch.logaddexp, x, y)
case("logaddexp2", torch.logaddexp2, x, y)
case("copysign", torch.copysign, x, y)
case("copysign scalar", lambda a: torch.copysign(a, -1), x)
case(
    "nextafter", torch.nextafter, x, x + 1, gradients=False, tolerance=1e-6
)  # the step depends on the precision
# PyTorch takes the gradient for negative exponents to be zero.
case("ldexp", torch.ldexp, x, small.abs())
case("ldexp negative", torch.ldexp, x, small, gradients=False)
case("heaviside", torch.heaviside, kinks, torch.tensor(0.5), gradients=False)
case("gcd", torch.gcd, whole.abs(), small.abs().long())
case("lcm", torch.lcm, whole.abs(), small.abs().long())
case("lerp", lambda a, b: torch.lerp(a, b, 0.3), x, x + y)
case("lerp tensor", torch.lerp, x, x + y, torch.rand(4))
case("addcmul", lambda a, b, c: torch.addcmul(a, b, c, value=0.5), x, x + 1, y)
case("addcdiv", lambda a, b, c: torch.addcdiv(a, b, c), x, x + 1, positive)

case("clamp", lambda a: a.clamp(-0.5, 0.5), x)
case("clamp at the limits", lambda a: a.clamp(-0.5, 0.5), kinks)
case("clamp min", lambda a: a.clamp(min=0), kinks)
case("clamp max", lambda a: torch.clamp_max(a, 0.5), kinks)
case("clamp ints", lambda a: a.clamp(-2, 3), whole)
case("clamp ints by floats", lambda a: a.clamp(-2.5, 3), whole)
case("clamp tensors", torch.clamp, x, y - 1, y + 1)
case("clamp min tensor", lambda a, b: a.clamp_min(b), x, y)
case("clip", lambda a: torch.clip(a, max=0.2), x)
case("nan_to_num odd", torch.nan_to_num, odd)
case(
    "nan_to_num values",
    lambda a: torch.nan_to_num(a, nan=1.0, posinf=2.0, neginf=-3.0),
    odd,
)

for name in [
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "signbit",
    "logical_not",
    "isreal",
]:
    case(name, getattr(torch, name), odd)
for name in ["eq", "ne", "lt", "le", "gt", "ge", "greater_equal", "not_equal"]:
    case(name, getattr(torch, name), whole, small)
    case(f"{name} scalar", getattr(torch, name), kinks, other=0.5)
case("int against float", lambda a: a > 1.5, whole)
case("isclose", torch.isclose, x, x + 1e-9)
case("isclose nan", lambda a: torch.isclose(a, a, equal_nan=True), odd)
case("isin", torch.isin, whole, small.long())
for name in ["logical_and", "logical_or", "logical_xor"]:
    case(name, getattr(torch, name), mask, other_mask)
    case(f"{name} of numbers", getattr(torch, name), whole, x)
case("not", lambda a: ~a, mask)
case("and", lambda a, b: a & b, mask, other_mask)
case("or ints", lambda a, b: a | b, whole, small.long())
case("xor", lambda a: a ^ 5, whole)
case("not ints", lambda a: ~a, whole)
case("left shift", lambda a: a << 2, whole)
case("right shift", lambda a: a >> 1, whole)
case("shift of scalar", lambda a: 1 << a, whole.abs())
case("where", torch.where, mask, x, y)
case("where mixed", lambda m, a, b: torch.where(m, a, b), mask, whole, x)
case("where scalar", lambda m, a: torch.where(m, a, 0.0), mask, x)
case("where scalars", lambda m: torch.where(m, 1.0, 0.5), mask)
case("where int scalars", lambda m: torch.where(m, 1, 0), mask)
case("masked_fill", lambda a, m: a.masked_fill(m, -math.inf), x, mask)
case("masked_fill tensor", lambda a, m: a.masked_fill(m, a.sum()), x, mask)
case(
    "masked_fill lowest",
    lambda a, m: a.masked_fill(m, torch.finfo(a.dtype).min).exp(),
    x,
    mask,
)

case("to int", lambda a: a.int(), x * 3)
case("to bool", lambda a: a.bool(), whole)
case("to bfloat16 and back", lambda a: a.bfloat16().float() * 2, whole.float())
case("to double", lambda a: a.double() * 2, x)
case("type_as", lambda a, b: a.type_as(b) * 2, whole, x)
case("bool to float", lambda m: m.float().mean(), mask)

z, w = torch.randn(3, 4, dtype=torch.complex64), torch.randn(4, dtype=torch.complex64)
case("complex multiply", lambda a, b: a * b, z, w)
case("complex divide", lambda a, b: a / b, z, w)
case("complex exp", torch.exp, z)
case("real", lambda a: a.real, z)
case("imag", lambda a: a.imag, z)
case("conj", lambda a, b: a.conj() * b, z, w)
case("conj_physical", torch.conj_physical, z)
case("abs complex", torch.abs, z)
case("angle", torch.angle, z)
case("angle real", torch.angle, x)
case("complex", torch.complex, x, x + 1)
case("polar", torch.polar, positive, x)
case("view_as_real", torch.view_as_real, z)
case("view_as_complex", torch.view_as_complex, torch.randn(3, 4, 2))
case("real times complex", lambda a, b: a * b, x, w)
case("sgn complex", torch.sgn, z)
case(
    "rotate",
    lambda a, b: torch.view_as_real(torch.view_as_complex(a) * b),
    torch.randn(3, 4, 2),
    w,
)

main()
