"""Stacking parameters."""

import jax
import jax.numpy as jnp


def _stack(layers: list):
    """The parameters of equal layers as one tree, each array with the layers as its first axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *layers)
