"""ResNet in JAX, converted from PyTorch 2.13, torchvision 0.28
(torchvision.models.resnet18).

params, state = load_params("resnet18.safetensors")
output, _ = resnet18(params, state, x)
output, state = resnet18(params, state, x, train=True)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    return x @ params["weight"].T + params["bias"]


def conv2d(params: dict, x: Array, *, stride: int = 1, padding: int = 0) -> Array:
    """2-D convolution of x [N, C, H, W] with weight [O, C, kH, kW]."""
    return lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
    )


def max_pool2d(x: Array, size: int, *, stride: int, padding: int = 0) -> Array:
    """Maximum in each size x size window of x [N, C, H, W]."""
    return lax.reduce_window(
        x,
        -jnp.inf,
        lax.max,
        (1, 1, size, size),
        (1, 1, stride, stride),
        [(0, 0), (0, 0), (padding, padding), (padding, padding)],
    )


def batch_norm(
    params: dict,
    state: dict,
    x: Array,
    *,
    train: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, dict]:
    """Normalise each channel of x [N, C, ...]; in training the running statistics move."""
    mean, var = state["running_mean"], state["running_var"]
    if train:
        axes = (0, *range(2, x.ndim))
        running_mean, running_var = mean, var
        mean, var = x.mean(axes), x.var(axes)
        state = state | {
            "running_mean": running_mean + momentum * (mean - running_mean),
            "running_var": running_var + momentum * (x.var(axes, ddof=1) - running_var),
        }
    scale = params["weight"] * lax.rsqrt(var + eps)
    shift = params["bias"] - mean * scale
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * scale.reshape(shape) + shift.reshape(shape), state


def basic_block(
    params: dict, state: dict, x: Array, *, stride: int = 1, train: bool = False
) -> tuple[Array, dict]:
    """BasicBlock of x [N, C, H, W] -> [N, D, H2, W2] (torchvision/models/resnet.py:59)."""
    new_state = dict(state)
    out = conv2d(params["conv1"], x, stride=stride, padding=1)
    out, new_state["bn1"] = batch_norm(params["bn1"], state["bn1"], out, train=train)
    out = conv2d(params["conv2"], jax.nn.relu(out), padding=1)
    out, new_state["bn2"] = batch_norm(params["bn2"], state["bn2"], out, train=train)
    identity = x
    if "downsample" in params:
        new_state["downsample"] = dict(state["downsample"])
        identity, new_state["downsample"]["1"] = batch_norm(
            params["downsample"][1],
            state["downsample"]["1"],
            conv2d(params["downsample"][0], x, stride=stride),
            train=train,
        )
    return jax.nn.relu(out + identity), new_state


def resnet18(
    params: dict, state: dict, x: Array, *, train: bool = False
) -> tuple[Array, dict]:
    """ResNet of x [N, 3, 224, 224] -> [N, 1000] (torchvision/models/resnet.py:166)."""
    new_state = dict(state)
    x = conv2d(params["conv1"], x, stride=2, padding=3)
    x, new_state["bn1"] = batch_norm(params["bn1"], state["bn1"], x, train=train)
    x = max_pool2d(jax.nn.relu(x), 3, stride=2, padding=1)
    for name, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2), ("layer4", 2)):
        new_state[name] = list(state[name])
        for index, layer in enumerate(params[name]):
            x, new_state[name][index] = basic_block(
                layer, state[name][index], x, stride=stride, train=train
            )
            stride = 1
    x = x.mean((-2, -1))
    return linear(params["fc"], x), new_state


def load_params(path: str) -> tuple[dict, dict]:
    """Parameters and state, nested as the modules are; children numbered 0..n-1 become lists."""
    tree: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    tree = _lists(tree)
    return tree.get("params", {}), tree.get("state", {})


def _lists(node):
    if not isinstance(node, dict):
        return node
    node = {key: _lists(child) for key, child in node.items()}
    if set(node) == {str(i) for i in range(len(node))}:
        return [node[str(i)] for i in range(len(node))]
    return node
