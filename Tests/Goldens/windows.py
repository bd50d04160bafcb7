"""Windows in JAX, converted from PyTorch 2.13 (goldens.py:windows).

params = load_params("windows.safetensors")
output = windows(params, x)
output = jax.jit(windows)(params, x)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    return x @ params["weight"].T + params["bias"]


def layer_norm(params: dict, x: Array, *, eps: float = 1e-5) -> Array:
    """Normalise x over the last axis, then scale and shift."""
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * params["weight"] + params["bias"]


def first_window_attention(params: dict, x: Array, *, num_heads: int = 2) -> Array:
    """WindowAttention of x [N, H, W, C] -> [N, H, W, C] (goldens.py:103)."""
    n, h, w, c = x.shape
    x = x.reshape(n, h // 4, 4, w // 4, 4, c).swapaxes(2, 3).reshape(-1, 16, c)
    q, k, v = (
        linear(params["qkv"], x)
        .reshape(-1, 16, 3, num_heads, c // num_heads)
        .transpose(2, 0, 3, 1, 4)
    )
    x = jax.nn.dot_product_attention(
        q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2), scale=1.0
    ).reshape(-1, 16, c)
    return (
        linear(params["proj"], x)
        .reshape(n, h // 4, w // 4, 4, 4, c)
        .swapaxes(2, 3)
        .reshape(n, h, w, c)
    )


def window_attention(params: dict, x: Array, *, num_heads: int = 2) -> Array:
    """WindowAttention of x [N, H, W, C] -> [N, H, W, C] (goldens.py:103)."""
    n, h, w, c = x.shape
    x = jnp.roll(x, (-2, -2), (1, 2))
    x = x.reshape(n, h // 4, 4, w // 4, 4, c).swapaxes(2, 3).reshape(-1, 16, c)
    q, k, v = (
        linear(params["qkv"], x)
        .reshape(-1, 16, 3, num_heads, c // num_heads)
        .transpose(2, 0, 3, 1, 4)
    )
    attn = q @ k.mT
    region = jnp.zeros((h, w), jnp.float32)
    out = region.at[: h - 2, : w - 2].set(1)
    out = out.at[h - 2 :, w - 2 :].set(2)
    region = out.reshape(h // 4, 4, w // 4, 4).swapaxes(1, 2)
    same = region.reshape(-1, 1, 16) == region.reshape(-1, 16, 1)
    attn = jnp.where(~same[:, None], -100, attn.reshape(n, -1, num_heads, 16, 16))
    attn = attn.reshape(-1, num_heads, 16, 16)
    x = (jax.nn.softmax(attn) @ v).swapaxes(1, 2).reshape(-1, 16, c)
    x = (
        linear(params["proj"], x)
        .reshape(n, h // 4, w // 4, 4, 4, c)
        .swapaxes(2, 3)
        .reshape(n, h, w, c)
    )
    return jnp.roll(x, (2, 2), (1, 2))


def merge(params: dict, x: Array) -> Array:
    """Merge of x [N, H, W, C] -> [N, H2, W2, D] (goldens.py:144)."""
    n, h, w, c = x.shape
    x = (
        x.reshape(n, h // 2, 2, w // 2, 2, c)
        .swapaxes(2, 3)
        .reshape(n, h // 2, w // 2, -1)
    )
    return linear(params["reduction"], layer_norm(params["norm"], x))


def windows(params: dict, x: Array) -> Array:
    """Windows of x [N, 32, 32, 12] -> [N, 8, 8, 48] (goldens.py:162)."""
    x = merge(
        params["merge1"],
        x
        + window_attention(
            params["stage1"][1], first_window_attention(params["stage1"][0], x)
        ),
    )
    x = merge(
        params["merge2"],
        x
        + window_attention(
            params["stage2"][1],
            first_window_attention(params["stage2"][0], x, num_heads=3),
            num_heads=3,
        ),
    )
    return x + window_attention(
        params["stage3"][1],
        first_window_attention(params["stage3"][0], x, num_heads=6),
        num_heads=6,
    )


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are; children numbered 0..n-1 become lists."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    for name in ("stage1", "stage2", "stage3"):
        layers = params[name]
        params[name] = [layers[str(i)] for i in range(len(layers))]
    return params
