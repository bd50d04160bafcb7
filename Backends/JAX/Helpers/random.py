"""Helpers that draw random numbers."""

import jax
import jax.numpy as jnp
from jax import Array, lax


def dropout(x: Array, rng: Array | None, rate: float) -> Array:
    """Zero a share `rate` of x and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def shared_dropout(x: Array, rng: Array | None, rate: float, axes: tuple) -> Array:
    """Dropout with one draw for all positions along the axes."""
    if rng is None:
        return x
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    keep = jax.random.bernoulli(rng, 1 - rate, shape)
    return jnp.where(keep, x / (1 - rate), 0)


def stochastic_depth(x: Array, rng: Array | None, rate: float) -> Array:
    """Zero a share `rate` of the samples of x [N, ...] and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, (x.shape[0],) + (1,) * (x.ndim - 1))
    return jnp.where(keep, x / (1 - rate), 0)


def drop_all(x: Array, rng: Array | None) -> Array:
    """Zeros as x; x itself without a key."""
    return x if rng is None else jnp.zeros_like(x)


def random_relu(x: Array, rng: Array | None, lower: float, upper: float) -> Array:
    """Leaky relu with slopes drawn from [lower, upper); without a key, with their mean."""
    slope = (lower + upper) / 2
    if rng is not None:
        slope = jax.random.uniform(rng, x.shape, minval=lower, maxval=upper)
    return jnp.where(x > 0, x, slope * x)


def multinomial(rng: Array, weights: Array, count: int) -> Array:
    """Distinct indices [..., count] drawn by weights [..., N]."""
    noise = jax.random.exponential(rng, weights.shape)
    return lax.top_k(weights / noise, count)[1]


def multinomial_with_replacement(rng: Array, weights: Array, count: int) -> Array:
    """Indices [..., count] drawn by weights [..., N], each independently."""
    cdf = jnp.cumsum(weights, axis=-1) / weights.sum(-1, keepdims=True)
    draw = jax.random.uniform(rng, (*weights.shape[:-1], count))
    index = (cdf[..., None, :] <= draw[..., None]).sum(-1)
    return jnp.minimum(index, weights.shape[-1] - 1)
