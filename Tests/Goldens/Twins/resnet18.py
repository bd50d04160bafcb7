"""ResNet-18 as torchvision computes it, written by hand.

params, state = load_params("resnet18.safetensors")
logits, _ = resnet18(params, state, x)
logits, state = resnet18(params, state, x, train=True)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def conv(params: dict, x: Array, stride: int = 1) -> Array:
    """Convolution of x [N, C, H, W], padded by half the kernel's size."""
    half = params["weight"].shape[-1] // 2
    padding = [(half, half)] * 2
    return lax.conv_general_dilated(x, params["weight"], (stride, stride), padding)


def batch_norm(
    params: dict, state: dict, x: Array, train: bool, eps: float = 1e-5
) -> tuple[Array, dict]:
    """Normalise the channels of x [N, C, H, W]; in training the running statistics move."""
    mean, var = state["running_mean"], state["running_var"]
    if train:
        count = x.size / x.shape[1]
        batch_mean, batch_var = x.mean((0, 2, 3)), x.var((0, 2, 3))
        state = {
            "running_mean": 0.9 * mean + 0.1 * batch_mean,
            "running_var": 0.9 * var + 0.1 * batch_var * count / (count - 1),
        }
        mean, var = batch_mean, batch_var
    scale = params["weight"] * lax.rsqrt(var + eps)
    shift = params["bias"] - mean * scale
    return x * scale[:, None, None] + shift[:, None, None], state


def basic_block(
    params: dict, state: dict, x: Array, train: bool, stride: int
) -> tuple[Array, dict]:
    """Two convolutions and a shortcut, which has one of its own where shapes change."""
    new = dict(state)
    out = conv(params["conv1"], x, stride)
    out, new["bn1"] = batch_norm(params["bn1"], state["bn1"], out, train)
    out = conv(params["conv2"], jax.nn.relu(out))
    out, new["bn2"] = batch_norm(params["bn2"], state["bn2"], out, train)
    if "downsample" in params:
        layer, norm = params["downsample"]
        own = state["downsample"]["1"]
        x, own = batch_norm(norm, own, conv(layer, x, stride), train)
        new["downsample"] = {"1": own}
    return jax.nn.relu(out + x), new


def resnet18(
    params: dict, state: dict, x: Array, *, train: bool = False
) -> tuple[Array, dict]:
    """Logits [N, 1000] of images x [N, 3, H, W]."""
    new = dict(state)
    x = conv(params["conv1"], x, stride=2)
    x, new["bn1"] = batch_norm(params["bn1"], state["bn1"], x, train)
    x = lax.reduce_window(
        jax.nn.relu(x),
        -jnp.inf,
        lax.max,
        (1, 1, 3, 3),
        (1, 1, 2, 2),
        [(0, 0), (0, 0), (1, 1), (1, 1)],
    )
    for stage in range(1, 5):
        name = f"layer{stage}"
        new[name] = []
        blocks = zip(params[name], state[name], strict=True)
        for index, (block, block_state) in enumerate(blocks):
            stride = 2 if stage > 1 and index == 0 else 1
            x, block_state = basic_block(block, block_state, x, train, stride)
            new[name].append(block_state)
    return x.mean((2, 3)) @ params["fc"]["weight"].T + params["fc"]["bias"], new


def load_params(path: str) -> tuple[dict, dict]:
    """Parameters and state as nested dicts; children numbered from 0 on are lists."""
    tree: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return with_lists(tree["params"]), with_lists(tree["state"])


def with_lists(node):
    """The tree with each dict of children 0, 1, ... as a list."""
    if not isinstance(node, dict):
        return node
    children = {key: with_lists(child) for key, child in node.items()}
    if "0" not in children:
        return children
    return [children[str(i)] for i in range(len(children))]
