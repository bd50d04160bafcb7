"""The U-Net of Tests/Conformance/Cases/goldens.py, written by hand.

params = load_params("unet.safetensors")
scores = unet(params, images)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def conv(params: dict, x: Array, padding: str = "SAME") -> Array:
    """2-D convolution of x [N, C, H, W], without its bias."""
    return lax.conv_general_dilated(x, params["weight"], (1, 1), padding)


def group_norm(params: dict, x: Array, groups: int = 4, eps: float = 1e-5) -> Array:
    """Normalise x [N, C, H, W] in groups of channels, then scale and shift each channel."""
    grouped = x.reshape(len(x), groups, -1)
    mean, var = grouped.mean(-1, keepdims=True), grouped.var(-1, keepdims=True)
    x = ((grouped - mean) * lax.rsqrt(var + eps)).reshape(x.shape)
    return x * params["weight"][:, None, None] + params["bias"][:, None, None]


def double_conv(params: dict, x: Array) -> Array:
    """Two convolutions, each with a normalisation and silu."""
    x = jax.nn.silu(group_norm(params["norm1"], conv(params["conv1"], x)))
    return jax.nn.silu(group_norm(params["norm2"], conv(params["conv2"], x)))


def down(params: dict, x: Array) -> Array:
    """Half the height and width of x [N, C, H, W]."""
    n, c, h, w = x.shape
    pooled = x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
    return double_conv(params["conv"], pooled)


def up(params: dict, x: Array, skip: Array) -> Array:
    """Twice the height and width of x [N, C, H, W], joined with skip [N, C / 2, 2H, 2W]."""
    n, _, h, w = x.shape
    x = jnp.einsum("nihw,ioab->nohawb", x, params["up"]["weight"])
    x = x.reshape(n, -1, 2 * h, 2 * w) + params["up"]["bias"][:, None, None]
    return double_conv(params["conv"], jnp.concatenate([skip, x], axis=1))


def unet(params: dict, images: Array) -> Array:
    """Scores [N, classes, H, W] of images [N, 3, H, W]."""
    x = double_conv(params["stem"], images)
    skips = []
    for layer in params["downs"]:
        skips.append(x)
        x = down(layer, x)
    for layer in params["ups"]:
        x = up(layer, x, skips.pop())
    return conv(params["head"], x) + params["head"]["bias"][:, None, None]


def load_params(path: str) -> dict:
    """Nested as the modules are; `downs` and `ups` are lists."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return params | {key: list(params[key].values()) for key in ("downs", "ups")}
