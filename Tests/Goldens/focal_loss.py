"""focal_loss in JAX, converted from PyTorch 2.13 (goldens.py:focal_loss).

output = focal_loss(logits, labels)
output = jax.jit(focal_loss)(logits, labels)
"""

import jax
import jax.numpy as jnp
from jax import Array


def focal_loss(logits: Array, labels: Array) -> Array:
    """focal_loss of logits [N, 4], labels [N] -> [] (functions.py:405)."""
    log_probability = jax.nn.log_softmax(logits)
    log_pt = jnp.take_along_axis(log_probability, labels[:, None], axis=-1)[:, 0]
    return (-((1 - jnp.exp(log_pt)) ** 2) * log_pt).mean()
