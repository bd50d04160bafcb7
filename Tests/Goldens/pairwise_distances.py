"""pairwise_distances in JAX, converted from PyTorch 2.13 (goldens.py:pairwise_distances).

output = pairwise_distances(a, b)
output = jax.jit(pairwise_distances)(a, b)
"""

import jax.numpy as jnp
from jax import Array


def pairwise_distances(a: Array, b: Array) -> Array:
    """pairwise_distances of a [N, D], b [M, D] -> [N, M] (functions.py:14)."""
    squares = (a**2).sum(-1)[:, None] + (b**2).sum(-1)[None] - a * 2 @ b.T
    return jnp.sqrt(jnp.where(squares < 1e-12, 1e-12, squares))
