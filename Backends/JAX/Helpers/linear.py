"""Helpers for linear algebra."""

from jax import Array


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    x = x @ params["weight"].T
    return x + params["bias"] if "bias" in params else x
