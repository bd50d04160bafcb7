"""Replace PyTorch's random numbers by the counter-based stream that verification uses on both sides.

Loaded as `graft_torch_draws`, after `graft_torch_tracer`.

Draw k of shape S uses `numpy.random.Generator(numpy.random.Philox(key=[seed, k]))`: `random(S)`, or
`standard_normal(S)` for normal distributions. A dropout whose p is 0 or 1 draws nothing.
"""

import numpy
import torch
from graft_torch_entry import GraftError
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}


class DrawStream(TorchDispatchMode):
    """Runs random operators from the stream; with `wide`, every floating dtype that code asks for becomes float64."""

    def __init__(self, seed, wide=False):
        super().__init__()
        self.seed = seed
        self.wide = wide
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if self.wide:
            if kwargs.get("dtype") in WIDE:
                kwargs["dtype"] = WIDE[kwargs["dtype"]]
            args = [WIDE.get(a, a) if isinstance(a, torch.dtype) else a for a in args]
        rule = RULES.get(func)
        if rule is not None:
            return rule(self, *args, **kwargs)
        if torch.Tag.nondeterministic_seeded in func.tags and func not in DETERMINISTIC:
            raise GraftError(
                "random-operator",
                f"verification has no replacement for the random operator {func}",
                "verify with --mode eval, or turn verification off",
            )
        return func(*args, **kwargs)

    def generator(self):
        """The generator of the next draw."""
        generator = numpy.random.Generator(
            numpy.random.Philox(key=[self.seed, self.count])
        )
        self.count += 1
        return generator

    def uniform(self, shape):
        """The next draw: float64 in [0, 1)."""
        return torch.as_tensor(
            self.generator().random(tuple(shape)), dtype=torch.float64
        )

    def gaussian(self, shape):
        """The next draw from the standard normal distribution, float64."""
        return torch.as_tensor(
            self.generator().standard_normal(tuple(shape)), dtype=torch.float64
        )


DETERMINISTIC = {
    aten._scaled_dot_product_flash_attention_for_cpu.default,
    aten._fused_sdp_choice.default,
}
RULES = {}


def rule(*names):
    """Register a rule for the operator overloads with these names."""

    def register(function):
        for name in names:
            packet, _, overload = name.partition(".")
            operator = getattr(aten, packet, None)
            if operator is not None and overload in operator.overloads():
                RULES[getattr(operator, overload)] = function
        return function

    return register


@rule("native_dropout.default")
def native_dropout(stream, input, p, train=True):
    if train is False or p == 0:
        return input.clone(), torch.ones_like(input, dtype=torch.bool)
    if p == 1:
        return torch.zeros_like(input), torch.zeros_like(input, dtype=torch.bool)
    keep = stream.uniform(input.shape) < 1 - p
    return input * keep * (1 / (1 - p)), keep


@rule("bernoulli_.float")
def bernoulli_float_(stream, self, p=0.5, generator=None):
    return self.copy_(stream.uniform(self.shape) < p)


@rule("bernoulli_.Tensor")
def bernoulli_tensor_(stream, self, p, generator=None):
    return self.copy_(stream.uniform(self.shape) < p)


@rule("bernoulli.default")
def bernoulli(stream, self, generator=None):
    return (stream.uniform(self.shape) < self).to(self.dtype)


@rule("bernoulli.p")
def bernoulli_p(stream, self, p, generator=None):
    return (stream.uniform(self.shape) < p).to(self.dtype)


@rule("rand.default", "rand.generator")
def rand(stream, size, generator=None, dtype=None, **options):
    return stream.uniform(size).to(dtype or torch.get_default_dtype())


@rule("rand_like.default", "rand_like.generator")
def rand_like(stream, self, generator=None, dtype=None, **options):
    return stream.uniform(self.shape).to(dtype or self.dtype)


@rule("randn.default", "randn.generator")
def randn(stream, size, generator=None, dtype=None, **options):
    return stream.gaussian(size).to(dtype or torch.get_default_dtype())


@rule("randn_like.default", "randn_like.generator")
def randn_like(stream, self, generator=None, dtype=None, **options):
    return stream.gaussian(self.shape).to(dtype or self.dtype)


def integers(stream, low, high, shape):
    return low + torch.floor(stream.uniform(shape) * (high - low)).to(torch.int64)


@rule("randint.default", "randint.generator")
def randint(stream, high, size, generator=None, dtype=None, **options):
    return integers(stream, 0, high, size).to(dtype or torch.int64)


@rule("randint.low", "randint.low_generator")
def randint_low(stream, low, high, size, generator=None, dtype=None, **options):
    return integers(stream, low, high, size).to(dtype or torch.int64)


@rule("randint_like.default")
def randint_like(stream, self, high, dtype=None, **options):
    return integers(stream, 0, high, self.shape).to(dtype or self.dtype)


@rule("randint_like.low_dtype")
def randint_like_low(stream, self, low, high, dtype=None, **options):
    return integers(stream, low, high, self.shape).to(dtype or self.dtype)


@rule("random_.from")
def random_from_(stream, self, low, high, generator=None):
    return self.copy_(integers(stream, low, high, self.shape))


@rule("random_.to")
def random_to_(stream, self, high, generator=None):
    return self.copy_(integers(stream, 0, high, self.shape))


@rule("randperm.default", "randperm.generator")
def randperm(stream, n, generator=None, dtype=None, **options):
    return torch.argsort(stream.uniform((n,)), stable=True).to(dtype or torch.int64)


@rule("uniform_.default")
def uniform_(stream, self, low=0.0, high=1.0, generator=None):
    return self.copy_(low + (high - low) * stream.uniform(self.shape))


@rule("uniform.default")
def uniform(stream, self, low=0.0, high=1.0, generator=None):
    return (low + (high - low) * stream.uniform(self.shape)).to(self.dtype)


@rule("normal_.default")
def normal_(stream, self, mean=0.0, std=1.0, generator=None):
    return self.copy_(mean + std * stream.gaussian(self.shape))


@rule("normal.float_float")
def normal_sized(stream, mean, std, size, generator=None, dtype=None, **options):
    return (mean + std * stream.gaussian(size)).to(dtype or torch.get_default_dtype())


@rule("normal.Tensor_float", "normal.float_Tensor", "normal.Tensor_Tensor")
def normal(stream, mean, std=1.0, generator=None):
    tensors = [t for t in (mean, std) if isinstance(t, torch.Tensor)]
    shape = torch.broadcast_shapes(*(t.shape for t in tensors))
    return (mean + std * stream.gaussian(shape)).to(tensors[0].dtype)


@rule("exponential_.default")
def exponential_(stream, self, rate=1.0, generator=None):
    return self.copy_(-torch.log1p(-stream.uniform(self.shape)) / rate)


@rule("exponential.default")
def exponential(stream, self, rate=1.0, generator=None):
    return (-torch.log1p(-stream.uniform(self.shape)) / rate).to(self.dtype)


@rule("multinomial.default")
def multinomial(stream, self, count, replacement=False, generator=None):
    weights = self.to(torch.float64)
    if replacement:
        total = torch.cumsum(weights, -1) / weights.sum(-1, keepdim=True)
        draw = stream.uniform((*self.shape[:-1], count))
        index = (total[..., None, :] <= draw[..., None]).sum(-1)
        return index.clamp_max(self.shape[-1] - 1)
    noise = -torch.log1p(-stream.uniform(self.shape))
    return torch.topk(weights / noise, count, dim=-1).indices


@rule("rrelu_with_noise.default")
def rrelu_with_noise(
    stream, self, noise, lower=0.125, upper=1 / 3, training=False, generator=None
):
    if not training:
        return torch.where(self >= 0, self, self * ((lower + upper) / 2))
    slope = lower + (upper - lower) * stream.uniform(self.shape)
    noise.copy_(torch.where(self <= 0, slope.to(self.dtype), torch.ones_like(self)))
    return self * noise
