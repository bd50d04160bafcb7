"""LSTMClassifier in JAX, converted from PyTorch 2.13 (goldens.py:lstm_classifier).

params = load_params("lstm_classifier.safetensors")
output = lstm_classifier(params, tokens)
output = lstm_classifier(params, tokens, rng=jax.random.key(0))
"""

from collections.abc import Callable
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    return x @ params["weight"].T + params["bias"]


def recurrent(
    cell: Callable, params: dict, x: Array, state: Array | tuple
) -> tuple[Array, Array | tuple]:
    """Run a cell over x [T, N, I], layer by layer and in each direction that has weights.

    The state holds [layers * directions, N, H]; returns outputs [T, N, H * directions] and it.
    """
    last, layer = [], 0
    while f"weight_ih_l{layer}" in params:
        x, ends = recurrent_layer(cell, params, x, state, layer)
        last += ends
        layer += 1
    return x, jax.tree.map(lambda *ends: jnp.stack(ends), *last)


def recurrent_layer(
    cell: Callable, params: dict, x: Array, state: Array | tuple, layer: int
) -> tuple[Array, list]:
    """One layer: outputs [T, N, H * directions] and each direction's last state."""
    suffixes = [f"_l{layer}", f"_l{layer}_reverse"]
    suffixes = [suffix for suffix in suffixes if f"weight_ih{suffix}" in params]
    outputs, ends = [], []
    for direction, suffix in enumerate(suffixes):
        weights = {
            name.removesuffix(suffix): weight
            for name, weight in params.items()
            if name.endswith(suffix)
        }
        row = layer * len(suffixes) + direction
        end, out = lax.scan(
            partial(cell, weights),
            jax.tree.map(itemgetter(row), state),
            x,
            reverse=direction == 1,
        )
        outputs.append(out)
        ends.append(end)
    return jnp.concatenate(outputs, axis=-1), ends


def lstm_cell(params: dict, state: tuple, x: Array) -> tuple[tuple, Array]:
    """One step of an LSTM: the new (h, c), and h."""
    h, c = state
    gates = projection(params, "ih", x) + projection(params, "hh", h)
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    if "weight_hr" in params:
        h = h @ params["weight_hr"].T
    return (h, c), h


def projection(params: dict, kind: str, x: Array) -> Array:
    """x times a weight, transposed, plus its bias if there is one."""
    x = x @ params[f"weight_{kind}"].T
    return x + params[f"bias_{kind}"] if f"bias_{kind}" in params else x


def dropout(x: Array, rng: Array | None, rate: float = 0.2) -> Array:
    """Zero a share `rate` of x and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def lstm_classifier(params: dict, tokens: Array, *, rng: Array | None = None) -> Array:
    """LSTMClassifier of tokens [N, T] -> [N, 4] (goldens.py:86)."""
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    embedded = dropout(params["embedding"]["weight"][tokens], keys[0])
    out = jnp.zeros((4, tokens.shape[0], 8), jnp.float32)
    out, (_, _) = recurrent(
        lstm_cell, params["lstm"], embedded.swapaxes(0, 1), (out, out)
    )
    out = out.swapaxes(0, 1)
    pooled = out.mean(1)
    return linear(params["classifier"], dropout(pooled, keys[1]))


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return params
