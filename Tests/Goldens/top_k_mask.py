"""top_k_mask in JAX, converted from PyTorch 2.13 (goldens.py:top_k_mask).

output = top_k_mask(logits)
output = jax.jit(top_k_mask)(logits)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax


def top_k_mask(logits: Array) -> Array:
    """top_k_mask of logits [N, 9] -> [N, 9] (functions.py:88)."""
    kept = lax.top_k(logits, 3)[0][:, 2:]
    return jax.nn.softmax(jnp.where(logits < kept, -jnp.inf, logits))
