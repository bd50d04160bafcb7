"""pairwise_distances in JAX, converted from PyTorch 2.13 (goldens.py:pairwise_distances).

output = pairwise_distances(a, b)
output = jax.jit(pairwise_distances)(a, b)
"""

import jax.numpy as jnp
from jax import Array


def clamp(x: Array, low: float | Array | None = None) -> Array:
    """Limit x to at least low; unlike `jnp.clip`, the gradient at a limit itself is that of x."""
    return jnp.where(x < low, low, x)


def pairwise_distances(a: Array, b: Array) -> Array:
    """pairwise_distances of a [N, D], b [M, D] -> [N, M] (functions.py:13)."""
    squares = (a**2).sum(-1)[:, None] + (b**2).sum(-1)[None] - a * 2 @ b.T
    return jnp.sqrt(clamp(squares, 1e-12))
