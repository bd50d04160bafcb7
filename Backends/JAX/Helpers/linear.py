"""Helpers for linear algebra."""

import jax.numpy as jnp
from jax import Array


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    # if not bias: ", plus bias [out]" -> ""
    x = x @ params["weight"].T  # if not always bias
    return x + params["bias"] if "bias" in params else x  # if not always bias
    # if always bias: return x @ params["weight"].T + params["bias"]


def householder_product(x: Array, tau: Array) -> Array:
    """The first columns of the product of reflections 1 - tau * v @ v.T.

    The vectors v are the columns of x [..., M, N] below the diagonal, with 1 on it.
    """
    rows, columns = x.shape[-2:]
    identity = jnp.eye(rows, columns, dtype=x.dtype)
    vectors = jnp.tril(x, -1) + identity
    product = jnp.broadcast_to(identity, x.shape)
    for i in reversed(range(tau.shape[-1])):
        v = vectors[..., i : i + 1]
        product -= tau[..., i, None, None] * v @ (v.conj().mT @ product)
    return product
