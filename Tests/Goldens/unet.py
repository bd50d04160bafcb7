"""UNet in JAX, converted from PyTorch 2.13 (goldens.py:unet).

params = load_params("unet.safetensors")
output = unet(params, images)
output = jax.jit(unet)(params, images)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def conv2d(params: dict, x: Array, *, padding: int = 0) -> Array:
    """2-D convolution of x [N, C, H, W] with weight [O, C, kH, kW], plus bias [O]."""
    out = lax.conv_general_dilated(
        x, params["weight"], window_strides=(1, 1), padding=[(padding, padding)] * 2
    )
    return out + params["bias"][:, None, None] if "bias" in params else out


def conv_transpose(params: dict, x: Array, *, stride: tuple) -> Array:
    """Transposed convolution of x [N, C, ...] with weight [C, O, ...], plus bias."""
    weight = params["weight"]
    kernel = weight.shape[2:]
    weight = jnp.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
    reach = [k - 1 for k in kernel]
    out = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(1,) * len(kernel),
        padding=[(r, r) for r in reach],
        lhs_dilation=stride,
    )
    return out + jnp.expand_dims(params["bias"], range(1, len(kernel) + 1))


def max_pool2d(x: Array, size: int, *, stride: int) -> Array:
    """Maximum in each size x size window of x [N, C, H, W]."""
    return lax.reduce_window(
        x, -jnp.inf, lax.max, (1, 1, size, size), (1, 1, stride, stride), "VALID"
    )


def group_norm(params: dict, x: Array, groups: int = 4, *, eps: float = 1e-5) -> Array:
    """Normalise x [N, C, ...] over each group of channels, then scale and shift each."""
    grouped = x.reshape(x.shape[0], groups, -1)
    mean, var = grouped.mean(-1, keepdims=True), grouped.var(-1, keepdims=True)
    x = ((grouped - mean) * lax.rsqrt(var + eps)).reshape(x.shape)
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * params["weight"].reshape(shape) + params["bias"].reshape(shape)


def double_conv(params: dict, x: Array) -> Array:
    """DoubleConv of x [N, C, H, W] -> [N, D, H, W] (goldens.py:22)."""
    x = jax.nn.silu(group_norm(params["norm1"], conv2d(params["conv1"], x, padding=1)))
    return jax.nn.silu(
        group_norm(params["norm2"], conv2d(params["conv2"], x, padding=1))
    )


def down(params: dict, x: Array) -> Array:
    """Down of x [N, C, H, W] -> [N, D, H2, W2] (goldens.py:38)."""
    return double_conv(params["conv"], max_pool2d(x, 2, stride=2))


def up(params: dict, x: Array, skip: Array) -> Array:
    """Up of x [N, C, H, W], skip [N, D, H2, W2] -> [N, D, H2, W2] (goldens.py:50)."""
    x = conv_transpose(params["up"], x, stride=(2, 2))
    return double_conv(params["conv"], jnp.concatenate([skip, x], axis=1))


def unet(params: dict, images: Array) -> Array:
    """UNet of images [N, 3, 32, 32] -> [N, 5, 32, 32] (goldens.py:63)."""
    x = double_conv(params["stem"], images)
    skips = []
    for layer in params["downs"]:
        skips.append(x)
        x = down(layer, x)
    for layer, skip in zip(params["ups"], reversed(skips)):
        x = up(layer, x, skip)
    return conv2d(params["head"], x)


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are; children numbered 0..n-1 become lists."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    for name in ("downs", "ups"):
        layers = params[name]
        params[name] = [layers[str(i)] for i in range(len(layers))]
    return params
