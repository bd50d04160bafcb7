"""Attention: scaled dot-product attention with every kind of mask, and the layers built on it."""

import torch
import torch.nn.functional as F
from harness import case, main

torch.manual_seed(0)
sdpa = F.scaled_dot_product_attention
q, k, v = torch.randn(2, 4, 5, 8), torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 8)
wide = torch.randn(2, 4, 6, 3)
shared_k, shared_v = torch.randn(2, 2, 6, 8), torch.randn(2, 2, 6, 8)
seen = torch.rand(5, 6) > 0.4
blind = seen.clone()
blind[2] = False
added = torch.zeros(2, 1, 5, 6).masked_fill(torch.rand(2, 1, 5, 6) > 0.6, float("-inf"))
added[0, 0, 1] = float("-inf")

case("sdpa", sdpa, q, k, v)
case("sdpa scale", sdpa, q, k, v, scale=0.25)
case("sdpa causal, more keys", sdpa, q, k, v, is_causal=True)
case("sdpa causal, more queries", sdpa, k, q, q.clone(), is_causal=True)
case("sdpa bool mask", sdpa, q, k, v, seen)
case("sdpa bool mask, blind query", sdpa, q, k, v, blind)
case("sdpa bool mask per example", sdpa, q, k, v, torch.rand(2, 1, 5, 6) > 0.3)
case("sdpa float mask", sdpa, q, k, v, torch.randn(2, 4, 5, 6))
case("sdpa infinite mask", sdpa, q, k, v, added, gradients=False)
case("sdpa grouped", sdpa, q, shared_k, shared_v, enable_gqa=True)
case(
    "sdpa grouped causal", sdpa, q, shared_k, shared_v, is_causal=True, enable_gqa=True
)
case(
    "sdpa grouped mask",
    lambda *a: sdpa(*a, enable_gqa=True),
    q,
    shared_k,
    shared_v,
    seen,
)
case("sdpa one key head", lambda *a: sdpa(*a), q, k[:, :1], v[:, :1])
case("sdpa wide value", sdpa, q, k, wide)
case("sdpa rank 3", sdpa, q[0], k[0], v[0])
case("sdpa rank 2", sdpa, q[0, 0], k[0, 0], v[0, 0], is_causal=True)
case("sdpa rank 5", sdpa, q[None], k[None], v[None])
case(
    "sdpa bfloat16",
    sdpa,
    q.bfloat16(),
    k.bfloat16(),
    v.bfloat16(),
    gradients=False,
    tolerance=2e-2,
)


class Heads(torch.nn.Module):
    """Self-attention as models write it."""

    def __init__(self, causal):
        super().__init__()
        self.qkv = torch.nn.Linear(16, 48)
        self.proj = torch.nn.Linear(16, 16)
        self.causal = causal

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (
            self.qkv(x).reshape(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4).unbind(0)
        )
        out = sdpa(q, k, v, is_causal=self.causal)
        return self.proj(out.transpose(1, 2).reshape(b, t, d))


class Separate(torch.nn.Module):
    """Self-attention with a layer for each of query, key and value."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (torch.nn.Linear(16, 16) for _ in range(3))

    def forward(self, x, mask):
        b, t, d = x.shape
        query = self.q(x).view(b, t, 4, -1).transpose(1, 2)
        key = self.k(x).view(b, t, 4, -1).transpose(1, 2)
        value = self.v(x).view(b, t, 4, -1).transpose(1, 2)
        out = sdpa(query, key, value, attn_mask=mask)
        return out.transpose(1, 2).contiguous().view(b, t, d)


x = torch.randn(2, 5, 16)
case("heads", Heads(False), x)
case("heads causal", Heads(True), x)
case("separate, no mask", Separate(), x, None)
case("separate, mask", Separate(), x, torch.rand(2, 1, 5, 5) > 0.2)

memory = torch.randn(2, 7, 16)
causal = torch.nn.Transformer.generate_square_subsequent_mask(5)
drop = torch.rand(2, 5) > 0.7
drop[:, 0] = False


def mha(*args, **kwargs):
    return torch.nn.MultiheadAttention(16, 4, *args, **kwargs)


class SelfAttention(torch.nn.Module):
    """nn.MultiheadAttention over one input, with masks as inputs."""

    def __init__(self, layer, weights=True, average=True):
        super().__init__()
        self.layer, self.weights, self.average = layer, weights, average

    def forward(self, x, key_padding_mask=None, attn_mask=None):
        out, weights = self.layer(
            x,
            x,
            x,
            key_padding_mask=key_padding_mask,
            attn_mask=attn_mask,
            need_weights=self.weights,
            average_attn_weights=self.average,
        )
        return (out, weights) if self.weights else out


case("mha", SelfAttention(mha(batch_first=True)), x)
case("mha per head", SelfAttention(mha(batch_first=True), average=False), x)
case("mha without weights", SelfAttention(mha(batch_first=True), weights=False), x)
case("mha time first", SelfAttention(mha()), x.transpose(0, 1).contiguous())
case("mha unbatched", SelfAttention(mha()), x[0])
case("mha no bias", SelfAttention(mha(bias=False, batch_first=True)), x)
case("mha bool padding", SelfAttention(mha(batch_first=True)), x, drop)
case("mha float padding", SelfAttention(mha(batch_first=True)), x, drop.float() * -3)
case("mha float mask", SelfAttention(mha(batch_first=True)), x, None, causal)
case("mha bool mask", SelfAttention(mha(batch_first=True)), x, None, causal.isinf())
case(
    "mha both masks",
    SelfAttention(mha(batch_first=True), weights=False),
    x,
    drop.float() * -3,
    causal,
)
case(
    "mha zero attention",
    SelfAttention(mha(add_zero_attn=True, batch_first=True)),
    x,
    drop,
)
case("mha bias kv", SelfAttention(mha(add_bias_kv=True, batch_first=True)), x)
case(
    "mha bias kv without weights",
    SelfAttention(mha(add_bias_kv=True, batch_first=True), weights=False),
    x,
)
case(
    "mha other dims",
    mha(kdim=6, vdim=3, batch_first=True),
    x,
    torch.randn(2, 7, 6),
    torch.randn(2, 7, 3),
)

encoder = {"dim_feedforward": 24, "dropout": 0.0, "batch_first": True}
case("encoder layer", torch.nn.TransformerEncoderLayer(16, 4, **encoder), x, train=True)
case(
    "encoder layer eval",
    torch.nn.TransformerEncoderLayer(16, 4, **encoder),
    x,
    train=False,
    gradients=False,
)
case(
    "encoder layer norm first",
    torch.nn.TransformerEncoderLayer(
        16, 4, norm_first=True, activation="gelu", **encoder
    ),
    x,
)
case(
    "encoder layer no bias",
    torch.nn.TransformerEncoderLayer(16, 4, bias=False, **encoder),
    x,
)
case(
    "encoder",
    torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, **encoder), 2),
    x,
)
case("decoder layer", torch.nn.TransformerDecoderLayer(16, 4, **encoder), x, memory)
case(
    "decoder",
    torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(16, 4, **encoder), 2),
    x,
    memory,
    causal,
)
case("transformer", torch.nn.Transformer(16, 4, 1, 1, **encoder), memory, x)
case(
    "transformer masks",
    torch.nn.Transformer(16, 4, 1, 1, **encoder),
    memory,
    x,
    None,
    causal,
)
case(
    "transformer all masks",
    torch.nn.Transformer(16, 4, 1, 1, norm_first=True, **encoder),
    memory,
    x,
    torch.zeros(7, 7).masked_fill(torch.rand(7, 7) > 0.8, -2.0),
    causal,
    torch.randn(5, 7),
    torch.zeros(2, 7),
    torch.zeros(2, 5).masked_fill(drop, float("-inf")),
)


class CausalDecoder(torch.nn.Module):
    """A decoder that makes its mask itself."""

    def __init__(self, hint):
        super().__init__()
        layer = torch.nn.TransformerDecoderLayer(16, 4, **encoder)
        self.decoder = torch.nn.TransformerDecoder(layer, 2, torch.nn.LayerNorm(16))
        self.hint = hint

    def forward(self, x, memory):
        mask = torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.decoder(x, memory, tgt_mask=mask, tgt_is_causal=self.hint)


case("decoder, own mask", CausalDecoder(None), x, memory)
case("decoder, own mask, hint", CausalDecoder(True), x, memory)
case(
    "encoder causal",
    torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, **encoder), 1),
    x,
    causal,
)

main()
