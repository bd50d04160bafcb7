"""Expressions that spell an operation out: they become it where they are the same, gradients included, and only there."""

import math

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
x = torch.randn(3, 5, 8)
far = torch.tensor([-100.0, -20.0, -8.0, -1.0, 0.0, 1e-3, 1.0, 8.0, 20.0, 100.0])
LOWEST = torch.finfo(torch.float32).min
SLOPE = math.sqrt(2 / math.pi)


# Activations

GELUS = {
    "gpt2": lambda x: (
        0.5 * x * (1 + torch.tanh(SLOPE * (x + 0.044715 * torch.pow(x, 3))))
    ),
    "products": lambda x: (
        x * 0.5 * (torch.tanh((x + x * x * x * 0.044715) * SLOPE) + 1)
    ),
    "fast": lambda x: (
        0.5 * x * (1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)))
    ),
    "halved": lambda x: x * (1 + torch.tanh(SLOPE * (x + 0.044715 * x**3))) / 2,
}
for name, gelu in GELUS.items():
    case(f"gelu by tanh, {name}", gelu, x, emits="jax.nn.gelu(", omits="tanh")
    case(f"gelu by tanh far out, {name}", gelu, far, emits="jax.nn.gelu(")
case(
    "gelu by erf",
    lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
    x,
    emits="approximate=False)",
)
case(
    "gelu by erf, halved",
    lambda x: x * (torch.erf(x * 0.7071067811865475) + 1) / 2,
    x,
    emits="approximate=False)",
)
case("quick gelu", lambda x: x * torch.sigmoid(1.702 * x), x, omits="gelu")
case(
    "gelu with a rounded slope",
    lambda x: 0.5 * x * (1 + torch.tanh(0.79788 * (x + 0.044715 * x**3))),
    x,
    omits="gelu",
)
case("silu", lambda x: x * torch.sigmoid(x), far, emits="jax.nn.silu(")
case("silu of another", lambda x, y: x * torch.sigmoid(y), x, x + 1, omits="silu")
case("mish", lambda x: x * torch.tanh(F.softplus(x)), far, emits="jax.nn.mish(")
case("hard swish", lambda x: x * F.hardsigmoid(x), x, emits="jax.nn.hard_swish(")
case("clamp at zero", lambda x: torch.clamp(x, min=0), far, omits="relu")
case("maximum with zero", lambda x: torch.maximum(x, x * 0), far, omits="relu")


# Softmax


def shifted(x, axis=-1):
    powers = torch.exp(x - x.amax(axis, keepdim=True))
    return powers / powers.sum(axis, keepdim=True)


def log_shifted(x):
    x = x - x.amax(-1, keepdim=True)
    return x - x.exp().sum(-1, keepdim=True).log()


case("softmax", shifted, x, emits="jax.nn.softmax(")
case("softmax of large", shifted, far * 10, emits="jax.nn.softmax(")
case("softmax, first axis", shifted, x, axis=0, emits="axis=0)")
case(
    "softmax of max's values",
    lambda x: (x - x.max(-1, keepdim=True).values).softmax(-1),
    x,
)
case(
    "softmax by plain powers",
    lambda x: x.exp() / x.exp().sum(-1, keepdim=True),
    x,
    omits="softmax",
)
case(
    "softmax by plain powers overflows",
    lambda x: x.exp() / x.exp().sum(-1, keepdim=True),
    far,
    omits="softmax",
    gradients=False,
)
case("log softmax", log_shifted, far * 10, emits="jax.nn.log_softmax(")
case(
    "log softmax by logsumexp",
    lambda x: x - torch.logsumexp(x, -1, keepdim=True),
    far * 10,
    emits="jax.nn.log_softmax(",
)
case(
    "log of softmax",
    lambda x: torch.log(torch.softmax(x, -1)),
    x,
    omits="log_softmax",
)


# Normalisations


class RMSNorm(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(8) + 0.5)
        self.form = form

    def forward(self, x):
        if self.form == "llama":
            x = x.to(torch.float32)
            variance = x.pow(2).mean(-1, keepdim=True)
            return self.weight * (x * torch.rsqrt(variance + 1e-6)).to(torch.float32)
        if self.form == "root":
            return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight
        if self.form == "gemma":
            norm = x * torch.pow(x.pow(2).mean(-1, keepdim=True) + 1e-6, -0.5)
            return norm * (1.0 + self.weight)
        return self.weight * x / (x.pow(2).mean(-1, keepdim=True).sqrt() + 1e-6)


class Block(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm
        self.proj = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.proj(self.norm(x))


class HandLayerNorm(nn.Module):
    def __init__(self, unbiased):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(8) + 0.5)
        self.bias = nn.Parameter(torch.randn(8))
        self.unbiased = unbiased

    def forward(self, x):
        var = x.var(-1, keepdim=True, unbiased=self.unbiased)
        x = (x - x.mean(-1, keepdim=True)) / torch.sqrt(var + 1e-5)
        return self.weight * x + self.bias


def layer_norm_of_squares(x):
    x = x - x.mean(-1, keepdim=True)
    return x * torch.rsqrt((x**2).mean(-1, keepdim=True) + 1e-3)


for form in ("llama", "root"):
    case(
        f"rms norm, {form}",
        Block(RMSNorm(form)),
        x,
        emits='rms_norm(params["norm"], x, eps=1e-6)',
    )
case("rms norm, gemma", Block(RMSNorm("gemma")), x, emits="unit_rms(x, eps=1e-6)")
case("eps beside the root", Block(RMSNorm("beside")), x, omits="unit_rms")
case(
    "layer norm", Block(HandLayerNorm(False)), x, emits='layer_norm(params["norm"], x)'
)
case(
    "layer norm, Bessel",
    Block(HandLayerNorm(True)),
    x,
    omits=" layer_norm(",
)
case("layer norm of squares", layer_norm_of_squares, x, emits="standardize(")


# Attention

q, k, v = torch.randn(2, 4, 5, 8), torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 8)
shared_k, shared_v = torch.randn(2, 2, 6, 8), torch.randn(2, 2, 6, 8)
blind = torch.rand(2, 1, 5, 6) > 0.5
blind[0, 0, 2] = False


def attention(q, k, v, scale=0.3):
    return torch.softmax(q @ k.transpose(-2, -1) * scale, -1) @ v


def divided(q, k, v):
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), dim=-1) @ v


def scaled_query(q, k, v):
    return torch.softmax((q * 8**-0.5) @ k.mT, dim=-1) @ v


def causal(q, v, low):
    t = q.shape[-2]
    mask = torch.tril(torch.ones(t, t, dtype=torch.bool, device=q.device))
    scores = (q @ q.mT * 8**-0.5).masked_fill(~mask, low)
    return scores.softmax(-1) @ v


def causal_by_table(q, v):
    t = q.shape[-2]
    scores = q @ q.transpose(-2, -1) / math.sqrt(q.shape[-1])
    past = torch.tril(torch.ones(t, t)).view(1, 1, t, t)
    return F.softmax(scores.masked_fill(past == 0, float("-inf")), dim=-1) @ v


def masked(q, k, v, seen, low):
    return torch.where(seen, q @ k.mT, low).softmax(-1) @ v


DOT_PRODUCT = "jax.nn.dot_product_attention("
case("attention", attention, q, k, v, emits=DOT_PRODUCT)
case("attention, divided", divided, q, k, v, emits=DOT_PRODUCT)
case("attention, scaled query", scaled_query, q, k, v, emits=DOT_PRODUCT)
case("attention, no scale", lambda *a: attention(*a, scale=1), q, k, v, emits="scale=1")
case("causal by the lowest", causal, k, v, low=LOWEST, emits="is_causal=True")
case("causal by infinity", causal, k, v, low=-math.inf, emits="is_causal=True")
case("causal by a table", causal_by_table, k, v, emits="is_causal=True")
case("causal by a low number", causal, k, v, low=-1e4, omits=DOT_PRODUCT)
case(
    "masked by the lowest, blind query",
    masked,
    q,
    k,
    v,
    blind,
    low=LOWEST,
    omits="attention",
)
case(
    "masked by infinity, blind query",
    masked,
    q,
    k,
    v,
    blind,
    low=-math.inf,
    gradients=False,
    omits="attention",
)
case(
    "added mask",
    lambda q, k, v, m: (q @ k.mT + m).softmax(-1) @ v,
    q,
    k,
    v,
    torch.zeros(5, 6).masked_fill(torch.eye(5, 6, dtype=torch.bool), -math.inf),
    omits="attention",
)


class Biased(nn.Module):
    """Attention with a table of biases, no scale, and dropout, as in T5."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(3, 4)

    def forward(self, q, k, v):
        places = torch.arange(k.shape[-2]) - torch.arange(q.shape[-2])[:, None]
        bias = self.table(places.clamp(-1, 1) + 1).permute(2, 0, 1)[None]
        weights = (q @ k.mT + bias).softmax(-1)
        return F.dropout(weights, 0.25, self.training) @ v


case("attention with a bias and dropout", Biased(), q, k, v)


def repeat_kv(x, n):
    b, h, t, d = x.shape
    return x[:, :, None].expand(b, h, n, t, d).reshape(b, h * n, t, d)


def grouped(q, k, v, repeat):
    return F.scaled_dot_product_attention(q, repeat(k, 2), repeat(v, 2))


case(
    "grouped queries",
    grouped,
    q,
    shared_k,
    shared_v,
    repeat=repeat_kv,
    omits="broadcast_to",
)
case(
    "grouped queries by hand",
    lambda q, k, v: attention(q, repeat_kv(k, 2), repeat_kv(v, 2)),
    q,
    shared_k,
    shared_v,
    omits="broadcast_to",
)
case(
    "tiled heads",
    grouped,
    q,
    shared_k,
    shared_v,
    repeat=lambda x, n: x.repeat(1, n, 1, 1),
)


# Rotary embeddings


def rotate_half(x):
    x1, x2 = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)


def rotated_chunks(x, cos, sin):
    x1, x2 = x.chunk(2, -1)
    return torch.cat((-x2, x1), -1) * sin + cos * x


def rotated_back(x, cos, sin):
    x1, x2 = x.chunk(2, -1)
    return x * cos + torch.cat((x2, -x1), -1) * sin


cos, sin = torch.randn(5, 8), torch.randn(5, 8)
ROTARY = "rotary_embedding("
case(
    "rotary",
    lambda x, cos, sin: (x * cos) + (rotate_half(x) * sin),
    q,
    cos,
    sin,
    emits=ROTARY,
)
case("rotary by chunks", rotated_chunks, q, cos, sin, emits=ROTARY)
case("rotary the other way", rotated_back, q, cos, sin, omits="rotary_embedding")
case(
    "rotary in part",
    lambda x, cos, sin: torch.cat(
        (x[..., :4] * cos + rotate_half(x[..., :4]) * sin, x[..., 4:]), -1
    ),
    q,
    cos[:, :4],
    sin[:, :4],
    emits="rotary_embedding(",
)

main()
