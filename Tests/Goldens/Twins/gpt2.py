"""GPT-2 as transformers computes it, written by hand.

params = load_params("gpt2.safetensors")
logits = gpt2(params, input_ids)
logits = gpt2(params, input_ids, rng=jax.random.key(0))
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file

HEADS = 2


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [in, out], plus bias."""
    return x @ params["weight"] + params["bias"]


def layer_norm(params: dict, x: Array, eps: float = 1e-5) -> Array:
    """Normalise the last axis of x, then scale and shift."""
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * params["weight"] + params["bias"]


def dropout(x: Array, rng: Array | None, rate: float = 0.1) -> Array:
    """x with a share `rate` of its elements dropped; all of x without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def split(rng: Array | None, count: int) -> list:
    """Keys, or as many times None."""
    return [None] * count if rng is None else list(jax.random.split(rng, count))


def attention(params: dict, x: Array, rng: Array | None) -> Array:
    """Causal self-attention of x [N, T, D]."""
    weight_rng, out_rng = split(rng, 2)
    n, t, d = x.shape
    qkv = linear(params["c_attn"], x).reshape(n, t, 3, HEADS, d // HEADS)
    q, k, v = jnp.moveaxis(qkv, 2, 0)
    scores = jnp.einsum("nthd,nshd->nhts", q, k) / (d // HEADS) ** 0.5
    scores = jnp.where(jnp.tri(t, dtype=bool), scores, -jnp.inf)
    weights = dropout(jax.nn.softmax(scores), weight_rng)
    out = jnp.einsum("nhts,nshd->nthd", weights, v).reshape(n, t, d)
    return dropout(linear(params["c_proj"], out), out_rng)


def mlp(params: dict, x: Array, rng: Array | None) -> Array:
    """Two layers with a gelu between."""
    x = jax.nn.gelu(linear(params["c_fc"], x))
    return dropout(linear(params["c_proj"], x), rng)


def block(params: dict, x: Array, rng: Array | None) -> Array:
    """One layer of the transformer, normalised first."""
    attention_rng, mlp_rng = split(rng, 2)
    x = x + attention(params["attn"], layer_norm(params["ln_1"], x), attention_rng)
    return x + mlp(params["mlp"], layer_norm(params["ln_2"], x), mlp_rng)


def gpt2(params: dict, input_ids: Array, *, rng: Array | None = None) -> dict:
    """Logits [N, T, V] of the token after each of input_ids [N, T]."""
    params = params["transformer"]
    embedding_rng, *rngs = split(rng, 1 + len(params["h"]))
    table = params["wte"]["weight"]
    x = table[input_ids] + params["wpe"]["weight"][: input_ids.shape[1]]
    x = dropout(x, embedding_rng)
    for layer, layer_rng in zip(params["h"], rngs, strict=True):
        x = block(layer, x, layer_rng)
    return {"logits": layer_norm(params["ln_f"], x) @ table.T}


def load_params(path: str) -> dict:
    """Nested as the modules are; the layers `h` are a list."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    layers = params["transformer"]["h"]
    params["transformer"]["h"] = [layers[str(i)] for i in range(len(layers))]
    return params
