"""rotary_embedding in JAX, converted from PyTorch 2.13 (goldens.py:rotary_embedding).

output = rotary_embedding(x)
output = jax.jit(rotary_embedding)(x)
"""

import jax.numpy as jnp
from jax import Array


def rotary_embedding(x: Array) -> Array:
    """rotary_embedding of x [N, T, 3, 8] -> [N, T, 3, 8] (functions.py:61)."""
    position = jnp.arange(x.shape[1], dtype=jnp.float32)
    frequency = 10000 ** (-jnp.arange(4, dtype=jnp.float32) / 4)
    angle = position[:, None] * frequency
    cos, sin = jnp.cos(angle)[None, :, None], jnp.sin(angle)[None, :, None]
    first, second = x[..., :4], x[..., 4:]
    return jnp.concatenate(
        [first * cos - second * sin, second * cos + first * sin], axis=-1
    )
