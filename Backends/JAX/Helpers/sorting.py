"""Helpers for sorting."""

import jax.numpy as jnp
from jax import Array, lax


def most_frequent(
    x: Array, *, axis: int, keepdims: bool = False
) -> tuple[Array, Array]:
    """The most frequent element along an axis, the least of several, and its last position."""
    axis = axis % x.ndim
    order = jnp.argsort(x, axis=axis)
    ordered = jnp.take_along_axis(x, order, axis=axis)
    position = lax.broadcasted_iota(int, x.shape, axis)
    is_repeated = ordered == jnp.roll(ordered, 1, axis)
    start = lax.cummax(jnp.where(is_repeated, 0, position), axis)
    best = jnp.argmax(position - start, axis=axis, keepdims=True)
    values = jnp.take_along_axis(ordered, best, axis=axis)
    indices = jnp.take_along_axis(order, best, axis=axis)
    if keepdims:  # if keepdims
        return values, indices  # if keepdims
    return values.squeeze(axis), indices.squeeze(axis)
