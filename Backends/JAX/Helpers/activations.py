"""Helpers for activations."""

import math

import jax.numpy as jnp
from jax import Array, lax


def hardtanh(x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    """Limit x to [low, high]; at the limits the gradient is zero."""
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))


def gelu_derivative(x: Array) -> Array:
    """The derivative of the exact gelu: the normal distribution's cdf, and x times its density."""
    density = jnp.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
    return 0.5 * lax.erfc(-x / math.sqrt(2)) + x * density


def gelu_tanh_derivative(x: Array) -> Array:
    """The derivative of gelu by its tanh approximation."""
    c = math.sqrt(2 / math.pi)
    t = jnp.tanh(c * x * (1 + 0.044715 * x**2))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)
