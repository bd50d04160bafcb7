"""Helpers for recurrent networks."""

from collections.abc import Callable
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
from jax import Array, lax


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


def recurrent_with_dropout(
    cell: Callable,
    params: dict,
    x: Array,
    state: Array | tuple,
    rng: Array | None,
    rate: float,
) -> tuple[Array, Array | tuple]:
    """As recurrent, with dropout between layers; none without a key."""
    last, layer = [], 0
    while f"weight_ih_l{layer}" in params:
        if layer > 0 and rng is not None:
            key = jax.random.fold_in(rng, layer)
            keep = jax.random.bernoulli(key, 1 - rate, x.shape)
            x = jnp.where(keep, x / (1 - rate), 0)
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


def gru_cell(params: dict, h: Array, x: Array) -> tuple[Array, Array]:
    """One step of gated recurrent units: the new h, twice."""
    reset_x, update_x, new_x = jnp.split(projection(params, "ih", x), 3, axis=-1)
    reset_h, update_h, new_h = jnp.split(projection(params, "hh", h), 3, axis=-1)
    reset = jax.nn.sigmoid(reset_x + reset_h)
    update = jax.nn.sigmoid(update_x + update_h)
    h = (1 - update) * jnp.tanh(new_x + reset * new_h) + update * h
    return h, h


def rnn_cell(params: dict, h: Array, x: Array) -> tuple[Array, Array]:
    """One step of a simple recurrent network: the new h, twice."""
    h = jnp.tanh(projection(params, "ih", x) + projection(params, "hh", h))
    return h, h


def rnn_relu_cell(params: dict, h: Array, x: Array) -> tuple[Array, Array]:
    """One step of a simple recurrent network with relu: the new h, twice."""
    h = jax.nn.relu(projection(params, "ih", x) + projection(params, "hh", h))
    return h, h


def projection(params: dict, kind: str, x: Array) -> Array:
    """x times a weight, transposed, plus its bias if there is one."""
    x = x @ params[f"weight_{kind}"].T
    return x + params[f"bias_{kind}"] if f"bias_{kind}" in params else x
